// Rows that are read in one step are the rows that are read field by field, and their messages are the same.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import type { ManifestRow } from '../../shared/manifest/format.ts';
import { formatOf, type ManifestHead } from '../../shared/manifest/formats/all.ts';
import { isPlainText, PlainItem } from '../../shared/manifest/plain-row.ts';
import { createMessageWriter } from '../../shared/queue/messages.ts';
import { checkSource, createSourceCheck } from '../../shared/sources/table.ts';

/**
 * A first row, plain and odd, of the same length. The backslash and the umlaut of the odd one make the whole stretch one that is read
 * field by field.
 */
const FIRST_ROWS = {
  csv: { plain: 'odd---,s3://bucket/odd,1', odd: 'odd\\ü,s3://bucket/odd,1' },
  ndjson: {
    plain: '{"key":"odd----","source":"s3://bucket/odd"}',
    odd: '{"key":"odd\\\\ü","source":"s3://bucket/odd"}',
  },
};

async function read(head: ManifestHead, text: string): Promise<ManifestRow[]> {
  const range = { startOffset: 0, startLine: 1, endOffset: Buffer.byteLength(text) };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const batches = await Array.fromAsync(formatOf(head).read(head, range, bytes));
  return batches.flat();
}

const text = (rows: readonly string[], lineEnd: string) => rows.map((row) => row + lineEnd).join('');

/** @returns how many rows were read in one step, and field by field beside the odd row */
async function expectSame(
  head: ManifestHead,
  rows: readonly string[],
  first: { plain: string; odd: string },
  lineEnd: string,
): Promise<number> {
  expect(Buffer.byteLength(first.odd)).toBe(first.plain.length);
  const own = (await read(head, text([first.plain, ...rows], lineEnd))).slice(1);
  const beside = (await read(head, text([first.odd, ...rows], lineEnd))).slice(1);
  expect(own).toEqual(beside);
  // Also in the order of their columns, which is that of messages and reports.
  expect(JSON.stringify(own)).toBe(JSON.stringify(beside));
  return own.filter(isPlain).length - beside.filter(isPlain).length;
}

const isPlain = (row: ManifestRow) => row.kind === 'good' && row.item instanceof PlainItem;

const piece = fc.constantFrom(
  ...[
    'a',
    'key',
    'source',
    'photos/1.jpg',
    '/',
    '..',
    ' ',
    '',
    ',',
    ':',
    '{',
    '}',
    '"',
    "'",
    '\t',
    '\r',
    '\0',
    '\x7f',
  ],
  ...[
    's3://',
    's3://bucket/',
    's3://other.bucket/',
    's3://b/',
    's3://bucket',
    'https://a/',
    '?versionId=',
    'sep=,',
  ],
  ...['x'.repeat(1_011), 'x'.repeat(1_024), 'ü', '\\', 'spillway_', 'metadata.a'],
);
const pieces = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
const key = fc.oneof(fc.constantFrom('a', 'photos/2026/1.jpg', 'key'), pieces);
const source = fc.oneof(
  fc.constantFrom('s3://bucket/k', 's3://other/k', 's3://bucket/a?versionId=1'),
  pieces.map((rest) => `s3://bucket/${rest}`),
  pieces,
);
const size = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom('', '0', '00', '007', '-1', '-0', '1.5', '1e3', ' 1', '1 ', 'x', 'null', '"5"'),
  fc.constantFrom('9999999999999', '10000000000000', '53687091200000', '99999999999999', '999999999999999'),
);
/** One odd row makes its whole stretch odd: some stretches have plain rows alone, so that no seed has too few of them. */
const rowsOf = (row: fc.Arbitrary<string>, plain: fc.Arbitrary<string>) =>
  fc.oneof(...[row, row, row, plain].map((each) => fc.array(each, { minLength: 1, maxLength: 5 })));
const plainFields = fc.tuple(fc.constant('a'), fc.constant('s3://bucket/k'), fc.nat());
const plainLine = plainFields.map((fields) => fields.join());
const plainObject = plainFields.map(([k, s, bytes]) => JSON.stringify({ key: k, source: s, size: bytes }));
const lineEnd = fc.constantFrom('\n', '\r\n');
const columns = fc.constantFrom<string[]>(
  ['key', 'source', 'size'],
  ['key', 'source'],
  ['source', 'key'],
  ['key', 'source', 'text'],
);

it('a row of CSV is the same beside rows that are read field by field', async () => {
  const row = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(key, source, size).map((fields) => fields.join()) },
    { weight: 2, arbitrary: fc.tuple(key, source).map((fields) => fields.join()) },
    { weight: 1, arbitrary: pieces },
  );
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(rowsOf(row, plainLine), columns, lineEnd, async (rows, names, end) => {
      const head: ManifestHead = { format: 'csv', columns: names, bodyOffset: 0, bodyLine: 1 };
      plain += await expectSame(head, rows, FIRST_ROWS.csv, end);
    }),
    { numRuns: 3_000 },
  );
  expect(plain).toBeGreaterThan(100);
});

