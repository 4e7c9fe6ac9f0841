// The waits of the machine's clocks.
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { steadyClock, systemClock } from '../../shared/time/clock.ts';

/** Longer than a test may take. */
const HOUR_MS = 3_600_000;

describe.each([
  ['the system’s', systemClock],
  ['the steady', steadyClock],
])('a wait by %s clock', (_, clock) => {
  it('ends once its time is over', async () => {
    const startedAtMs = performance.now();
    await clock.sleep(20);
    // Timers of Node count whole milliseconds, so one may fire a part of a millisecond early.
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(19);
  });

  it('rejects with the reason of a signal that aborts first, before it or within it', async () => {
    const cutOff = new AbortController();
    const wait = clock.sleep(HOUR_MS, cutOff.signal);
    cutOff.abort();
    await expect(wait).rejects.toBe(cutOff.signal.reason);
    expect(cutOff.signal.reason).toMatchObject({ name: 'AbortError' });
    await expect(clock.sleep(HOUR_MS, cutOff.signal)).rejects.toBe(cutOff.signal.reason);
  });

  it('leaves nothing on a signal that outlives it', async () => {
    const { signal } = new AbortController();
    await Promise.all([clock.sleep(1, signal), clock.sleep(2, signal)]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
