// A job as its users see it: over the API, in the command's JSON.
import { type Job, type Progress, unaccountedRows } from './job.ts';

export interface JobView {
  job: string;
  state: Job['state'] | 'submitted';
  manifest?: string;
  startedAt?: string;
  endedAt?: string;
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
    state: job.state,
    manifest: `s3://${bucket}/${key}`,
    startedAt: new Date(job.startedAtMs).toISOString(),
    ...(job.endedAtMs === undefined ? {} : { endedAt: new Date(job.endedAtMs).toISOString() }),
    options: job.options,
    rows: job.plan.rows,
    ...(job.totals === undefined ? {} : { ...job.totals, unaccounted: unaccountedRows(job.totals) }),
    ...(job.totals !== undefined || progress === undefined ? {} : { progress }),
    ...(job.report === undefined ? {} : { report: job.report }),
    ...(job.fault === undefined ? {} : { fault: job.fault }),
  };
}
