// A slice's rows for callers that have to account for each of them: with their columns where the manifest can still be read, else
// by their place alone.
import { classifyFault } from '../aws/classify.ts';
import { isGone, type ObjectReader } from '../aws/object-range.ts';
import type { OpenedJob } from '../job/job.ts';
import type { SliceRow } from '../ledger/rows.ts';
import { canReadRowsOf, otherParserFault } from '../manifest/parser-version.ts';
import type { Outcome } from '../report/outcome.ts';
import { type Block, readSliceBlocks } from './read-blocks.ts';

export interface BestEffortBlock extends Omit<Block, 'accepted'> {
  /** A row's columns may be unknown; its line is 0 then. */
  accepted: { number: number; line: number; item?: Outcome['item'] }[];
  /** Why the block could not be read, to be appended to a sentence; else empty. */
  fault: string;
}

/**
 * The slice's blocks, read from the manifest. From the first block on that can't be read, they follow from the plan's counts,
 * with the error of the read as their fault. A manifest may be deleted, no longer readable by us, or cut by another version of
 * the parser.
 * @throws temporary errors: the caller that accounts for the rows tries again
 */
export async function* readBestEffortBlocks(
  reader: ObjectReader,
  job: OpenedJob,
  slice: SliceRow,
): AsyncGenerator<BestEffortBlock> {
  let next = 0;
  let fault = faultBefore(job, slice);
  try {
    // None of these rows is transferred, so their sources need not be allowed.
    const blocks = fault === '' ? readSliceBlocks({ ...reader, sources: 'unchecked' }, job, slice) : [];
    for await (const block of blocks) {
      yield { ...block, fault };
      next = block.block + 1;
    }
  } catch (error) {
    const reading = classifyFault(error);
    // A later try may still read these rows, so they are not reduced to their places.
    if (reading.kind !== 'permanent' && !isGone(reading)) throw error;
    fault = `; the manifest could not be read: ${reading.message}`;
  }
  for (; next < slice.blocks; next++) {
    const size = Math.min(job.blockRows, slice.rows - next * job.blockRows);
    const accepted = Array.from({ length: size }, (_, number) => ({ number, line: 0 }));
    yield { block: next, size, accepted, rejected: [], fault };
  }
}

/** Why nothing of the slice can be read; else empty. */
function faultBefore(job: OpenedJob, { place }: Pick<SliceRow, 'place'>): string {
  if (place.kind === 'unreadable') return `; ${place.error.message}`;
  return canReadRowsOf(job) ? '' : `; ${otherParserFault(job).message}`;
}
