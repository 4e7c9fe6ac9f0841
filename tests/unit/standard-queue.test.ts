// A standard queue in virtual time: visibility, its 12 hours, awkward receives.
import { describe, expect, it } from 'vitest';
import { type QueueLimits, StandardQueue } from '../../local/aws/sqs/standard-queue.ts';
import { createSqsFaults } from '../../local/faults/sqs.ts';
import { createRandom } from '../../shared/time/random.ts';

const HOUR_MS = 3600 * 1000;

function createQueue(limits: Partial<QueueLimits> = {}) {
  const time = { nowMs: 1_700_000_000_000 };
  const clock = { now: () => time.nowMs, sleep: async () => {} };
  const faults = createSqsFaults(createRandom(1));
  const queue = new StandardQueue(
    { clock, random: createRandom(1), faults },
    { name: 'queue', url: 'http://127.0.0.1/1/queue', arn: 'arn:aws:sqs:us-east-1:1:queue' },
    {
      limits: {
        ...{ inFlightLimit: 120_000, shuffleWindow: 0, duplicateShare: 0 },
        ...{ mostDelayMs: Number.POSITIVE_INFINITY, ...limits },
      },
    },
  );
  const receive = (count = 10) => queue.dequeue(count, undefined, () => undefined);
  return { queue, time, receive, faults };
}

describe('a standard queue', () => {
  it.each([
    ['no bound', {}, 900_000],
    ['a bound', { mostDelayMs: 60_000 }, 60_000],
  ])(
    'shows a message that is delayed by 15 minutes, with %s, when its time has come',
    (_, limits, delayMs) => {
      const { queue, time, receive } = createQueue(limits);
      const message = { messageId: 'm', body: 'b', md5OfBody: '', messageAttributes: {} };
      const sent = { sentTimestamp: time.nowMs, delayUntil: time.nowMs + 900_000 };
      queue.enqueue({ ...message, ...sent, md5OfMessageAttributes: '', approximateReceiveCount: 0 });
      time.nowMs += delayMs - 1;
      expect(receive()).toHaveLength(0);
      time.nowMs += 100;
      expect(receive()).toHaveLength(1);
    },
  );

  it('shows a message again when its visibility ends, and not before', () => {
    const { queue, time, receive } = createQueue();
    queue.send('body');
    expect(receive()).toHaveLength(1);
    time.nowMs += 29_000;
    expect(receive()).toHaveLength(0);
    time.nowMs += 1100;
    expect(receive()).toHaveLength(1);
  });

  it('ends visibility 12 hours after the receive, however often it is extended', () => {
    const { queue, time, receive } = createQueue();
    queue.send('body');
    const [message] = receive();
    const handle = String(message?.ReceiptHandle);
    queue.changeVisibility(handle, 43_200);
    time.nowMs += 11 * HOUR_MS;
    queue.changeVisibility(handle, 43_200);
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    time.nowMs += HOUR_MS + 100;
    expect(queue.depth()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });

  it('shuffles within its window and loses nothing', () => {
    const { queue, receive } = createQueue({ shuffleWindow: 100 });
    const sent = Array.from({ length: 5000 }, (_, index) => String(index));
    for (const body of sent) queue.send(body);
    const received: unknown[] = [];
    for (let page = receive(); page.length > 0; page = receive())
      received.push(...page.map(({ Body }) => Body));
    expect(received).not.toEqual(sent);
    expect(received.map(String).sort()).toEqual([...sent].sort());
  });

  it('delivers a share of messages twice, and no message more often', () => {
    const { queue, receive } = createQueue({ duplicateShare: 0.1 });
    for (let index = 0; index < 2000; index += 1) queue.send(String(index));
    const times = new Map<unknown, number>();
    for (let page = receive(); page.length > 0; page = receive()) {
      for (const { MessageId } of page) times.set(MessageId, (times.get(MessageId) ?? 0) + 1);
    }
    const twice = [...times.values()].filter((count) => count === 2).length;
    expect(times.size).toBe(2000);
    expect(Math.max(...times.values())).toBe(2);
    expect(twice).toBeGreaterThan(150);
    expect(twice).toBeLessThan(250);
  });
});

describe('a fair queue', () => {
  function createFair() {
    const { queue, time, receive } = createQueue({ shuffleWindow: 50 });
    const send = (group: string | undefined, count: number) => {
      for (let index = 0; index < count; index++) {
        queue.sending = undefined;
        queue.enqueue({
          messageId: `${group}-${index}`,
          body: group ?? 'none',
          md5OfBody: '',
          messageAttributes: {},
          md5OfMessageAttributes: '',
          sentTimestamp: time.nowMs,
          approximateReceiveCount: 0,
          messageGroupId: group,
        });
      }
    };
    const bodies = (count: number) => {
      const all: unknown[] = [];
      while (all.length < count) {
        const page = receive(Math.min(10, count - all.length));
        if (page.length === 0) break;
        all.push(...page.map(({ Body }) => Body));
      }
      return all;
    };
    return { queue, time, receive, send, bodies };
  }

  it('delivers in the order of arrival while no group is noisy', () => {
    const { send, bodies } = createFair();
    send('a', 5);
    send(undefined, 1);
    send('b', 5);
    expect(bodies(11)).toEqual([...Array(5).fill('a'), 'none', ...Array(5).fill('b')]);
  });

  it('delivers a quiet group before the backlog of a noisy one', () => {
    const { send, bodies } = createFair();
    send('large', 5_000);
    expect(bodies(30)).toEqual(Array(30).fill('large'));
    send('small', 10);
    send(undefined, 1);
    expect(bodies(12)).toEqual([...Array(10).fill('small'), 'none', 'large']);
  });

  it('delivers the noisy group with the fewest messages in flight first', () => {
    const { send, bodies } = createFair();
    send('a', 500);
    expect(bodies(100)).toEqual(Array(100).fill('a'));
    send('b', 500);
    // Until it is noisy itself, and then until both have as many in flight.
    expect(bodies(100)).toEqual(Array(100).fill('b'));
    const both = bodies(100);
    expect(both.filter((body) => body === 'a')).toHaveLength(50);
  });

  it('knows a group as noisy by its time of processing, with few messages in flight', () => {
    const { queue, time, receive, send, bodies } = createFair();
    send('slow', 100);
    for (let index = 0; index < 4; index++) {
      const [message] = receive(1);
      time.nowMs += 20_000;
      queue.deleteMessage(String(message?.ReceiptHandle));
    }
    send('quick', 1);
    expect(bodies(2)).toEqual(['quick', 'slow']);
  });

  it('forgets that a group was noisy when it has sent nothing for five minutes', () => {
    const { time, send, bodies } = createFair();
    send('large', 500);
    bodies(100);
    time.nowMs += 6 * 60_000;
    send('small', 10);
    expect(bodies(10)).toEqual(Array(10).fill('large'));
  });
});
