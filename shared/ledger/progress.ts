// How far a job is: its slices' closed blocks, summed.
import type { Job, Progress } from '../job/job.ts';
import type { Ledger } from './ledger.ts';
import type { SliceRow } from './rows.ts';

/** Slices read at a time: ten BatchGetItem calls side by side. */
const PAGE = 1_000;

export async function sumProgress(ledger: Pick<Ledger, 'getSlices'>, job: Job): Promise<Progress> {
  const sum: Progress = { rows: 0, done: 0, failed: 0, cancelled: 0, rejected: 0 };
  const slices = job.slices ?? job.plan.slices;
  for (let from = 0; from < slices; from += PAGE) {
    for (const slice of await ledger.getSlices(job.id, from, Math.min(slices, from + PAGE)))
      addSlice(sum, slice);
  }
  return sum;
}

function addSlice(sum: Progress, slice: SliceRow): void {
  sum.rows += slice.rows;
  for (const counts of slice.counts.values()) {
    sum.done += counts.done;
    sum.failed += counts.failed;
    sum.cancelled += counts.cancelled;
    sum.rejected += counts.rejected;
  }
}

export function outstandingRows({ rows, done, failed, cancelled, rejected }: Progress): number {
  return rows - done - failed - cancelled - rejected;
}
