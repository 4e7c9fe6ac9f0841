// Sweeps one job: stops it when it is past its deadline or too many rows fail, and otherwise reconciles it.

import type { JobId } from '../../shared/job/identity.ts';
import { isEnded, isEnding, type LiveJob, type Progress, type UnopenedJob } from '../../shared/job/job.ts';
import { outstandingRows } from '../../shared/ledger/progress.ts';
import type { IngestRequest } from '../../shared/queue/ingest-request.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { SweepDependencies } from './dependencies.ts';
import { type Backlog, orderFor } from './job-needs.ts';
import { reconcileJob } from './reconcile-job.ts';

/**
 * @param untilMs epoch ms after which nothing more is started
 * @returns rows of the job that have not ended
 */
export async function sweepJob(
  dependencies: SweepDependencies & { requestIngest: IngestRequest },
  id: JobId,
  backlog: Backlog,
  untilMs: number,
): Promise<number> {
  const { ledger, queue, clock, limits, telemetry } = dependencies;
  const job = await ledger.getJob(id);
  if (job === undefined || isEnded(job)) return 0;
  const before = job.state === 'unopened' ? undefined : job.progress;
  if (await stopInTime(dependencies, job, before)) return rowsOutstanding(job, before);

  const { progress, done } = await reconcileJob(
    { ...dependencies, random: queue.random },
    job,
    { backlog, limits, nowMs: clock.now() },
    untilMs,
  );
  telemetry.count({ SlicesReplayed: done.replayed });
  if (Object.values(done).some((times) => times > 0))
    telemetry.logger.warn(LOG.jobReconciled, { job: id, ending: isEnding(job), backlog, ...done });
  await stopInTime(dependencies, job, progress);
  return rowsOutstanding(job, progress);
}

/** @returns whether the job was stopped */
async function stopInTime(
  { ledger, clock, telemetry }: SweepDependencies,
  job: LiveJob | UnopenedJob,
  progress: Progress | undefined,
): Promise<boolean> {
  const order = orderFor(job, progress, clock.now());
  if (order === undefined) return false;
  const { control, fault } = order;
  const { kind } = await ledger.controlJob(job.id, control, fault);
  telemetry.logger.error(LOG.jobStopped, { job: job.id, control, fault, kind });
  return true;
}

function rowsOutstanding(job: LiveJob | UnopenedJob, progress: Progress | undefined): number {
  if (job.state === 'unopened') return 0;
  const { rows } = job.plan;
  return progress === undefined ? rows : outstandingRows({ ...progress, rows });
}
