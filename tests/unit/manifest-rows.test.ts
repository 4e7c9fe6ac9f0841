// Rows of a manifest: what is good, what is bad and why, and where each begins.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import { rowFaults } from '../../shared/manifest/faults.ts';
import type { ManifestRow } from '../../shared/manifest/format.ts';
import { formatOf } from '../../shared/manifest/formats/all.ts';
import { maximumRowBytes } from '../../shared/manifest/lines/scan.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { bytesOf } from '../../shared/sources/inline.ts';
import { placeOf } from '../../shared/sources/s3-copy/writer.ts';
import { collect, rowsOf } from '../helpers/manifest-bytes.ts';

async function read(content: string | Uint8Array, key: string): Promise<ManifestRow[]> {
  const bytes = Buffer.from(content as string);
  const opened = openManifest(bytes.subarray(0, maximumRowBytes), { key, sizeBytes: bytes.length });
  if (opened.kind === 'unreadable') {
    throw new Error(opened.message);
  }
  return rowsOf(opened.head, bytes);
}

const readCsv = (columns: string, rows: string | Uint8Array) =>
  read(Buffer.concat([Buffer.from(`${columns}\n`), Buffer.from(rows as string)]), 'm.csv');
const readJson = (row: object | string) =>
  read(typeof row === 'string' ? row : JSON.stringify(row), 'm.ndjson');

/** A row in short: its key where it is good, its code where it is bad. */
const inShort = (row: ManifestRow) => (row.kind === 'good' ? row.item.key : row.code);

const source = 's3://some-bucket/a';

const objectOf = (item: ManifestItem) => (item.source === undefined ? bytesOf(item) : placeOf(item));

