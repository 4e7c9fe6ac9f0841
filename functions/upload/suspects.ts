// Suspects: items that came back from the dead-letter queue, because a worker may have died of them. Each is uploaded alone,
// in quarantine, so that it can't fail other items.
//
//   - Its neighbours are first accounted for, given back or reposted, and finished messages are deleted. If the worker then
//     dies, only the suspect comes again.
//   - A suspect that comes back beside ordinary items may have failed because of one of them. So it is separated from them, once,
//     before any of them is started.
//   - A suspect that kills its worker comes again as often as the queue allows, and then reaches the dead-letter handler a
//     second time, which fails it. The others are stored in their turn.
import { isRunning } from '../../shared/job/job.ts';
import { deleteMessages, type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { suspectDelaySeconds } from '../../shared/queue/suspect-delay.ts';
import type { Random } from '../../shared/time/random.ts';
import { type Delivery, repostOf } from './delivery.ts';
import type { OpenItem } from './look-up.ts';

/** A separated suspect comes back within so many seconds, at a random one: not with the same items. */
const PART_MOST_SECONDS = 30;

export interface SetApart {
  others: OpenItem[];
  /** Suspects to separate from the others. */
  parting: OpenItem[];
  /** The one to upload now: picked at random, so that none waits for ever. */
  suspect: OpenItem | undefined;
  /** Further suspects, which wait. */
  waiting: OpenItem[];
}

/** Items of a halted job are not started, so they are no suspects here. */
export function setSuspectsApart(open: readonly OpenItem[], random: Random): SetApart {
  const isSuspect = ({ delivery, job }: OpenItem) => delivery.message.suspect === true && isRunning(job);
  const others = open.filter((item) => !isSuspect(item));
  const cameTogether = ({ delivery: { receiveCount, message } }: OpenItem) =>
    others.length > 0 && receiveCount > 1 && message.parted !== true;
  const parting = open.filter((item) => isSuspect(item) && cameTogether(item));
  const suspects = open.filter((item) => isSuspect(item) && !cameTogether(item));
  const suspect = suspects[Math.floor(random() * suspects.length)];
  return {
    others,
    parting,
    suspect,
    waiting: suspects.filter((item) => item !== suspect),
  };
}

/** @returns the messages that could not be sent again and stay in the queue */
export async function partSuspects(
  queue: QueueDependencies,
  queueUrl: string,
  parting: readonly Delivery[],
): Promise<{ staying: string[]; reposted: number; errors: Error[] }> {
  const errors: Error[] = [];
  try {
    const reposts = parting.map((delivery) => ({
      ...repostOf(delivery, undefined, { parted: true }),
      delaySeconds: 1 + Math.floor(queue.random() * PART_MOST_SECONDS),
    }));
    await sendMessages(queue, queueUrl, reposts);
  } catch (error) {
    return { staying: parting.map(({ messageId }) => messageId), reposted: 0, errors: [error as Error] };
  }
  const receipts = parting.map(({ receiptHandle }) => receiptHandle);
  await deleteMessages(queue, queueUrl, receipts).catch((error: unknown) => errors.push(error as Error));
  return { staying: [], reposted: parting.length, errors };
}

export interface Released {
  /** Whether the worker holds nothing but the suspect, which may start then. */
  isClear: boolean;
  reposted: number;
  errors: Error[];
}

/**
 * Releases every message but the suspect.
 * @param done receipts of accounted messages. One that can't be deleted comes again, and its row is found ended
 */
export async function releaseOthers(
  queue: QueueDependencies,
  queueUrl: string,
  waiting: readonly Delivery[],
  done: readonly string[],
): Promise<Released> {
  const errors: Error[] = [];
  const receipts = [...done];
  let isClear = true;
  try {
    const reposts = waiting.map((delivery, index) => ({
      ...repostOf(delivery),
      delaySeconds: suspectDelaySeconds(index + 1),
    }));
    await sendMessages(queue, queueUrl, reposts);
    receipts.push(...waiting.map(({ receiptHandle }) => receiptHandle));
  } catch (error) {
    // Some may have been sent and come twice. The ledger counts them once.
    errors.push(error as Error);
    isClear = false;
  }
  await deleteMessages(queue, queueUrl, receipts).catch((error: unknown) => errors.push(error as Error));
  return { isClear, reposted: isClear ? waiting.length : 0, errors };
}
