// The set logic of the ledger.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BlockRow,
  countBlock,
  decodeCounts,
  encodeCounts,
  hasEnded,
  isBlockClosed,
  isCovered,
  isSettled,
  ROW_ENDS,
} from '../../shared/ledger/tally.ts';
import { aJob, anEndedJob, anUnopenedJob, aRunningJob } from '../helpers/records.ts';

function block(size: number, sets: Partial<Record<(typeof ROW_ENDS)[number], number[]>> = {}): BlockRow {
  const { done, failed, cancelled, rejected } = sets;
  return {
    size,
    done: new Set(done),
    failed: new Set(failed),
    cancelled: new Set(cancelled),
    rejected: new Set(rejected),
  };
}

describe('a block', () => {
  it.each([
    { row: block(0), closed: true },
    { row: block(1), closed: false },
    { row: block(3, { done: [0, 1] }), closed: false },
    { row: block(3, { done: [0], failed: [1], rejected: [2] }), closed: true },
    { row: block(3, { done: [0, 1], failed: [1], cancelled: [1], rejected: [1] }), closed: false },
    { row: block(2, { cancelled: [0, 1] }), closed: true },
  ])('of size $row.size is closed: $closed', ({ row, closed }) => {
    expect(isBlockClosed(row)).toBe(closed);
  });

  it('counts a number once, under the first of its ends', () => {
    expect(
      countBlock(block(9, { done: [1, 2], failed: [2, 3], cancelled: [3, 4], rejected: [1, 2, 3, 4, 5] })),
    ).toEqual({ done: 2, failed: 1, cancelled: 1, rejected: 1 });
  });

  it('knows a row as ended under each of its ends, and no other row', () => {
    for (const end of ROW_ENDS) {
      expect(hasEnded(block(9, { [end]: [4] }), 4)).toBe(true);
      expect(hasEnded(block(9, { [end]: [4] }), 5)).toBe(false);
    }
  });
});

describe('a job', () => {
  const settledGroups = new Set([0, 1]);
  it.each([
    { job: 'whose manifest is still cut', of: aJob({ settledGroups }), settled: false },
    { job: 'of two groups', of: aRunningJob({ slices: 257, settledGroups }), settled: true },
    { job: 'of three groups', of: aRunningJob({ slices: 513, settledGroups }), settled: false },
    { job: 'that could not be opened', of: anUnopenedJob(), settled: false },
    { job: 'that has ended', of: anEndedJob(), settled: false },
  ])('$job, with two groups settled, has settled: $settled', ({ of, settled }) => {
    expect(isSettled(of)).toBe(settled);
  });
});

describe('a level', () => {
  it.each([
    { closed: [], parts: 0, covered: true },
    { closed: [0], parts: 2, covered: false },
    { closed: [0, 1], parts: 2, covered: true },
  ])('of $parts parts with $closed closed is covered: $covered', ({ closed, parts, covered }) => {
    expect(isCovered(new Set(closed), parts)).toBe(covered);
  });
});

it('reads counts as it wrote them', () => {
  const count = fc.nat({ max: 500 });
  fc.assert(
    fc.property(fc.record({ done: count, failed: count, cancelled: count, rejected: count }), (counts) => {
      expect(decodeCounts(encodeCounts(counts))).toEqual(counts);
    }),
  );
});
