// What sweep counts of all live jobs together, though it works on several at the same time.
import type { Context, ScheduledEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import type { SweepDependencies } from '../../functions/sweep/dependencies.ts';
import { createSweep } from '../../functions/sweep/handler.ts';
import { hashedJobId, type JobId } from '../../shared/job/identity.ts';
import { aRunningJob } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SECOND_MS = 1_000;
const IDS = [0, 1, 2].map((number) => hashedJobId('sweep', String(number)));

it('sweep counts the rows of all jobs, and the age of the oldest', async () => {
  const clock = createVirtualClock();
  const counted: Record<string, unknown>[] = [];
  const sweep = createSweep({
    index: { live: async () => IDS },
    ledger: {
      // Past their deadline, so each is stopped and nothing else is done with it.
      getJob: async (id: JobId) => {
        const number = IDS.indexOf(id);
        await clock.sleep((3 - number) * SECOND_MS);
        return {
          ...aRunningJob(),
          id,
          startedAtMs: clock.now() - (number + 1) * 100 * SECOND_MS,
          deadlineMs: 0,
          plan: { slices: 1, rows: 10 ** number, offset: 0, line: 1 },
        };
      },
      controlJob: async () => ({ kind: 'done' }),
    },
    queue: { sqs: { send: async () => ({}) }, clock, random: () => 0 },
    queueUrls: { ingest: 'i', upload: 'u', settle: 's' },
    clock,
    telemetry: {
      logger: { info: () => undefined, error: () => undefined },
      count: (values: Record<string, unknown>) => counted.push(values),
    },
  } as unknown as SweepDependencies);
  await sweep({} as ScheduledEvent, { getRemainingTimeInMillis: () => 60 * SECOND_MS } as Context);
  expect(counted).toEqual([{ LiveJobs: 3, RowsOutstanding: 111, OldestJobSeconds: 300 }]);
});
