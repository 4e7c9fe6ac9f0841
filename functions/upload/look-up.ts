// Looks a batch up in the ledger: which items are to be transferred, which have ended, which are unknown.
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import { itemName } from '../../shared/job/identity.ts';
import { isLive, type LiveJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { hasEnded, isBlockClosed } from '../../shared/ledger/tally.ts';
import { messageOfJob } from '../../shared/manifest/s3-source.ts';
import type { Delivery } from './delivery.ts';

/** A delivery of a live job whose row has not ended. */
export interface OpenItem {
  delivery: Delivery;
  job: LiveJob;
}

export interface UnplacedDelivery extends Delivery {
  /** For the log: the same for all items of an unreadable job. */
  reason: string;
}

export interface FoundItems {
  /** To be transferred; one delivery of each item. */
  open: OpenItem[];
  /** Nothing left to transfer: the row has ended, its job has, or it is in this batch already. */
  ended: Delivery[];
  /** Left to the dead-letter queue: the ledger knows no such row, or its job's row can't be read. */
  unplaced: UnplacedDelivery[];
  /** Blocks of live jobs' ended items whose rows have all ended. */
  closed: BlockId[];
  /** The live jobs of the batch. */
  jobs: ReadonlyMap<JobId, LiveJob>;
}

/**
 * Reads the jobs and blocks of a batch. What has ended is not transferred again: a stray duplicate must not overwrite what a
 * later job wrote under the same key. One window remains: this delivery reads the ledger, then another delivery of the row ends,
 * or its job ends, and then this one writes. It lasts from this read to the item's last request, at most for the rest of the
 * invocation. With `if-exists: fail` or `skip` S3 itself refuses such a write.
 */
export async function lookUp(
  ledger: Pick<Ledger, 'getJobs' | 'readBlocks'>,
  deliveries: readonly Delivery[],
): Promise<FoundItems> {
  const messages = deliveries.map(({ message }) => message);
  const blockIds = [...new Map(messages.map((message) => [blockName(message), message])).values()];
  const [{ jobs: known, unreadable }, blocks] = await Promise.all([
    ledger.getJobs([...new Set(messages.map(({ job }) => job))]),
    ledger.readBlocks(blockIds),
  ]);
  const open: OpenItem[] = [];
  const ended: Delivery[] = [];
  const unplaced: UnplacedDelivery[] = [];
  const closed = new Map<string, BlockId>();
  const seen = new Set<string>();
  for (const delivery of deliveries) {
    const { message } = delivery;
    const job = known.get(message.job);
    const block = blocks.get(blockName(message));
    const fault = unreadable.get(message.job);
    if (fault !== undefined) unplaced.push({ ...delivery, reason: fault.message });
    else if (job === undefined || !isLive(job) || seen.has(itemName(message))) ended.push(delivery);
    else if (block === undefined || message.number >= block.size)
      unplaced.push({ ...delivery, reason: `no place in the ledger for ${itemName(message)}` });
    else if (hasEnded(block, message.number)) {
      ended.push(delivery);
      if (isBlockClosed(block)) closed.set(blockName(message), message);
    } else {
      open.push({ delivery: { ...delivery, message: messageOfJob(job, message) }, job });
    }
    seen.add(itemName(message));
  }
  const jobs = new Map(open.map(({ job }) => [job.id, job]));
  return { open, ended, unplaced, closed: [...closed.values()], jobs };
}
