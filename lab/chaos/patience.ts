// How long a chaos run waits: as long as its work gets on. A machine that is only slow is given more time.
import type { Clock } from '../../shared/time/clock.ts';

/** Without progress for so long, the functions get twice the time: a busy machine may not get through one batch in less. */
const STRETCH_AFTER_MS = 60_000;
/** Doublings: the shortest timeout of 25 s is then 200 s, and the visibility of 20 s is 160 s. */
export const MOST_STRETCHES = 3;
/** Sweeps find what stands still. Until so many have ended without progress, the machine may be too slow for them. */
const SWEEPS_LEAST = 20;

export interface PatienceOptions {
  /** Milliseconds without progress after which a run is given up. */
  limitMs: number;
  /** Sweeps that have ended so far, well or not: where none can end well, a run is not to wait for ever. */
  sweeps: () => number;
  /** Gives the functions more time. */
  stretch: () => Promise<void>;
}

/** How far a run has come. */
export interface Standing {
  isDone: boolean;
  /** Grows as the work gets on, and is bounded: what goes round in circles does not raise it for ever. */
  progress: number;
}

export interface Patience {
  /** @returns whether the run is to be given up */
  isOver(progress: number): Promise<boolean>;
}

export function createPatience(
  { clock }: { clock: Pick<Clock, 'now'> },
  { limitMs, sweeps, stretch }: PatienceOptions,
): Patience {
  let best = Number.NEGATIVE_INFINITY;
  let sinceMs = clock.now();
  let sweepsThen = sweeps();
  let stretchAtMs = Number.POSITIVE_INFINITY;

  return {
    async isOver(progress) {
      const nowMs = clock.now();
      if (progress > best) {
        best = progress;
        sinceMs = nowMs;
        sweepsThen = sweeps();
        stretchAtMs = nowMs + STRETCH_AFTER_MS;
        return false;
      }
      if (nowMs >= stretchAtMs) {
        stretchAtMs = nowMs + STRETCH_AFTER_MS;
        await stretch();
      }
      return nowMs - sinceMs >= limitMs && sweeps() - sweepsThen >= SWEEPS_LEAST;
    },
  };
}
