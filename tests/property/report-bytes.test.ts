// Outcome files, report rows and reports of any bytes: each is read, or refused with an error that names place and remedy, and
// what is held of it has a bound.
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../cli/failure.ts';
import { readReport, unstoredRows } from '../../cli/report/read.ts';
import { createOutcomeMerge } from '../../functions/settle/merge-outcomes.ts';
import { reportRow } from '../../functions/settle/report-rows.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { MAX_JOB_FILE_BYTES, parseJobFile } from '../../shared/job/job-file.ts';
import { numbersOf, type OutcomeRecord } from '../../shared/report/outcome.ts';
import { MAX_REPORT_BYTES } from '../../shared/report/report.ts';
import { decodeOutcomes } from '../helpers/decode-outcomes.ts';
import { anyValue, codePoint, mutated, nested } from '../helpers/outside-values.ts';
import { anOutcome } from '../helpers/records.ts';

/** Fixed, so that a run fails for the code alone and not for its luck. */
const RUNS = { seed: 13, numRuns: 500 };
/** Of one message, with a bounded text in it. */
const MAX_MESSAGE_BYTES = 3 * 1024;
const FILE = 'outcomes/job/0/a.ndjson';

const OUTCOMES: readonly OutcomeRecord[] = [
  anOutcome({ etag: '"e"', bytes: 5, attempts: 1, ms: 3, item: { key: 'a' } }),
  anOutcome({ status: 'failed', number: 3, code: 'AccessDenied', message: 'denied', item: { key: 'b' } }),
  anOutcome({
    status: 'rejected',
    number: 4,
    numbers: [
      [4, 6],
      [8, 9],
    ],
    lastLine: 12,
    message: 'no key',
  }),
  anOutcome({
    ...{ status: 'rejected', number: 1, raw: 'x,,' },
    item: { key: 'c', spillway_columns: { colour: 'red' } },
  }),
  { status: 'returned', block: 0, number: 2, attempts: 2, throttled: 1 },
];
const changedLine = fc
  .tuple(fc.constantFrom(...OUTCOMES), anyValue, fc.nat(14))
  .map(([outcome, change, at]) => JSON.stringify(mutated(outcome, change, at)) ?? '');
