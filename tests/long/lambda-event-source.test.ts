// Lambda's event source mapping for SQS, row by row, on real handlers and the emulated queue.
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FixtureCloud, startFixtureCloud } from '../helpers/fixture-cloud.ts';
import type { Order } from '../integration/fixtures/service/functions/obey.ts';

interface LoggedBatch {
  batch: { tag?: string; receiveCount: number }[];
  invocations: number;
  requestId: string;
}

const WITHIN = { timeout: 60_000, interval: 50 };
/** Seconds of a window that no slow machine outlasts. */
const LONG_WINDOW_SECONDS = 90;
/** Seconds of a window that a test waits for: three messages are sent in less, also by a slow machine. */
const SHORT_WINDOW_SECONDS = 5;
let cloud: FixtureCloud;

async function restart(options: Parameters<typeof startFixtureCloud>[0]): Promise<void> {
  await cloud?.stop();
  cloud = await startFixtureCloud(options);
}

async function depth(queue: string): Promise<{ visible: number; inFlight: number; delayed: number }> {
  const depths = await cloud.queueDepths();
  return depths[queue] ?? { visible: -1, inFlight: -1, delayed: -1 };
}

const empty = { visible: 0, inFlight: 0, delayed: 0 };
const becomesEmpty = (queue: string) =>
  vi.waitFor(async () => expect(await depth(queue)).toEqual(empty), WITHIN);
/** Batches in which a message of this tag was. */
const batchesOf = (tag: string, functionName = 'obey') =>
  cloud
    .logged<LoggedBatch>(functionName)
    .filter(({ batch }) => batch?.some((message) => message.tag === tag));

describe('what an answer does to its batch', () => {
  beforeAll(() =>
    restart({
      adjust: ({ functions, queues }) => {
        if (functions.obey === undefined || queues.ObeyQueue === undefined) throw new Error('no fixture');
        functions.obey.timeoutSeconds = 1;
        if (functions.obey.sqsSources[0] !== undefined) functions.obey.sqsSources[0].windowSeconds = 0.3;
        // What stays is in flight for the rest of the test.
        queues.ObeyQueue.attributes.VisibilityTimeout = '3600';
        const whole = queues.WholeQueue;
        if (whole !== undefined) whole.attributes.VisibilityTimeout = '3600';
      },
    }),
  );

  /** How many of the messages are in flight once their batch has been dealt with. */
  async function outcome(queue: string, functionName: string, orders: Order[]): Promise<number> {
    const finished = () => cloud.eventSources()[functionName]?.[0]?.batches ?? 0;
    const [batchesBefore, depthBefore] = [finished(), await depth(queue)];
    await cloud.order(queue, ...orders);
    await vi.waitFor(() => expect(finished()).toBe(batchesBefore + 1), WITHIN);
    const { visible, inFlight } = await depth(queue);
    expect(visible).toBe(0);
    return inFlight - depthBefore.inFlight;
  }

  it.each<{ what: string; orders: Order[]; kept: number }>([
    { what: 'an empty list deletes the batch', orders: [{}, {}, {}], kept: 0 },
    { what: 'null deletes the batch', orders: [{ answer: null }, {}], kept: 0 },
    { what: 'an empty object deletes the batch', orders: [{ answer: {} }, {}], kept: 0 },
    { what: 'a list keeps exactly the listed', orders: [{}, { fail: true }, {}, { fail: true }], kept: 2 },
    { what: 'a thrown error keeps the batch', orders: [{ act: 'throw' }, {}], kept: 2 },
    { what: 'a timeout keeps the batch', orders: [{ act: 'hang' }, {}], kept: 2 },
    { what: 'process.exit keeps the batch', orders: [{ act: 'exit' }, {}], kept: 2 },
    { what: 'an uncaught error keeps the batch', orders: [{ act: 'reject-later' }, {}], kept: 2 },
    { what: 'an answer that is no JSON keeps the batch', orders: [{ act: 'circular' }, {}], kept: 2 },
    { what: 'an answer above 6 MB keeps the batch', orders: [{ act: 'huge' }, {}], kept: 2 },
    { what: 'a wrong key keeps the batch', orders: [{ answer: { failures: [] } }, {}], kept: 2 },
    {
      what: 'an unknown id keeps the batch',
      orders: [{ answer: { batchItemFailures: [{ itemIdentifier: 'nobody' }] } }, {}],
      kept: 2,
    },
    {
      what: 'an empty id keeps the batch',
      orders: [{ answer: { batchItemFailures: [{ itemIdentifier: '' }] } }, {}],
      kept: 2,
    },
  ])('$what', async ({ orders, kept }) => {
    expect(await outcome('ObeyQueue', 'obey', orders)).toBe(kept);
  });

  it('without ReportBatchItemFailures any answer deletes the batch and an error keeps it', async () => {
    expect(await outcome('WholeQueue', 'obeyWhole', [{ fail: true }])).toBe(0);
    expect(await outcome('WholeQueue', 'obeyWhole', [{ act: 'throw' }])).toBe(1);
  });

  it('counts errors, timeouts and cold starts', async () => {
    const { obey } = (await cloud.meter()).lambda;
    expect(obey?.timeouts).toBe(1);
    expect(obey?.errors).toBeGreaterThanOrEqual(6);
    // Each ended environment is replaced by a new one.
    expect(obey?.coldStarts).toBeGreaterThanOrEqual(4);
  });
});

