// How far a job is: the counts of its slices' closed blocks, and of as many open blocks as are worth reading.
import type { BlockId } from '../job/identity.ts';
import type { Job, LiveJob, Progress, RowIntake } from '../job/job.ts';
import type { Ledger } from './ledger.ts';
import type { SliceRow } from './rows.ts';
import { SLICE_PAGE } from './slice-rows.ts';
import { type BlockCounts, countBlock, ROW_ENDS } from './tally.ts';

/** Open blocks read for one page of slices: 2 read units each. Where there are more, the closed ones alone are enough. */
const OPEN_BLOCKS_MOST = 400;

/** Reads every slice of the job: for jobs of few. */
export async function sumProgress(
  ledger: Pick<Ledger, 'getSlices' | 'readBlocks'>,
  job: Pick<LiveJob, 'id' | 'plan'>,
): Promise<Progress> {
  const { slices } = job.plan;
  let sum = emptyProgress();
  for (let from = 0; from < slices; from += SLICE_PAGE) {
    const page = await ledger.getSlices(job.id, from, Math.min(slices, from + SLICE_PAGE));
    sum = await addSlices(ledger, job, sum, page);
  }
  return sum;
}

/** @returns the sum with these slices in it */
export async function addSlices(
  ledger: Pick<Ledger, 'readBlocks'>,
  job: Pick<Job, 'id'>,
  before: Progress,
  slices: readonly SliceRow[],
): Promise<Progress> {
  const sum = { ...before };
  for (const slice of slices) {
    sum.rows += slice.rows;
    sum.intake = addIntake(sum.intake, slice.intake);
    for (const counts of slice.counts.values()) addCounts(sum, counts);
  }
  const openCount = slices.reduce((count, { blocks, counts }) => count + blocks - counts.size, 0);
  if (openCount === 0 || openCount > OPEN_BLOCKS_MOST) return sum;
  const open = await ledger.readBlocks(slices.flatMap((slice) => openBlocks(job, slice)));
  for (const block of open.values()) addCounts(sum, countBlock(block));
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

export function emptyProgress(): Progress {
  return { rows: 0, done: 0, failed: 0, cancelled: 0, rejected: 0, intake: { read: 0, rejected: 0 } };
}

const NOTHING_READ: RowIntake = { read: 0, rejected: 0 };

export function addIntake(left: RowIntake = NOTHING_READ, right: RowIntake = NOTHING_READ): RowIntake {
  return { read: left.read + right.read, rejected: left.rejected + right.rejected };
}

function addCounts(sum: Progress, counts: BlockCounts): void {
  for (const end of ROW_ENDS) sum[end] += counts[end];
}

export function outstandingRows({ rows, done, failed, cancelled, rejected }: Progress): number {
  return rows - done - failed - cancelled - rejected;
}
