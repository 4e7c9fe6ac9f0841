// Giving items back: which way each takes, and that none is lost whatever SQS refuses on the way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createReturnShare,
  giveBack,
  giveBackBy,
  planGiveBack,
  type UnfinishedMessage,
} from '../../shared/queue/give-back.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createWatchedSqs, type EntryFate } from '../helpers/failing.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const QUEUE = 'https://sqs.example/upload';

function unfinished(name: string, change: Partial<UnfinishedMessage> = {}): UnfinishedMessage {
  return {
    messageId: `id-${name}`,
    receiptHandle: `receipt-${name}`,
    receiveCount: 1,
    wasTried: false,
    delayMs: 1_000,
    reposted: { body: `body-${name}`, groupId: 'job' },
    ...change,
  };
}

describe('giveBackBy', () => {
  it.each([
    { delayMs: 0, receiveCount: 1, mayReturn: true, by: { kind: 'return', delaySeconds: 0 } },
    { delayMs: 1, receiveCount: 1, mayReturn: true, by: { kind: 'return', delaySeconds: 1 } },
    { delayMs: 20_000, receiveCount: 3, mayReturn: true, by: { kind: 'return', delaySeconds: 20 } },
    { delayMs: 20_001, receiveCount: 1, mayReturn: true, by: { kind: 'repost', delaySeconds: 21 } },
    { delayMs: 500, receiveCount: 4, mayReturn: true, by: { kind: 'repost', delaySeconds: 1 } },
    { delayMs: 500, receiveCount: 1, mayReturn: false, by: { kind: 'repost', delaySeconds: 1 } },
    { delayMs: 899_999, receiveCount: 1, mayReturn: true, by: { kind: 'repost', delaySeconds: 900 } },
    { delayMs: 5_000_000, receiveCount: 1, mayReturn: true, by: { kind: 'repost', delaySeconds: 900 } },
  ])(
    '$delayMs ms, received $receiveCount times, room $mayReturn: $by.kind',
    ({ mayReturn, by, ...message }) => {
      expect(giveBackBy(message, mayReturn)).toEqual(by);
    },
  );

  it('never returns a message at its last receives, and never asks for more than SQS takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 1, max: 10 }),
        fc.boolean(),
        (delayMs, receiveCount, mayReturn) => {
          const by = giveBackBy({ delayMs, receiveCount }, mayReturn);
          expect(Number.isInteger(by.delaySeconds)).toBe(true);
          expect(by.delaySeconds).toBeLessThanOrEqual(by.kind === 'return' ? 20 : 900);
          const isShort = Math.ceil(delayMs / 1000) <= 20 && receiveCount < 4;
          expect(by.kind).toBe(isShort && mayReturn ? 'return' : 'repost');
        },
      ),
    );
  });
});

describe("a worker's share of the in-flight quota", () => {
  it('has room again when a delay is over', () => {
    const clock = createVirtualClock();
    const share = createReturnShare(clock, 2);
    share.take(10);
    expect(share.hasRoom()).toBe(true);
    share.take(20);
    expect(share.hasRoom()).toBe(false);
    clock.advance(9_999);
    expect(share.hasRoom()).toBe(false);
    clock.advance(1);
    expect(share.hasRoom()).toBe(true);
    share.take(5);
    expect(share.hasRoom()).toBe(false);
    clock.advance(10_000);
    share.take(1);
    expect(share.hasRoom()).toBe(true);
  });
});

