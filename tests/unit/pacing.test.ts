// Backoff bounds by property, and the cooldown of a throttled group.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../shared/job/random.ts';
import { fullJitterMs } from '../../shared/pacing/backoff.ts';
import { createCooldownPacer } from '../../shared/pacing/cooldown.ts';

describe('full jitter', () => {
  it('stays within 0 and min(cap, base * 2^retries), whatever chance says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 0, max: 2_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (baseMs, capMs, retries, chance) => {
          const waitMs = fullJitterMs({ baseMs, capMs }, retries, () => chance);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(Math.min(capMs, baseMs * 2 ** retries));
        },
      ),
    );
  });

  it('is drawn evenly: its mean is half of its bound', () => {
    const random = createRandom(11);
    const draws = Array.from({ length: 20_000 }, () => fullJitterMs({ baseMs: 100, capMs: 400 }, 9, random));
    expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(200, -1);
  });
});

describe('the cooldown pacer', () => {
  const most = () => createCooldownPacer(() => 0.999_999);

  it('lets a group go at once that was never refused', () => {
    expect(most().reserve('bucket', 0)).toBe(0);
  });

  it('widens its window with every refusal in a row, up to a second', () => {
    const pacer = most();
    const windows = Array.from({ length: 8 }, (_, index) => {
      pacer.observe('bucket', 'throttled', index * 1_000);
      return Math.round(pacer.reserve('bucket', index * 1_000));
    });
    expect(windows).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it('counts refusals at about the same time as one', () => {
    const pacer = most();
    for (const nowMs of [0, 10, 50, 99]) pacer.observe('bucket', 'throttled', nowMs);
    expect(Math.round(pacer.reserve('bucket', 99))).toBe(50);
    pacer.observe('bucket', 'throttled', 100);
    expect(Math.round(pacer.reserve('bucket', 100))).toBe(100);
  });

  it('closes the window when a request is accepted, and keeps groups apart', () => {
    const pacer = most();
    pacer.observe('a', 'throttled', 0);
    pacer.observe('b', 'throttled', 0);
    pacer.observe('a', 'accepted', 1);
    expect(pacer.reserve('a', 1)).toBe(0);
    expect(pacer.reserve('b', 1)).toBeGreaterThan(0);
  });
});
