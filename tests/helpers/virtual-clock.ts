// A clock whose time passes only while all its users sleep: hours of waiting take no time, and every run waits the same.
import type { Clock } from '../../shared/time/clock.ts';
import './loaded-code.ts';

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
  const sleepers = new Set<Sleeper>();
  let isTurning = false;

  /** Runs once nothing else can continue without waiting. */
  function turn(): void {
    // Of those due at once, the one that fell asleep first.
    let next: Sleeper | undefined;
    for (const sleeper of sleepers) if (next === undefined || sleeper.dueMs < next.dueMs) next = sleeper;
    if (next === undefined) {
      isTurning = false;
      return;
    }
    sleepers.delete(next);
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
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
        if (!isTurning) {
          isTurning = true;
          setImmediate(turn);
        }
      }),
  };
}
