// How an unfinished item goes back to its queue, whether S3 refused it or it was not tried at all.
//
//   return   a short delay: the message's visibility is changed, and its id goes into batchItemFailures. The message stays in
//            flight and keeps its receive count and its body. A visibility change costs a tenth of a request, a repost two
//   repost   a longer delay, a message received often, or no room in this worker's share of the in-flight quota: a new message
//            with DelaySeconds, and the original deleted at once. A delayed message is not in flight and was received 0 times.
//            So throttling neither fills SQS's in-flight quota (about 120,000 a queue) nor leads to the dead-letter queue
import type { Clock } from '../time/clock.ts';
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
/**
 * Messages that one worker leaves in flight at a time: 1,000 workers, Lambda's most for a queue, then hold half the quota.
 * infrastructure/in-flight.js counts them beside those in the workers' hands.
 */
export const RETURNS_PER_WORKER = 60;

/** Seconds between two reposted suspects: more than the batching window of 1 s. */
const SUSPECT_SPACING_SECONDS = 2;

export interface GiveBack {
  kind: 'return' | 'repost';
  delaySeconds: number;
}

export interface UnfinishedMessage {
  messageId: string;
  receiptHandle: string;
  /** ApproximateReceiveCount of the message in hand: 1 at its first receive. */
  receiveCount: number;
  /** Whether requests were sent for it in this delivery: S3 refused it, or failed. */
  wasTried: boolean;
  /** The wait that its backoff or its group's pacer asks for. */
  delayMs: number;
  /** What a repost sends. */
  reposted: Pick<Outgoing, 'body' | 'groupId'>;
}

/** @param mayReturn whether this worker's share of the in-flight quota has room */
export function giveBackBy(
  { delayMs, receiveCount }: Pick<UnfinishedMessage, 'delayMs' | 'receiveCount'>,
  mayReturn: boolean,
): GiveBack {
  const delaySeconds = Math.ceil(delayMs / 1000);
  const isShort = delaySeconds <= RETURN_MOST_SECONDS && receiveCount < RECEIVES_BEFORE_REPOST;
  if (isShort && mayReturn) return { kind: 'return', delaySeconds };
  return { kind: 'repost', delaySeconds: Math.min(delaySeconds, REPOST_MOST_SECONDS) };
}

/** Delay in seconds of the n-th of several suspects, from 0: they go back to the upload queue, and must not arrive together. */
export function suspectDelaySeconds(place: number): number {
  return Math.min(place * SUSPECT_SPACING_SECONDS, REPOST_MOST_SECONDS);
}

/** A worker's share of the in-flight quota: what it has returned stays in flight until its delay is over. */
export type ReturnShare = ReturnType<typeof createReturnShare>;

export function createReturnShare(clock: Clock, places = RETURNS_PER_WORKER) {
  let endsMs: number[] = [];
  return {
    hasRoom(): boolean {
      endsMs = endsMs.filter((endMs) => endMs > clock.now());
      return endsMs.length < places;
    },
    take(delaySeconds: number): void {
      endsMs.push(clock.now() + delaySeconds * 1000);
    },
  };
}

/** A message, and the delay with which it goes back. */
interface PlannedMessage<Message> {
  message: Message;
  delaySeconds: number;
}

export interface GiveBackPlan<Message> {
  returns: PlannedMessage<Message>[];
  reposts: PlannedMessage<Message>[];
}

/**
 * Decides for each message whether it is returned or reposted, and takes its place in the share. Refused messages come first:
 * a repost carries their count of requests. Then come the shortest delays: their places are free soonest.
 */
export function planGiveBack<Message extends UnfinishedMessage>(
  messages: readonly Message[],
  share: ReturnShare,
): GiveBackPlan<Message> {
  const plan: GiveBackPlan<Message> = { returns: [], reposts: [] };
  const inOrder = messages.toSorted(
    (left, right) => Number(right.wasTried) - Number(left.wasTried) || left.delayMs - right.delayMs,
  );
  for (const message of inOrder) {
    const { kind, delaySeconds } = giveBackBy(message, share.hasRoom());
    if (kind === 'return') share.take(delaySeconds);
    (kind === 'return' ? plan.returns : plan.reposts).push({ message, delaySeconds });
  }
  return plan;
}

/** How many messages were given back, by whether they had been tried and by how they went back. */
export interface GiveBackCounts {
  /** S3 refused them, or failed. */
  refused: { returned: number; reposted: number };
  /** Not tried in this delivery. */
  untried: { returned: number; reposted: number };
}

export interface GivenBack {
  /** Message ids for batchItemFailures: what is not listed there, Lambda deletes. */
  failures: string[];
  counts: GiveBackCounts;
  /** What SQS refused; its messages come back by themselves after the queue's visibility timeout. */
  errors: Error[];
}

/** Gives messages back. Every message is either listed as a failure or reposted, also when SQS refuses a call. */
export async function giveBack(
  queue: QueueDependencies,
  queueUrl: string,
  { returns, reposts }: GiveBackPlan<UnfinishedMessage>,
): Promise<GivenBack> {
  const errors: Error[] = [];
  const keepError = (error: unknown) => errors.push(error as Error);

  await changeVisibility(
    queue,
    queueUrl,
    returns.map(({ message, delaySeconds }) => ({ receiptHandle: message.receiptHandle, delaySeconds })),
  ).catch(keepError);

  let failed = returns;
  let posted = reposts;
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
    // Some may have been sent and come twice. The ledger counts them once.
    failed = [...returns, ...reposts];
    posted = [];
  }
  const count = (planned: typeof returns, wasTried: boolean) =>
    planned.filter(({ message }) => message.wasTried === wasTried).length;
  const counts = (wasTried: boolean) => ({
    returned: count(returns, wasTried),
    reposted: count(posted, wasTried),
  });
  return {
    failures: failed.map(({ message }) => message.messageId),
    counts: { refused: counts(true), untried: counts(false) },
    errors,
  };
}

export function addCounts(left: GiveBackCounts, right: GiveBackCounts): GiveBackCounts {
  const add = (of: keyof GiveBackCounts) => ({
    returned: left[of].returned + right[of].returned,
    reposted: left[of].reposted + right[of].reposted,
  });
  return { refused: add('refused'), untried: add('untried') };
}

/** Counts of items that were reposted untried: suspects that give way to each other. */
export function untriedReposts(reposted: number): GiveBackCounts {
  return { refused: { returned: 0, reposted: 0 }, untried: { returned: 0, reposted } };
}