describe('CSV', () => {
  it.each([
    ['plain', `k,${source}`, { key: 'k', source }],
    ['CRLF', `k,${source}\r\n`, { key: 'k', source }],
    ['a comma in quotes', `"a,b",${source}`, { key: 'a,b', source }],
    ['doubled quotes', `"a ""b""",${source}`, { key: 'a "b"', source }],
    ['line ends in quotes', `"a\r\nb\n",${source}`, { key: 'a\r\nb\n', source }],
    ['a quoted last field', `k,"${source}"\r\n`, { key: 'k', source }],
    ['a quote within an unquoted field', `a"b"c,${source}`, { key: 'a"b"c', source }],
    ['spaces, plus, per cent', ` a b+c%2F ,${source}`, { key: ' a b+c%2F ', source }],
    ['a leading slash and dots', `/../a/./b,${source}`, { key: '/../a/./b', source }],
    ['unicode', `größe/日本語/😀,${source}`, { key: 'größe/日本語/😀', source }],
    ['control characters', `a\x01\x1fb\x7f,${source}`, { key: 'a\x01\x1fb\x7f', source }],
    [
      'a raw key in the source',
      'k,s3://some-bucket//x%2F+y z',
      { key: 'k', source: 's3://some-bucket//x%2F+y z' },
    ],
  ])('takes %s as it stands', async (_, row, item) => {
    expect(await readCsv('key,source', row)).toEqual([
      { kind: 'good', place: { line: 2, offset: 11 }, item },
    ]);
  });

  it('takes an empty field as absent, ignores spillway_ columns and reads sizes as numbers', async () => {
    const rows = await readCsv(
      'spillway_state,size,key,source,source_version,text,base64',
      'x,042,k,,,t,\ny,,k,,,,""\n',
    );
    expect(rows[0]).toMatchObject({ kind: 'good', item: { key: 'k', text: 't', size: 42 } });
    expect(rows[1]).toMatchObject({ kind: 'bad', code: 'PayloadMissing', columns: { key: 'k' } });
  });

  it('says where each row begins, past blank lines and line ends in quotes', async () => {
    const rows = await readCsv('key,text', 'a,1\n\n \t\r\n"b\n\nb",2\nc\nd,4');
    expect(rows.map(inShort)).toEqual(['a', 'b\n\nb', 'ColumnCount', 'd']);
    expect(rows.map((row) => row.place)).toEqual([
      { line: 2, offset: 9 },
      { line: 5, offset: 18 },
      { line: 8, offset: 27 },
      { line: 9, offset: 29 },
    ]);
  });

  it.each([
    ['never closes', 'a,"b\nc,d\ne,f\n'],
    ['closes before other text', 'a,"b" x\nc,d\ne,f\n'],
    ['closes before a space', 'a,"b" \nc,d\ne,f\n'],
    ['closes on a later line before other text', 'a,"b\nc" d\ne,f\n'],
  ])('loses one row to a quote that %s', async (_, text) => {
    const rows = await readCsv('key,text', text);
    expect(rows[0]).toMatchObject({ kind: 'bad', code: 'QuoteNotClosed', raw: text.split('\n')[0] });
    expect(rows).toHaveLength(3);
  });

  it('reads the lines of an unclosed row each on its own', async () => {
    const rows = await readCsv('key,text', '",x","\n",x","\n"b\n"\nc,1\n');
    expect(rows.map(inShort)).toEqual(['QuoteNotClosed', 'QuoteNotClosed', 'ColumnCount', 'c']);
    expect(rows.map((row) => row.place.line)).toEqual([2, 3, 4, 6]);
  });

  it.each([
    ['as it is', 'key,source'],
    ['with a CR', 'key,source\r'],
    ['behind a byte order mark', '\ufeffkey,source'],
    ['in quotes', '"key","source"'],
    ['in quotes behind a byte order mark', '\ufeff"key","source"'],
    ['between spaces', ' key ,\tsource '],
    ['in another order', 'source,key'],
    ['with another payload', 'key,text'],
  ])('rejects a header line that is repeated %s, and goes on', async (_, line) => {
    const rows = await readCsv('key,source', `a,${source}\n${line}\nb,${source}\n`);
    expect(rows.map(inShort)).toEqual(['a', 'HeaderRepeated', 'b']);
    expect(rows[1]).toMatchObject({
      place: { line: 3 },
      message: expect.stringMatching(/header line.*leave out all but the first/),
    });
    expect(rows[1]).not.toHaveProperty('columns');
    expect(rows[2]?.place.line).toBe(4);
  });

  it('rejects one whatever stands in columns that are ignored, and takes rows that merely hold names', async () => {
    const rows = await readCsv(
      'spillway_code,key,text',
      'Denied,key,text\nx,key,the text\nx,a key,text\nx,text,\n',
    );
    expect(rows.map(inShort)).toEqual(['HeaderRepeated', 'key', 'a key', 'PayloadMissing']);
  });

  it.each([
    ['\u001a', /^1 field; the header has 2 columns: the row is Ctrl-Z.*remove it/],
    ['a.txt,one\rb.txt,two\rc.txt,three', /lone carriage return: save .* with LF or CRLF/],
    [',,', /all its fields are empty: remove the row/],
    ['a,b,c', /^3 fields; .*: put fields that hold commas into quotes/],
    ['a', /write a comma for each empty field/],
  ])('says what to do about the fields of %j', async (line, says) => {
    const rows = await readCsv('key,text', `${line}\nb,2`);
    expect(rows[0]).toMatchObject({ code: 'ColumnCount', message: expect.stringMatching(says) });
    expect(rows.slice(1).map(inShort)).toEqual(['b']);
  });

  it.each(['sep=,', '\ufeffsep=,', '"sep=,"', 'sep=;', 'sep=,,'])(
    'rejects the line %j that joined files leave, and says to leave it out',
    async (line) => {
      const rows = await readCsv('key,text', `a,1\n${line}\nb,2\n`);
      expect(rows.map(inShort)).toEqual(['a', 'HeaderRepeated', 'b']);
      expect(rows[1]).toMatchObject({
        place: { line: 3 },
        message: expect.stringMatching(/sep=.*leave it out/),
      });
    },
  );

  it('keeps the columns of a bad row that could be separated', async () => {
    const rows = await readCsv('key,source,size', 'k,ftp://x,-1\ntoo,few\n');
    expect(rows[0]).toMatchObject({
      code: 'SourceInvalid',
      columns: { key: 'k', source: 'ftp://x', size: '-1' },
      raw: 'k,ftp://x,-1',
    });
    expect(rows[0]).toHaveProperty('message', expect.stringMatching(/source .*; size /));
    expect(rows[1]).toMatchObject({
      code: 'ColumnCount',
      message: '2 fields; the header has 3 columns: write a comma for each empty field',
      raw: 'too,few',
    });
    expect(rows[1]).not.toHaveProperty('columns');
  });

  it('refuses bytes that are not UTF-8, row by row', async () => {
    const rows = await readCsv('key,text', Buffer.from('ok,1\ngr\xf6\xdfe,2\nok,3', 'latin1'));
    expect(rows.map(inShort)).toEqual(['ok', 'InvalidUtf8', 'ok']);
    expect(rows[1]).toMatchObject({ raw: 'gr\ufffd\ufffde,2' });
  });
});

