// A slice's close: when its result may be frozen, and how rows without an outcome are booked then.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { readBestEffortBlocks } from '../../shared/blocks/best-effort-blocks.ts';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import { isEnding, type LiveJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { openBlocks } from '../../shared/ledger/progress.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { isBlockClosed, isCovered } from '../../shared/ledger/tally.ts';
import { cancelledMessage, narrowed, type Outcome } from '../../shared/report/outcome.ts';

/**
 * Whether nothing of the slice can change any more:
 *
 *   - every block has closed, or
 *   - its job is being ended, and every block that has a row has closed. A block without one had no message sent: its row is
 *     written before. And an upload that stores an item has read, before the order to end, that its job runs; so the message
 *     was sent before the order, and the block has had its row since then, or
 *   - its job is being ended, and no upload that began before the order still runs.
 */
export async function mayClose(
  ledger: Pick<Ledger, 'readBlocks'>,
  job: LiveJob,
  slice: SliceRow,
  { uploadMs, nowMs }: { uploadMs: number; nowMs: number },
): Promise<boolean> {
  if (isCovered(slice.closedBlocks, slice.blocks)) return true;
  if (!isEnding(job)) return false;
  if (uploadsAreOver(job, uploadMs, nowMs)) return true;
  const open = await ledger.readBlocks(openBlocks(job, slice));
  return [...open.values()].every(isBlockClosed);
}

/** Books rows of a slice that no outcome has, with their own columns where the manifest still has them. */
export async function* bookMissing(
  reader: ObjectReader,
  job: LiveJob,
  slice: SliceRow,
  missing: ReadonlySet<number>,
): AsyncGenerator<Outcome> {
  const { status, code, message } = bookingOf(job, slice);
  for await (const { block, accepted, rejected, fault } of readBestEffortBlocks(reader, job, slice)) {
    const isMissing = (number: number) => missing.has(block * job.blockRows + number);
    yield* rejected.flatMap((outcome) => narrowed(outcome, isMissing) ?? []);
    for (const { number, line, item } of accepted) {
      if (!isMissing(number)) continue;
      yield {
        block,
        number,
        status,
        line,
        code,
        message: message + fault,
        ...(item === undefined ? {} : { item }),
      };
    }
  }
}

function bookingOf(
  job: LiveJob,
  slice: SliceRow,
): { status: 'failed' | 'cancelled'; code: string; message: string } {
  const isClosed = isCovered(slice.closedBlocks, slice.blocks);
  if (!isClosed && job.control === 'cancelling') {
    return { status: 'cancelled', code: 'Cancelled', message: cancelledMessage(job) };
  }
  return {
    status: 'failed',
    code: 'Lost',
    message: isClosed
      ? 'it ended, but its outcome is missing from the report bucket'
      : "it had not ended at its job's deadline: its messages were lost, or S3 did not take it in time",
  };
}
