// A clock that a test moves by hand: short sleeps pass at once, and longer ones wait until the test lets the time pass. So real
// connections can be awaited under limits that no slow machine can meet by chance.
import type { Clock } from '../../shared/time/clock.ts';

export interface HandClock extends Clock {
  advance(ms: number): void;
}

/** @param shortMs sleeps up to this move the time themselves */
export function createHandClock(shortMs = 20_000): HandClock {
  let nowMs = Date.UTC(2026, 0, 1);
  const sleepers = new Set<{ dueMs: number; wake(): void }>();

  function advance(ms: number): void {
    nowMs += ms;
    for (const sleeper of [...sleepers]) if (sleeper.dueMs <= nowMs) sleeper.wake();
  }

  return {
    now: () => nowMs,
    advance,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        if (ms <= shortMs) {
          advance(ms);
          resolve();
          return;
        }
        const sleeper = {
          dueMs: nowMs + ms,
          wake() {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };
}
