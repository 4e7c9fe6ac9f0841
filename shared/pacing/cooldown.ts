// A pacer with the least that a throttled group needs: while S3 refuses, the group's requests start later, each at random
// within a window that doubles with every refusal in a row; an accepted request closes the window again.
import type { Random } from '../job/random.ts';
import { type Backoff, fullJitterMs } from './backoff.ts';
import type { Pacer, PacingGroup } from './pacer.ts';

/** S3 refills its buckets many times a second: a short window keeps the load up that lets S3 see the need to split. */
const WINDOW: Backoff = { baseMs: 50, capMs: 1_000 };
/** Refusals within this time count as one: requests already under way are refused together. */
const SAME_REFUSAL_MS = 100;

interface Refusals {
  inARow: number;
  lastAtMs: number;
}

export function createCooldownPacer(random: Random): Pacer {
  const refusals = new Map<PacingGroup, Refusals>();
  return {
    reserve(group) {
      const refused = refusals.get(group);
      return refused === undefined ? 0 : fullJitterMs(WINDOW, refused.inARow - 1, random);
    },
    observe(group, observation, nowMs) {
      if (observation === 'accepted') {
        refusals.delete(group);
        return;
      }
      const refused = refusals.get(group);
      if (refused === undefined) refusals.set(group, { inARow: 1, lastAtMs: nowMs });
      else if (nowMs - refused.lastAtMs >= SAME_REFUSAL_MS) {
        refusals.set(group, { inARow: refused.inARow + 1, lastAtMs: nowMs });
      }
    },
  };
}
