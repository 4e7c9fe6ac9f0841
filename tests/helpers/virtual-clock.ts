// A clock whose time passes only while everybody sleeps: hours of waiting take no time, and the same run waits the same.
import type { Clock } from '../../shared/job/clock.ts';

export interface VirtualClock extends Clock {
  /** Lets time pass without waking anybody early. */
  advance(ms: number): void;
}

interface Sleeper {
  dueMs: number;
  wake(): void;
}

export function createVirtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs;
  let sleepers: Sleeper[] = [];
  let isTurning = false;

  /** Runs after everything that can go on without waiting has gone on. */
  function turn(): void {
    const next = sleepers.toSorted((left, right) => left.dueMs - right.dueMs)[0];
    if (next === undefined) {
      isTurning = false;
      return;
    }
    sleepers = sleepers.filter((sleeper) => sleeper !== next);
    nowMs = Math.max(nowMs, next.dueMs);
    next.wake();
    setImmediate(turn);
  }

  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const sleeper = { dueMs: nowMs + ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason);
        });
        if (!isTurning) {
          isTurning = true;
          setImmediate(turn);
        }
      }),
  };
}
