// Backoff bounds by property.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decorrelatedJitterMs,
  equalJitterMs,
  exponentialMs,
  fullJitterMs,
} from '../../shared/pacing/backoff.ts';
import { createRandom } from '../../shared/time/random.ts';

const anyBackoff = fc.record({
  baseMs: fc.integer({ min: 1, max: 10_000 }),
  capMs: fc.integer({ min: 1, max: 1_000_000 }),
});
const anyRetries = fc.integer({ min: 0, max: 2_000 });
const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('exponential backoff', () => {
  it('never falls from one retry to the next, and never passes its cap', () => {
    fc.assert(
      fc.property(anyBackoff, anyRetries, (backoff, retries) => {
        const waitMs = exponentialMs(backoff, retries);
        expect(waitMs).toBeLessThanOrEqual(backoff.capMs);
        expect(exponentialMs(backoff, retries + 1)).toBeGreaterThanOrEqual(waitMs);
      }),
    );
  });
});

describe('full jitter', () => {
  it('stays within 0 and min(cap, base * 2^retries), whatever chance says', () => {
    fc.assert(
      fc.property(anyBackoff, anyRetries, anyChance, ({ baseMs, capMs }, retries, chance) => {
        const waitMs = fullJitterMs({ baseMs, capMs }, retries, () => chance);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(Math.min(capMs, baseMs * 2 ** retries));
      }),
    );
  });

  it('is drawn evenly: its mean is half of its bound', () => {
    const random = createRandom(11);
    const draws = Array.from({ length: 20_000 }, () => fullJitterMs({ baseMs: 100, capMs: 400 }, 9, random));
    expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(200, -1);
  });
});

describe('equal jitter', () => {
  it('stays within the bound and its half', () => {
    fc.assert(
      fc.property(anyBackoff, anyRetries, anyChance, (backoff, retries, chance) => {
        const boundMs = exponentialMs(backoff, retries);
        const waitMs = equalJitterMs(backoff, retries, () => chance);
        expect(waitMs).toBeGreaterThanOrEqual(boundMs / 2);
        expect(waitMs).toBeLessThanOrEqual(boundMs);
      }),
    );
  });
});

describe('decorrelated jitter', () => {
  it('stays within base and cap over any chain of retries, and within three times the wait before', () => {
    fc.assert(
      fc.property(anyBackoff, fc.array(anyChance, { maxLength: 50 }), ({ baseMs, capMs }, chances) => {
        let previousMs = baseMs;
        for (const chance of chances) {
          const waitMs = decorrelatedJitterMs({ baseMs, capMs }, previousMs, () => chance);
          expect(waitMs).toBeGreaterThanOrEqual(Math.min(baseMs, capMs));
          expect(waitMs).toBeLessThanOrEqual(Math.min(capMs, Math.max(baseMs, previousMs * 3)));
          previousMs = waitMs;
        }
      }),
    );
  });
});
