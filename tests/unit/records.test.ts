// The record loop of the functions behind queues: what fails comes back soon, spans an outage, and is counted.
import type { Context, SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { LOG } from '../../functions/runtime/log-messages.ts';
import { eachRecord } from '../../functions/runtime/records.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import { createWatchedSqs, type EntryFate } from '../helpers/failing.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const RETRY_SECONDS = [10, 60, 300, 720];
const MINUTE_MS = 60_000;
const CONTEXT = {} as Context;

function silentTelemetry() {
  const counted: Record<string, number> = {};
  const warnings: string[] = [];
  const logger = {
    error: () => undefined,
    warn: (message: string) => void warnings.push(message),
  };
  const count = (sums: Record<string, number>) => {
    for (const [name, sum] of Object.entries(sums)) counted[name] = (counted[name] ?? 0) + sum;
  };
  return { counted, warnings, telemetry: { logger, count } as unknown as Telemetry };
}

const record = (name: string, receiveCount: number): SQSRecord =>
  ({
    messageId: `id-${name}`,
    receiptHandle: `receipt-${name}`,
    body: name,
    attributes: { ApproximateReceiveCount: String(receiveCount) },
  }) as SQSRecord;

function start(fate?: EntryFate) {
  const sqs = createWatchedSqs(fate);
  const { counted, warnings, telemetry } = silentTelemetry();
  const queue = { sqs: sqs.client, clock: createVirtualClock(), random: () => 0 };
  const source = { queue, queueUrl: 'https://sqs.example/queue', retrySeconds: RETRY_SECONDS };
  const handle = eachRecord(source, telemetry, LOG.messageNotSettled, async ({ body }) => {
    if (body.startsWith('bad')) throw new Error('no');
  });
  return { sqs, counted, warnings, handle };
}

describe('the record loop', () => {
  it('hides what failed by its receives, answers its ids, and counts it', async () => {
    const { sqs, counted, handle } = start();
    const Records = [record('good', 1), ...[1, 2, 3, 4, 9].map((times) => record(`bad${times}`, times))];
    const { batchItemFailures } = await handle({ Records }, CONTEXT);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(
      [1, 2, 3, 4, 9].map((times) => `id-bad${times}`),
    );
    expect(sqs.calls).toHaveLength(1);
    expect(
      sqs.calls[0]?.entries.map(({ ReceiptHandle, VisibilityTimeout }) => [ReceiptHandle, VisibilityTimeout]),
    ).toEqual([
      ['receipt-bad1', 10],
      ['receipt-bad2', 60],
      ['receipt-bad3', 300],
      ['receipt-bad4', 720],
      ['receipt-bad9', 720],
    ]);
    expect(counted).toEqual({ MessagesFailed: 5 });
  });

  it('asks nothing of SQS where nothing failed', async () => {
    const { sqs, counted, handle } = start();
    expect(await handle({ Records: [record('good', 1)] }, CONTEXT)).toEqual({ batchItemFailures: [] });
    expect(sqs.calls).toEqual([]);
    expect(counted).toEqual({ MessagesFailed: 0 });
  });

  it('leaves what SQS does not hide to the visibility timeout of the queue', async () => {
    const { warnings, handle } = start(() => {
      throw new Error('no route');
    });
    const { batchItemFailures } = await handle({ Records: [record('bad', 1)] }, CONTEXT);
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'id-bad' }]);
    expect(warnings).toHaveLength(1);
  });

  it.each([1, 5, 10, 15])('loses no message to an outage of %i minutes', async (minutes) => {
    const clock = createVirtualClock();
    const startMs = clock.now();
    const sqs = createMemorySqs(
      { clock, random: () => 0.5 },
      {
        queues: {
          queue: {
            VisibilityTimeout: 1_800,
            RedrivePolicy: { deadLetterTargetArn: 'dead', maxReceiveCount: 5 },
          },
          dead: {},
        },
      },
    );
    const queue = sqs.queue('queue');
    const { telemetry } = silentTelemetry();
    const source = {
      queue: { sqs: sqs.client, clock, random: () => 0.5 },
      queueUrl: queue.url,
      retrySeconds: RETRY_SECONDS,
    };
    let handledAtMs = Number.NaN;
    const handle = eachRecord(source, telemetry, LOG.messageNotSettled, async () => {
      if (clock.now() < startMs + minutes * MINUTE_MS) throw new Error('S3 is away');
      handledAtMs = clock.now();
    });
    queue.put('message');
    while (Number.isNaN(handledAtMs) && clock.now() < startMs + 60 * MINUTE_MS) {
      const Records = await queue.receive(1);
      if (Records.length === 0) await clock.sleep(1_000);
      else queue.settle(Records, await handle({ Records }, CONTEXT));
    }
    expect(sqs.queue('dead').standard.depth().visible).toBe(0);
    // The next receive comes within the delay that followed the last failure.
    expect(handledAtMs - startMs).toBeLessThan(23 * MINUTE_MS);
  });
});
