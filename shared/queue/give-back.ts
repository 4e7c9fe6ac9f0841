// How an unfinished item goes back to its queue.
//
//   return   an item that was not tried, for a short delay: the message's visibility is changed, and its id goes into
//            batchItemFailures. It stays in flight, keeps its receive count and its body, so this is for few and for short.
//   repost   an item that was tried, a longer delay, or a message received often: a new message with DelaySeconds, and the
//            original deleted at once. It carries the requests that were sent for it, which nobody else would tell of. A
//            delayed message is not in flight and has been received 0 times: throttling then neither fills SQS's in-flight
//            quota (about 120,000 a queue) nor leads to the dead-letter queue, whose receive limit can be low.
import type { Clock } from '../job/clock.ts';
import {
  changeVisibility,
  deleteMessages,
  type Outgoing,
  type QueueDependencies,
  sendMessages,
} from './batches.ts';

/** Longest delay by visibility. */
const RETURN_MOST_SECONDS = 20;
/** SQS's longest DelaySeconds. */
const REPOST_MOST_SECONDS = 900;
/** Receives after which a message is reposted, whatever the delay: below the redrive policy's maxReceiveCount of 5. */
export const RECEIVES_BEFORE_REPOST = 4;
/** Messages that one worker leaves in flight at a time: 1,000 workers, Lambda's most for a queue, then hold half the quota. */
const RETURNS_PER_WORKER = 60;

export type GiveBack = { kind: 'return'; delaySeconds: number } | { kind: 'repost'; delaySeconds: number };

export interface UnfinishedMessage {
  messageId: string;
  receiptHandle: string;
  /** ApproximateReceiveCount of the message in hand: 1 at its first receive. */
  receiveCount: number;
  /** Whether requests were sent for it in this delivery. */
  wasTried: boolean;
  /** The wait that its backoff or its group's pacer asks for. */
  delayMs: number;
  /** What a repost sends. */
  reposted: Pick<Outgoing, 'body' | 'groupId'>;
}

/** @param mayReturn whether this worker's share of the in-flight quota has room */
export function giveBackBy(
  { delayMs, receiveCount, wasTried }: Pick<UnfinishedMessage, 'delayMs' | 'receiveCount' | 'wasTried'>,
  mayReturn: boolean,
): GiveBack {
  const delaySeconds = Math.ceil(delayMs / 1000);
  const isShort = delaySeconds <= RETURN_MOST_SECONDS && receiveCount < RECEIVES_BEFORE_REPOST;
  if (!wasTried && isShort && mayReturn) return { kind: 'return', delaySeconds };
  return { kind: 'repost', delaySeconds: Math.min(delaySeconds, REPOST_MOST_SECONDS) };
}

/** A worker's share of the in-flight quota: what it has returned stays in flight until its delay is over. */
export interface ReturnShare {
  hasRoom(): boolean;
  take(delaySeconds: number): void;
}

export function createReturnShare(clock: Clock, places = RETURNS_PER_WORKER): ReturnShare {
  let endsMs: number[] = [];
  return {
    hasRoom() {
      endsMs = endsMs.filter((endMs) => endMs > clock.now());
      return endsMs.length < places;
    },
    take(delaySeconds) {
      endsMs.push(clock.now() + delaySeconds * 1000);
    },
  };
}

export interface GivenBack {
  /** Message ids for batchItemFailures: what is not listed there, Lambda deletes. */
  failures: string[];
  returned: number;
  reposted: number;
  /** What SQS refused; its messages come back by themselves after the queue's visibility timeout. */
  errors: Error[];
}

/** Gives messages back. Whatever fails on the way, every message is either listed as a failure or reposted. */
export async function giveBack(
  queue: QueueDependencies,
  queueUrl: string,
  messages: readonly UnfinishedMessage[],
  share: ReturnShare,
): Promise<GivenBack> {
  const returns: { message: UnfinishedMessage; delaySeconds: number }[] = [];
  const reposts: { message: UnfinishedMessage; delaySeconds: number }[] = [];
  for (const message of messages) {
    const by = giveBackBy(message, share.hasRoom());
    if (by.kind === 'return') share.take(by.delaySeconds);
    (by.kind === 'return' ? returns : reposts).push({ message, delaySeconds: by.delaySeconds });
  }
  const errors: Error[] = [];
  const keepError = (error: unknown) => errors.push(error as Error);

  await changeVisibility(
    queue,
    queueUrl,
    returns.map(({ message, delaySeconds }) => ({ receiptHandle: message.receiptHandle, delaySeconds })),
  ).catch(keepError);

  let unposted: string[] = [];
  try {
    await sendMessages(
      queue,
      queueUrl,
      reposts.map(({ message, delaySeconds }) => ({ ...message.reposted, delaySeconds })),
    );
    // The original goes at once: it would count as in flight until Lambda deletes it at the invocation's end.
    await deleteMessages(
      queue,
      queueUrl,
      reposts.map(({ message }) => message.receiptHandle),
    ).catch(keepError);
  } catch (error) {
    keepError(error);
    // Some of them may have been sent: those come twice, which the ledger takes.
    unposted = reposts.map(({ message }) => message.messageId);
  }
  return {
    failures: [...returns.map(({ message }) => message.messageId), ...unposted],
    returned: returns.length,
    reposted: reposts.length - unposted.length,
    errors,
  };
}
