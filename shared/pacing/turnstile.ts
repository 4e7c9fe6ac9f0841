// The waiter beside the pacer: lets a group's requests through one by one, in the order of their coming, each at the turn
// that the pacer gives it. Who would wait too long is shed at once, untried; and so is who waits much longer than it seemed at
// first, since the rate has fallen meanwhile.
import type { Clock } from '../job/clock.ts';
import type { GroupAnswer, Pacer, PacingGroup } from './adaptive-pacer.ts';

export type Passage = { kind: 'passed' } | { kind: 'shed'; waitMs: number };

export interface Turnstile {
  /** The group that a write of this key is paced in, now: it may be another at its next attempt. */
  groupOf(bucket: string, key: string): PacingGroup;
  /**
   * Waits for the group's next free turn.
   * @param mostMs who would wait longer is shed, and told when a turn behind all that wait or were shed before will come. Who
   *   waits already is let wait up to twice as long
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

/** How many times as long as it may wait by the rate at its coming is let wait who stands in the queue already. */
const PATIENCE = 2;

export function createTurnstile({ pacer, clock }: { pacer: Pacer; clock: Clock }): Turnstile {
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
      // All told the same time would come back together, to be shed again.
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