describe('giveBack', () => {
  function run(messages: UnfinishedMessage[], { fate, places }: { fate?: EntryFate; places?: number } = {}) {
    const sqs = createWatchedSqs(fate);
    const clock = createVirtualClock();
    const share = createReturnShare(clock, places);
    const queue = { sqs: sqs.client, clock, random: createRandom(1) };
    return giveBack(queue, QUEUE, planGiveBack(messages, share)).then((given) => ({ ...given, sqs }));
  }
  const ways = (refused: [number, number], untried: [number, number]) => ({
    refused: { returned: refused[0], reposted: refused[1] },
    untried: { returned: untried[0], reposted: untried[1] },
  });

  it('changes the visibility of what it returns and lists it as a failure', async () => {
    const { sqs, ...given } = await run([unfinished('a'), unfinished('b', { delayMs: 3_400 })]);
    expect(given).toEqual({ failures: ['id-a', 'id-b'], counts: ways([0, 0], [2, 0]), errors: [] });
    expect(sqs.calls).toEqual([
      {
        operation: 'visibility',
        queueUrl: QUEUE,
        entries: [
          { Id: '0', ReceiptHandle: 'receipt-a', VisibilityTimeout: 1 },
          { Id: '1', ReceiptHandle: 'receipt-b', VisibilityTimeout: 4 },
        ],
      },
    ]);
  });

  it('sends what it reposts before it deletes the original, and lists no failure', async () => {
    const { sqs, ...given } = await run([unfinished('a', { delayMs: 60_000 })]);
    expect(given).toEqual({ failures: [], counts: ways([0, 0], [0, 1]), errors: [] });
    expect(sqs.calls.map(({ operation, entries }) => [operation, entries[0]])).toEqual([
      ['send', { Id: '0', MessageBody: 'body-a', DelaySeconds: 60, MessageGroupId: 'job' }],
      ['delete', { Id: '0', ReceiptHandle: 'receipt-a' }],
    ]);
  });

  it('returns what S3 refused like what was not tried, and counts the two apart', async () => {
    const refused = { wasTried: true };
    const { failures, counts, sqs } = await run([
      unfinished('a', { ...refused, receiveCount: 3, delayMs: 20_000 }),
      unfinished('b'),
      unfinished('c', { ...refused, receiveCount: 4 }),
      unfinished('d', { ...refused, delayMs: 20_001 }),
    ]);
    expect(failures).toEqual(['id-a', 'id-b']);
    expect(counts).toEqual(ways([1, 2], [1, 0]));
    expect(sqs.sent()).toEqual(['body-c', 'body-d']);
  });

  it('reposts what exceeds its share of the in-flight quota', async () => {
    const messages = Array.from({ length: 5 }, (_, index) => unfinished(String(index)));
    const { counts, failures } = await run(messages, { places: 3 });
    expect({ counts, failures }).toEqual({
      counts: ways([0, 0], [3, 2]),
      failures: ['id-0', 'id-1', 'id-2'],
    });
  });

  it('lists every repost as a failure where sending fails, and deletes none of them', async () => {
    const messages = [
      unfinished('a', { delayMs: 60_000 }),
      unfinished('b', { receiveCount: 4 }),
      unfinished('c'),
    ];
    const { failures, counts, errors, sqs } = await run(messages, {
      fate: (operation) => (operation === 'send' ? 'InternalError' : undefined),
    });
    expect(failures.toSorted()).toEqual(['id-a', 'id-b', 'id-c']);
    expect(counts).toEqual(ways([0, 0], [1, 0]));
    expect(errors.map(({ name }) => name)).toEqual(['UnsentMessagesError']);
    expect(sqs.calls.some(({ operation }) => operation === 'delete')).toBe(false);
  });

  it('keeps a repost that was sent but not deleted out of the failures: Lambda deletes it', async () => {
    const { failures, counts, errors } = await run([unfinished('a', { delayMs: 60_000 })], {
      fate: (operation) => (operation === 'delete' ? 'InternalError' : undefined),
    });
    expect({ failures, counts, errors: errors.length }).toEqual({
      failures: [],
      counts: ways([0, 0], [0, 1]),
      errors: 1,
    });
  });

  it('lists a return whose visibility can not be changed: it comes back by itself', async () => {
    const { failures, errors } = await run([unfinished('a')], {
      fate: () => {
        throw new Error('no route');
      },
    });
    expect({ failures, errors: errors.map(({ message }) => message) }).toEqual({
      failures: ['id-a'],
      errors: ['no route'],
    });
  });

  it('loses no message, whatever fails', async () => {
    const oneOf = fc.record({
      delayMs: fc.integer({ min: 0, max: 100_000 }),
      receiveCount: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(oneOf, { maxLength: 40 }),
        fc.integer({ min: 0, max: 10 }),
        fc.constantFrom('send', 'delete', 'visibility', 'nothing'),
        fc.integer({ min: 0, max: 3 }),
        async (list, places, failing, every) => {
          const messages = list.map((change, index) => unfinished(String(index), change));
          const { failures, sqs } = await run(messages, {
            places,
            fate: (operation, _entry, call) =>
              operation === failing && (every === 0 || call % every === 0) ? 'InternalError' : undefined,
          });
          const sent = new Set(sqs.sent());
          for (const { messageId, reposted } of messages) {
            expect(failures.includes(messageId) || sent.has(reposted.body), messageId).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
