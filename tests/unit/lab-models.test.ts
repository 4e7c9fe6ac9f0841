// The lab's models in virtual time say what its charts are drawn from.
import { describe, expect, it } from 'vitest';
import { HERD_STEPS, runHerd } from '../../lab/models/herd.ts';
import { LOAD_IN_LIMITS, runSplits } from '../../lab/models/splits.ts';

const { 'no jitter': noJitter, ...jitters } = HERD_STEPS;

describe('a herd', () => {
  it('gets through at once while it is smaller than a burst', () => {
    expect(runHerd(25, noJitter!, 1).requestsPerObject).toBe(1);
  });

  it.each(Object.entries(jitters))('needs fewer requests and less time with %s', (_, step) => {
    const herd = runHerd(400, noJitter!, 1);
    const apart = runHerd(400, step, 1);
    expect(apart.requestsPerObject).toBeLessThan(herd.requestsPerObject);
    expect(apart.seconds).toBeLessThan(herd.seconds / 4);
  });

  it('is the same for the same seed', () => {
    expect(runHerd(100, jitters['full jitter']!, 3)).toEqual(runHerd(100, jitters['full jitter']!, 3));
  });
});

describe('splits', () => {
  it('let hashed keys use ever more partitions, and keys in sequence one', () => {
    const last = (points: [number, number][]) => points.at(-1)![1];
    expect(last(runSplits({ kind: 'binary' }))).toBeGreaterThan(LOAD_IN_LIMITS * 0.9);
    expect(last(runSplits({ kind: 'off' }))).toBeLessThan(1.1);
  });
});
