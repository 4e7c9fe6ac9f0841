// S3's limits as a model: what a partition lets through, when it splits, and where.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../local/aws/s3/key-order.ts';
import { createS3Limits, idealSeconds, mintedTokens, type S3Limit } from '../../local/aws/s3/s3-limits.ts';

/** Offers `perSecond` writes a second for `seconds`, evenly, and returns how many were accepted. */
function offer(
  limits: ReturnType<typeof createS3Limits>,
  load: { perSecond: number; seconds: number; fromMs?: number; key: (index: number) => string },
): number {
  let accepted = 0;
  const requests = load.perSecond * load.seconds;
  for (let index = 0; index < requests; index += 1) {
    const nowMs = (load.fromMs ?? 0) + (index * 1000) / load.perSecond;
    if (limits.admit('write', load.key(index), nowMs)) accepted += 1;
  }
  return accepted;
}

const spreadKey = (index: number): string => `${((index * 7919) % 1000).toString().padStart(3, '0')}/object`;

describe('a partition', () => {
  it('lets its burst through at once and its rate from then on', () => {
    const limits = createS3Limits({ limitPerSecond: 100, burstSeconds: 1 });
    expect(offer(limits, { perSecond: 1000, seconds: 3, key: spreadKey })).toBeGreaterThanOrEqual(399);
    expect(limits.read(3000)).toMatchObject({
      partitions: [{ startKey: '' }],
      firstWriteAtMs: 0,
      mintedTokens: 400,
    });
  });

  it('refuses nothing at a rate below its limit', () => {
    const limits = createS3Limits({ limitPerSecond: 100, burstSeconds: 0.1 });
    expect(offer(limits, { perSecond: 95, seconds: 10, key: spreadKey })).toBe(950);
  });

  it('counts reads apart, at 5,500 to 3,500', () => {
    const limits = createS3Limits({ limitPerSecond: 3500 });
    const reads = Array.from({ length: 10_000 }, () => limits.admit('read', 'key', 0)).filter(Boolean);
    expect(reads).toHaveLength(5500);
    expect(limits.admit('write', 'key', 0)).toBe(true);
  });

  it('returns the rates of its last full second', () => {
    const limits = createS3Limits({ limitPerSecond: 10, burstSeconds: 0.1 });
    offer(limits, { perSecond: 100, seconds: 3, key: spreadKey });
    const [partition] = limits.read(3000).partitions;
    expect(partition?.acceptedPerSecond).toBe(10);
    expect(partition?.refusedPerSecond).toBe(90);
  });

  it('grants nothing extra when the clock steps back', () => {
    const limits = createS3Limits({ limitPerSecond: 1 });
    expect(limits.admit('write', 'key', 5000)).toBe(true);
    expect(limits.admit('write', 'key', 1000)).toBe(false);
    expect(limits.admit('write', 'key', 5500)).toBe(false);
    expect(limits.admit('write', 'key', 6000)).toBe(true);
  });
});

describe('a split', () => {
  const splitting: S3Limit = { limitPerSecond: 100, splitAfterSeconds: 5, maxPartitions: 4 };

  it('comes after the load has been over the limit for long enough, at the median of the keys', () => {
    const limits = createS3Limits(splitting);
    offer(limits, { perSecond: 1000, seconds: 8, key: spreadKey });
    const { partitions, growth } = limits.read(8000);
    expect(partitions).toHaveLength(2);
    expect(Number(partitions[1]?.startKey.slice(0, 3))).toBeGreaterThan(400);
    expect(Number(partitions[1]?.startKey.slice(0, 3))).toBeLessThan(600);
    expect(growth[1]?.atMs).toBeGreaterThanOrEqual(5000);
  });

  it('does not come from a load that pauses in between', () => {
    const limits = createS3Limits(splitting);
    for (const fromMs of [0, 6000, 12_000])
      offer(limits, { perSecond: 1000, seconds: 3, fromMs, key: spreadKey });
    expect(limits.read(15_000).partitions).toHaveLength(1);
  });

  it('stops at the greatest number of partitions', () => {
    const limits = createS3Limits(splitting);
    offer(limits, { perSecond: 2000, seconds: 60, key: spreadKey });
    expect(limits.read(60_000).partitions).toHaveLength(4);
  });

  it('does not help one hot key', () => {
    const limits = createS3Limits(splitting);
    offer(limits, { perSecond: 1000, seconds: 20, key: () => 'hot' });
    expect(limits.read(20_000).partitions).toHaveLength(1);
  });

  it('is never made by default', () => {
    const limits = createS3Limits({ limitPerSecond: 100 });
    offer(limits, { perSecond: 1000, seconds: 120, key: spreadKey });
    expect(limits.read(120_000).partitions).toHaveLength(1);
  });
});

