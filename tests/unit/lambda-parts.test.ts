// The pure parts of the embedded Lambda: lineage, embedded metrics, batching, scaling.
import { describe, expect, it } from 'vitest';
import { createFunctionLogs, embeddedMetrics } from '../../local/lambda/logs.ts';
import { createMessageBuffer } from '../../local/lambda/message-buffer.ts';
import { nextTraceHeader, parseLineage, timesInChain } from '../../local/lambda/recursion.ts';
import type { ReceivedMessage } from '../../local/lambda/sqs-client.ts';
import { concurrencyLimit } from '../../local/lambda/sqs-scaling.ts';
import { createRandom } from '../../shared/time/random.ts';

describe('lineage', () => {
  const random = createRandom(1);

  it('counts a function each time that it is met in a chain', () => {
    let header: string | undefined;
    for (let times = 1; times <= 20; times += 1) {
      expect(timesInChain(header, 'arn:one')).toBe(times);
      header = nextTraceHeader(random, 'arn:one', [header]);
    }
    expect(timesInChain(header, 'arn:other')).toBe(1);
  });

  it('counts two functions that call each other apart', () => {
    const one = nextTraceHeader(random, 'arn:one');
    const two = nextTraceHeader(random, 'arn:two', [one]);
    expect([...parseLineage(two).values()]).toEqual([1, 1]);
    expect(timesInChain(two, 'arn:one')).toBe(2);
  });

  it('takes the highest count where a batch brings several', () => {
    const once = nextTraceHeader(random, 'arn:one');
    const twice = nextTraceHeader(random, 'arn:one', [once]);
    expect(timesInChain(nextTraceHeader(random, 'arn:one', [once, undefined, twice]), 'arn:one')).toBe(4);
  });

  it.each([undefined, '', 'Root=1-a-b;Parent=c;Sampled=1', 'Lineage=', 'Lineage=nonsense'])(
    'is empty in the header %s',
    (header) => {
      expect(parseLineage(header).size).toBe(0);
    },
  );
});

describe('embedded metrics', () => {
  const line = (members: object, ...names: string[]) =>
    JSON.stringify({
      _aws: { CloudWatchMetrics: [{ Namespace: 'N', Metrics: names.map((Name) => ({ Name })) }] },
      ...members,
    });

  it('are read by name, and a list of values is summed', () => {
    expect(embeddedMetrics(line({ A: 2, B: [1, 2, 3] }, 'A', 'B'))).toEqual([
      ['A', 2],
      ['B', 6],
    ]);
  });

  it.each(['', 'text', '{}', '{"_aws":{}}', 'null', '"CloudWatchMetrics"'])('are not found in %s', (text) => {
    expect(embeddedMetrics(text)).toBeUndefined();
  });

  it('are summed by function, whatever pieces a line comes in', () => {
    const lines: string[] = [];
    const logs = createFunctionLogs({ sink: (text) => void lines.push(text), keep: 2 });
    const [one, other] = [logs.writer('one'), logs.writer('other')];
    const text = `first\n${line({ A: 1 }, 'A')}\n\nsecond\nthird\nunfinished`;
    for (const character of text) one(character);
    other(`${line({ A: 5 }, 'A')}\n`);
    expect(lines).toEqual(['first', 'second', 'third']);
    expect(logs.lines().map((kept) => kept.line)).toEqual(['second', 'third']);
    expect(logs.metrics()).toEqual({ A: 6 });
    expect(logs.metricsOf('one')).toEqual({ A: 1 });
  });
});

describe('a buffer of received messages', () => {
  const message = (id: number, bytes = 1): ReceivedMessage => ({
    MessageId: `m${id}`,
    ReceiptHandle: 'r',
    Body: 'x'.repeat(bytes),
    MD5OfBody: '',
  });
  const several = (count: number, bytes?: number) =>
    Array.from({ length: count }, (_, index) => message(index, bytes));

  it('gives a batch at once when it is full, else when its window is over', () => {
    const buffer = createMessageBuffer(createRandom(1), { batchSize: 3, windowMs: 1000, uneven: false });
    expect(buffer.next(0)).toEqual({ kind: 'wait', delayMs: undefined });
    buffer.add(several(5), 100);
    expect(buffer.next(100)).toMatchObject({ kind: 'batch', messages: { length: 3 } });
    expect(buffer.next(100)).toEqual({ kind: 'wait', delayMs: 1000 });
    expect(buffer.next(700)).toEqual({ kind: 'wait', delayMs: 400 });
    expect(buffer.next(1100)).toMatchObject({ kind: 'batch', messages: { length: 2 } });
  });

  it('counts the window from the first message', () => {
    const buffer = createMessageBuffer(createRandom(1), { batchSize: 10, windowMs: 1000, uneven: false });
    buffer.add(several(1), 0);
    buffer.add(several(1), 900);
    expect(buffer.next(1000)).toMatchObject({ kind: 'batch', messages: { length: 2 } });
  });

  it('lets no message wait longer than its window because others left before it', () => {
    const buffer = createMessageBuffer(createRandom(1), { batchSize: 100, windowMs: 1000, uneven: true });
    buffer.add(several(90), 0);
    let left = 90;
    for (let next = buffer.next(1000); next.kind === 'batch'; next = buffer.next(1000))
      left -= next.messages.length;
    expect(left).toBe(0);
  });

  it('gives no batch above 6 MB, and does not wait for more once it has that much', () => {
    const buffer = createMessageBuffer(createRandom(1), { batchSize: 100, windowMs: 1000, uneven: false });
    buffer.add(several(10, 1_000_000), 0);
    expect(buffer.next(0)).toMatchObject({ kind: 'batch', messages: { length: 6 } });
    expect(buffer.next(0)).toEqual({ kind: 'wait', delayMs: 1000 });
  });

  it('fills batches unevenly where an option says so', () => {
    const buffer = createMessageBuffer(createRandom(1), { batchSize: 100, windowMs: 1000, uneven: true });
    buffer.add(several(5_000), 0);
    const sizes: number[] = [];
    for (let next = buffer.next(0); next.kind === 'batch'; next = buffer.next(0))
      sizes.push(next.messages.length);
    expect(new Set(sizes).size).toBeGreaterThan(10);
    expect(sizes.filter((size) => size === 100).length).toBeGreaterThan(sizes.length / 4);
  });
});

describe('the scaling of an event source', () => {
  it.each([
    { busySeconds: 0, maximumConcurrency: undefined, limit: 5 },
    { busySeconds: 60, maximumConcurrency: undefined, limit: 305 },
    { busySeconds: 3600, maximumConcurrency: undefined, limit: 1250 },
    { busySeconds: 0, maximumConcurrency: 2, limit: 2 },
    { busySeconds: 60, maximumConcurrency: 50, limit: 50 },
  ])('allows $limit after $busySeconds s with a maximum of $maximumConcurrency', (row) => {
    expect(concurrencyLimit(row.busySeconds * 1000, row.maximumConcurrency)).toBe(row.limit);
  });
});
