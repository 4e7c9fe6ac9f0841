// What a batch of items holds, by the ledger: what is to be transferred, what has ended already, what has no place.
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import { itemName } from '../../shared/job/identity.ts';
import { isLive, type Job } from '../../shared/job/job.ts';
import { blockName, type Ledger } from '../../shared/ledger/ledger.ts';
import { hasEnded, isBlockClosed } from '../../shared/ledger/tally.ts';
import type { Delivery } from './delivery.ts';

/** A delivery whose row has not ended, under a job that lives. */
export interface OpenItem {
  delivery: Delivery;
  job: Job;
}

export interface FoundItems {
  /** To be transferred; one delivery of each item. */
  open: OpenItem[];
  /** Nothing left to transfer: the row has ended, its job has, or it is in this batch already. */
  ended: Delivery[];
  /** Of a live job, but without a place in a block to be booked in: left to the dead-letter queue. */
  unplaced: Delivery[];
  /** Blocks of live jobs' ended items whose rows have all ended. */
  closed: BlockId[];
  /** The live jobs of the batch. */
  jobs: ReadonlyMap<JobId, Job>;
}

/**
 * Reads the jobs and blocks of a batch. What has ended is not transferred again: a stray duplicate must not overwrite what a later
 * job wrote under the same key. The window that remains: a delivery that looked here before another delivery of its row ended
 * it, or before its job ended, and that writes afterwards. It lasts from this reading to the item's last request, so at most
 * for the rest of the invocation. Where even that is too much, `if-exists: fail` or `skip` has S3 itself refuse.
 */
export async function lookUp(
  ledger: Pick<Ledger, 'getJobs' | 'readBlocks'>,
  deliveries: readonly Delivery[],
): Promise<FoundItems> {
  const messages = deliveries.map(({ message }) => message);
  const blockIds = [...new Map(messages.map((message) => [blockName(message), message])).values()];
  const [known, blocks] = await Promise.all([
    ledger.getJobs([...new Set(messages.map(({ job }) => job))]),
    ledger.readBlocks(blockIds),
  ]);
  const open: OpenItem[] = [];
  const ended: Delivery[] = [];
  const unplaced: Delivery[] = [];
  const closed = new Map<string, BlockId>();
  const seen = new Set<string>();
  for (const delivery of deliveries) {
    const { message } = delivery;
    const job = known.get(message.job);
    const block = blocks.get(blockName(message));
    if (job === undefined || !isLive(job) || seen.has(itemName(message))) ended.push(delivery);
    else if (block === undefined || message.number >= block.size) unplaced.push(delivery);
    else if (hasEnded(block, message.number)) {
      ended.push(delivery);
      if (isBlockClosed(block)) closed.set(blockName(message), message);
    } else open.push({ delivery, job });
    seen.add(itemName(message));
  }
  const jobs = new Map(open.map(({ job }) => [job.id, job]));
  return { open, ended, unplaced, closed: [...closed.values()], jobs };
}
