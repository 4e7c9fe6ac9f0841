// When a message whose handling failed is received again. Left alone it would stay hidden for the queue's whole visibility
// timeout, which is long because it covers a whole invocation: a broken connection would cost a job 12 to 30 minutes.
import { changeVisibility, type QueueDependencies } from '../../shared/queue/batches.ts';

/** Share of a delay that is added at random: what failed together does not come back together. */
const JITTER = 0.25;

export interface FailedMessage {
  receiptHandle: string;
  /** 1 at its first receive. */
  receiveCount: number;
}

/**
 * Hides failed messages for a delay that grows with their receives.
 * @param delaysSeconds by receive, from the first; the last one is for all further receives. With a `maxReceiveCount` of 5 the
 *   receives span the sum of four delays: longer than an outage that is to fail nothing
 * @throws where SQS refuses: the messages come back after the queue's visibility timeout
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
