// A clock whose time passes only while all its users sleep: hours of waiting take no time, and every run waits the same.
import type { Clock } from '../../shared/time/clock.ts';

export interface VirtualClock extends Clock {
  /** Lets time pass; wakes no sleeper early. */
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

  /** Runs once nothing else can continue without waiting. */
  function turn(): void {
    // Of those due at once, the one that fell asleep first.
    let first = 0;
    sleepers.forEach(({ dueMs }, index) => {
      if (dueMs < (sleepers[first]?.dueMs ?? Number.POSITIVE_INFINITY)) first = index;
    });
    const [next] = sleepers.splice(first, 1);
    if (next === undefined) {
      isTurning = false;
      return;
    }
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