it('a row of NDJSON is the same beside rows that are read field by field', async () => {
  const members = fc.tuple(key, source, fc.option(size, { nil: undefined }));
  const row = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(members, fc.constantFrom('', ' '), fc.constantFrom('', ' ', '}', ','))
        .map(([[keyText, sourceText, sizeText], space, end]) => {
          const sizeMember = sizeText === undefined ? '' : `,${space}"size":${space}${sizeText}`;
          // Not escaped: most texts are valid JSON, and the others must be refused as they are field by field.
          return `{"key":${space}"${keyText}",${space}"source":${space}"${sourceText}"${sizeMember}}${end}`;
        }),
    },
    { weight: 1, arbitrary: members.map(([k, s]) => JSON.stringify({ source: s, key: k })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(pieces, fc.constantFrom('{"key":"', '{"key": "', '","source":"'))
        .map(([a, b]) => b + a),
    },
  );
  const head: ManifestHead = { format: 'ndjson', bodyOffset: 0, bodyLine: 1 };
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(rowsOf(row, plainObject), lineEnd, async (rows, end) => {
      plain += await expectSame(head, rows, FIRST_ROWS.ndjson, end);
    }),
    { numRuns: 3_000 },
  );
  expect(plain).toBeGreaterThan(100);
});

it('the message of a row that is read in one step is the message of its item, byte for byte', async () => {
  const block: BlockId = { job: 'job-00000001' as JobId, slice: 3, block: 4 };
  const printable = fc.string({
    unit: fc.constantFrom(...[...Array(95).keys()].map((n) => String.fromCharCode(32 + n))),
  });
  const good = printable.map((letters) => letters.replace(/["\\,]/g, '-') || 'a');
  await fc.assert(
    fc.asyncProperty(
      good,
      fc.option(fc.nat(), { nil: undefined }),
      fc.nat(),
      fc.boolean(),
      async (name, bytes, number, isReplay) => {
        const line = `${name},s3://bucket/${name},${bytes ?? ''}\n`;
        const [row] = await read(
          { format: 'csv', columns: ['key', 'source', 'size'], bodyOffset: 0, bodyLine: 1 },
          line,
        );
        if (row?.kind !== 'good' || !(row.item instanceof PlainItem))
          throw new Error(`${line} is not read in one step`);
        const item: ManifestItem = { ...row.item };
        const write = createMessageWriter(block, 5, isReplay);
        expect(write({ number, line: 7, item: row.item })).toBe(write({ number, line: 7, item }));
      },
    ),
  );
});

it('a source is refused as if it were the only one that is checked', () => {
  const sources = fc.constantFrom(
    ...['s3://bucket/a', 's3://bucket/b?versionId=1', 's3://bucket/?versionId=1', 's3://bucket/?versionId='],
    ...['s3://bucket2/a', 's3://other/a', 's3://buc/a', 's3://bucket/s3://other/a'],
  );
  const item = fc
    .tuple(sources, fc.boolean())
    .map(([name, isOne]) => (isOne ? new PlainItem('k', name, undefined) : { key: 'k', source: name }));
  const buckets = fc.subarray(['bucket', 'other', 'buc']);
  fc.assert(
    fc.property(fc.array(item), buckets, (items, allowed) => {
      const configuration = { buckets: allowed };
      const check = createSourceCheck(configuration);
      expect(items.map(check)).toEqual(items.map((each) => checkSource(each, configuration)));
    }),
    { numRuns: 1_000 },
  );
});

it('a text is plain or not wherever it lies in memory', () => {
  const plain = fc.constantFrom('a', ' ', '"', '~', ',', '\n', '\r\n');
  const any = fc.constantFrom('\\', '\r', '\t', '\0', '\x1f', '\x7f', 'é', '€', '\r\r\n');
  const parts = fc.array(fc.oneof({ weight: 40, arbitrary: plain }, { weight: 1, arbitrary: any }), {
    maxLength: 60,
  });
  const seen = new Set<boolean>();
  fc.assert(
    fc.property(parts, fc.nat(7), (texts, at) => {
      const part = texts.join('');
      const memory = Buffer.from(`${'\t'.repeat(at)}${part}\t`);
      // What follows the part is no part of it: a carriage return at its end has no line feed.
      const bytes = memory.subarray(at, memory.length - 1);
      const isPlain = /^(?:[\n\x20-\x5b\x5d-\x7f]|\r\n)*$/.test(part);
      seen.add(isPlain);
      expect(isPlainText(bytes)).toBe(isPlain);
    }),
    { numRuns: 2_000 },
  );
  expect(seen.size).toBe(2);
});
