// What must hold of CSV, TSV and NDJSON whatever they contain: the rules of quotes, writers, joined files, garbage. What holds of
// every format is in tests/contract/formats.test.ts.
import fc from 'fast-check';
import papaparse from 'papaparse';
import { describe, expect, it } from 'vitest';
import { knownColumns, type ManifestItem } from '../../shared/manifest/columns.ts';
import type { ManifestRow } from '../../shared/manifest/format.ts';
import { type FormatName, formatOf, type ManifestHead } from '../../shared/manifest/formats/all.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { bodyOf, collect, readerOf, rowsOf } from '../helpers/manifest-bytes.ts';
import { codePoint } from '../helpers/outside-values.ts';

const columns = ['key', 'source', 'text', 'size'];
const heads: Record<FormatName, ManifestHead> = {
  csv: { format: 'csv', columns, bodyOffset: 0, bodyLine: 1 },
  tsv: { format: 'tsv', columns, bodyOffset: 0, bodyLine: 1 },
  'batch-csv': { format: 'batch-csv', fields: 2, bodyOffset: 0, bodyLine: 1 },
  ndjson: { format: 'ndjson', bodyOffset: 0, bodyLine: 1 },
};

/** Pieces that make every turn of the reader likely: quotes open, closed, doubled, stray; line ends of both kinds;
 * and a line that leaves quotes open whether it begins within them or not. */
const pieces = fc.constantFrom(
  ...[
    '"',
    '""',
    ',',
    '\n',
    '\r\n',
    '\r',
    'a',
    'key',
    ' ',
    '\t',
    's3://bucket/k',
    '{',
    '}',
    ':',
    '{"key":"k","text":"t"}',
  ],
  ...['k,s3://bucket/k,,1\n', '",x","\n', '"k,\n""1""",,"t\r\n",\n', 'ü', '日', '\u0000', '\ufeff', '12'],
);
const body = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: pieces.map((piece) => Buffer.from(piece)) },
      fc.uint8Array({ maxLength: 3 }),
    ),
    {
      maxLength: 80,
    },
  )
  .map((parts) => Buffer.concat(parts));
const format = fc.constantFrom<FormatName>('csv', 'tsv', 'batch-csv', 'ndjson');

