// The waiter beside the pacer: lets a group's requests through one by one, in the order of their coming, each at the turn
// that the pacer gives it. Who would wait too long is shed at once, untried.
import type { Clock } from '../job/clock.ts';
import type { GroupAnswer, Pacer, PacingGroup } from './adaptive-pacer.ts';

export type Passage = { kind: 'passed' } | { kind: 'shed'; waitMs: number };

export interface Turnstile {
  /** The group that a write of this key is paced in, now: it may be another at its next attempt. */
  groupOf(bucket: string, key: string): PacingGroup;
  /**
   * Waits for the group's next free turn.
   * @param mostMs who would wait longer is shed, and told when a turn behind all that wait or were shed before will come
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

export function createTurnstile({ pacer, clock }: { pacer: Pacer; clock: Clock }): Turnstile {
  const queues = new Map<PacingGroup, Queue>();

  async function takeTurn(group: PacingGroup): Promise<void> {
    for (;;) {
      const waitMs = pacer.take(group, clock.now());
      if (waitMs === 0) return;
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
      // All told the same time would come back together, to be shed again.
      if (waitMs > Math.min(mostMs, pacer.mostWaitMs(group, nowMs)))
        return { kind: 'shed', waitMs: pacer.book(group, queue.waiting, nowMs) };
      queue.waiting++;
      const turn = queue.tail.then(() => takeTurn(group));
      queue.tail = turn.finally(() => {
        queue.waiting--;
      });
      await queue.tail;
      return { kind: 'passed' };
    },
    observe: (group, answer) => pacer.observe(group, answer, clock.now()),
  };
}
