// How objects are cut into parts: within S3's limits, whatever their size.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PARTS_ABOVE_BYTES, partsOf, planCopyParts, planParts } from '../../shared/transfer/part-plan.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe('the plan of parts', () => {
  it.each([
    { sizeBytes: 0, plan: { kind: 'whole' } },
    { sizeBytes: PARTS_ABOVE_BYTES, plan: { kind: 'whole' } },
    { sizeBytes: PARTS_ABOVE_BYTES + 1, plan: { kind: 'parts', partBytes: 8 * MIB, parts: 3 } },
    { sizeBytes: 24 * MIB, plan: { kind: 'parts', partBytes: 8 * MIB, parts: 3 } },
    { sizeBytes: 80_000 * MIB, plan: { kind: 'parts', partBytes: 8 * MIB, parts: 10_000 } },
    { sizeBytes: 80_000 * MIB + 1, plan: { kind: 'parts', partBytes: 9 * MIB, parts: 8_889 } },
    { sizeBytes: 2_500 * GIB + 1, plan: { kind: 'too-large', mostBytes: 2_500 * GIB } },
  ])('of $sizeBytes bytes is $plan', ({ sizeBytes, plan }) => {
    expect(planParts(sizeBytes)).toEqual(plan);
  });

  it('keeps to what S3 takes, and covers every byte once', () => {
    fc.assert(
      fc.property(fc.integer({ min: PARTS_ABOVE_BYTES + 1, max: 2_500 * GIB }), (sizeBytes) => {
        const plan = planParts(sizeBytes);
        if (plan.kind !== 'parts') throw new Error(`${plan.kind}`);
        expect(plan.parts).toBeLessThanOrEqual(10_000);
        const parts = partsOf(plan, sizeBytes);
        // Checked by hand: an expectation for each of 10,000 parts takes long.
        const wrong = parts.filter(
          ({ number, offset, bytes }, index) =>
            number !== index + 1 ||
            offset !== (parts[index - 1]?.offset ?? 0) + (parts[index - 1]?.bytes ?? 0) ||
            (bytes < 5 * MIB && number < parts.length),
        );
        expect(wrong).toEqual([]);
        const last = parts.at(-1);
        expect(last?.bytes).toBeGreaterThan(0);
        expect((last?.offset ?? 0) + (last?.bytes ?? 0)).toBe(sizeBytes);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the plan of a copy', () => {
  it.each([
    { sizeBytes: 256 * MIB + 1, plan: { kind: 'parts', partBytes: 128 * MIB, parts: 3 } },
    { sizeBytes: 1_280_000 * MIB, plan: { kind: 'parts', partBytes: 128 * MIB, parts: 10_000 } },
    { sizeBytes: 1_280_000 * MIB + 1, plan: { kind: 'parts', partBytes: 129 * MIB, parts: 9_923 } },
    { sizeBytes: 50_000 * GIB, plan: { kind: 'parts', partBytes: 5 * GIB, parts: 10_000 } },
    { sizeBytes: 50_000 * GIB + 1, plan: { kind: 'too-large', mostBytes: 50_000 * GIB } },
  ])('of $sizeBytes bytes is $plan', ({ sizeBytes, plan }) => {
    expect(planCopyParts(sizeBytes)).toEqual(plan);
  });

  it.each([
    [5 * MIB, 5 * MIB],
    [20 * MIB, 10 * MIB],
    [5 * GIB, 128 * MIB],
  ])('above %i bytes has parts of half of them within limits: %i', (aboveBytes, partBytes) => {
    expect(planCopyParts(aboveBytes + 1, aboveBytes)).toMatchObject({ partBytes });
  });

  it('covers any object from its first byte to its last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000 * GIB }), (sizeBytes) => {
        const plan = planCopyParts(sizeBytes);
        if (plan.kind !== 'parts') throw new Error(plan.kind);
        const parts = partsOf(plan, sizeBytes);
        expect(parts.length).toBeLessThanOrEqual(10_000);
        expect(parts.every(({ bytes }) => bytes > 0 && bytes <= 5 * GIB)).toBe(true);
        const last = parts.at(-1);
        expect((last?.offset ?? 0) + (last?.bytes ?? 0)).toBe(sizeBytes);
      }),
      { numRuns: 30 },
    );
  });
});
