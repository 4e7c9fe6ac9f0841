// Sends a slice's rows: each block's row is in the ledger before its messages are sent, and what was sent is remembered in
// the slice, so that a redelivered slice carries on. Of a block that has a row already, only what it lacks is sent.
import pMap from 'p-map';
import {
  type AcceptedRow,
  type Block,
  type BlockReaderDependencies,
  openBlock,
  readSliceBlocks,
} from '../../shared/blocks/read-blocks.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import type { JobFault, LiveJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { hasEnded } from '../../shared/ledger/tally.ts';
import { sourceReading } from '../../shared/manifest/s3-source.ts';
import { type QueueDependencies, sendMessageForEach } from '../../shared/queue/batches.ts';
import { createMessageWriter } from '../../shared/queue/messages.ts';
import { readQueueDepth } from '../../shared/queue/queue-depth.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { createHold } from './hold-slice.ts';
import { inTurns } from './in-turns.ts';
import { watchControl } from './watch-control.ts';
import { watchRejects } from './watch-rejects.ts';

/** Blocks in hand at once: while the messages of one are sent, 16 batches at a time, the row of the next one is opened. */
const BLOCK_CONCURRENCY = 2;
/** Blocks after which those that were sent are remembered, and rows at most. After a crash, so much is sent twice. */
const REMEMBERED_BLOCKS = 16;
const REMEMBERED_ROWS = 8_000;

export interface SendSliceDependencies {
  blocks: BlockReaderDependencies;
  ledger: Pick<
    Ledger,
    'getJob' | 'getSlices' | 'openBlock' | 'markSent' | 'controlJob' | 'feed' | 'lead' | 'endFeeding'
  >;
  outcomes: Pick<OutcomeStore, 'write'>;
  queue: QueueDependencies;
  uploadQueueUrl: string;
  clock: Clock;
  /** Hears of each block once it is sent, also where the slice fails later. */
  onBlock?: (sent: SentBlock) => void;
}

export interface SentBlock {
  /** Rows that were sent, and rejected. */
  accepted: number;
  rejected: number;
  /** Whether an earlier call had begun it. */
  wasOpened: boolean;
}

/**
 * sent          every row of the slice is on its way, or has ended
 * out of time   the rest is for another invocation
 * halted        the job is paused or ending, or is stopped by this call: the rest is not sent now
 * held          what was sent suffices for a while (hold-slice.ts): the rest is for later
 */
export interface SliceSending {
  end: 'sent' | 'out of time' | 'halted' | 'held';
  /** Rows that this call sent, and rejected. */
  accepted: number;
  rejected: number;
  /** Why this call stopped the job. */
  fault?: JobFault;
  /** Of a slice that is held: milliseconds until it is to be asked for again. */
  heldMs?: number;
}

export async function sendSlice(
  { blocks, ledger, outcomes, queue, uploadQueueUrl, clock, onBlock }: SendSliceDependencies,
  job: LiveJob,
  slice: SliceRow,
  deadlineMs: number,
): Promise<SliceSending> {
  const id: SliceId = { job: job.id, slice: slice.slice };
  const sending: SliceSending = { end: 'sent', accepted: 0, rejected: 0 };
  const control = watchControl({ ledger, clock }, job);
  const rejects = watchRejects({ ledger }, job, slice);
  let read = 0;
  let unmarked: number[] = [];
  const faults: unknown[] = [];
  // Neighbours in the queue lie in one block, so a batch of upload writes to few of them.
  const inTurn = inTurns();

  const remember = async () => {
    const marking = unmarked;
    unmarked = [];
    await ledger.markSent(id, slice.replays, marking, rejects.intake);
  };
  const sendBlock = async (block: Block): Promise<void> => {
    read += block.size;
    if (slice.sentBlocks.has(block.block)) return;
    const row = await openBlock({ ledger, outcomes }, id, block);
    const missing = block.accepted.filter(({ number }) => !hasEnded(row, number));
    const isReplay = slice.replays > 0 || row.openings > 1;
    const write = createMessageWriter(
      { ...id, block: block.block },
      clock.now(),
      isReplay,
      sourceReading(job),
    );
    const messageOf = (each: AcceptedRow) => ({ body: write(each), groupId: id.job });
    await inTurn(() => sendMessageForEach(queue, uploadQueueUrl, missing, messageOf));
    const sent = { accepted: missing.length, rejected: block.size - block.accepted.length };
    sending.accepted += sent.accepted;
    sending.rejected += sent.rejected;
    onBlock?.({ ...sent, wasOpened: row.openings > 1 });
    unmarked.push(block.block);
    const isMuch = unmarked.length * job.blockRows >= REMEMBERED_ROWS;
    if (isMuch || unmarked.length >= REMEMBERED_BLOCKS) await remember();
  };
  /** Its rows are not opened then: settle books them as it books all that is left of a job that was stopped. */
  const stopForRejects = async (block: Block): Promise<boolean> => {
    const fault = await rejects.see(block);
    if (fault === undefined) return false;
    await ledger.controlJob(id.job, 'cancelling', fault);
    sending.end = 'halted';
    sending.fault = fault;
    return true;
  };
  const visibleMessages = async () => (await readQueueDepth(queue, uploadQueueUrl)).visible;
  const mustStop = async (): Promise<boolean> => {
    if (sending.end !== 'sent') return true;
    if (clock.now() >= deadlineMs) sending.end = 'out of time';
    else if ((await control()) !== 'run') sending.end = 'halted';
    return sending.end !== 'sent';
  };
  const hold = createHold({ ledger, clock, visibleMessages, mustStop }, job, slice);
  const isHeld = async (block: Block): Promise<boolean> => {
    const heldMs = await hold(block);
    // The hold may have waited in place: the time, and what its job was ordered, come before its answer.
    if (await mustStop()) return true;
    if (heldMs !== undefined) Object.assign(sending, { end: 'held', heldMs });
    return heldMs !== undefined;
  };
  /** What is left of a slice that is not sent further need not be read. */
  async function* whileSending(all: AsyncIterable<Block>): AsyncGenerator<Block> {
    for await (const block of all) {
      if (faults.length > 0 || sending.end !== 'sent') return;
      yield block;
    }
  }
  // A fault ends the slice, but not before the blocks under way have ended and are remembered: Lambda freezes what runs on.
  const trySending = async (block: Block): Promise<void> => {
    if (faults.length > 0) return;
    try {
      if (!(await mustStop()) && !(await stopForRejects(block)) && !(await isHeld(block)))
        await sendBlock(block);
    } catch (error) {
      faults.push(error);
    }
  };
  await pMap(whileSending(readSliceBlocks(blocks, job, slice)), trySending, {
    concurrency: BLOCK_CONCURRENCY,
  });
  await remember();
  if (sending.end !== 'held' && sending.end !== 'out of time') await ledger.endFeeding(id);
  if (faults.length > 0) throw faults[0];
  if (sending.end === 'sent' && read !== slice.rows) {
    throw new Error(`slice ${id.job}/${id.slice} was planned with ${slice.rows} rows, and ${read} were read`);
  }
  return sending;
}