const anyText = fc.oneof(
  fc.string({ unit: codePoint }),
  fc.json(),
  nested,
  fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const outcomeFile = fc
  .array(fc.oneof({ weight: 6, arbitrary: changedLine }, { weight: 1, arbitrary: anyText }), { maxLength: 4 })
  .map((lines) => Buffer.from(lines.join('\n')))
  .chain((text) => {
    const compressed = zstdCompressSync(text);
    return fc.oneof(
      fc.constant(text),
      fc.constant(compressed),
      fc.nat(compressed.length).map((length) => compressed.subarray(0, length)),
    );
  });

const expectBounded = (error: unknown) =>
  expect(Buffer.byteLength((error as Error).message)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);

function readOutcomes(file: Uint8Array): OutcomeRecord[] | undefined {
  try {
    return decodeOutcomes(file, FILE);
  } catch (error) {
    expect((error as Error).name).toBe('UnreadableOutcomes');
    expect((error as Error).message).toContain(`the outcomes at ${FILE} are damaged`);
    expectBounded(error);
    return undefined;
  }
}

describe('an outcome file of any bytes', () => {
  it('is merged and reported, or is an error with file, line and remedy', () => {
    fc.assert(
      fc.property(outcomeFile, (file) => {
        const records = readOutcomes(file) ?? [];
        const merge = createOutcomeMerge(50, 10);
        for (const [line, record] of records.entries()) {
          if (record.status === 'returned') merge.addReturned(record);
          else merge.consider(record, { file: 0, line });
        }
        let reported = 0;
        for (const [line, record] of records.entries()) {
          const chosen = record.status === 'returned' ? undefined : merge.chosen(record, { file: 0, line });
          if (chosen === undefined) continue;
          reported += numbersOf(chosen).length;
          expect(JSON.parse(JSON.stringify(reportRow(merge.withReturned(chosen))))).toBeTypeOf('object');
        }
        // Every row of the slice is reported once, or is missing.
        expect(reported + merge.missing().length).toBe(50);
      }),
      { ...RUNS, numRuns: 2_000 },
    );
  });
});

describe('a report that the command reads', () => {
  const PLACE = 's3://reports/jobs/j/manifest.json';
  const REPORT = {
    version: 1,
    files: ['failed', 'rejected'].map((kind) => ({
      ...{ kind, key: `jobs/j/${kind}/0.ndjson`, rows: 1, bytes: 9, sha256: 'x' },
    })),
  };
  const ROW = { key: 'k', spillway_code: 'C', spillway_message: 'm', spillway_place: 'line 2' };
  const report = fc.oneof(
    fc.tuple(anyValue, fc.nat(14)).map(([change, at]) => JSON.stringify(mutated(REPORT, change, at)) ?? ''),
    fc.constant(JSON.stringify(REPORT)),
    anyText,
  );
  const rows = fc
    .array(
      fc.oneof(
        fc.tuple(anyValue, fc.nat(5)).map(([change, at]) => JSON.stringify(mutated(ROW, change, at)) ?? ''),
        anyText,
      ),
    )
    .map((lines) => lines.join('\n'));

  async function read(manifest: string | Buffer, file: string | Buffer) {
    const memory = createMemoryS3();
    memory.write('reports', 'jobs/j/manifest.json', manifest);
    for (const kind of ['failed', 'rejected']) memory.write('reports', `jobs/j/${kind}/0.ndjson`, file);
    return Array.fromAsync(unstoredRows(memory.client, await readReport(memory.client, PLACE), 5));
  }

  it('gives rows with bounded texts, or a failure that names the place', async () => {
    await fc.assert(
      fc.asyncProperty(report, rows, async (manifest, file) => {
        try {
          const found = await read(manifest, file);
          expect(found.length).toBeLessThanOrEqual(5);
          for (const { code, message, place } of found)
            expect(Buffer.byteLength(code + message + place)).toBeLessThanOrEqual(3 * 1024);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
          expect((error as Error).message).toContain('s3://reports/');
        }
      }),
      RUNS,
    );
  });

  it('fails where it or a line of its files is longer than any of ours', async () => {
    await expect(read(Buffer.alloc(MAX_REPORT_BYTES + 1, ' '), '')).rejects.toThrow(
      `${PLACE} is no report: it has more than ${MAX_REPORT_BYTES} bytes`,
    );
    await expect(read(JSON.stringify(REPORT), Buffer.alloc(8 * 1024 ** 2, 'x'))).rejects.toThrow(
      's3://reports/jobs/j/failed/0.ndjson is no file of a report: a line has more than',
    );
  });

  it('says of a line that is no row that another program changed the file', async () => {
    const found = await read(JSON.stringify(REPORT), 'no row\n');
    expect(found[0]).toMatchObject({
      code: 'NoReportRow',
      message: expect.stringContaining('another program'),
    });
  });
});

describe('a job file as large as one may be', () => {
  const shapes = [
    '[',
    '{',
    '{a: ',
    '- ',
    '? ',
    'a: ',
    '!a ',
    '&a ',
    '*a ',
    '"',
    '|\n',
    '\n',
    '# c\n',
    '---\n',
    ',',
    // Names that are repeated.
    'a:\n ',
    '? a\n',
  ];
  const filled = (piece: string) => piece.repeat(Math.floor(MAX_JOB_FILE_BYTES / Buffer.byteLength(piece)));
  const aliases = Array.from(
    { length: 1_500 },
    (_, index) => `a${index}: &a${index} [*a${index - 1}, *a${index - 1}]\n`,
  );
  const names = Array.from({ length: 5_000 }, (_, index) => `k${index}: v\n`);
  const texts = [...shapes.map(filled), aliases.join(''), names.join(''), `[${'[],'.repeat(20_000)}]`];

  it.each(['a.job.yaml', 'a.job.json'])('is read or refused as %s, however it is nested', (key) => {
    for (const text of texts) {
      const { manifest, faults } = parseJobFile(Buffer.from(text), { key, inbox: 'inbox' });
      expect(manifest).toBeUndefined();
      expect(faults.length).toBeGreaterThan(0);
      for (const fault of faults) expect(Buffer.byteLength(fault)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    }
  });

  it('is refused before it is parsed where it is larger', () => {
    const { faults } = parseJobFile(Buffer.alloc(MAX_JOB_FILE_BYTES + 1, ' '), {
      key: 'a.job.yaml',
      inbox: 'i',
    });
    expect(faults).toEqual([expect.stringMatching(/^it has 65537 bytes: write 65536 bytes at most/)]);
  });

  it('names a repeated name below other values, and nesting that is too deep', () => {
    const fault = (text: string) =>
      parseJobFile(Buffer.from(text), { key: 'a.job.yaml', inbox: 'i' }).faults[0];
    expect(fault('manifest: a\noptions:\n  spread: off\n  if-exists: skip\n  spread: off\n')).toMatch(
      /line 5, column 3: .*unique/,
    );
    expect(fault('['.repeat(30_000) + ']'.repeat(30_000))).toMatch(/nested too deeply/);
  });
});
