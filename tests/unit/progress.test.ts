// A job's progress: closed blocks by their counts, open ones by their sets, while there are not too many to read.
import { describe, expect, it } from 'vitest';
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import { outstandingRows, sumProgress } from '../../shared/ledger/progress.ts';
import type { SliceRow, StoredBlockRow } from '../../shared/ledger/rows.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { aRunningJob } from '../helpers/records.ts';

const JOB = aRunningJob({ id: 'job-12345678' as JobId, slices: 2 });
const CLOSED = { done: 490, failed: 4, cancelled: 0, rejected: 6 };

const slice = (number: number, blocks: number, closed: readonly number[]) =>
  ({
    slice: number,
    rows: blocks * 500,
    blocks,
    counts: new Map(closed.map((block) => [block, CLOSED])),
    ...(closed.length === 0 ? {} : { intake: { read: 1000, rejected: 6 } }),
  }) as unknown as SliceRow;

const openBlock: StoredBlockRow = {
  size: 500,
  movedAtMs: 0,
  openings: 1,
  done: new Set([1, 2, 3]),
  failed: new Set([4]),
  cancelled: new Set(),
  rejected: new Set([3, 9]),
};

function ledgerOf(slices: readonly SliceRow[]) {
  const read: BlockId[] = [];
  return {
    read,
    getSlices: async (_: JobId, from: number, to: number) => slices.slice(from, to),
    readBlocks: async (ids: readonly BlockId[]) => {
      read.push(...ids);
      return new Map(ids.map((id) => [blockName(id), openBlock]));
    },
  };
}

describe('progress', () => {
  it('counts what has ended in closed blocks and in open ones', async () => {
    const ledger = ledgerOf([slice(0, 2, [0]), slice(1, 1, [])]);
    const progress = await sumProgress(ledger, JOB);
    expect(ledger.read.map(({ slice: of, block }) => [of, block])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(progress).toEqual({
      rows: 1500,
      done: 490 + 6,
      failed: 4 + 2,
      cancelled: 0,
      rejected: 6 + 2,
      intake: { read: 1000, rejected: 6 },
    });
    expect(outstandingRows(progress)).toBe(1500 - 510);
  });

  it('leaves the open blocks of a large job unread', async () => {
    const ledger = ledgerOf([slice(0, 256, [0]), slice(1, 256, [])]);
    expect(await sumProgress(ledger, JOB)).toMatchObject({ rows: 256_000, done: 490 });
    expect(ledger.read).toEqual([]);
  });
});
