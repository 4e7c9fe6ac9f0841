// The waiter beside the pacer: lets a group's requests through one by one, in the order of arrival, each at the turn that the
// pacer gives it. A request that would wait too long is shed at once, untried. So is one whose wait grows much longer than it
// seemed at first, because the rate has fallen meanwhile.
import type { Clock } from '../time/clock.ts';
import type { GroupAnswer, Pacer, PacingGroup } from './adaptive-pacer.ts';

export type Passage = { kind: 'passed' } | { kind: 'shed'; waitMs: number };

export interface RateLimiter {
  /** The group that a write of this key is paced in, now: it may be another at its next attempt. */
  groupOf(bucket: string, key: string): PacingGroup;
  /**
   * Waits for the group's next free turn.
   * @param mostMs a request that would wait longer is shed, with the time of a turn after all that wait or were shed before.
   *   One that waits already may wait up to twice as long
   */
  pass(group: PacingGroup, mostMs: number): Promise<Passage>;
  /** What S3 answered to a request of the group. */
  observe(group: PacingGroup, answer: GroupAnswer): void;
}

interface Queue {
  /** Settles when the last one in the queue has passed. */
  tail: Promise<void>;
  waiting: number;
}

/** A request in the queue may wait this many times its limit: its turn was computed by the rate at its arrival. */
const PATIENCE = 2;

export function createRateLimiter({ pacer, clock }: { pacer: Pacer; clock: Clock }): RateLimiter {
  const queues = new Map<PacingGroup, Queue>();

  /** @returns whether the turn came in time */
  async function takeTurn(group: PacingGroup, untilMs: number): Promise<boolean> {
    for (;;) {
      const nowMs = clock.now();
      if (nowMs > untilMs) return false;
      const waitMs = pacer.take(group, nowMs);
      if (waitMs === 0) return true;
      if (nowMs + waitMs > untilMs) return false;
      // The rate may change meanwhile: the turn is asked for again, not booked ahead.
      await clock.sleep(waitMs);
    }
  }

  function queueOf(group: PacingGroup): Queue {
    const queue = queues.get(group) ?? { tail: Promise.resolve(), waiting: 0 };
    queues.set(group, queue);
    return queue;
  }

  return {
    groupOf: (bucket, key) => pacer.groupOf(bucket, key, clock.now()),
    async pass(group, mostMs) {
      const queue = queueOf(group);
      const nowMs = clock.now();
      const waitMs = (queue.waiting * 1000) / pacer.ratePerSecond(group, nowMs);
      // Given the same time, all would come back together, to be shed again.
      if (waitMs > Math.min(mostMs, pacer.mostWaitMs(group, nowMs)))
        return { kind: 'shed', waitMs: pacer.book(group, queue.waiting, nowMs) };
      queue.waiting++;
      const turn = queue.tail.then(() => takeTurn(group, nowMs + mostMs * PATIENCE));
      queue.tail = turn.then(
        () => void queue.waiting--,
        () => void queue.waiting--,
      );
      if (await turn) return { kind: 'passed' };
      return { kind: 'shed', waitMs: pacer.book(group, queue.waiting, clock.now()) };
    },
    observe: (group, answer) => pacer.observe(group, answer, clock.now()),
  };
}
