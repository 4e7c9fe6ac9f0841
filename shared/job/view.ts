// A job as its users see it: in the API's answers and the command's JSON.
import type { JobId } from './identity.ts';
import {
  conversionUnderWay,
  faultOf,
  isEnded,
  type Job,
  type JobControl,
  type JobFault,
  type JobState,
  type Progress,
  type SettledTotals,
  unaccountedRows,
} from './job.ts';
import type { JobOptions } from './options.ts';

/** Its totals are there once it has ended; of a live job only the rows that are known so far. */
export interface JobView extends Partial<SettledTotals> {
  job: string;
  /**
   * A live job that is not simply running shows its control instead of its state. Of an `unreadable` one only the id and the
   * fault are known.
   */
  state: JobState | Exclude<JobControl, 'run'> | 'submitted' | 'unreadable';
  manifest?: string;
  startedAt?: string;
  endedAt?: string;
  deadline?: string;
  /** The job whose failed rows this one redrives. */
  redriveOf?: string;
  /** What its manifest is being converted from, before its rows are known: gzip, say. */
  converting?: string;
  /** Absent where the job failed before they were read. */
  options?: JobOptions;
  /** While the job runs: rows that have ended. `done` is stored or skipped. */
  progress?: Progress;
  unaccounted?: number;
  report?: string;
  fault?: JobFault;
}

/** @param progress of a live job */
export function viewJob(job: Job, progress?: Progress): JobView {
  const { id, manifest, startedAtMs, redriveOf, options } = job;
  const fault = faultOf(job);
  return {
    job: id,
    ...viewState(job, progress),
    manifest: `s3://${manifest.bucket}/${manifest.key}`,
    startedAt: new Date(startedAtMs).toISOString(),
    ...(redriveOf === undefined ? {} : { redriveOf }),
    ...(options === undefined ? {} : { options }),
    ...(fault === undefined ? {} : { fault }),
  };
}

/** A job in a list whose row can't be read. */
export function viewUnreadable(job: JobId, message: string): JobView {
  return { job, state: 'unreadable', fault: { code: 'RowUnreadable', message } };
}

/** What a job of its state alone has. */
function viewState(job: Job, progress: Progress | undefined): Omit<JobView, 'job'> {
  if (job.state === 'unopened') return { state: 'planning', rows: 0 };
  if (isEnded(job)) {
    const { state, endedAtMs, totals, report } = job;
    const endedAt = new Date(endedAtMs).toISOString();
    return { state, endedAt, ...totals, unaccounted: unaccountedRows(totals), report };
  }
  const known = progress ?? job.progress;
  const converting = conversionUnderWay(job);
  return {
    state: job.control === 'run' ? job.state : job.control,
    deadline: new Date(job.deadlineMs).toISOString(),
    rows: job.plan.rows,
    ...(converting === undefined ? {} : { converting }),
    ...(known === undefined ? {} : { progress: known }),
  };
}

/** What a job is doing, as the predicate of a sentence: "is paused", "has ended as failed (Code: why)". */
export function describeState(job: Job): string {
  const fault = faultOf(job);
  const why = fault === undefined ? '' : ` (${fault.code}: ${fault.message})`;
  if (isEnded(job)) return `has ended as ${job.state}${why}`;
  if (job.ending !== undefined) return `has settled, and ends as ${job.ending}${why}`;
  switch (job.control) {
    case 'run':
      return 'is running';
    case 'paused':
      return 'is paused';
    case 'cancelling':
      return why === '' ? 'is being cancelled' : `is being ended${why}`;
    case 'expiring':
      return `is past its deadline, and being ended${why}`;
  }
}
