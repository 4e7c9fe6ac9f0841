// Lambda's event source mapping for SQS: polls the queue, invokes the function with batches, deletes what is done.
//
// Its behaviour, from AWS's documentation and from published observations:
// - what a batch's answer means: see batch-response.ts; whatever stays in the queue keeps its visibility as it stands,
//   so a change that the function made before it answered holds;
// - it never slows down on failures: a function has to pace itself;
// - it receives no more than can be invoked at once: messages that lie in a poller's hands use up their receives;
// - a chain of invocations that turns in a loop is stopped (recursion.ts): the message goes to the dead-letter queue.
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import type { FunctionModel, SqsSourceModel } from '../service/model.ts';
import { readBatchAnswer } from './batch-response.ts';
import type { LambdaHost } from './host.ts';
import { createMessageBuffer } from './message-buffer.ts';
import { deleteMessages, pauseAfter } from './message-deletion.ts';
import { nextTraceHeader, RECURSION_LIMIT, timesInChain } from './recursion.ts';
import type { QueueClient, ReceivedMessage } from './sqs-client.ts';
import { toSqsEvent } from './sqs-event.ts';
import { concurrencyLimit } from './sqs-scaling.ts';

export interface SqsEventSource {
  counts(): EventSourceCounts;
  /** Holds for the next invocations; those that run are not ended. Absent: only the machine's limit. */
  setMaximumConcurrency(most: number | undefined): void;
  /** Ends polling at once and waits for what runs; stop the host first to end that too. */
  stop(): Promise<void>;
}

const NO_COUNTS = {
  receives: 0,
  /** Batches that were invoked with, and whose done messages were deleted. */
  batches: 0,
  messages: 0,
  /** Batches of which every message stayed in the queue, for an error or a malformed answer. */
  failedBatches: 0,
  /** Messages taken out because their chain of invocations turned in a loop. */
  recursionStops: 0,
};
export type EventSourceCounts = typeof NO_COUNTS;

export interface SqsEventSourceDependencies {
  clock: Clock;
  random: Random;
  host: Pick<LambdaHost, 'invoke' | 'freeCapacity' | 'onCapacity'>;
  queue: QueueClient;
  log: (line: string) => void;
}

export interface SqsEventSourceOptions {
  model: FunctionModel;
  source: SqsSourceModel;
  queueUrl: string;
  deadLetterQueueUrl?: string;
  region: string;
  unevenBatches: boolean;
}

/** Lambda starts with five pollers. All but the first rest while the queue is empty, to spare the machine. */
const POLLERS = 5;
const POLL_WAIT_SECONDS = 20;
const MESSAGES_PER_RECEIVE = 10;