describe('the ideal time', () => {
  it('is the time in which the partitions minted a token for each object', () => {
    const minting = { limitPerSecond: 100, burstSeconds: 1, growth: [{ atMs: 0, partitions: 1 }] };
    expect(idealSeconds(minting, 100)).toBe(0);
    expect(idealSeconds(minting, 1100)).toBe(10);
    const split = { ...minting, growth: [...minting.growth, { atMs: 5000, partitions: 2 }] };
    expect(idealSeconds(split, 1100)).toBe(7.5);
    expect(mintedTokens(split, 7500)).toBe(1100);
  });
});

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    const anyKey = fc.string({ unit: 'grapheme', maxLength: 12 });
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        const byBytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareKeys(a, b))).toBe(byBytes);
      }),
    );
    expect(compareKeys('\u{1F600}', '\uFF5E')).toBeGreaterThan(0);
  });
});

describe('for any load', () => {
  const request = fc.record({
    waitMs: fc.integer({ min: 0, max: 700 }),
    key: fc.string({ maxLength: 3 }),
    read: fc.boolean(),
  });
  const limit = fc.record({
    limitPerSecond: fc.integer({ min: 1, max: 20 }),
    burstSeconds: fc.double({ min: 0.1, max: 3, noNaN: true }),
    splitAfterSeconds: fc.double({ min: 0, max: 3, noNaN: true }),
    maxPartitions: fc.integer({ min: 1, max: 8 }),
  });

  /** A refused read splits a partition whose writes were last refilled before. */
  const SPLIT_BY_A_READ: [
    Required<Omit<S3Limit, 'startKeys'>>,
    { waitMs: number; key: string; read: boolean }[],
  ] = [
    { limitPerSecond: 1, burstSeconds: 0.1, splitAfterSeconds: 0, maxPartitions: 2 },
    [
      { waitMs: 0, key: '', read: false },
      { waitMs: 31, key: '', read: false },
      { waitMs: 79, key: '', read: true },
      { waitMs: 362, key: ' ', read: true },
      { waitMs: 16, key: '', read: false },
      { waitMs: 567, key: '', read: false },
      { waitMs: 0, key: ' ', read: false },
    ],
  ];

  it('accepts no more writes than were minted, holds no more than the bursts, and keeps partitions in order', () => {
    fc.assert(
      fc.property(limit, fc.array(request, { maxLength: 400 }), (options, requests) => {
        const limits = createS3Limits(options);
        const capacity = Math.max(1, options.limitPerSecond * options.burstSeconds);
        let nowMs = 0;
        let accepted = 0;
        for (const { waitMs, key, read } of requests) {
          nowMs += waitMs;
          if (limits.admit(read ? 'read' : 'write', key, nowMs) && !read) accepted += 1;
          const reading = limits.read(nowMs);
          expect(accepted).toBeLessThanOrEqual(reading.mintedTokens + 1e-6);
          const starts = reading.partitions.map(({ startKey }) => startKey);
          expect(starts[0]).toBe('');
          expect(starts).toEqual([...new Set(starts)].sort(compareKeys));
          expect(starts.length).toBeLessThanOrEqual(options.maxPartitions);
          for (const { tokens } of reading.partitions) expect(tokens).toBeLessThanOrEqual(capacity + 1e-6);
        }
      }),
      { numRuns: 60, examples: [SPLIT_BY_A_READ] },
    );
  });
});
