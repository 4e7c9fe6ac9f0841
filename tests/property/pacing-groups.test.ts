// Groups of the pacer under any answers: where refusals stand together a part is set apart, few parts at most, and no group
// and no item starves.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAdaptivePacer, type Pacer } from '../../shared/pacing/adaptive-pacer.ts';
import { ADAPTIVE_RATE } from '../../shared/pacing/adaptive-rate.ts';
import { hotStretch, type SectionCount } from '../../shared/pacing/sections.ts';
import { createRandom } from '../../shared/time/random.ts';

const BUCKET = 'destination';
const START_MS = 1_000_000;

const hexKey = (value: number) =>
  `exports/2026/${Math.floor(value * 0x100000)
    .toString(16)
    .padStart(5, '0')}`;

/** Sends one request each 10 ms; the keys that `refuses` names are throttled. */
function drive(
  pacer: Pacer,
  requests: number,
  refuses: (key: string, nowMs: number) => boolean,
  { seed = 1, startMs = START_MS } = {},
): number {
  const random = createRandom(seed);
  let nowMs = startMs;
  for (let sent = 0; sent < requests; sent++, nowMs += 10) {
    const key = hexKey(random());
    const group = pacer.groupOf(BUCKET, key, nowMs);
    pacer.take(group, nowMs);
    pacer.observe(group, { key, throttled: refuses(key, nowMs + 5), sentAtMs: nowMs }, nowMs + 5);
  }
  return nowMs;
}

function groupsOf(pacer: Pacer, nowMs: number): Set<string> {
  return new Set(
    Array.from({ length: 1_000 }, (_, index) => pacer.groupOf(BUCKET, hexKey(index / 1_000), nowMs)),
  );
}

const failing = (key: string) => key.startsWith('exports/2026/5');

/** A KMS behind the bucket that takes so many requests a second, evenly. @returns what was sent, and the share refused */
function driveKms(pacer: Pacer, limitPerSecond: number, seconds: number, startMs = START_MS) {
  const random = createRandom(1);
  let [sent, refused, takenAtMs] = [0, 0, startMs];
  for (let nowMs = startMs; nowMs < startMs + seconds * 1000; nowMs++) {
    const key = hexKey(random());
    const group = pacer.groupOf(BUCKET, key, nowMs);
    if (pacer.take(group, nowMs) > 0) continue;
    sent++;
    const throttled = nowMs - takenAtMs < 1000 / limitPerSecond;
    if (throttled) refused++;
    else takenAtMs = nowMs;
    pacer.observe(group, { key, throttled, sentAtMs: nowMs, ...(throttled ? { scope: 'kms' } : {}) }, nowMs);
  }
  return { sentPerSecond: sent / seconds, refusedShare: refused / sent };
}

describe('a KMS that refuses', () => {
  it('is sent what it takes, and no part of the bucket is set apart for it', () => {
    const pacer = createAdaptivePacer();
    const { sentPerSecond, refusedShare } = driveKms(pacer, 100, 60);
    expect(sentPerSecond).toBeGreaterThan(70);
    expect(sentPerSecond).toBeLessThan(110);
    expect(refusedShare).toBeLessThan(0.15);
    const endMs = START_MS + 60_000;
    expect(groupsOf(pacer, endMs)).toEqual(new Set([BUCKET]));
  });

  it('leaves the rate of the bucket as it was, once it has been quiet', () => {
    const pacer = createAdaptivePacer();
    const key = hexKey(0.5);
    for (let sent = 0; sent < 5; sent++)
      pacer.observe(BUCKET, { key, throttled: true, scope: 'kms', sentAtMs: START_MS }, START_MS);
    for (let answer = 0; answer < 40; answer++)
      pacer.observe(BUCKET, { key, throttled: true, scope: 'kms', sentAtMs: START_MS + 1 }, START_MS + 1);
    expect(pacer.ratePerSecond(BUCKET, START_MS + 1)).toBeLessThan(ADAPTIVE_RATE.startPerSecond / 2);
    expect(pacer.ratePerSecond(BUCKET, START_MS + 40_000)).toBe(ADAPTIVE_RATE.startPerSecond);
  });
});