describe('the bound on a row', () => {
  const text = 'key,text';
  const filler = (bytes: number) => 'x'.repeat(bytes);

  it.each([
    ['at the bound', maximumRowBytes - 3, 'TextTooLarge'],
    ['one above', maximumRowBytes - 2, 'RowTooLong'],
    ['far above', maximumRowBytes * 3, 'RowTooLong'],
  ])('a line %s', async (_, bytes, code) => {
    const rows = await readCsv(text, `k,${filler(bytes)}\nnext,1\n`);
    expect(rows.map(inShort)).toEqual([code, 'next']);
    expect(rows[0]).toMatchObject({ raw: `k,${filler(1022)}` });
    expect(rows[1]?.place).toEqual({ line: 3, offset: 9 + 2 + bytes + 1 });
  });

  it.each([
    ['at the bound', maximumRowBytes - 6, ['TextTooLarge', 'next']],
    ['one above', maximumRowBytes - 5, ['QuoteNotClosed', 'ColumnCount', 'next']],
    ['whose quote never closes', maximumRowBytes * 3, ['QuoteNotClosed', 'RowTooLong', 'next']],
  ])('a quoted row %s', async (_, bytes, expected) => {
    const isClosed = bytes <= maximumRowBytes;
    const rows = await readCsv(text, `k,"\n${filler(bytes)}${isClosed ? '"' : ''}\nnext,1\n`);
    expect(rows.map(inShort)).toEqual(expected);
  });

  it('a manifest without line ends costs no memory', async () => {
    const chunk = Buffer.alloc(1 << 20, 'x');
    async function* endless() {
      for (let index = 0; index < 64; index++) {
        yield chunk;
      }
    }
    const head = { format: 'ndjson' as const, bodyOffset: 0, bodyLine: 1 };
    const before = process.memoryUsage().arrayBuffers;
    const range = { startOffset: 0, startLine: 1, endOffset: 64 << 20 };
    const rows = await collect(formatOf(head).read(head, range, endless));
    expect(rows.map(inShort)).toEqual(['RowTooLong']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20);
  });

  it('lines that each open a quote cost no more than their bytes', async () => {
    // Each of these lines stays in quotes whether it begins within them or not: without a memory of what is known to be
    // unclosed, every one would be read up to the bound, 256 KiB for 7 bytes.
    const rows = await readCsv(text, '",x","\n'.repeat(150_000));
    expect(rows).toHaveLength(150_000);
    expect(rows.every((row) => inShort(row) === 'QuoteNotClosed')).toBe(true);
  });
});

