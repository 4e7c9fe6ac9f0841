// SWEEP: each minute, sums the slices of every live job for its status and for the dashboard.
import type { ScheduledEvent } from 'aws-lambda';
import pMap from 'p-map';
import { readEnvironment } from '../shared/aws/environment.ts';
import type { JobId } from '../shared/job/identity.ts';
import { isLive, isSettled } from '../shared/job/job.ts';
import type { JobIndex } from '../shared/ledger/job-index.ts';
import type { Ledger } from '../shared/ledger/ledger.ts';
import { outstandingRows, sumProgress } from '../shared/ledger/progress.ts';
import type { SettleNotice } from '../shared/queue/settle-notice.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';
import { wireLedger, wireQueue } from '../shared/wiring/wiring.ts';

/** Jobs summed at once. */
const CONCURRENCY = 8;

export interface SweepDependencies {
  index: JobIndex;
  ledger: Ledger;
  notifySettle: SettleNotice;
  telemetry: Telemetry;
}

export function createSweep({
  index,
  ledger,
  notifySettle,
  telemetry: { logger, count },
}: SweepDependencies) {
  /** @returns rows of the job that have not ended */
  async function sweepJob(id: JobId): Promise<number> {
    const job = await ledger.getJob(id);
    if (job === undefined || !isLive(job)) return 0;
    const progress = await sumProgress(ledger, job);
    await ledger.recordProgress(id, progress);
    // All settled and still live: the message that would have completed it is on its way, or was lost. Twice does no harm.
    if (isSettled(job)) await notifySettle({ job: id });
    return outstandingRows(progress);
  }

  return async (_event: ScheduledEvent): Promise<void> => {
    const ids = await index.live();
    const errors: string[] = [];
    const outstanding = await pMap(
      ids,
      (id) =>
        sweepJob(id).catch((error: Error) => {
          errors.push(`${id}: ${error.name}: ${error.message}`);
          return 0;
        }),
      { concurrency: CONCURRENCY },
    );
    const rows = outstanding.reduce((sum, left) => sum + left, 0);
    count({ LiveJobs: ids.length, RowsOutstanding: rows });
    logger.info('jobs swept', { jobs: ids.length, rowsOutstanding: rows });
    // One job's fault keeps no other from being swept, yet it counts as the function's error, on which there is an alarm.
    if (errors.length > 0) throw new Error(`jobs not swept: ${errors.join('; ')}`);
  };
}

function dependenciesFromEnvironment(telemetry: Telemetry): SweepDependencies {
  const env = readEnvironment(['SPILLWAY_LEDGER_TABLE', 'SPILLWAY_SETTLE_QUEUE_URL']);
  return { ...wireLedger(env, wireQueue()), telemetry };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createSweep(dependenciesFromEnvironment(telemetry)));
