// What the routes of one job have in common: its present progress, and the answers about a job that has no row in the ledger.
import type { JobId } from '../../shared/job/identity.ts';
import { isLive, type Job, type Progress } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { sumProgress } from '../../shared/ledger/progress.ts';
import { KEEP_DAYS } from '../../shared/ledger/table.ts';
import { HttpError } from './problem.ts';
import { type Inbox, wasSubmitted } from './submit-manifest.ts';

/** Slices are summed for each request up to this number. A larger job shows the last sum of sweep. */
const MAX_SUMMED_SLICES = 100;
/** Seconds until an order to a submitted job that is not open yet is worth another try. */
const OPENING_SECONDS = 2;

export type ProgressReader = Pick<Ledger, 'getSlices' | 'readBlocks'>;

export async function progressOf(ledger: ProgressReader, job: Job): Promise<Progress | undefined> {
  return isLive(job) && job.plan.slices <= MAX_SUMMED_SLICES ? sumProgress(ledger, job) : undefined;
}

export function unknownJob(id: JobId): HttpError {
  return new HttpError(404, `there is no job ${id}; ended jobs are kept for ${KEEP_DAYS} days`);
}

/** The answer to an order for a job without a row: its manifest may be submitted already. */
export async function unopenedJob(inbox: Inbox, id: JobId): Promise<HttpError> {
  if (!(await wasSubmitted(inbox, id))) return unknownJob(id);
  return new HttpError(409, `job ${id} was submitted, but is not open yet: try again in some seconds`, {
    headers: { 'retry-after': String(OPENING_SECONDS) },
  });
}
