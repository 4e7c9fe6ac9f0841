// Scheduled runs on the embedded cloud: what Lambda does with those that fail.
import { describe, expect, it } from 'vitest';
import type { InvokeResult } from '../../local/lambda/host.ts';
import { startSchedules } from '../../local/lambda/schedule.ts';
import type { AsynchronousModel, FunctionModel } from '../../local/service/model.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const HOUR_MS = 3_600_000;
const FAILED: InvokeResult = { kind: 'failed', error: { errorType: 'E', errorMessage: 'm', trace: [] } };
const ANSWERED: InvokeResult = { kind: 'answered', payload: 'null' };

/** The minutes after the first run at which the function was called with the event of that run. */
async function attempts(asynchronous: AsynchronousModel, results: InvokeResult[]): Promise<number[]> {
  const clock = createVirtualClock();
  const seen: { atMs: number; id: string }[] = [];
  const model = {
    ...{ name: 'tick', deployedName: 'tick', arn: 'arn:tick', asynchronous },
    schedules: [{ everyMs: HOUR_MS, enabled: true }],
  } as unknown as FunctionModel;
  const schedules = startSchedules(
    {
      clock,
      random: createRandom(1),
      host: {
        invoke: async (_, payload) => {
          const { id } = JSON.parse(payload) as { id: string };
          seen.push({ atMs: clock.now(), id });
          return results[seen.length - 1] ?? ANSWERED;
        },
      },
    },
    { tick: model },
    { region: 'us-east-1', accountId: '000000000000' },
  );
  await clock.sleep(HOUR_MS * 1.5);
  await schedules.stop();
  const [first] = seen;
  return seen.filter(({ id }) => id === first?.id).map(({ atMs }) => (atMs - (first?.atMs ?? 0)) / 60_000);
}

describe('a scheduled run that fails', () => {
  it('is tried twice more by default, after a minute and after two', async () => {
    const byDefault = { maximumRetryAttempts: 2, maximumEventAgeMs: 6 * HOUR_MS };
    expect(await attempts(byDefault, [FAILED, FAILED, FAILED, FAILED])).toEqual([0, 1, 3]);
    expect(await attempts(byDefault, [FAILED, ANSWERED])).toEqual([0, 1]);
    expect(await attempts(byDefault, [ANSWERED])).toEqual([0]);
  });

  it('is not tried again where the function takes no retries', async () => {
    expect(await attempts({ maximumRetryAttempts: 0, maximumEventAgeMs: 60_000 }, [FAILED])).toEqual([0]);
  });

  it('is dropped once its event is too old', async () => {
    expect(await attempts({ maximumRetryAttempts: 2, maximumEventAgeMs: 90_000 }, [FAILED, FAILED])).toEqual([
      0, 1,
    ]);
  });
});
