// Shortens the delay until a failed message is received again. Its queue would hide it for the whole visibility timeout, which
// covers an invocation: a broken connection would delay a job by 12 to 30 minutes.
import { changeVisibility, type QueueDependencies } from '../../shared/queue/batches.ts';

/** Share of a delay that is added at random, so that messages that failed together come back apart. */
const JITTER = 0.25;

export interface FailedMessage {
  receiptHandle: string;
  /** 1 at the first receive. */
  receiveCount: number;
}

/**
 * Hides failed messages for a delay that grows with their receives.
 * @param delaysSeconds by receive, from the first; the last one also for all later receives. With a `maxReceiveCount` of 5 the
 *   receives span the sum of four delays, and an outage that is shorter fails nothing
 * @throws if SQS refuses: the messages come back after the queue's visibility timeout
 */
export async function retryLater(
  queue: QueueDependencies,
  queueUrl: string,
  messages: readonly FailedMessage[],
  delaysSeconds: readonly number[],
): Promise<void> {
  const delayOf = (receiveCount: number) => delaysSeconds[receiveCount - 1] ?? delaysSeconds.at(-1) ?? 0;
  await changeVisibility(
    queue,
    queueUrl,
    messages.map(({ receiptHandle, receiveCount }) => ({
      receiptHandle,
      delaySeconds: Math.round(delayOf(receiveCount) * (1 + JITTER * queue.random())),
    })),
  );
}
