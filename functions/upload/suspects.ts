// Suspects: items that came back from the dead-letter queue, since a worker may have died of them. One of them at a time is
// worked on, and nothing else meanwhile, so that it takes nobody along.
//
//   - Its neighbours are accounted for, given back or reposted first, and what is done is gone from the queue: a worker that
//     dies then leaves the suspect alone to come again.
//   - A suspect that comes back beside items that are none may have been taken along by one of them, and would be again: it is
//     parted from them, once, before any of them is begun.
//   - A killer among the suspects comes again as often as the queue allows, and then to bury a second time, which fails it.
//     The innocent are stored at their turn.
import { isRunning } from '../../shared/job/job.ts';
import { deleteMessages, type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { suspectDelaySeconds } from '../../shared/queue/suspect-delay.ts';
import type { Random } from '../../shared/time/random.ts';
import { type Delivery, repostOf } from './delivery.ts';
import type { OpenItem } from './look-up.ts';

/** A parted suspect comes back within so many seconds: not with those that it was parted from. */
const PART_MOST_SECONDS = 30;

export interface SetApart {
  others: OpenItem[];
  /** Suspects that are to be parted from the others. */
  parting: OpenItem[];
  /** The one whose turn it is: any of them, so that the same is not passed over each time. */
  suspect: OpenItem | undefined;
  /** Further suspects, which wait. */
  waiting: OpenItem[];
}

/** Of a halted job nothing is begun, so none of its items is dangerous. */
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

/** @returns what stays in the queue, since it could not be sent again */
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
  /** Whether the suspect may begin: nothing is in hand but it. */
  isClear: boolean;
  reposted: number;
  errors: Error[];
}

/**
 * Lets go of everything in hand but the suspect.
 * @param done receipts of what is accounted for. Where one can't be deleted, it comes again, and is found ended
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
    // Some may have been sent: those come twice, which the ledger takes.
    errors.push(error as Error);
    isClear = false;
  }
  await deleteMessages(queue, queueUrl, receipts).catch((error: unknown) => errors.push(error as Error));
  return { isClear, reposted: isClear ? waiting.length : 0, errors };
}
