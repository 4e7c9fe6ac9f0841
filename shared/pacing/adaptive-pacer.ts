// Paces the groups of one worker, each at its own adaptive rate: when the next request may leave. It waits for nothing;
// whoever sends, the engine over a clock or the simulator in virtual time, asks again when told to.
import {
  ADAPTIVE_RATE,
  type AdaptiveRate,
  type AdaptiveRateOptions,
  afterAnswer,
  afterSending,
  coldRate,
} from './adaptive-rate.ts';

/** What throttles together: a destination bucket, or a finer part of it. */
export type PacingGroup = string;

/** A turn that was not taken in time is kept this long: timers are late by milliseconds, and a busy event loop by more. */
const CATCH_UP_MS = 20;

export interface Pacer {
  /** Takes the group's next turn if it has come. @returns 0 where it was taken, else the milliseconds until it comes */
  take(group: PacingGroup, nowMs: number): number;
  /** What S3 answered to a request of the group that left at `sentAtMs`. */
  observe(group: PacingGroup, answer: { throttled: boolean; sentAtMs: number }, nowMs: number): void;
  /** Requests a second that the group may send now. */
  ratePerSecond(group: PacingGroup, nowMs: number): number;
}

interface PacedGroup {
  rate: AdaptiveRate;
  nextTurnAtMs: number;
}

export function createAdaptivePacer(options: AdaptiveRateOptions = ADAPTIVE_RATE): Pacer {
  const groups = new Map<PacingGroup, PacedGroup>();

  function groupOf(name: PacingGroup, nowMs: number): PacedGroup {
    let group = groups.get(name);
    if (group === undefined) {
      group = { rate: coldRate(options, nowMs), nextTurnAtMs: nowMs };
      groups.set(name, group);
    }
    return group;
  }

  return {
    take(name, nowMs) {
      const group = groupOf(name, nowMs);
      if (group.nextTurnAtMs > nowMs) return group.nextTurnAtMs - nowMs;
      group.rate = afterSending(group.rate, options, nowMs);
      group.nextTurnAtMs =
        Math.max(group.nextTurnAtMs, nowMs - CATCH_UP_MS) + 1000 / group.rate.ratePerSecond;
      return 0;
    },
    observe(name, answer, nowMs) {
      const group = groupOf(name, nowMs);
      group.rate = afterAnswer(group.rate, options, answer, nowMs);
    },
    ratePerSecond: (name, nowMs) => groupOf(name, nowMs).rate.ratePerSecond,
  };
}
