// How far a job is: the counts of its slices' closed blocks, and of as many open blocks as are worth reading.
import type { BlockId } from '../job/identity.ts';
import type { Job, Progress } from '../job/job.ts';
import type { Ledger } from './ledger.ts';
import type { SliceRow } from './rows.ts';
import { type BlockCounts, countBlock } from './tally.ts';

/** Slices read at a time: ten BatchGetItem calls side by side. */
const PAGE = 1_000;

/** Open blocks read for one sum: 2 read units each. Of a job with more, the closed blocks alone tell enough. */
const OPEN_BLOCKS_MOST = 400;

/** @param look is shown every slice that is read */
export async function sumProgress(
  ledger: Pick<Ledger, 'getSlices' | 'readBlocks'>,
  job: Job,
  look: (slice: SliceRow) => void = () => undefined,
): Promise<Progress> {
  const sum: Progress = { rows: 0, done: 0, failed: 0, cancelled: 0, rejected: 0 };
  const open: BlockId[] = [];
  const slices = job.slices ?? job.plan.slices;
  for (let from = 0; from < slices; from += PAGE) {
    const page = await ledger.getSlices(job.id, from, Math.min(slices, from + PAGE));
    for (const slice of page) {
      look(slice);
      sum.rows += slice.rows;
      for (const counts of slice.counts.values()) addCounts(sum, counts);
      if (open.length <= OPEN_BLOCKS_MOST) open.push(...openBlocks(job, slice));
    }
  }
  if (open.length > OPEN_BLOCKS_MOST) return sum;
  for (const block of (await ledger.readBlocks(open)).values()) addCounts(sum, countBlock(block));
  return sum;
}

/** The slice's blocks that are not closed, whether they have a row or not. */
export function openBlocks(job: Pick<Job, 'id'>, slice: SliceRow): BlockId[] {
  return Array.from({ length: slice.blocks }, (_, block) => ({
    job: job.id,
    slice: slice.slice,
    block,
  })).filter(({ block }) => !slice.counts.has(block));
}

function addCounts(sum: Progress, counts: BlockCounts): void {
  sum.done += counts.done;
  sum.failed += counts.failed;
  sum.cancelled += counts.cancelled;
  sum.rejected += counts.rejected;
}

export function outstandingRows({ rows, done, failed, cancelled, rejected }: Progress): number {
  return rows - done - failed - cancelled - rejected;
}
