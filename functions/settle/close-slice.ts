// A slice's close: when its result may be frozen, and how rows without an outcome are booked then.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { readBestEffortBlocks } from '../../shared/blocks/best-effort-blocks.ts';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import { isEnding, type LiveJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { openBlocks } from '../../shared/ledger/progress.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { hasEnded, isBlockClosed, isCovered } from '../../shared/ledger/tally.ts';
import { cancelledMessage, narrowed, type Outcome } from '../../shared/report/outcome.ts';

/**
 * Whether nothing of the slice can change any more:
 *
 *   - every block has closed, or
 *   - its job is being ended, and every block that has a row has closed. Of a block without a row no message was sent, since the
 *     row is written first. An upload that stores an item has read its job as running before the order to end. So its message was
 *     sent before the order, and its block has had a row since then, or
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

/** Whether the ledger has a row as ended. */
export type WasBooked = (block: number, number: number) => boolean;

/** Reads the blocks of a slice with damaged outcomes: they show which of its missing rows had an outcome. */
export async function readBooked(
  ledger: Pick<Ledger, 'readBlocks'>,
  id: SliceId,
  blocks: number,
): Promise<WasBooked> {
  const ids = Array.from({ length: blocks }, (_, block) => ({ ...id, block }));
  const rows = await ledger.readBlocks(ids);
  return (block, number) => {
    const row = rows.get(blockName({ ...id, block }));
    return row !== undefined && hasEnded(row, number);
  };
}

/**
 * Books rows of a slice that no outcome has, with their own columns where the manifest still has them.
 * @param wasBooked given where outcomes are damaged
 */
export async function* bookMissing(
  reader: ObjectReader,
  job: LiveJob,
  slice: SliceRow,
  missing: ReadonlySet<number>,
  wasBooked: WasBooked = () => false,
): AsyncGenerator<Outcome> {
  const usual = bookingOf(job, slice);
  for await (const { block, accepted, rejected, fault } of readBestEffortBlocks(reader, job, slice)) {
    const isMissing = (number: number) => missing.has(block * job.blockRows + number);
    yield* rejected.flatMap((outcome) => narrowed(outcome, isMissing) ?? []);
    for (const { number, line, item } of accepted) {
      if (!isMissing(number)) continue;
      const { status, code, message } = wasBooked(block, number) ? DAMAGED : usual;
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

interface Booking {
  status: 'failed' | 'cancelled';
  code: string;
  message: string;
}

const DAMAGED: Booking = {
  status: 'failed',
  code: 'OutcomeUnreadable',
  message:
    'it ended, and its outcome is damaged, so it may be stored: look at its object, or redrive with if-exists skip',
};

function bookingOf(job: LiveJob, slice: SliceRow): Booking {
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
