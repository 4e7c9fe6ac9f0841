// Backoff bounds by property.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../shared/job/random.ts';
import { fullJitterMs } from '../../shared/pacing/backoff.ts';

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