describe('groups', () => {
  it('stay one while refusals are spread over the keys, however many there are', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.001, max: 1, noNaN: true }), (seed, share) => {
        const pacer = createAdaptivePacer();
        const chance = createRandom(seed + 1);
        const endMs = drive(pacer, 5_000, () => chance() < share, { seed });
        expect(groupsOf(pacer, endMs)).toEqual(new Set([BUCKET]));
      }),
      { numRuns: 30 },
    );
  });

  it('set a stretch of keys apart that refuses, and leave the rest its rate', () => {
    const pacer = createAdaptivePacer();
    const endMs = drive(pacer, 5_000, failing);
    const failed = pacer.groupOf(BUCKET, 'exports/2026/58000', endMs);
    expect(failed).not.toBe(BUCKET);
    for (const key of [
      'exports/2026/00000',
      'exports/2026/40000',
      'exports/2026/70000',
      'exports/2026/fffff',
    ])
      expect(pacer.groupOf(BUCKET, key, endMs)).toBe(BUCKET);
    expect(pacer.ratePerSecond(BUCKET, endMs)).toBeGreaterThan(ADAPTIVE_RATE.startPerSecond / 2);
    expect(pacer.ratePerSecond(failed, endMs)).toBeLessThan(10);
  });

  it('merge back after a quiet time', () => {
    const pacer = createAdaptivePacer();
    const failedMs = drive(pacer, 5_000, failing);
    const quietMs = drive(pacer, 4_000, () => false, { startMs: failedMs, seed: 2 });
    expect(groupsOf(pacer, quietMs)).toEqual(new Set([BUCKET]));
  });

  it('are few, and each keeps its floor and gets turns, whatever refuses', () => {
    const phases = fc.array(
      fc.record({
        from: fc.double({ min: 0, max: 1, noNaN: true }),
        width: fc.double({ min: 0, max: 0.3, noNaN: true }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(fc.integer(), phases, (seed, stretches) => {
        const pacer = createAdaptivePacer();
        let nowMs = START_MS;
        for (const { from, width } of stretches) {
          const [low, high] = [hexKey(from), hexKey(Math.min(1, from + width))];
          nowMs = drive(pacer, 1_500, (key) => key >= low && key < high, { seed, startMs: nowMs });
        }
        const groups = groupsOf(pacer, nowMs);
        expect(groups.size).toBeLessThanOrEqual(9);
        for (const group of groups) {
          expect(pacer.ratePerSecond(group, nowMs)).toBeGreaterThanOrEqual(ADAPTIVE_RATE.floorPerSecond);
          expect(pacer.take(group, nowMs)).toBeLessThanOrEqual(1_000 / ADAPTIVE_RATE.floorPerSecond);
          expect(pacer.take(group, nowMs + 1_000 / ADAPTIVE_RATE.floorPerSecond)).toBe(0);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('give turns under the name of a part that was merged back meanwhile', () => {
    const pacer = createAdaptivePacer();
    const failedMs = drive(pacer, 5_000, failing);
    const part = pacer.groupOf(BUCKET, 'exports/2026/58000', failedMs);
    const quietMs = drive(pacer, 4_000, () => false, { startMs: failedMs });
    expect(pacer.ratePerSecond(part, quietMs)).toBe(pacer.ratePerSecond(BUCKET, quietMs));
    expect(pacer.take(part, quietMs + 1_000)).toBe(0);
  });

  it('wait no longer than a turn when the clock is set back', () => {
    const pacer = createAdaptivePacer();
    const endMs = drive(pacer, 500, () => false);
    const backMs = endMs - 3_600_000;
    pacer.take(BUCKET, backMs);
    expect(pacer.take(BUCKET, backMs + 1)).toBeLessThanOrEqual(1_000 / ADAPTIVE_RATE.floorPerSecond);
    pacer.observe(BUCKET, { throttled: true, sentAtMs: backMs }, backMs + 20);
    const before = pacer.ratePerSecond(BUCKET, backMs);
    for (let ms = 30; ms < 3_000; ms += 10) {
      pacer.take(BUCKET, backMs + ms);
      pacer.observe(BUCKET, { throttled: true, sentAtMs: backMs + ms }, backMs + ms + 5);
    }
    expect(pacer.ratePerSecond(BUCKET, backMs + 3_000)).toBeLessThan(before / 4);
  });
});

describe('a hot stretch', () => {
  const sections = (refused: readonly number[], answers = 100): SectionCount[] =>
    refused.map((count) => ({ answers, refused: count }));

  it('is what refuses far more than the rest, neighbours included', () => {
    expect(hotStretch(sections([0, 0, 40, 60, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))).toEqual({
      first: 2,
      last: 3,
    });
  });

  it.each([
    ['nothing is refused', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['few are refused', [15, 0, 0, 0, 0, 0, 0, 0]],
    ['all refuse alike', [50, 50, 50, 50, 50, 50, 50, 50]],
    ['more than half of the group refuses', [90, 90, 90, 90, 90, 0, 0, 0]],
    ['the rest refuses nearly as much', [40, 20, 20, 20, 20, 20, 20, 20]],
  ])('is none where %s', (_, refused) => {
    expect(hotStretch(sections(refused))).toBeUndefined();
  });
});