describe('NDJSON', () => {
  it('passes over a byte order mark before a line, as it is left by joining files, and none within', async () => {
    const line = (key: string) => `\ufeff${JSON.stringify({ key, source })}\n`;
    const rows = await read(`${line('a')}${line('b')}\r\n${line('\ufeffc')}\ufeff\n`, 'm.ndjson');
    expect(rows.map(inShort)).toEqual(['a', 'b', '\ufeffc', 'InvalidJson']);
    expect(rows.map((row) => row.place.line)).toEqual([1, 2, 4, 5]);
  });

  it('takes one object a line, with an absent member for null, and numbers for sizes', async () => {
    const rows = await read(
      '{"key":"a","text":""}\r\n\n {"key":"b","base64":"AA==","text":null,"spillway_x":{},"size":1} \n',
      'm.ndjson',
    );
    expect(rows).toEqual([
      { kind: 'good', place: { line: 1, offset: 0 }, item: { key: 'a', text: '' } },
      { kind: 'good', place: { line: 3, offset: 24 }, item: { key: 'b', base64: 'AA==', size: 1 } },
    ]);
  });

  it.each([
    ['{"key":', 'InvalidJson', /^no JSON: .*each line is one whole object, as jq -c writes it/],
    ['{"key":"a","text":"b"},', 'InvalidJson', /leave out the comma at the end of the line/],
    ['\x1e{"key":"a","text":"b"}', 'InvalidJson', /leave out the record separator U\+001E/],
    ['\x1a', 'InvalidJson', /Ctrl-Z.*remove it/],
    ['{"key":"a","text":"b"} {}', 'InvalidJson', /no JSON/],
    [
      '{"key":"a","text":"b"}\r{"key":"c","text":"d"}',
      'InvalidJson',
      /lone carriage return: save .* with LF or CRLF/,
    ],
    ['"key"', 'NotAnObject', /no object/],
    ['{"key":"a","text\u00ad":"b"}', 'UnknownColumn', /"text\\u00ad" \(did you mean text\?\)/],
    ['{"key":\u2060"a"}', 'InvalidJson', /^no JSON: Unexpected token '\\u2060'/],
    ['{"key":"a","source":"\u200bs3://b/k"}', 'SourceInvalid', /^source "\\u200bs3:\/\/b\/k" is neither/],
    ['{"key":"a","txt":"b"}', 'UnknownColumn', /"txt" \(did you mean text\?\).*; none of source/],
    ['{"key":"a","text":"b","__proto__":1}', 'UnknownColumn', /__proto__/],
    ['{"key":"a","text":"b","x":null}', 'good', /./],
    ['{"text":"b"}', 'KeyMissing', /key is missing/],
    ['{"key":null,"text":"b"}', 'KeyMissing', /key is missing/],
    ['{"key":20240101,"text":5}', 'good', /./],
    ['{"key":-1.5,"source":"s3://some-bucket/a","source_version":1678901234567890}', 'good', /./],
    ['{"key":9007199254740993,"text":"b"}', 'WrongType', /key is a number, not a string: quote it/],
    ['{"key":9007199254740992,"text":"b"}', 'WrongType', /key is a number, not a string: quote it/],
    ['{"key":1.10,"text":"b"}', 'WrongType', /quote it, so that no digit is lost/],
    ['{"key":"a","text":1e3}', 'WrongType', /text is a number/],
    ['{"key":-0,"text":"b"}', 'WrongType', /key is a number/],
    ['{"key":"a","text":20240101.0}', 'WrongType', /text is a number/],
    ['{"key":"a","text":true}', 'WrongType', /text is a boolean, not a string: quote it/],
    ['{"key":"a","base64":1234}', 'WrongType', /base64 is a number, not a string: quote it/],
    ['{"key":"a","text":"b","content_type":1}', 'WrongType', /content_type is a number/],
    [
      `{"key":7,"text":"b","spillway_x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'WrongType',
      /key is a number/,
    ],
    ['{"key":"a","text":["b"]}', 'WrongType', /text is a list/],
    ['{"key":"\\ud800","text":"b"}', 'UnfitCharacters', /surrogate/],
    ['{"key":"a\\uffff","text":"b"}', 'UnfitCharacters', /U\+FFFF/],
    ['{"key":"a","text":"\\ufffe"}', 'UnfitCharacters', /text/],
    ['{"key":"a","text":"b","size":"123"}', 'good', /./],
    ...['', ' 5', '+5', '0x10', '1e3', '1.0', 'Infinity', '1'.repeat(16), '٣'].map(
      (size): [string, string, RegExp] => [
        JSON.stringify({ key: 'a', text: 'b', size }),
        'SizeInvalid',
        /whole number/,
      ],
    ),
    [`{"key":"a","text":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'WrongType', /text is a list/],
  ])('judges %s: %s', async (line, code, message) => {
    const rows = await readJson(`{"key":"first","text":""}\n${line}\n`);
    const row = rows[1];
    expect(row?.kind === 'bad' ? row.code : row?.kind).toBe(code);
    expect(row?.kind === 'bad' ? row.message : 'good').toMatch(message);
  });
});

describe('numbers in NDJSON', () => {
  it('are taken by their digits, and sizes also as strings', async () => {
    const rows = await readJson(
      '\ufeff{"key":20240101,"text":5,"size":"042","spillway_x":{"key":1.10}}\n{"key":1.5,"text":""}',
    );
    expect(rows).toMatchObject([
      { kind: 'good', item: { key: '20240101', text: '5', size: 42 } },
      { kind: 'good', item: { key: '1.5' } },
    ]);
  });

  it('are shown by their digits in a bad row, and a size that was text as its number', async () => {
    const sizes = ['9007199254740993', '1e400', '"05"'];
    const rows = await readJson(sizes.map((size) => `{"key":"a","size":${size}}`).join('\n'));
    const shown = rows.map((row) => (row.kind === 'bad' ? row.columns?.['size'] : undefined));
    expect(shown).toEqual(['9007199254740993', '1e400', '5']);
  });

  it('never become another key: either the digits of the file, or a bad row', async () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,9})?([eE][+-]?\d{1,3})?$/);
    await fc.assert(
      fc.asyncProperty(digits, async (written) => {
        const [row] = await readJson(`{"key":${written},"text":""}`);
        if (row?.kind === 'good') expect(row.item.key).toBe(written);
        else expect(row).toMatchObject({ kind: 'bad', code: 'WrongType', columns: { key: written } });
      }),
    );
  });
});

