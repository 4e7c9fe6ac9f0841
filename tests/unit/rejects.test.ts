// Jobs of bad rows: what of them is listed, and when ingest stops one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { watchRejects } from '../../functions/ingest/watch-rejects.ts';
import { createOutcomeMerge } from '../../functions/settle/merge-outcomes.ts';
import { reportRow } from '../../functions/settle/report-rows.ts';
import {
  createRejectListing,
  MAX_LISTED_BYTES_PER_BYTE,
  MAX_LISTED_REJECTS,
} from '../../shared/blocks/reject-listing.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { Job, RowIntake } from '../../shared/job/job.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { narrowed, numbersOf, type Outcome, rangesOf, rowCountOf } from '../../shared/report/outcome.ts';
import { aJob, anEndedJob, anOutcome, aRunningJob, manifestBytes } from '../helpers/records.ts';

const BLOCK_ROWS = 500;

/** Rejects every row of a slice. @returns what is told of them, block by block */
function listAll(rows: readonly { bytes: number; code: string }[]): Outcome[] {
  const listing = createRejectListing(0);
  const told: Outcome[] = [];
  let offset = 0;
  for (const [row, { bytes, code }] of rows.entries()) {
    const place = { block: Math.floor(row / BLOCK_ROWS), number: row % BLOCK_ROWS, line: row + 2 };
    const outcome = {
      ...place,
      status: 'rejected',
      code,
      message: `why ${code}`,
      raw: 'x'.repeat(bytes - 1),
    };
    listing.add(outcome as Outcome, offset);
    offset += bytes;
    if (place.number === BLOCK_ROWS - 1 || row === rows.length - 1) told.push(...listing.endBlock());
  }
  return told;
}

describe('the listing of rejected rows', () => {
  it('reports every row once, and grows by a small multiple of the bytes read', () => {
    const row = fc.record({
      bytes: fc.constantFrom(2, 2, 2, 20, 300),
      code: fc.constantFrom('ColumnCount', 'KeyMissing'),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6_000, minLength: 900, size: 'max' }), (rows) => {
        const told = listAll(rows);
        const numbers = told.flatMap((outcome) =>
          numbersOf(outcome).map((n) => outcome.block * BLOCK_ROWS + n),
        );
        expect(numbers.toSorted((a, b) => a - b)).toEqual([...rows.keys()]);
        const lines = told.map((outcome) => Buffer.byteLength(JSON.stringify(reportRow(outcome))));
        const reportBytes = lines.reduce((sum, bytes) => sum + bytes, 0);
        const readBytes = rows.reduce((sum, { bytes }) => sum + bytes, 0);
        const listedAnyway = MAX_LISTED_REJECTS * 500;
        // Behind what is listed anyway: what the bytes allow, the row that passes that, and two lines a block of at least 1,000 bytes.
        expect(reportBytes).toBeLessThan(listedAnyway + (MAX_LISTED_BYTES_PER_BYTE + 1) * readBytes + 1_000);
      }),
      { numRuns: 20 },
    );
  });

  it('lists rows one by one as far as they are few, or long', () => {
    const few = Array.from({ length: 999 }, () => ({ bytes: 2, code: 'ColumnCount' }));
    const long = Array.from({ length: 3_000 }, () => ({ bytes: 200, code: 'ColumnCount' }));
    for (const rows of [few, long]) expect(listAll(rows)).toHaveLength(rows.length);
  });

  it('reports the others by block and reason: how many, between which lines, and of the first why', () => {
    const rows = Array.from({ length: 2_000 }, (_, row) => ({
      bytes: 2,
      code: row % 5 === 0 ? 'KeyMissing' : 'ColumnCount',
    }));
    const others = listAll(rows).slice(MAX_LISTED_REJECTS);
    expect(others.map((outcome) => [outcome.block, outcome.code, rowCountOf(outcome)])).toEqual([
      [2, 'KeyMissing', 100],
      [2, 'ColumnCount', 400],
      [3, 'KeyMissing', 100],
      [3, 'ColumnCount', 400],
    ]);
    expect(reportRow(others[1] as Outcome)).toEqual({
      spillway_code: 'ColumnCount',
      spillway_message: '400 rows are not listed one by one, the first of them: why ColumnCount',
      spillway_place: 'lines 1003 to 1501',
      spillway_rows: 400,
    });
  });
});

describe('an outcome of several rows', () => {
  it('stands for just its numbers, and can be narrowed to some of them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60), { minLength: 1 }), fc.nat(60), (anyNumbers, from) => {
        const numbers = anyNumbers.toSorted((a, b) => a - b);
        const outcome = anOutcome({
          number: numbers[0] as number,
          status: 'rejected',
          numbers: rangesOf(numbers),
        });
        expect(numbersOf(outcome)).toEqual(numbers);
        expect(rowCountOf(outcome)).toBe(numbers.length);
        const wanted = numbers.filter((number) => number >= from);
        const some = narrowed(outcome, (number) => number >= from);
        expect(some === undefined ? [] : numbersOf(some)).toEqual(wanted);
        expect(some?.number).toBe(wanted[0]);
      }),
    );
  });

  it('is chosen for the rows of which no outcome goes before it', () => {
    const merge = createOutcomeMerge(6, 6);
    const outcomes = [
      anOutcome({ number: 1, status: 'rejected', numbers: [[1, 4]] }),
      anOutcome({ number: 2, status: 'failed' }),
      anOutcome({ number: 4, status: 'rejected' }),
    ];
    for (const [file, outcome] of outcomes.entries()) merge.consider(outcome, { file, line: 0 });
    expect(merge.missing()).toEqual([0, 5]);
    const chosen = outcomes.map((outcome, file) => merge.chosen(outcome, { file, line: 0 }));
    expect(chosen.map((outcome) => outcome && numbersOf(outcome))).toEqual([[1, 3, 4], [2], undefined]);
  });
});

