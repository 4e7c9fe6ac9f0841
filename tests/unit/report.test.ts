// The report of a slice: one row of it for each row of the manifest, whatever the outcome files hold.
import { createHash } from 'node:crypto';
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutcomeMerge } from '../../functions/settle/merge-outcomes.ts';
import { writeSliceReport } from '../../functions/settle/slice-report.ts';
import { createMemoryS3, type MemoryS3 } from '../../lab/memory/s3.ts';
import { BLOCK_ROWS } from '../../shared/job/identity.ts';
import { unaccountedRows } from '../../shared/job/job.ts';
import type { ReportKind } from '../../shared/job/options.ts';
import { OUTCOME_STATUSES, type Outcome, type OutcomeRecord } from '../../shared/report/outcome.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';
import { writeJobReport } from '../../shared/report/report.ts';
import { meddled } from '../helpers/failing.ts';
import { aJob, anOutcome, JOB_ID } from '../helpers/records.ts';

const SLICE = { job: JOB_ID, slice: 3 };

const rowOf = ({ block, number }: Outcome) => block * BLOCK_ROWS + number;
const atRow = (row: number, change: Partial<Outcome> = {}) =>
  anOutcome({ block: Math.floor(row / BLOCK_ROWS), number: row % BLOCK_ROWS, line: row + 2, ...change });

const fileOfOutcomes = (outcomes: readonly OutcomeRecord[]) =>
  Buffer.from(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(''));

interface Settling {
  report?: ReportKind;
  book?: (missing: ReadonlySet<number>) => AsyncIterable<Outcome>;
  s3?: MemoryS3;
}

/** Writes the report of files that hold these outcomes. */
async function settle(
  files: OutcomeRecord[][],
  rows: number,
  { report = 'all', book = lostAll, s3 = createMemoryS3() }: Settling = {},
) {
  let mostHeld = 0;
  const client = meddled(s3.client, async (command, pass) => {
    if (command instanceof UploadPartCommand)
      mostHeld = Math.max(mostHeld, (command.input.Body as Buffer).length);
    return pass();
  });
  let [reading, mostReading] = [0, 0];
  const outcomes: OutcomeStore = {
    write: async () => undefined,
    list: async () => files.map((_, index) => ({ kind: 'file', key: String(index) })),
    async read(stored) {
      const key = stored.kind === 'file' ? stored.key : '';
      reading++;
      mostReading = Math.max(mostReading, reading);
      // Files come in an order of their own, and not the same in both passes.
      for (let turns = 0; turns < (Number(key) * 7) % 5; turns++) await Promise.resolve();
      reading--;
      return fileOfOutcomes(files[Number(key)] ?? []);
    },
  };
  const result = await writeSliceReport(
    { s3: client, bucket: 'reports', outcomes },
    {
      job: aJob({ options: { ...aJob().options, report } }),
      slice: { slice: SLICE.slice, rows },
      writer: 'writer-1',
      booksDamaged: false,
      book,
    },
  );
  const rowsOf = (kind: string): Record<string, unknown>[] => {
    const file = result.files.find((each) => each.kind === kind);
    const text = file === undefined ? '' : String(s3.read('reports', file.key));
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  };
  return { ...result, rowsOf, s3, mostHeld: () => mostHeld, mostReading: () => mostReading };
}

async function* lostAll(missing: ReadonlySet<number>): AsyncGenerator<Outcome> {
  for (const row of missing) yield atRow(row, { status: 'failed', code: 'Lost', message: `row ${row}` });
}

