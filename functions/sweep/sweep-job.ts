// Sweeps one job: stops it when it is past its deadline or too many rows fail, and otherwise reconciles it.

import type { JobId } from '../../shared/job/identity.ts';
import {
  isEnded,
  isEnding,
  isLive,
  type LiveJob,
  type Progress,
  type UnopenedJob,
} from '../../shared/job/job.ts';
import { outstandingRows } from '../../shared/ledger/progress.ts';
import type { IngestRequest } from '../../shared/queue/ingest-request.ts';
import type { Announcer } from '../../shared/report/announce.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { SweepDependencies } from './dependencies.ts';
import { type Backlog, orderFor } from './job-needs.ts';
import { reconcileJob } from './reconcile-job.ts';

export interface SweptJob {
  /** Rows that have not ended. */
  rowsOutstanding: number;
  /** Seconds since its manifest was first seen; 0 of a job that has ended meanwhile. */
  ageSeconds: number;
  /** Slices of it that could not be read, with the reasons; absent: none. */
  lost?: string;
}

/**
 * @param untilMs epoch ms after which nothing more is started
 * @returns what the job adds to the metrics of all live jobs
 */
export async function sweepJob(
  dependencies: SweepDependencies & { requestIngest: IngestRequest; announcer: Announcer },
  id: JobId,
  backlog: Backlog,
  untilMs: number,
): Promise<SweptJob> {
  const { ledger, queue, clock, limits, announcer, telemetry } = dependencies;
  const job = await ledger.getJob(id);
  if (job === undefined || isEnded(job)) return { rowsOutstanding: 0, ageSeconds: 0 };
  const before = job.state === 'unopened' ? undefined : job.progress;
  const ageSeconds = Math.max(0, (clock.now() - job.startedAtMs) / 1000);
  if (await stopInTime(dependencies, job, before))
    return { rowsOutstanding: rowsOutstanding(job, before), ageSeconds };
  if (isLive(job) && job.ending === undefined) await announcer.start(job);

  const { progress, done, lost } = await reconcileJob(
    { ...dependencies, random: queue.random },
    job,
    { backlog, limits, nowMs: clock.now() },
    untilMs,
  );
  telemetry.count({ SlicesReplayed: done.replayed });
  if (Object.values(done).some((times) => times > 0))
    telemetry.logger.warn(LOG.jobReconciled, { job: id, ending: isEnding(job), backlog, ...done });
  if (lost !== undefined) telemetry.logger.error(LOG.sliceRowUnreadable, { job: id, lost });
  const isStopped = await stopInTime(dependencies, job, progress);
  if (!isStopped && isLive(job)) await announcer.rows(job, progress);
  return {
    ...{ rowsOutstanding: rowsOutstanding(job, progress), ageSeconds },
    ...(lost === undefined ? {} : { lost }),
  };
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