describe('the watch over rejected rows', () => {
  const SLICE = { slice: 1, rows: 60_000, place: manifestBytes(60_000, 120_000) };
  const bad = { size: BLOCK_ROWS, accepted: [] };
  const good = { size: BLOCK_ROWS, accepted: Array.from({ length: BLOCK_ROWS }, () => ({}) as never) };

  function watch(known: Job, others: RowIntake[] = [], slice = SLICE) {
    const reads: string[] = [];
    const ledger = {
      getJob: async () => {
        reads.push('job');
        return known;
      },
      getSlices: async (_: JobId, from: number, to: number) => {
        reads.push(`slices ${from}-${to}`);
        return others.map((intake, number) => ({ slice: number, intake }) as SliceRow).slice(from, to);
      },
    };
    const rejects = watchRejects({ ledger }, aJob(), slice);
    /** @returns rows read when the job was stopped, or undefined where it was not */
    const feed = async (blocks: readonly (typeof bad)[]) => {
      for (const block of blocks) {
        const fault = await rejects.see(block);
        if (fault !== undefined) return { code: fault.code, read: rejects.intake.read };
      }
      return undefined;
    };
    return { feed, reads };
  }
  const blocks = (count: number, block = bad) => Array.from({ length: count }, () => block);

  it('stops a job of one slice as soon as enough rows are read', async () => {
    const { feed } = watch(aRunningJob(), [], { slice: 0, rows: 10_000, place: manifestBytes(9, 99) });
    expect(await feed(blocks(20))).toEqual({ code: 'TooManyRejected', read: 1_000 });
  });

  it('knows a slice that is the whole manifest before the plan says so', async () => {
    const whole = { slice: 0, rows: 10_000, place: manifestBytes(9, aJob().manifest.sizeBytes) };
    const { feed } = watch(aJob(), [], whole);
    expect(await feed(blocks(20))).toEqual({ code: 'TooManyRejected', read: 1_000 });
  });

  it('stops a job of several by all of them, within two looks', async () => {
    const { feed, reads } = watch(aRunningJob({ slices: 3 }), [
      { read: 20_000, rejected: 15_000 },
      { read: 0, rejected: 0 },
      { read: 500, rejected: 500 },
    ]);
    expect(await feed(blocks(120))).toEqual({ code: 'TooManyRejected', read: 16_000 });
    expect(reads).toEqual(['job', 'job', 'slices 0-3']);
  });

  it('does not stop a good job for one bad slice, and looks at it a few times only', async () => {
    const { feed, reads } = watch(aRunningJob({ slices: 3 }), [
      { read: 100_000, rejected: 0 },
      { read: 0, rejected: 0 },
      { read: 100_000, rejected: 5_000 },
    ]);
    expect(await feed(blocks(120))).toBeUndefined();
    expect(reads.length).toBeLessThan(8);
  });

  it('takes what sweep knows of a job of many slices', async () => {
    const progress = { rows: 0, done: 0, failed: 0, cancelled: 0, rejected: 0 };
    const good = watch(
      aRunningJob({ slices: 5_000, progress: { ...progress, intake: { read: 90_000, rejected: 9 } } }),
    );
    expect(await good.feed(blocks(40))).toBeUndefined();
    const badOne = watch(
      aRunningJob({ slices: 5_000, progress: { ...progress, intake: { read: 90_000, rejected: 80_000 } } }),
    );
    expect(await badOne.feed(blocks(40))).toEqual({ code: 'TooManyRejected', read: 16_000 });
    expect(new Set(badOne.reads)).toEqual(new Set(['job', 'slices 1-2']));
  });

  it('counts no row twice that sweep has summed already, in a slice that is read again', async () => {
    const intake = { read: 100_000, rejected: 45_000 };
    const progress = { rows: 0, done: 0, failed: 0, cancelled: 0, rejected: 0, intake };
    const { feed } = watch(aRunningJob({ slices: 5_000, progress }), [
      { read: 60_000, rejected: 13_000 },
      { read: 40_000, rejected: 32_000 },
    ]);
    expect(await feed([...blocks(64), ...blocks(16, good)])).toBeUndefined();
  });

  it.each<[string, Job, readonly (typeof bad)[]]>([
    ['a job of good rows', aRunningJob(), blocks(20, good)],
    ['5% bad rows among good ones', aRunningJob(), [...blocks(19, good), bad]],
    ['fewer rows than max-failed-after-rows', aRunningJob(), [bad, { size: 499, accepted: [] }]],
    ['a job that is paused', aRunningJob({ control: 'paused' }), blocks(20)],
    ['a job that has ended', anEndedJob(), blocks(20)],
  ])('does not stop %s', async (_, job, given) => {
    expect(await watch(job).feed(given)).toBeUndefined();
  });

  it('reads nothing of a good slice', async () => {
    const { feed, reads } = watch(aRunningJob());
    await feed([...blocks(100, good), ...blocks(20)]);
    expect(reads).toEqual([]);
  });

  it('never stops a job that allows every reject', async () => {
    const options = { ...aJob().options, maxFailedPercent: 100 };
    const ledger = {
      getJob: () => Promise.reject(new Error('read')),
      getSlices: () => Promise.reject(new Error('read')),
    };
    const rejects = watchRejects({ ledger }, aJob({ options }), SLICE);
    for (const block of blocks(100)) expect(await rejects.see(block)).toBeUndefined();
    expect(rejects.intake).toEqual({ read: 50_000, rejected: 50_000 });
  });
});