describe('the merge', () => {
  it.each(
    OUTCOME_STATUSES.flatMap((better, rank) =>
      OUTCOME_STATUSES.slice(rank + 1).map((worse) => ({ better, worse })),
    ),
  )('takes $better before $worse, whichever came first', ({ better, worse }) => {
    for (const statuses of [
      [better, worse],
      [worse, better],
    ]) {
      const outcomes = statuses.map((status) => anOutcome({ status }));
      const merge = createOutcomeMerge(1, BLOCK_ROWS);
      for (const [file, outcome] of outcomes.entries()) merge.consider(outcome, { file, line: 0 });
      const chosen = outcomes.filter(
        (outcome, file) => merge.chosen(outcome, { file, line: 0 }) !== undefined,
      );
      expect(chosen.map(({ status }) => status)).toEqual([better]);
    }
  });

  it('chooses exactly one outcome for every row that has any, and reports the others as missing', () => {
    const outcome = fc.record({
      row: fc.integer({ min: 0, max: 1_300 }),
      status: fc.constantFrom(...OUTCOME_STATUSES),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(outcome), { maxLength: 8 }),
        fc.integer({ min: 0, max: 1_200 }),
        (drawn, rows) => {
          const files = drawn.map((file) => file.map(({ row, status }) => atRow(row, { status })));
          const merge = createOutcomeMerge(rows, BLOCK_ROWS);
          const each = (visit: (outcome: Outcome, at: { file: number; line: number }) => void) => {
            for (const [index, file] of files.entries())
              for (const [line, one] of file.entries()) visit(one, { file: index, line });
          };
          each((one, at) => merge.consider(one, at));
          const chosen: Outcome[] = [];
          each((one, at) => {
            if (merge.chosen(one, at) !== undefined) chosen.push(one);
          });

          const told = new Set(
            files
              .flat()
              .map(rowOf)
              .filter((row) => row < rows),
          );
          expect(chosen.map(rowOf).toSorted((a, b) => a - b)).toEqual([...told].sort((a, b) => a - b));
          expect(merge.missing()).toEqual(
            Array.from({ length: rows }, (_, row) => row).filter((row) => !told.has(row)),
          );
          for (const one of chosen) {
            const rivals = files.flat().filter((other) => rowOf(other) === rowOf(one));
            const best = Math.min(...rivals.map(({ status }) => OUTCOME_STATUSES.indexOf(status)));
            expect(one.status).toBe(OUTCOME_STATUSES[best]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("a slice's report", () => {
  it('counts and files every row once, however often its outcome was written', async () => {
    const stored = atRow(0, {
      status: 'stored',
      bytes: 10,
      attempts: 3,
      throttled: 2,
      returned: 1,
      reposted: 1,
    });
    const { totals, files, rowsOf } = await settle(
      [
        [stored, atRow(1, { status: 'failed', code: 'SlowDown', message: 'm', attempts: 9 })],
        [
          stored,
          atRow(1, { status: 'skipped', attempts: 1 }),
          atRow(2, { status: 'rejected', code: 'KeyMissing' }),
        ],
        [atRow(3, { status: 'cancelled' }), atRow(4, { status: 'failed', attempts: 2 })],
      ],
      5,
    );
    expect(totals).toEqual({
      rows: 5,
      stored: 1,
      skipped: 1,
      failed: 1,
      cancelled: 1,
      rejected: 1,
      attempts: 3 + 1 + 2,
      throttled: 2,
      returned: 1,
      reposted: 1,
      bytes: 10,
    });
    expect(unaccountedRows(totals)).toBe(0);
    expect(files.map(({ kind, rows }) => [kind, rows]).toSorted()).toEqual([
      ['failed', 2],
      ['rejected', 1],
      ['succeeded', 2],
    ]);
    expect(
      rowsOf('succeeded')
        .map(({ status }) => status)
        .toSorted(),
    ).toEqual(['skipped', 'stored']);
  });

  it('adds the requests of returned deliveries to their rows, and ends no row by them', async () => {
    const returned = (row: number, attempts: number, throttled: number): OutcomeRecord => ({
      block: Math.floor(row / BLOCK_ROWS),
      number: row % BLOCK_ROWS,
      status: 'returned',
      attempts,
      throttled,
    });
    const { totals, rowsOf } = await settle(
      [
        [returned(0, 3, 2), atRow(1, { attempts: 1, throttled: 0 }), returned(2, 4, 4)],
        [atRow(0, { attempts: 2, throttled: 1 }), returned(0, 1, 1)],
        // The same row twice: one outcome counts, and the requests of its returned deliveries once.
        [atRow(0, { attempts: 9, throttled: 9 }), returned(7, 5, 5)],
      ],
      3,
    );
    expect(totals).toMatchObject({ rows: 3, stored: 2, failed: 1, attempts: 11, throttled: 8 });
    expect(rowsOf('succeeded').map(({ line, attempts }) => [line, attempts])).toEqual([
      [3, 1],
      [2, 6],
    ]);
  });

  it('fails a row that no file has, so that none is unaccounted for', async () => {
    const { totals, rowsOf } = await settle([[atRow(0)], [atRow(501)]], 502);
    expect(totals).toMatchObject({ rows: 502, stored: 2, failed: 500 });
    const failed = rowsOf('failed');
    expect(failed).toHaveLength(500);
    expect(failed[0]).toMatchObject({
      spillway_code: 'Lost',
      spillway_message: 'row 1',
    });
  });

  it.each([
    { report: 'all', kinds: ['failed', 'rejected', 'succeeded'] },
    { report: 'failures', kinds: ['failed', 'rejected'] },
    { report: 'none', kinds: [] },
  ] as const)('writes of a report "$report" the files $kinds, and counts all the same', async (of) => {
    const outcomes = OUTCOME_STATUSES.map((status, row) => atRow(row, { status }));
    const { files, totals } = await settle([outcomes], 5, { report: of.report });
    expect(files.map(({ kind }) => kind).toSorted()).toEqual(of.kinds);
    expect(totals).toMatchObject({ rows: 5, stored: 1, skipped: 1, failed: 1, cancelled: 1, rejected: 1 });
  });

  it("names a stored object's place, size, ETag, version, checksum, attempts and time", async () => {
    const stored = atRow(0, {
      item: { key: 'a', source: 's3://b/c' },
      destination: 's3://d/0101/a',
      bytes: 7,
      etag: '"e"',
      versionId: 'v1',
      checksum: 'AAAAAA==',
      attempts: 2,
      ms: 31,
    });
    expect((await settle([[stored]], 1)).rowsOf('succeeded')).toEqual([
      {
        key: 'a',
        source: 's3://b/c',
        destination: 's3://d/0101/a',
        status: 'stored',
        size: 7,
        etag: '"e"',
        version: 'v1',
        checksum: 'AAAAAA==',
        attempts: 2,
        milliseconds: 31,
        line: 2,
      },
    ]);
  });

  it('sends a large file part by part, and holds no more of it than that', async () => {
    const text = 'x'.repeat(100_000);
    const files = Array.from({ length: 300 }, (_, row) => [
      atRow(row, { status: 'failed', item: { key: `k${row}`, text } }),
    ]);
    const { files: written, rowsOf, mostHeld } = await settle(files, 300);
    expect(written).toMatchObject([{ kind: 'failed', rows: 300 }]);
    expect(rowsOf('failed').map(({ key }) => key)).toHaveLength(300);
    expect(new Set(rowsOf('failed').map(({ key }) => key)).size).toBe(300);
    expect(mostHeld()).toBeLessThan(12 * 1024 * 1024);
  });

  it('leaves no unfinished upload behind where a row can not be booked', async () => {
    const text = 'x'.repeat(100_000);
    const files = Array.from({ length: 100 }, (_, row) => [
      atRow(row, { status: 'failed', item: { key: `k${row}`, text } }),
    ]);
    // biome-ignore lint/correctness/useYield: it fails before its first row
    const book = async function* (): AsyncGenerator<Outcome> {
      throw new Error('no manifest');
    };
    let begun = 0;
    const uploads = createMemoryS3();
    const client = meddled(uploads.client, async (command, pass) => {
      if (command instanceof CreateMultipartUploadCommand) begun++;
      return pass();
    });
    await expect(settle(files, 101, { book, s3: { ...uploads, client } })).rejects.toThrow('no manifest');
    expect(begun).toBeGreaterThan(0);
    expect(uploads.openUploads()).toEqual([]);
  });

  it('takes no row that is not of the slice', async () => {
    const { totals } = await settle([[atRow(0), atRow(1), atRow(700)]], 1);
    expect(totals).toMatchObject({ rows: 1, stored: 1 });
  });

  it("gives failed and rejected rows their own columns back, and the report's beside them", async () => {
    const { rowsOf } = await settle(
      [
        [
          atRow(0, {
            status: 'failed',
            item: { key: 'a', source: 's3://b/c', size: 5 },
            code: 'NoSuchKey',
            message: 'gone',
          }),
          atRow(1, {
            status: 'rejected',
            item: { key: '', text: 'x' },
            code: 'KeyMissing',
            message: 'key is missing',
          }),
          atRow(2, { status: 'rejected', raw: '"open', code: 'QuoteNotClosed', message: 'quote' }),
        ],
      ],
      3,
    );
    expect(rowsOf('failed')).toEqual([
      {
        key: 'a',
        source: 's3://b/c',
        size: 5,
        spillway_code: 'NoSuchKey',
        spillway_message: 'gone',
        spillway_place: 'line 2',
      },
    ]);
    expect(rowsOf('rejected')).toEqual([
      {
        key: '',
        text: 'x',
        spillway_code: 'KeyMissing',
        spillway_message: 'key is missing',
        spillway_place: 'line 3',
      },
      {
        spillway_code: 'QuoteNotClosed',
        spillway_message: 'quote',
        spillway_place: 'line 4',
        spillway_raw: '"open',
      },
    ]);
  });

  it('names its files by slice and writer, with size and digest', async () => {
    const { files, s3 } = await settle([[atRow(0)]], 1);
    expect(files).toHaveLength(1);
    const body = s3.read('reports', `jobs/${JOB_ID}/succeeded/000003-writer-1.ndjson`);
    expect(files[0]).toMatchObject({
      kind: 'succeeded',
      bytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
  });

  it('writes no file for a slice without rows', async () => {
    const { files, totals } = await settle([], 0);
    expect(files).toEqual([]);
    expect(totals.rows).toBe(0);
  });

  it('reads a bounded number of files at once', async () => {
    const files = Array.from({ length: 200 }, (_, row) => [atRow(row)]);
    const { totals, mostReading } = await settle(files, 200);
    expect(totals.stored).toBe(200);
    expect(mostReading()).toBeLessThanOrEqual(16);
  });
});

it("writes a job's report from its slices' results, and the same when it is written again", async () => {
  const s3 = createMemoryS3();
  const written = () => String(s3.read('reports', `jobs/${JOB_ID}/manifest.json`));
  const { totals: one, files } = await settle([[atRow(0, { bytes: 4 })]], 1);
  const job = { ...aJob(), state: 'completed' as const };
  const write = () =>
    writeJobReport({ s3: s3.client, bucket: 'reports' }, job, [
      { totals: one, files },
      { totals: one, files },
    ]);
  expect(await write()).toMatchObject({
    report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
    totals: { rows: 2, stored: 2, bytes: 8 },
  });
  const first = written();
  await write();
  expect(written()).toBe(first);
  expect(JSON.parse(first)).toMatchObject({
    version: 1,
    job: JOB_ID,
    state: 'completed',
    startedAt: '2026-01-01T00:00:00.000Z',
    totals: { rows: 2 },
    files: [files[0], files[0]],
  });
});