export function startSqsEventSource(
  { clock, random, host, queue, log }: SqsEventSourceDependencies,
  { model, source, queueUrl, deadLetterQueueUrl, region, unevenBatches }: SqsEventSourceOptions,
): SqsEventSource {
  const { batchSize, reportBatchItemFailures } = source;
  let { maximumConcurrency } = source;
  const counts = { ...NO_COUNTS };
  const buffer = createMessageBuffer(random, {
    batchSize,
    windowMs: source.windowSeconds * 1000,
    uneven: unevenBatches,
  });
  const stopping = new AbortController();
  // Every poll and pause listens to it.
  setMaxListeners(0, stopping.signal);
  const running = new Set<Promise<void>>();
  /** Messages asked for by receives under way. */
  let askedFor = 0;
  let pollersAwake = 1;
  let busySinceMs = clock.now();
  /** The wait for the window of the oldest message in the buffer. */
  let windowWait: { untilMs: number; end: AbortController } | undefined;
  let woken = Promise.withResolvers<void>();

  function freeInvocations(): number {
    if (running.size === 0 && buffer.size() === 0) busySinceMs = clock.now();
    const limit = concurrencyLimit(clock.now() - busySinceMs, maximumConcurrency);
    return Math.max(0, Math.min(limit - running.size, host.freeCapacity(model.name)));
  }

  function wakePollers(): void {
    woken.resolve();
    woken = Promise.withResolvers();
  }

  async function poll(index: number): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const room = freeInvocations() * batchSize - buffer.size() - askedFor;
      if (room <= 0 || index >= pollersAwake) {
        await woken.promise;
        continue;
      }
      const maxMessages = Math.min(MESSAGES_PER_RECEIVE, batchSize, room);
      askedFor += maxMessages;
      try {
        counts.receives += 1;
        const messages = await queue.receive(
          queueUrl,
          { maxMessages, waitSeconds: POLL_WAIT_SECONDS },
          stopping.signal,
        );
        failures = 0;
        pollersAwake = messages.length < maxMessages ? 1 : Math.min(POLLERS, pollersAwake + 1);
        buffer.add(messages, clock.now());
      } catch (error) {
        if (stopping.signal.aborted) return;
        failures += 1;
        log(describe('Receiving failed', error));
        await pauseAfter(failures, { clock, random }, stopping.signal);
      } finally {
        askedFor -= maxMessages;
      }
      dispatch();
      wakePollers();
    }
  }

  function dispatch(): void {
    while (!stopping.signal.aborted && freeInvocations() > 0) {
      const next = buffer.next(clock.now());
      if (next.kind === 'wait') {
        if (next.delayMs !== undefined) dispatchIn(next.delayMs);
        return;
      }
      const batch = handle(next.messages).finally(() => {
        running.delete(batch);
        dispatch();
        wakePollers();
      });
      running.add(batch);
    }
  }

  /**
   * A wait that ends earlier stays: it is begun again then. To end it and begin another at each receive took an eighth of the
   * pollers' processor time.
   */
  function dispatchIn(delayMs: number): void {
    const untilMs = clock.now() + delayMs;
    if (windowWait !== undefined && windowWait.untilMs <= untilMs) return;
    windowWait?.end.abort();
    const wait = { untilMs, end: new AbortController() };
    windowWait = wait;
    clock.sleep(delayMs, wait.end.signal).then(
      () => {
        if (windowWait === wait) windowWait = undefined;
        dispatch();
      },
      () => undefined,
    );
  }

  async function handle(received: ReceivedMessage[]): Promise<void> {
    const messages = await stopRecursion(received);
    if (messages.length === 0) return;
    const headers = messages.map((message) => message.Attributes?.AWSTraceHeader);
    const result = await host.invoke(
      model.name,
      JSON.stringify(toSqsEvent(messages, source.queueArn, region)),
      nextTraceHeader(random, model.arn, headers),
    );
    if (stopping.signal.aborted) return;
    const ids = messages.map((message) => message.MessageId);
    const { done, reason } = readBatchAnswer(ids, result, { reportBatchItemFailures });
    if (reason !== undefined) {
      counts.failedBatches += 1;
      if (result.kind === 'answered') log(describe('Batch failed', reason));
    }
    const finished = new Set(done);
    await remove(messages.filter((message) => finished.has(message.MessageId)));
    counts.batches += 1;
    counts.messages += messages.length;
  }

  async function stopRecursion(messages: ReceivedMessage[]): Promise<ReceivedMessage[]> {
    if (model.recursiveLoop === 'Allow') return messages;
    const looping = messages.filter(
      (message) => timesInChain(message.Attributes?.AWSTraceHeader, model.arn) > RECURSION_LIMIT,
    );
    if (looping.length === 0) return messages;
    counts.recursionStops += looping.length;
    log(
      describe(
        'Recursive loop stopped',
        `${looping.length} messages, as Lambda does after ${RECURSION_LIMIT}`,
      ),
    );
    const moved: ReceivedMessage[] = [];
    for (const message of looping) {
      try {
        if (deadLetterQueueUrl !== undefined) await queue.send(deadLetterQueueUrl, message);
        moved.push(message);
      } catch (error) {
        // It stays in its queue and is met again.
        log(describe('Sending to the dead-letter queue failed', error));
      }
    }
    await remove(moved);
    const stopped = new Set(looping);
    return messages.filter((message) => !stopped.has(message));
  }

  async function remove(messages: ReceivedMessage[]): Promise<void> {
    const handles = messages.map((message) => message.ReceiptHandle);
    const onFailure = (error: unknown) => log(describe('Deleting failed', error));
    await deleteMessages({ clock, random, queue }, queueUrl, handles, onFailure, stopping.signal);
  }

  function describe(message: string, cause: unknown): string {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return JSON.stringify({
      level: 'WARN',
      message,
      eventSource: `${model.name} on ${source.queueArn}`,
      detail,
    });
  }

  const unsubscribe = host.onCapacity(model.name, () => {
    dispatch();
    wakePollers();
  });
  const pollers = Array.from({ length: POLLERS }, (_, index) => poll(index));

  return {
    counts: () => ({ ...counts }),
    setMaximumConcurrency(most) {
      maximumConcurrency = most;
      dispatch();
      wakePollers();
    },
    async stop() {
      stopping.abort();
      unsubscribe();
      windowWait?.end.abort();
      wakePollers();
      await Promise.all([...pollers, ...running]);
    },
  };
}
