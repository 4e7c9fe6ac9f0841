// Decides when a job has lost too many rows to go on. Pure. Two shares of rows are held to max-failed-percent, once
// max-failed-after-rows are known.
//
//   failed     of the rows that have ended by themselves (stored, skipped, failed)
//   rejected   of the rows that ingest has read, rejected or not. A bad row ends at once and a good one may wait for S3:
//              of ended rows alone, a few bad ones would be all there are
import { type JobFault, jobFault, type Progress, type RowIntake } from './job.ts';
import type { JobOptions } from './options.ts';

type Thresholds = Pick<JobOptions, 'maxFailedPercent' | 'maxFailedAfterRows'>;

/** The reason to stop the job; undefined if it goes on. */
export function faultOfProgress(options: Thresholds, progress: Progress | undefined): JobFault | undefined {
  if (progress === undefined) return undefined;
  const { done, failed, rejected, intake } = progress;
  return (
    tooManyFailures(options, failed, done + failed) ??
    // The intake leaves out rows that an earlier version sent. Those that have ended were read as well.
    tooManyRejected(options, {
      read: Math.max(intake?.read ?? 0, done + failed + rejected),
      rejected: intake?.rejected ?? 0,
    })
  );
}

export function tooManyRejected(options: Thresholds, { read, rejected }: RowIntake): JobFault | undefined {
  if (!isAbove(options, rejected, read)) return undefined;
  return jobFault(
    'TooManyRejected',
    `${rejected} of the first ${read} rows read are rejected, more than ${options.maxFailedPercent}% (max-failed-percent): the report says why, and the rest is cancelled`,
  );
}

function tooManyFailures(options: Thresholds, failed: number, ended: number): JobFault | undefined {
  if (!isAbove(options, failed, ended)) return undefined;
  return jobFault(
    'TooManyFailures',
    `${failed} of the first ${ended} rows to end have failed, more than ${options.maxFailedPercent}% (max-failed-percent): the rest is cancelled`,
  );
}

function isAbove({ maxFailedPercent, maxFailedAfterRows }: Thresholds, lost: number, of: number): boolean {
  // 100 means never, even if rounding or a count that lags behind says otherwise.
  return maxFailedPercent < 100 && of >= maxFailedAfterRows && lost * 100 > of * maxFailedPercent;
}
