// Suspects in a batch: which is worked on alone, which waits, and which is separated from the items that it came back with.
import { describe, expect, it } from 'vitest';
import { type Delivery, parseDeliveries } from '../../functions/upload/delivery.ts';
import type { OpenItem } from '../../functions/upload/look-up.ts';
import { separateSuspects, setSuspectsApart } from '../../functions/upload/suspects.ts';
import { untriedReposts } from '../../shared/queue/give-back.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createWatchedSqs, type EntryFate } from '../helpers/failing.ts';
import { anUploadMessage, aRunningJob } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

interface Given {
  name: string;
  suspect?: true;
  wasSeparated?: boolean;
  receiveCount?: number;
}

const deliveryOf = ({ name, receiveCount = 1, wasSeparated = false, ...marks }: Given): Delivery => ({
  messageId: name,
  receiptHandle: `receipt of ${name}`,
  message: anUploadMessage(marks),
  wasSeparated,
  receiveCount,
  firstReceivedAtMs: 0,
});
const itemOf = (given: Given, control: 'run' | 'cancelling' = 'run'): OpenItem => ({
  delivery: deliveryOf(given),
  job: aRunningJob({ control }),
});
const names = (items: readonly OpenItem[]) => items.map(({ delivery }) => delivery.messageId);

function apart(...items: OpenItem[]) {
  const { others, separate, suspect, waiting } = setSuspectsApart(items, () => 0);
  return {
    others: names(others),
    separate: names(separate),
    suspect: suspect?.delivery.messageId,
    waiting: names(waiting),
  };
}

describe('of a batch', () => {
  const other = itemOf({ name: 'other', receiveCount: 3 });

  it('one suspect is worked on alone, the further ones wait', () => {
    const [a, b] = [itemOf({ name: 'a', suspect: true }), itemOf({ name: 'b', suspect: true })];
    expect(apart(other, a, b)).toEqual({ others: ['other'], separate: [], suspect: 'a', waiting: ['b'] });
  });

  it.each([
    { why: 'came back beside another item', marks: { receiveCount: 2 }, isSeparated: true },
    { why: 'comes for the first time', marks: { receiveCount: 1 }, isSeparated: false },
    { why: 'was separated before', marks: { receiveCount: 2, wasSeparated: true }, isSeparated: false },
  ])('a suspect that $why is separated: $isSeparated', ({ marks, isSeparated }) => {
    const suspect = itemOf({ name: 'a', suspect: true, ...marks });
    expect(apart(other, suspect)).toEqual({
      others: ['other'],
      separate: isSeparated ? ['a'] : [],
      suspect: isSeparated ? undefined : 'a',
      waiting: [],
    });
  });

  it('suspects among themselves are not separated: they are worked on one by one', () => {
    const came = { suspect: true, receiveCount: 2 } as const;
    expect(apart(itemOf({ name: 'a', ...came }), itemOf({ name: 'b', ...came }))).toMatchObject({
      separate: [],
      suspect: 'a',
      waiting: ['b'],
    });
  });

  it('none of a halted job is a suspect: nothing of it is begun', () => {
    const halted = itemOf({ name: 'a', suspect: true, receiveCount: 2 }, 'cancelling');
    expect(apart(other, halted)).toMatchObject({ others: ['other', 'a'], separate: [], suspect: undefined });
  });
});

describe('a suspect that is separated', () => {
  const suspects = ['a', 'b'].map((name) => deliveryOf({ name, suspect: true, receiveCount: 2 }));
  const part = async (fateOf?: EntryFate) => {
    const sqs = createWatchedSqs(fateOf);
    const queue = { sqs: sqs.client, clock: createVirtualClock(), random: createRandom(1) };
    return { sqs, end: await separateSuspects(queue, 'queue', suspects) };
  };

  it('goes as a new message, some seconds later, and leaves the hand', async () => {
    const { sqs, end } = await part();
    expect(end).toEqual({ staying: [], givenBack: untriedReposts(2), errors: [] });
    expect(sqs.calls.map(({ operation }) => operation)).toEqual(['send', 'delete']);
    for (const { MessageBody = '', DelaySeconds = 0 } of sqs.calls[0]?.entries ?? []) {
      expect(JSON.parse(MessageBody)).toMatchObject({
        suspect: true,
        parted: true,
        reposted: 1,
        returned: 1,
      });
      expect(DelaySeconds).toBeGreaterThanOrEqual(1);
      expect(DelaySeconds).toBeLessThanOrEqual(30);
    }
    expect(sqs.calls[1]?.entries.map(({ ReceiptHandle }) => ReceiptHandle)).toEqual([
      'receipt of a',
      'receipt of b',
    ]);
  });

  it('is known by its message when it comes back', async () => {
    const { sqs } = await part();
    const bodies = sqs.calls[0]?.entries.map(({ MessageBody = '' }) => MessageBody) ?? [];
    const attributes = { ApproximateReceiveCount: '2', ApproximateFirstReceiveTimestamp: '0' };
    const records = [...bodies, messageBody(anUploadMessage({ suspect: true }))].map((body, index) => ({
      ...{ messageId: `m${index}`, receiptHandle: `r${index}`, body, attributes },
    }));
    expect(parseDeliveries(records).deliveries.map(({ wasSeparated }) => wasSeparated)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('stays in the queue where it can not be sent, and is not begun', async () => {
    const { sqs, end } = await part((operation) => (operation === 'send' ? 'InternalError' : undefined));
    expect(end).toMatchObject({ staying: ['a', 'b'], givenBack: untriedReposts(0) });
    expect(end.errors).toHaveLength(1);
    expect(sqs.calls.every(({ operation }) => operation === 'send')).toBe(true);
  });
});
