// Suspects: items that came back from the dead-letter queue, because a worker may have crashed on them. Upload works on one
// suspect at a time, with no other item in hand, so that a crash affects no other item.
//
//   - First the rest of the batch is accounted for, given back or reposted, and finished messages are deleted. After a crash
//     only the suspect comes again.
//   - A suspect that came back together with other items may be the victim of one of them. It is separated from them once,
//     before any of them starts.
//   - An item that does crash its worker becomes a dead letter again, and the dead-letter handler then fails its row. The other
//     suspects are stored when it is their turn.
import { mayTransfer } from '../../shared/job/job.ts';
import { deleteMessages, type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { addCounts, suspectDelaySeconds, untriedReposts } from '../../shared/queue/give-back.ts';
import type { Random } from '../../shared/time/random.ts';
import { type Delivery, repostOf } from './delivery.ts';
import type { OpenItem } from './look-up.ts';
import { NO_WORK, type Work } from './process-items.ts';

/** A separated suspect comes back after up to so many seconds, apart from the other items. */
const MAX_SEPARATION_SECONDS = 30;

export interface SetApart {
  others: OpenItem[];
  /** Suspects to separate from the others. */
  separate: OpenItem[];
  /** The suspect to work on now, chosen at random so that each has its turn. */
  suspect: OpenItem | undefined;
  /** The other suspects. */
  waiting: OpenItem[];
}

/** Items of a halted job are not suspects, since upload does not start them. */
export function setSuspectsApart(open: readonly OpenItem[], random: Random): SetApart {
  const isSuspect = ({ delivery, job }: OpenItem) => delivery.message.suspect === true && mayTransfer(job);
  const others = open.filter((item) => !isSuspect(item));
  const cameTogether = ({ delivery: { receiveCount, wasSeparated } }: OpenItem) =>
    others.length > 0 && receiveCount > 1 && !wasSeparated;
  const separate = open.filter((item) => isSuspect(item) && cameTogether(item));
  const suspects = open.filter((item) => isSuspect(item) && !cameTogether(item));
  const suspect = suspects[Math.floor(random() * suspects.length)];
  return {
    others,
    separate,
    suspect,
    waiting: suspects.filter((item) => item !== suspect),
  };
}

/**
 * Sends suspects again as new messages, which come back apart from the others.
 * @returns `staying`: message ids that stay in the queue, because they could not be sent again
 */
export async function separateSuspects(
  queue: QueueDependencies,
  queueUrl: string,
  suspects: readonly Delivery[],
): Promise<Pick<Work, 'staying' | 'givenBack' | 'errors'>> {
  try {
    const reposts = suspects.map((delivery) => ({
      ...repostOf(delivery, undefined, { isSeparated: true }),
      delaySeconds: 1 + Math.floor(queue.random() * MAX_SEPARATION_SECONDS),
    }));
    await sendMessages(queue, queueUrl, reposts);
  } catch (error) {
    const staying = suspects.map(({ messageId }) => messageId);
    return { staying, givenBack: untriedReposts(0), errors: [error as Error] };
  }
  const receipts = suspects.map(({ receiptHandle }) => receiptHandle);
  const errors = await tryDelete(queue, queueUrl, receipts);
  return { staying: [], givenBack: untriedReposts(suspects.length), errors };
}

/**
 * Works on the one suspect, once it is the only item in hand.
 * @param done receipts of the finished messages of the batch. One that can't be deleted comes again, and its row has ended then
 */
export async function workOnSuspect(
  queue: QueueDependencies,
  queueUrl: string,
  { suspect, waiting }: Pick<SetApart, 'suspect' | 'waiting'>,
  done: readonly string[],
  work: (suspect: OpenItem) => Promise<Work>,
): Promise<Work> {
  if (suspect === undefined) return NO_WORK;
  const others = waiting.map(({ delivery }) => delivery);
  const released = await releaseOthers(queue, queueUrl, others, done);
  if (!released.isClear) {
    const staying = [suspect.delivery, ...others].map(({ messageId }) => messageId);
    return { ...NO_WORK, staying, errors: released.errors };
  }
  const alone = await work(suspect);
  return {
    ...alone,
    givenBack: addCounts(alone.givenBack, untriedReposts(others.length)),
    errors: [...released.errors, ...alone.errors],
  };
}

/** Reposts the waiting suspects and deletes what is done. @returns `isClear`: whether the suspect may start */
async function releaseOthers(
  queue: QueueDependencies,
  queueUrl: string,
  waiting: readonly Delivery[],
  done: readonly string[],
): Promise<{ isClear: boolean; errors: Error[] }> {
  try {
    const reposts = waiting.map((delivery, index) => ({
      ...repostOf(delivery),
      delaySeconds: suspectDelaySeconds(index + 1),
    }));
    await sendMessages(queue, queueUrl, reposts);
  } catch (error) {
    // Some of them may be sent. They come twice then, and the ledger counts them once.
    return { isClear: false, errors: [error as Error, ...(await tryDelete(queue, queueUrl, done))] };
  }
  const receipts = [...done, ...waiting.map(({ receiptHandle }) => receiptHandle)];
  return { isClear: true, errors: await tryDelete(queue, queueUrl, receipts) };
}

async function tryDelete(
  queue: QueueDependencies,
  queueUrl: string,
  receipts: readonly string[],
): Promise<Error[]> {
  try {
    await deleteMessages(queue, queueUrl, receipts);
    return [];
  } catch (error) {
    return [error as Error];
  }
}
