// Backoff: how long to wait before trying again. Pure; chance is passed in.
import type { Random } from '../time/random.ts';

export interface Backoff {
  /** Milliseconds: the bound of the first wait. */
  baseMs: number;
  /** Milliseconds: no wait is longer. */
  capMs: number;
}

/** The bound itself: min(cap, base * 2^retries). Without jitter, callers that were refused together return together. */
export function exponentialMs({ baseMs, capMs }: Backoff, retries: number): number {
  return Math.min(capMs, baseMs * 2 ** retries);
}

/**
 * Full jitter: a wait drawn evenly from 0 to min(cap, base * 2^retries). It needs the fewest calls of the jitters
 * at nearly the best time (AWS Architecture blog, "Exponential Backoff And Jitter", M. Brooker).
 * @param retries retries so far: 0 before the first one
 */
export function fullJitterMs(backoff: Backoff, retries: number, random: Random): number {
  return random() * exponentialMs(backoff, retries);
}

/** Equal jitter: half of the bound, and the other half drawn evenly. It is never short, at the price of a few more calls. */
export function equalJitterMs(backoff: Backoff, retries: number, random: Random): number {
  return (exponentialMs(backoff, retries) / 2) * (1 + random());
}

/**
 * Decorrelated jitter: drawn evenly from the base to three times the previous wait, at most the cap. It counts no retries.
 * @param previousMs the previous wait; `baseMs` before the first retry
 */
export function decorrelatedJitterMs({ baseMs, capMs }: Backoff, previousMs: number, random: Random): number {
  return Math.min(capMs, baseMs + random() * Math.max(0, previousMs * 3 - baseMs));
}