describe('an item', () => {
  const inline = 64 * 1024;
  const good: [string, object][] = [
    ['a key of 1,024 bytes', { key: 'ü'.repeat(512), text: '' }],
    ['64 KiB of text', { key: 'k', text: 'ü'.repeat(inline / 2) }],
    ['64 KiB of base64', { key: 'k', base64: Buffer.alloc(inline).toString('base64') }],
    ['no bytes', { key: 'k', base64: '' }],
    [
      'a version',
      {
        key: 'k',
        source,
        source_version: '3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo',
      },
    ],
    ['a version in its source', { key: 'k', source: `${source}?versionId=abc.DEF_1-2` }],
    ['a version named twice', { key: 'k', source: `${source}?versionId=v1`, source_version: 'v1' }],
    ['an ETag', { key: 'k', source, source_etag: '"0123456789abcdef0123456789abcdef-12"' }],
    ['an ETag without quotes', { key: 'k', source, source_etag: '0123456789abcdef0123456789abcdef' }],
    ['the largest size', { key: 'k', source, size: 50_000 * 1024 ** 3 }],
    ['a content type', { key: 'k', source, content_type: 'text/plain; charset=utf-8' }],
    ['a bucket from before 2018', { key: 'k', source: 's3://Legacy_Images/a.txt' }],
    ['a bucket with the longest old name', { key: 'k', source: `s3://${'My_Bucket'.padEnd(255, 'x')}/x` }],
    ['a bucket with two dots', { key: 'k', source: 's3://a..b/k' }],
    ['a bucket of an access point', { key: 'k', source: 's3://my-ap-abc-s3alias/x' }],
  ];
  it.each(good)('with %s is good', async (_, item) => {
    expect(await readJson(item)).toMatchObject([{ kind: 'good', item }]);
  });

  const bad: [string, object, string][] = [
    ['an empty key', { key: '', text: '' }, 'KeyMissing'],
    ['a key of 1,025 bytes', { key: `${'ü'.repeat(512)}x`, text: '' }, 'KeyTooLong'],
    ['no payload', { key: 'k' }, 'PayloadMissing'],
    ['two payloads', { key: 'k', source, text: '' }, 'PayloadAmbiguous'],
    ['a source without a scheme', { key: 'k', source: 'some-bucket/a' }, 'SourceInvalid'],
    ['a source without a key', { key: 'k', source: 's3://some-bucket/' }, 'SourceInvalid'],
    ['a source without a slash', { key: 'k', source: 's3://some-bucket' }, 'SourceInvalid'],
    ['a bucket of two letters', { key: 'k', source: 's3://ab/k' }, 'SourceInvalid'],
    ['a bucket with a space', { key: 'k', source: 's3://my bucket/k' }, 'SourceInvalid'],
    ['a bucket of 256 letters', { key: 'k', source: `s3://${'x'.repeat(256)}/k` }, 'SourceInvalid'],
    ['a bucket of dots', { key: 'k', source: 's3://.../k' }, 'SourceInvalid'],
    ['a source key of 1,025 bytes', { key: 'k', source: `s3://bucket/${'x'.repeat(1025)}` }, 'SourceInvalid'],
    ['a version without a source', { key: 'k', text: '', source_version: 'v' }, 'VersionInvalid'],
    ['a version with a line end', { key: 'k', source, source_version: 'a\nb' }, 'VersionInvalid'],
    ['an ETag without a source', { key: 'k', text: '', source_etag: 'abc' }, 'SourceEtagInvalid'],
    ['an ETag with a space', { key: 'k', source, source_etag: 'a b' }, 'SourceEtagInvalid'],
    ['half a quoted ETag', { key: 'k', source, source_etag: '"abc' }, 'SourceEtagInvalid'],
    ['text above 64 KiB', { key: 'k', text: `${'ü'.repeat(inline / 2)}x` }, 'TextTooLarge'],
    [
      'base64 above 64 KiB',
      { key: 'k', base64: Buffer.alloc(inline + 1).toString('base64') },
      'Base64TooLarge',
    ],
    ['base64 far above', { key: 'k', base64: Buffer.alloc(inline * 2).toString('base64') }, 'Base64TooLarge'],
    ['base64 without padding', { key: 'k', base64: 'AA' }, 'Base64Invalid'],
    ['base64 for URLs', { key: 'k', base64: '-_8=' }, 'Base64Invalid'],
    ['base64 with a space', { key: 'k', base64: 'AA== ' }, 'Base64Invalid'],
    [
      'a content type with a line end',
      { key: 'k', text: '', content_type: 'a\r\nb: c' },
      'ContentTypeInvalid',
    ],
    ['an empty content type', { key: 'k', text: '', content_type: '' }, 'ContentTypeInvalid'],
    ['half a byte', { key: 'k', text: '', size: 0.5 }, 'SizeInvalid'],
    ['fewer than no bytes', { key: 'k', text: '', size: -1 }, 'SizeInvalid'],
    ['more than 10,000 parts of 5 GiB', { key: 'k', text: '', size: 50_000 * 1024 ** 3 + 1 }, 'SizeInvalid'],
  ];
  it.each(bad)('with %s is bad', async (_, item, code) => {
    expect(await readJson(item)).toMatchObject([{ kind: 'bad', code }]);
    expect(Object.keys(rowFaults)).toContain(code);
  });

  it('reports every fault at once', async () => {
    const rows = await readJson({ key: 1e30, source: 'x', text: 'y', size: -1, colour: 'red' });
    const message = rows[0]?.kind === 'bad' ? rows[0].message : '';
    for (const part of [
      /key is a number/,
      /source "x"/,
      /size is/,
      /"colour"/,
      /source and text are given/,
    ]) {
      expect(message).toMatch(part);
    }
  });

  it.each([
    [{ key: 'k', text: 'ü' }, Buffer.from('ü')],
    [{ key: 'k', text: '' }, Buffer.alloc(0)],
    [{ key: 'k', base64: 'AP8=' }, Buffer.from([0, 255])],
    [
      { key: 'k', source: 's3://b-1//x%2F+y' },
      { bucket: 'b-1', key: '/x%2F+y' },
    ],
    [
      { key: 'k', source, source_version: 'v' },
      { bucket: 'some-bucket', key: 'a', versionId: 'v' },
    ],
    [
      { key: 'k', source: `${source}?versionId=v.1` },
      { bucket: 'some-bucket', key: 'a', versionId: 'v.1' },
    ],
    // Only the last one is a version, and only where it has the characters of one.
    [
      { key: 'k', source: `${source}?versionId=5?versionId=null` },
      { bucket: 'some-bucket', key: 'a?versionId=5', versionId: 'null' },
    ],
    [
      { key: 'k', source: `${source}?versionId=a/b` },
      { bucket: 'some-bucket', key: 'a?versionId=a/b' },
    ],
    [
      { key: 'k', source: `${source}?versionId=5?versionId=` },
      { bucket: 'some-bucket', key: 'a?versionId=5' },
    ],
  ] as [ManifestItem, object][])('%j asks for its object', (item, expected) => {
    expect(objectOf(item)).toEqual(expected);
  });
});

describe('the samples', () => {
  const sample = (name: string) => readFileSync(new URL(`../../events/manifests/${name}`, import.meta.url));

  it('hold the same objects in CSV and NDJSON', async () => {
    const csv = await read(sample('objects.csv'), 'objects.csv');
    const ndjson = await read(sample('objects.ndjson'), 'objects.ndjson');
    const object = (row: ManifestRow) => row.kind === 'good' && [row.item.key, objectOf(row.item)];
    expect(csv.map(object)).toEqual(ndjson.map(object));
    expect(csv.every((row) => row.kind === 'good')).toBe(true);
  });

  it.each([
    [
      'bad-rows.csv',
      ['KeyMissing', 'PayloadAmbiguous', 'PayloadMissing', 'Base64Invalid', 'SourceInvalid', 'ColumnCount'],
    ],
    ['bad-rows.ndjson', ['KeyMissing', 'PayloadAmbiguous', 'InvalidJson', 'NotAnObject', 'UnknownColumn']],
  ])('of %s are two good rows around the bad ones', async (name, codes) => {
    const rows = await read(sample(name), name);
    expect(rows.map(inShort)).toEqual(['good/1.txt', ...codes, 'good/2.txt']);
  });
});
