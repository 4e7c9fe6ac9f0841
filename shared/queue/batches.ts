// SQS's batch calls. They answer 200 even if entries failed, with a list of these. Ignoring the list would lose items, so every
// entry in it is sent again or reported.
import type { BatchResultErrorEntry } from '@aws-sdk/client-sqs';
import type { SqsSender } from '../aws/sqs.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import type { Clock } from '../time/clock.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import type { Random } from '../time/random.ts';

/** SQS takes 10 entries and 1 MiB a batch (quotas of messages). */
const BATCH_ENTRIES = 10;
const BATCH_BYTES = 1024 * 1024;
/** Characters of a body whose bytes are not counted: a UTF-16 unit has at most 3 bytes of UTF-8, so ten of these always fit. */
const UNCOUNTED_LENGTH = Math.floor(BATCH_BYTES / BATCH_ENTRIES / 3);
/** Batches under way at once. */
const BATCH_CONCURRENCY = 16;
/** Rounds in which a failed entry is sent again before the call as a whole fails. */
const RESEND_ROUNDS = 8;
const RESEND_BACKOFF = { baseMs: 50, capMs: 2_000 };

/** The receipt has expired or its message is gone. Nothing is left to do: another delivery has the message now. */
const SPENT_RECEIPT = new Set(['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue']);

const calls = onFirstUse(() => import('../aws/sqs.ts'));

export interface Outgoing {
  body: string;
  /** 0..900 s. */
  delaySeconds?: number;
  /** On a standard queue: the tenant of SQS's fair queues, here the job. */
  groupId?: string;
}

export interface QueueDependencies {
  sqs: SqsSender;
  clock: Clock;
  random: Random;
}

export class UnsentMessagesError extends Error {
  constructor(operation: string, left: number, failure: BatchResultErrorEntry | undefined) {
    super(
      `${operation}: ${left} entries still failed after ${RESEND_ROUNDS} rounds; the last said ${failure?.Code}: ${failure?.Message}`,
    );
    this.name = 'UnsentMessagesError';
  }
}

/**
 * Sends all messages, packed by count and bytes; entries that SQS reports as failed are sent again with backoff.
 * @throws UnsentMessagesError where entries still fail: the caller must not acknowledge the messages that they come from
 */
export async function sendMessages(
  queue: QueueDependencies,
  queueUrl: string,
  messages: readonly Outgoing[],
): Promise<void> {
  await sendMessageForEach(queue, queueUrl, messages, (message) => message);
}

/** As `sendMessages`, a message for each row: made as its batch is sent, so that they are not all in memory at once. */
export async function sendMessageForEach<Row>(
  queue: QueueDependencies,
  queueUrl: string,
  rows: readonly Row[],
  messageOf: (row: Row) => Outgoing,
): Promise<void> {
  await callForEach(queue, 'SendMessageBatch', packMessages(rows, messageOf), async (batch) => {
    const entries = batch.map(({ body, delaySeconds, groupId }, index) => ({
      Id: String(index),
      MessageBody: body,
      DelaySeconds: delaySeconds,
      MessageGroupId: groupId,
    }));
    return (await calls()).sendBatch(queue.sqs, queueUrl, entries);
  });
}

/** Deletes received messages. An expired receipt counts as deleted. */
export async function deleteMessages(
  queue: QueueDependencies,
  queueUrl: string,
  receiptHandles: readonly string[],
): Promise<void> {
  await callForEach(queue, 'DeleteMessageBatch', chunks(receiptHandles), async (batch) => {
    const entries = batch.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    return withoutSpent(await (await calls()).deleteBatch(queue.sqs, queueUrl, entries));
  });
}

export interface VisibilityChange {
  receiptHandle: string;
  /** 0..43,200 s from now. */
  delaySeconds: number;
}

/** Sets when received messages become visible again. An expired receipt is skipped: a later delivery sets its own time. */
export async function changeVisibility(
  queue: QueueDependencies,
  queueUrl: string,
  changes: readonly VisibilityChange[],
): Promise<void> {
  await callForEach(queue, 'ChangeMessageVisibilityBatch', chunks(changes), async (batch) => {
    const entries = batch.map(({ receiptHandle, delaySeconds }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: delaySeconds,
    }));
    return withoutSpent(await (await calls()).changeVisibilityBatch(queue.sqs, queueUrl, entries));
  });
}

function withoutSpent(failed: readonly BatchResultErrorEntry[]): BatchResultErrorEntry[] {
  return failed.filter((failure) => !SPENT_RECEIPT.has(failure.Code ?? ''));
}

/** Batches of at most 10 entries and 1 MiB. A single message above that is a batch of its own, which SQS refuses by name. */
export function* packMessages<Row>(
  rows: readonly Row[],
  messageOf: (row: Row) => Outgoing,
): Generator<Outgoing[]> {
  let batch: Outgoing[] = [];
  let bytes = 0;
  // By index: in a generator, a loop over the rows wraps each in a result of the iterator (Node 24.21).
  for (let index = 0; index < rows.length; index++) {
    const message = messageOf(rows[index] as Row);
    const size = mostBytesOf(message.body);
    if (batch.length === BATCH_ENTRIES || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function mostBytesOf(body: string): number {
  return body.length <= UNCOUNTED_LENGTH ? body.length * 3 : Buffer.byteLength(body);
}

type BatchCall<T> = (batch: readonly T[]) => Promise<readonly BatchResultErrorEntry[]>;

/**
 * Loops that share the batches: each takes the next one. One that fails closes the generator, so that the others take no more.
 * p-map took 0.3 s of CPU more for a million messages (Node 24.21).
 * @throws the first fault, while calls of other loops may be under way
 */
async function callForEach<T>(
  queue: QueueDependencies,
  operation: string,
  batches: Generator<T[]>,
  call: BatchCall<T>,
): Promise<void> {
  const loop = async () => {
    for (const batch of batches) await untilNoneFails(queue, operation, batch, call);
  };
  await Promise.all(Array.from({ length: BATCH_CONCURRENCY }, loop));
}

/** Entry ids are the entries' places in the batch, so that a failure names its entry. */
async function untilNoneFails<T>(
  { clock, random }: QueueDependencies,
  operation: string,
  entries: readonly T[],
  call: BatchCall<T>,
): Promise<void> {
  let left = entries;
  for (let round = 0; ; round++) {
    const failed = await call(left);
    if (failed.length === 0) return;
    left = failed.map((failure) => left[Number(failure.Id)]).filter((entry) => entry !== undefined);
    if (left.length === 0) return;
    if (round + 1 === RESEND_ROUNDS) throw new UnsentMessagesError(operation, left.length, failed[0]);
    await clock.sleep(fullJitterMs(RESEND_BACKOFF, round, random));
  }
}

function* chunks<T>(entries: readonly T[]): Generator<T[]> {
  for (let at = 0; at < entries.length; at += BATCH_ENTRIES) yield entries.slice(at, at + BATCH_ENTRIES);
}