describe('messages that stay', () => {
  beforeAll(() =>
    restart({
      adjust: ({ functions, queues }) => {
        const source = functions.obey?.sqsSources[0];
        if (source !== undefined) source.windowSeconds = 0;
        if (queues.ObeyQueue !== undefined) queues.ObeyQueue.attributes.VisibilityTimeout = '2';
      },
    }),
  );

  it('come again when their visibility ends, counted, and are dead letters after the receive limit', async () => {
    await cloud.order('ObeyQueue', { tag: 'dead', fail: true });
    await vi.waitFor(async () => expect((await depth('DeadLetters')).visible).toBe(1), WITHIN);
    expect(batchesOf('dead').map(({ batch }) => batch[0]?.receiveCount)).toEqual([1, 2]);
    await becomesEmpty('ObeyQueue');
  });

  it('keep the visibility that the function gave them', async () => {
    await cloud.order('ObeyQueue', { tag: 'soon', fail: 0 }, { tag: 'late', fail: 600 });
    await vi.waitFor(() => expect(batchesOf('soon')).toHaveLength(2), WITHIN);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(batchesOf('late')).toHaveLength(1);
  });
});

const restartWithWindow = (seconds: number) =>
  restart({
    adjust: ({ functions }) => {
      const source = functions.obey?.sqsSources[0];
      if (source !== undefined) source.windowSeconds = seconds;
    },
  });

describe('batches with a window', () => {
  it('gather up to the batch size until it ends', async () => {
    await restartWithWindow(SHORT_WINDOW_SECONDS);
    const started = performance.now();
    await cloud.order('ObeyQueue', { tag: 'first' }, { tag: 'second' });
    await cloud.order('ObeyQueue', { tag: 'third' });
    await becomesEmpty('ObeyQueue');
    expect(
      batchesOf('first')[0]
        ?.batch.map(({ tag }) => tag)
        .sort(),
    ).toEqual(['first', 'second', 'third']);
    expect(performance.now() - started).toBeGreaterThanOrEqual(SHORT_WINDOW_SECONDS * 950);
  });

  it('go off before it ends when they are full', async () => {
    await restartWithWindow(LONG_WINDOW_SECONDS);
    await cloud.order('ObeyQueue', ...Array.from({ length: 10 }, () => ({ tag: 'full' })));
    await vi.waitFor(() => expect(batchesOf('full')).toHaveLength(1), WITHIN);
    expect(batchesOf('full')[0]?.batch).toHaveLength(10);
  });
});