describe('the rows', () => {
  it.each([
    ['csv', ','],
    ['tsv', '\t'],
  ] as const)(
    'ends %s rows where the rules say, as a reader without buffers or memory finds them',
    async (name, separator) => {
      await fc.assert(
        fc.asyncProperty(body, fc.array(fc.nat(200)), async (bytes, cuts) => {
          const rows = await rowsOf(heads[name], bytes, cuts);
          const found = rows.map((row) => [
            row.place.offset,
            row.kind === 'bad' && row.code === 'QuoteNotClosed',
          ]);
          expect(found).toEqual(rowsByTheRules(bytes.toString('latin1'), separator));
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it('are the same wherever the scanned windows of 64 KiB end', async () => {
    await fc.assert(
      fc.asyncProperty(format, body, fc.nat(200), async (format, bytes, beforeEnd) => {
        // Blank lines are not rows: they move the rest, so that a window ends within it.
        const padding = 64 * 1024 - beforeEnd;
        const padded = Buffer.concat([Buffer.alloc(padding, '\n'), bytes]);
        const rows = await rowsOf(heads[format], bytes);
        const moved = rows.map(({ place: { line, offset }, ...row }) => ({
          ...row,
          place: { line: line + padding, offset: offset + padding },
        }));
        expect(await rowsOf(heads[format], padded)).toEqual(moved);
      }),
      { numRuns: 300 },
    );
  });

  it('puts each row where its bytes begin, in order, on the line it says', async () => {
    await fc.assert(
      fc.asyncProperty(format, body, async (format, bytes) => {
        let previous = -1;
        for (const { place } of await rowsOf(heads[format], bytes)) {
          expect(place.offset).toBeGreaterThan(previous);
          previous = place.offset;
          expect(place.offset === 0 || bytes[place.offset - 1] === 0x0a).toBe(true);
          const newLines = bytes.subarray(0, place.offset).filter((byte) => byte === 0x0a).length;
          expect(place.line).toBe(newLines + 1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['csv', 'tsv', 'ndjson'] as const)('takes any key that a writer puts into %s', async (format) => {
    const key = fc
      .string({ unit: codePoint, minLength: 1, maxLength: 200 })
      .filter((key) => !/[\uFFFE\uFFFF]/.test(key));
    const row = fc.record({ key, source: key.map((key) => `s3://some-bucket/${key}`), size: fc.nat() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        async (items, newline) => {
          const text =
            format === 'ndjson'
              ? items.map((item) => JSON.stringify(item)).join(newline)
              : papaparse.unparse(items, {
                  ...{ columns: ['key', 'source', 'size'], newline, quotes: true },
                  delimiter: format === 'csv' ? ',' : '\t',
                });
          const bytes = Buffer.from(text);
          const opened = openManifest(bytes, { key: `m.${format}`, sizeBytes: bytes.length });
          if (opened.kind === 'unreadable') {
            // A raw NUL in CSV is refused as binary; everything else is readable.
            expect(opened.code).toBe('Binary');
            return;
          }
          const rows = await rowsOf(opened.head, bytes);
          expect(rows.map(itemOf)).toEqual(items);
        },
      ),
    );
  });
});

describe('a manifest of S3 Batch Operations', () => {
  it.each([
    ['per cent', (key: string) => encodeURIComponent(key)],
    ['as forms are', (key: string) => new URLSearchParams({ key }).toString().slice('key='.length)],
  ])('gives back every key that was encoded %s', async (_, encode) => {
    const key = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => text.isWellFormed() && !/[\uFFFE\uFFFF]/.test(text))
      // A first row that names a column is a header.
      .filter((text) => !knownColumns.includes(text.toLowerCase()));
    await fc.assert(
      fc.asyncProperty(fc.array(key, { minLength: 1 }), async (keys) => {
        const bytes = Buffer.from(keys.map((each) => `some-bucket,${encode(each)}\n`).join(''));
        const opened = openManifest(bytes, { key: 'm.batch-csv', sizeBytes: bytes.length });
        if (opened.kind === 'unreadable') {
          // A first row that holds the name of a column is a header, here one without its other columns.
          expect(knownColumns).toContain(encode(keys[0] ?? '').toLowerCase());
          return;
        }
        const rows = await rowsOf(opened.head, bytes);
        expect(rows.map(itemOf)).toEqual(
          keys.map((each) => ({ key: each, source: `s3://some-bucket/${each}` })),
        );
      }),
    );
  });
});

describe('joined manifests', () => {
  const header = fc.constantFrom(
    ...['key,text', 'key,text\r', '"key","text"', '\ufeffkey,text', '\ufeff"key","text"', ' key,text '],
  );
  const part = fc.record({ header, rows: fc.integer({ min: 0, max: 6 }) });
  const limits = fc.record({
    sliceBytes: fc.integer({ min: 1, max: 60 }),
    rows: fc.integer({ min: 1, max: 4 }),
  });

  it('make no object of a header line, at whatever cut, and keep every row on its line', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        limits,
        fc.array(fc.nat(300)),
        async (parts, limits, cuts) => {
          const lines = parts.flatMap((each, number) => [
            { text: each.header, is: 'HeaderRepeated' },
            ...Array.from({ length: each.rows }, (_, row) => ({
              text: `k${number}/${row},${row}`,
              is: `k${number}/${row}`,
            })),
          ]);
          const bytes = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''));
          const opened = openManifest(bytes, { key: 'm.csv', sizeBytes: bytes.length });
          if (opened.kind === 'unreadable') throw new Error(opened.message);
          const { head } = opened;
          const bytesRead = readerOf(bytes, cuts);
          const found: [number, string][] = [];
          const slices = formatOf(head).split(head, bodyOf(head, bytes.length), bytesRead, limits);
          for await (const { range } of slices) {
            for (const row of await collect(formatOf(head).read(head, range, bytesRead)))
              found.push([row.place.line, row.kind === 'good' ? row.item.key : row.code]);
          }
          expect(found).toEqual(lines.map(({ is }, index) => [index + 1, is]).slice(1));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('openManifest', () => {
  it('never throws, and reads no further than its bound', () => {
    const name = fc.constantFrom(
      'm.csv',
      'm.tsv',
      'm.batch-csv',
      'm.ndjson',
      'm.jsonl',
      'm',
      'm.constructor',
      'm.__proto__',
      '',
    );
    fc.assert(
      fc.property(body, name, fc.nat(500), (bytes, key, moreBytes) => {
        const opened = openManifest(bytes, { key, sizeBytes: bytes.length + moreBytes });
        if (opened.kind === 'readable') {
          expect(opened.head.bodyOffset).toBeLessThanOrEqual(bytes.length);
        } else {
          expect(opened.message).not.toBe('');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

function itemOf(row: ManifestRow): ManifestItem | string {
  return row.kind === 'good' ? row.item : row.message;
}

/** Starts of CSV or TSV rows and whether their quotes stay open: the rules of csv-quoted-row.ts as regular expressions. */
function rowsByTheRules(text: string, separator: string): [number, boolean][] {
  const commas =
    /(?:(?:"(?:[^"]|"")*"(?=,|\r?\n|\r?$)|(?!")[^,\n]*?),)*(?:"(?:[^"]|"")*"|(?!")[^,\n]*?)\r?(?:\n|$)/y;
  const row = new RegExp(commas.source.replaceAll(',', separator), 'y');
  const firstLine = /[^\n]*(?:\n|$)/y;
  const rows: [number, boolean][] = [];
  for (let at = 0; at < text.length; ) {
    row.lastIndex = at;
    firstLine.lastIndex = at;
    const closed = row.exec(text)?.[0];
    const taken = closed ?? firstLine.exec(text)?.[0] ?? '';
    if (!/^[ \t\r]*\n?$/.test(taken)) {
      rows.push([at, closed === undefined]);
    }
    at += taken.length;
  }
  return rows;
}
