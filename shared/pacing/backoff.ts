// Backoff: how long to wait before trying again. Pure; chance is passed in.
import type { Random } from '../job/random.ts';

export interface Backoff {
  /** Milliseconds: the bound of the first wait. */
  baseMs: number;
  /** Milliseconds: no wait is longer. */
  capMs: number;
}

/**
 * Full jitter: a wait drawn evenly from 0 to min(cap, base * 2^retries). It needs the fewest calls of the jitters
 * at nearly the best time (AWS Architecture blog, "Exponential Backoff And Jitter", M. Brooker).
 * @param retries how often it was tried again already: 0 before the first retry
 */
export function fullJitterMs({ baseMs, capMs }: Backoff, retries: number, random: Random): number {
  return random() * Math.min(capMs, baseMs * 2 ** retries);
}
