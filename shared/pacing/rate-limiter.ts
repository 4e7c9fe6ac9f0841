// Lets a group's requests through one by one, in the order of arrival, each at the turn that the pacer gives it. It waits by a
// clock; what it waits for, and which requests it sheds, are the steps of admission.ts.
import type { Clock } from '../time/clock.ts';
import type { GroupAnswer, Pacer, PacingGroup } from './adaptive-pacer.ts';
import { admit, askForTurn, type Line, type Passage } from './admission.ts';

export interface RateLimiter {
  /** The group that a write of this key is paced in now. At its next attempt it may be another. */
  groupOf(bucket: string, key: string): PacingGroup;
  /**
   * Waits for the group's next free turn.
   * @param mostMs a request that would wait longer is shed at once; the wait may last twice as long where the rate falls
   * @param tenant whose request it is: tenants share the turns of those that are shed
   */
  pass(group: PacingGroup, mostMs: number, tenant?: string): Promise<Passage>;
  /** What S3 answered to a request of the group. */
  observe(group: PacingGroup, answer: GroupAnswer): void;
}

interface WaitingLine extends Line {
  /** Settles when the last request of the line has left it. */
  tail: Promise<unknown>;
}

export function createRateLimiter({ pacer, clock }: { pacer: Pacer; clock: Clock }): RateLimiter {
  const lines = new Map<PacingGroup, WaitingLine>();

  function lineOf(group: PacingGroup): WaitingLine {
    const line = lines.get(group) ?? { group, waiting: 0, tail: Promise.resolve() };
    lines.set(group, line);
    return line;
  }

  async function waitForTurn(line: Line, untilMs: number, tenant?: string): Promise<Passage> {
    for (;;) {
      const turn = askForTurn(pacer, line, untilMs, clock.now(), tenant);
      if (turn.kind !== 'wait') return turn;
      await clock.sleep(turn.delayMs);
    }
  }

  return {
    groupOf: (bucket, key) => pacer.groupOf(bucket, key, clock.now()),
    async pass(group, mostMs, tenant) {
      const line = lineOf(group);
      const admission = admit(pacer, line, mostMs, clock.now(), tenant);
      if (admission.kind === 'shed') return admission;
      const passage = line.tail.then(() => waitForTurn(line, admission.untilMs, tenant));
      // A request that failed does not stop those behind it; its own caller gets the error.
      line.tail = passage.catch(() => undefined);
      return await passage;
    },
    observe: (group, answer) => pacer.observe(group, answer, clock.now()),
  };
}
