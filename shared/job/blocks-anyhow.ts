// A slice's rows for whoever has to account for every one of them: with their own columns where the manifest can still be read,
// and by their place alone where it can't.
import type { S3Client } from '@aws-sdk/client-s3';
import type { SliceRow } from '../ledger/rows.ts';
import type { Outcome } from '../report/outcome.ts';
import { classifyFault } from '../transfer/classify.ts';
import { type Block, readSliceBlocks } from './blocks.ts';
import type { Job } from './job.ts';

export interface AnyhowBlock extends Omit<Block, 'accepted'> {
  /** A row's columns may be unknown; its line is 0 then. */
  accepted: { number: number; line: number; item?: Outcome['item'] }[];
  /** Why the block could not be read, to be put behind a sentence; else empty. */
  fault: string;
}

/**
 * The slice's blocks as the manifest has them; from the first that can't be read any more on (it was deleted, or is closed to
 * us), as the plan counted them, with the reading's error as their fault.
 * @throws what may pass: whoever accounts for the rows tries again
 */
export async function* readBlocksAnyhow(
  s3: S3Client,
  job: Job,
  slice: SliceRow,
): AsyncGenerator<AnyhowBlock> {
  let next = 0;
  let fault = '';
  try {
    // Whether a source is allowed no longer matters: no row of these is transferred.
    for await (const block of readSliceBlocks({ s3, sourceBuckets: 'any' }, job, slice)) {
      yield { ...block, fault };
      next = block.block + 1;
    }
  } catch (error) {
    const { kind, message } = classifyFault(error);
    // What may be read the next time is not given up for its place alone.
    if (kind !== 'permanent') throw error;
    fault = `; the manifest could not be read: ${message}`;
  }
  for (; next < slice.blocks; next++) {
    const size = Math.min(job.blockRows, slice.rows - next * job.blockRows);
    const accepted = Array.from({ length: size }, (_, number) => ({ number, line: 0 }));
    yield { block: next, size, accepted, rejected: [], fault };
  }
}
