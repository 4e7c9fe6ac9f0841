// A job as its users see it: over the API, in the command's JSON.
import { isLive, type Job, type Progress, unaccountedRows } from './job.ts';

export interface JobView {
  job: string;
  /** A live job that is not simply running shows its control instead of its state. */
  state: Job['state'] | Exclude<Job['control'], 'run'> | 'submitted';
  manifest?: string;
  startedAt?: string;
  endedAt?: string;
  deadline?: string;
  /** The job whose failed rows this one takes up again. */
  redriveOf?: string;
  options?: Job['options'];
  /** Rows known so far; final once the state is neither submitted nor planning. */
  rows?: number;
  /** While the job runs: rows that have ended. `done` is stored or skipped. */
  progress?: Progress;
  stored?: number;
  skipped?: number;
  failed?: number;
  cancelled?: number;
  rejected?: number;
  unaccounted?: number;
  attempts?: number;
  throttled?: number;
  returned?: number;
  reposted?: number;
  bytes?: number;
  report?: string;
  fault?: Job['fault'];
}

export function viewJob(job: Job, progress: Progress | undefined = job.progress): JobView {
  const { bucket, key } = job.manifest;
  return {
    job: job.id,
    state: isLive(job) && job.control !== 'run' ? job.control : job.state,
    manifest: `s3://${bucket}/${key}`,
    startedAt: new Date(job.startedAtMs).toISOString(),
    ...(job.endedAtMs === undefined ? {} : { endedAt: new Date(job.endedAtMs).toISOString() }),
    ...(isLive(job) ? { deadline: new Date(job.deadlineMs).toISOString() } : {}),
    ...(job.redriveOf === undefined ? {} : { redriveOf: job.redriveOf }),
    options: job.options,
    rows: job.plan.rows,
    ...(job.totals === undefined ? {} : { ...job.totals, unaccounted: unaccountedRows(job.totals) }),
    ...(job.totals !== undefined || progress === undefined ? {} : { progress }),
    ...(job.report === undefined ? {} : { report: job.report }),
    ...(job.fault === undefined ? {} : { fault: job.fault }),
  };
}

/** How a job stands, as a sentence goes on that names it. */
export function standingOf(job: Job): string {
  const why = job.fault === undefined ? '' : ` (${job.fault.code}: ${job.fault.message})`;
  if (!isLive(job)) return `has ended as ${job.state}${why}`;
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
