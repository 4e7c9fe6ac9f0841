// SQS's batch calls: nothing that SQS reports as failed may get lost.
import { SQSClient } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeVisibility,
  deleteMessages,
  type Outgoing,
  packMessages,
  sendMessageForEach,
  sendMessages,
  UnsentMessagesError,
} from '../../shared/queue/batches.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createWatchedSqs, type EntryFate } from '../helpers/failing.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const QUEUE = 'https://sqs.example/queue';
const MIB = 1024 * 1024;

function createQueue(fate?: EntryFate) {
  const sqs = createWatchedSqs(fate);
  const clock = createVirtualClock();
  return { ...sqs, clock, queue: { sqs: sqs.client, clock, random: createRandom(1) } };
}

const bodies = (count: number) => Array.from({ length: count }, (_, index) => ({ body: `m${index}` }));

const pack = (messages: readonly Outgoing[]) => [...packMessages(messages, (message) => message)];

describe('packMessages', () => {
  it('packs by count and by bytes, loses nothing and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 60 }), (sizes) => {
        const messages = sizes.map((size, index) => ({ body: String(index).padEnd(size, 'x') }));
        const batches = pack(messages);
        expect(batches.flat()).toEqual(messages);
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(10);
          const bytes = batch.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
          expect(bytes).toBeLessThanOrEqual(MIB);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('counts bytes of UTF-8, not characters', () => {
    const half = 'é'.repeat(MIB / 4);
    expect(pack([{ body: half }, { body: half }])).toHaveLength(1);
    expect(pack([{ body: half }, { body: half }, { body: 'x' }]).map(({ length }) => length)).toEqual([2, 1]);
  });

  it('leaves a message above the limit in a batch of its own, for SQS to refuse', () => {
    const batches = pack([{ body: 'a' }, { body: 'x'.repeat(MIB + 1) }, { body: 'b' }]);
    expect(batches.map(({ length }) => length)).toEqual([1, 1, 1]);
  });
});

describe('sendMessages', () => {
  it('makes no further message once a batch has failed', async () => {
    const { queue } = createQueue();
    const sqs = { send: () => Promise.reject(new Error('no such queue')) } as unknown as typeof queue.sqs;
    let made = 0;
    const messageOf = (message: Outgoing) => {
      made += 1;
      return message;
    };
    const sending = sendMessageForEach({ ...queue, sqs }, QUEUE, bodies(1_000), messageOf);
    await expect(sending).rejects.toThrow('no such queue');
    const before = made;
    await new Promise(setImmediate);
    expect(made).toBe(before);
    expect(made).toBeLessThan(200);
  });

  it('sends a delay and a group where a message has them, and else neither', async () => {
    const bodiesSent: unknown[] = [];
    const requestHandler = {
      handle: async ({ body }: { body: string }) => {
        bodiesSent.push(JSON.parse(body));
        throw Object.assign(new Error('enough seen'), { name: 'AccessDenied' });
      },
    };
    const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
    const sqs = new SQSClient({ region: 'eu-west-1', credentials, maxAttempts: 1, requestHandler });
    const messages = [{ body: 'plain' }, { body: 'full', delaySeconds: 0, groupId: 'job' }];
    await expect(sendMessages({ ...createQueue().queue, sqs }, QUEUE, messages)).rejects.toThrow('enough');
    expect(bodiesSent).toEqual([
      {
        QueueUrl: QUEUE,
        Entries: [
          { Id: '0', MessageBody: 'plain' },
          { Id: '1', MessageBody: 'full', DelaySeconds: 0, MessageGroupId: 'job' },
        ],
      },
    ]);
  });

  it('sends nothing for no messages', async () => {
    const { queue, calls } = createQueue();
    await sendMessages(queue, QUEUE, []);
    expect(calls).toEqual([]);
  });

  it('carries delay and group where they are given, and only there', async () => {
    const { queue, calls } = createQueue();
    await sendMessages(queue, QUEUE, [{ body: 'a', delaySeconds: 7, groupId: 'job' }, { body: 'b' }]);
    expect(calls).toEqual([
      {
        operation: 'send',
        queueUrl: QUEUE,
        entries: [
          { Id: '0', MessageBody: 'a', DelaySeconds: 7, MessageGroupId: 'job' },
          { Id: '1', MessageBody: 'b' },
        ],
      },
    ]);
  });

  it('sends failed entries again, and those alone, until each is accepted once', async () => {
    const refusals = new Map([
      ['m3', 3],
      ['m7', 1],
      ['m24', 2],
    ]);
    const { queue, sent, calls, clock } = createQueue((_, { MessageBody = '' }) => {
      const left = refusals.get(MessageBody) ?? 0;
      refusals.set(MessageBody, left - 1);
      return left > 0 ? 'InternalError' : undefined;
    });
    const startMs = clock.now();
    await sendMessages(queue, QUEUE, bodies(25));
    expect(sent().toSorted()).toEqual(
      bodies(25)
        .map(({ body }) => body)
        .toSorted(),
    );
    expect(calls).toHaveLength(3 + 3 + 2);
    expect(clock.now(), 'it backs off between rounds').toBeGreaterThan(startMs);
  });

  it('throws UnsentMessagesError after eight rounds, with what SQS said last', async () => {
    const { queue, calls } = createQueue((_, { MessageBody }) =>
      MessageBody === 'm2' ? 'InvalidMessageContents' : undefined,
    );
    const sending = sendMessages(queue, QUEUE, bodies(5));
    await expect(sending).rejects.toThrow(UnsentMessagesError);
    await expect(sending).rejects.toThrow(/1 entries still failed after 8 rounds.*InvalidMessageContents/);
    expect(calls).toHaveLength(8);
  });

  it('fails where the call itself fails', async () => {
    const { queue } = createQueue(() => {
      throw new Error('no route');
    });
    await expect(sendMessages(queue, QUEUE, bodies(1))).rejects.toThrow('no route');
  });
});

describe.each([
  {
    name: 'deleteMessages',
    run: (queue: Parameters<typeof deleteMessages>[0], handles: string[]) =>
      deleteMessages(queue, QUEUE, handles),
  },
  {
    name: 'changeVisibility',
    run: (queue: Parameters<typeof deleteMessages>[0], handles: string[]) =>
      changeVisibility(
        queue,
        QUEUE,
        handles.map((receiptHandle) => ({ receiptHandle, delaySeconds: 5 })),
      ),
  },
])('$name', ({ run }) => {
  const handles = Array.from({ length: 23 }, (_, index) => `r${index}`);

  it('takes ten entries a call', async () => {
    const { queue, calls } = createQueue();
    await run(queue, handles);
    expect(calls.map(({ entries }) => entries.length)).toEqual([10, 10, 3]);
    expect(calls.flatMap(({ entries }) => entries.map((entry) => entry.ReceiptHandle))).toEqual(handles);
  });

  it('tries failed entries again', async () => {
    let failing = 2;
    const { queue, calls } = createQueue((_, { ReceiptHandle }) =>
      ReceiptHandle === 'r4' && failing-- > 0 ? 'InternalError' : undefined,
    );
    await run(queue, handles.slice(0, 10));
    expect(calls.map(({ entries }) => entries.map((entry) => entry.ReceiptHandle))).toEqual([
      handles.slice(0, 10),
      ['r4'],
      ['r4'],
    ]);
  });

  it.each(['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue'])(
    'takes a spent receipt (%s) as done',
    async (code) => {
      const { queue, calls } = createQueue(() => code);
      await run(queue, handles.slice(0, 3));
      expect(calls).toHaveLength(1);
    },
  );

  it('gives up after eight rounds', async () => {
    const { queue } = createQueue(() => 'InternalError');
    await expect(run(queue, handles)).rejects.toThrow(UnsentMessagesError);
  });
});