describe('batches', () => {
  beforeAll(() => restart({ environments: 4 }));

  it('run no more at once than the maximum concurrency, and take no more than that', async () => {
    await cloud.send('SlowQueue', Array.from({ length: 300 }, String));
    let mostInFlight = 0;
    await vi.waitFor(async () => {
      const now = await depth('SlowQueue');
      mostInFlight = Math.max(mostInFlight, now.inFlight);
      expect(now).toEqual(empty);
    }, WITHIN);
    const { slow } = (await cloud.meter()).lambda;
    expect(slow?.peakConcurrency).toBe(2);
    expect(mostInFlight).toBeLessThanOrEqual(2 * 50);
    const sizes = cloud.logged<{ size: number }>('slow').map(({ size }) => size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(300);
    expect(Math.max(...sizes)).toBe(50);
  });

  it('reuse a warm environment with its module state', async () => {
    await cloud.order('ObeyQueue', { tag: 'cold' });
    await becomesEmpty('ObeyQueue');
    const before = (await cloud.meter()).lambda.obey?.coldStarts;
    await cloud.order('ObeyQueue', { tag: 'warm' });
    await becomesEmpty('ObeyQueue');
    expect(batchesOf('warm')[0]?.invocations).toBeGreaterThan(1);
    expect((await cloud.meter()).lambda.obey?.coldStarts).toBe(before);
  });

  it('have the records that Lambda gives', async () => {
    const sqs = new SQSClient(cloud.clientConfig());
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: cloud.names.queues.SlowQueue,
        MessageBody: 'shape',
        MessageGroupId: 'tenant',
        MessageAttributes: { colour: { DataType: 'String', StringValue: 'blue' } },
      }),
    );
    sqs.destroy();
    await becomesEmpty('SlowQueue');
    const number = expect.stringMatching(/^\d+$/);
    expect(cloud.logged<{ record: unknown }>('slow').at(-1)?.record).toEqual({
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      receiptHandle: expect.any(String),
      body: 'shape',
      md5OfBody: '8c73a98a300905900337f535531dfca6',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: number,
        ApproximateFirstReceiveTimestamp: number,
        SenderId: expect.any(String),
        MessageGroupId: 'tenant',
      },
      messageAttributes: {
        colour: { stringValue: 'blue', stringListValues: [], binaryListValues: [], dataType: 'String' },
      },
      md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:fixture-test-SlowQueue',
      awsRegion: 'eu-west-1',
    });
  });

  it('are deleted to the last message, also where SQS refuses some deletes at first', async () => {
    await cloud.setFaults([{ kind: 'sqs-entries-failed', action: 'DeleteMessageBatch', count: 5 }]);
    await cloud.order('ObeyQueue', ...Array.from({ length: 10 }, () => ({ tag: 'stubborn' })));
    await becomesEmpty('ObeyQueue');
    expect(batchesOf('stubborn')).toHaveLength(1);
  });
});

describe('a chain of invocations that turns in a loop', () => {
  it('is stopped after 16 rounds where it is not allowed, its message a dead letter', async () => {
    await cloud.send('LoopQueue', ['1']);
    await vi.waitFor(async () => expect((await depth('DeadLetters')).visible).toBe(1), WITHIN);
    expect(cloud.logged<{ round: number }>('loop').map(({ round }) => round)).toEqual(
      Array.from({ length: 16 }, (_, index) => index + 1),
    );
    expect(cloud.eventSources().loop?.[0]?.recursionStops).toBe(1);
    await becomesEmpty('LoopQueue');
  });

  it('goes on where it is allowed', async () => {
    await cloud.send('AllowedLoopQueue', ['1']);
    await vi.waitFor(() => expect(cloud.logged('loopAllowed')).toHaveLength(25), WITHIN);
    expect(cloud.eventSources().loopAllowed?.[0]?.recursionStops).toBe(0);
  });
});

describe('a cloud that does not flatter', () => {
  beforeAll(() =>
    restart({ fidelity: { shuffleWindow: 100, duplicateShare: 0.05, unevenBatches: true }, seed: 7 }),
  );

  it('shuffles receives, fills batches unevenly, and delivers a share of the messages twice', async () => {
    const sent = Array.from({ length: 400 }, (_, index) => ({ tag: `m${index}` }));
    await cloud.order('ObeyQueue', ...sent);
    await vi.waitFor(() => expect(new Set(tags()).size).toBe(400), WITHIN);
    await becomesEmpty('ObeyQueue');
    const got = tags();
    const twice = got.length - 400;
    // Seeded, but the draw depends on how receives fall: 0.05 of 400 is 20.
    expect(twice).toBeGreaterThanOrEqual(5);
    expect(twice).toBeLessThanOrEqual(50);
    expect(got.slice(0, 100)).not.toEqual(sent.slice(0, 100).map(({ tag }) => tag));
    const sizes = new Set(cloud.logged<LoggedBatch>('obey').map(({ batch }) => batch.length));
    expect(sizes.size).toBeGreaterThan(3);
  });

  const tags = () => cloud.logged<LoggedBatch>('obey').flatMap(({ batch }) => batch.map(({ tag }) => tag));
});

afterAll(() => cloud?.stop());
