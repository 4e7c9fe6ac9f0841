// The head of a manifest: format, header, and every reason why one can't be read.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { manifestFaults } from '../../shared/manifest/faults.ts';
import { type AboutManifest, openManifest } from '../../shared/manifest/open.ts';

function open(content: string | Uint8Array, about: Partial<AboutManifest> = {}) {
  const bytes = Buffer.from(content as string);
  return openManifest(bytes, { key: 'manifest', sizeBytes: bytes.length, ...about });
}

describe('the format', () => {
  const csv = 'key,source\n';
  const ndjson = '{"key":"a","text":""}\n';
  it.each([
    ['the ending .csv', csv, { key: 'in/m.csv', contentType: 'application/jsonl' }, 'csv'],
    ['the ending .CSV', csv, { key: 'm.CSV' }, 'csv'],
    ['the ending .ndjson', ndjson, { key: 'm.ndjson', contentType: 'text/csv' }, 'ndjson'],
    ['the ending .jsonl', ndjson, { key: 'm.jsonl' }, 'ndjson'],
    ['the type text/csv', csv, { contentType: 'Text/CSV; charset=utf-8' }, 'csv'],
    ['the type application/x-ndjson', ndjson, { contentType: 'application/x-ndjson' }, 'ndjson'],
    ['the type application/jsonl', ndjson, { contentType: 'application/jsonl' }, 'ndjson'],
    ['a first line that is an object', `\n  ${ndjson}`, {}, 'ndjson'],
    ['a first line with a known column', csv, { contentType: 'binary/octet-stream' }, 'csv'],
    ['a quoted header', '"key","text"\n', { key: 'm.txt' }, 'csv'],
    [
      'a first line under an ending that objects have as a member',
      ndjson,
      { key: 'm.constructor' },
      'ndjson',
    ],
  ])('is told by %s', (_, content, about, format) => {
    expect(open(content, about)).toMatchObject({ kind: 'readable', head: { format } });
  });
});

describe('the head', () => {
  it.each([
    ['key,source\na,b', { columns: ['key', 'source'], bodyOffset: 11, bodyLine: 2 }],
    ['key,source\r\na,b', { columns: ['key', 'source'], bodyOffset: 12, bodyLine: 2 }],
    ['\ufeffkey,source\n', { columns: ['key', 'source'], bodyOffset: 14, bodyLine: 2 }],
    ['key,source', { columns: ['key', 'source'], bodyOffset: 10, bodyLine: 2 }],
    ['\n\nkey , text\n', { columns: ['key', 'text'], bodyOffset: 13, bodyLine: 4 }],
    ['"key","text"\n', { columns: ['key', 'text'], bodyOffset: 13, bodyLine: 2 }],
    ['sep=,\r\nkey,text\r\na,b', { columns: ['key', 'text'], bodyOffset: 17, bodyLine: 3 }],
    ['\ufeffSep=,\n\nkey,text\n', { columns: ['key', 'text'], bodyOffset: 19, bodyLine: 4 }],
    ['"sep=,",,\nkey,text\n', { columns: ['key', 'text'], bodyOffset: 19, bodyLine: 3 }],
    [
      'spillway_state,key,source,spillway_x\n',
      { columns: ['spillway_state', 'key', 'source', 'spillway_x'], bodyOffset: 37, bodyLine: 2 },
    ],
  ])('of %j says where rows begin', (content, head) => {
    expect(open(content, { key: 'm.csv' })).toEqual({ kind: 'readable', head: { format: 'csv', ...head } });
  });

  it('of NDJSON begins after the byte order mark', () => {
    expect(open('\ufeff{"key":"a"}', { key: 'm.ndjson' })).toEqual({
      kind: 'readable',
      head: { format: 'ndjson', bodyOffset: 3, bodyLine: 1 },
    });
  });
});

describe('an unreadable manifest', () => {
  const utf16 = Buffer.from('\ufeffkey,source\n', 'utf16le');
  it.each([
    ['no bytes', '', { key: 'm.csv' }, 'Empty', /empty/],
    ['blank lines alone', '\n \r\n\n', { key: 'm.csv' }, 'Empty', /blank/],
    [
      'blank lines as far as one can see',
      '\n'.repeat(100),
      { sizeBytes: 1_000 },
      'HeaderTooLong',
      /100 bytes/,
    ],
    ['gzip', gzipSync('key,source\n'), { key: 'm.csv' }, 'Compressed', /gzip: unpack it first/],
    ['the ending .csv.gz', 'key,source\n', { key: 'm.csv.gz' }, 'Compressed', /\.gz .*unpack/],
    ['a zip archive', 'PK\x03\x04....', { key: 'm.csv' }, 'Compressed', /zip/],
    ['the ending .xlsx', 'x', { key: 'm.xlsx' }, 'UnsupportedFormat', /CSV/],
    ['Parquet', 'PAR1....', {}, 'UnsupportedFormat', /Parquet: drop it unpacked/],
    ['UTF-16', utf16, { key: 'm.csv' }, 'NotUtf8', /UTF-16.*save it as UTF-8/],
    ['UTF-16 without a mark', utf16.subarray(2), { key: 'm.csv' }, 'Binary', /UTF-16/],
    ['NUL bytes', 'key,source\na\0b,c', { key: 'm.csv' }, 'Binary', /NUL/],
    ['a header in latin1', Buffer.from('key,source,größe', 'latin1'), { key: 'm.csv' }, 'NotUtf8', /header/],
    ['no known format', 'hello\n', { key: 'm.txt' }, 'UnknownFormat', /\.csv.*columns: key.*\.ndjson/],
    ['an object over lines', '{\n  "key": "a"\n}\n', { key: 'm.json' }, 'UnsupportedFormat', /jq -c \./],
    [
      'a JSON text sequence',
      '\x1e{"key":"a"}\n',
      { key: 'm.json' },
      'UnsupportedFormat',
      /leave out.*U\+001E/,
    ],
    ['an object as CSV', '{"key":"a"}', { key: 'm.csv' }, 'FormatMismatch', /csv .*JSON object/],
    [
      'a line sep= as NDJSON',
      'sep=,\nkey,text\n',
      { key: 'm.jsonl' },
      'FormatMismatch',
      /line sep=, as in CSV/,
    ],
    [
      'a header as NDJSON',
      'key,source\n',
      { key: 'm.ndjson' },
      'FormatMismatch',
      /ndjson by its name.*CSV header: name it \.csv$/,
    ],
    [
      'an object of the type of CSV',
      '{"key":"a"}',
      { contentType: 'text/csv' },
      'FormatMismatch',
      /csv by its content type.*: give it the type application\/x-ndjson$/,
    ],
    [
      'a header above 2 KiB',
      `key,text,spillway_${'x'.repeat(2048)}\n`,
      { key: 'm.csv' },
      'HeaderTooLong',
      /above 2048: leave out/,
    ],
    ['a header without an end', `key,${'x'.repeat(99)}`, { sizeBytes: 999 }, 'HeaderTooLong', /103 bytes/],
    ['a quote that does not close', 'key,"source\n', {}, 'HeaderBroken', /quote/],
    ['lone carriage returns', 'key,source\ra,b\r', {}, 'HeaderBroken', /LF or CRLF/],
    [
      'lone carriage returns behind quoted names',
      '"key","source"\r"a","b"\r',
      {},
      'HeaderBroken',
      /LF or CRLF/,
    ],
    ['lone carriage returns before quoted fields', 'key,source\r"a,b",c\r', {}, 'HeaderBroken', /LF or CRLF/],
    [
      'lone carriage returns, and a line end in quotes',
      'key,text\r"a","b\nc"\r',
      {},
      'HeaderBroken',
      /LF or CRLF/,
    ],
    [
      "PowerShell's line of a type",
      '#TYPE System.Object\r\n"key","text"\r\n',
      { key: 'm.csv' },
      'UnknownColumn',
      /^the first line begins with # .*: remove it.*-NoTypeInformation/,
    ],
    [
      'a comment above the header',
      '# made by x, y\nkey,text\n',
      { key: 'm.csv' },
      'UnknownColumn',
      /begins with #/,
    ],
    ['a column that begins with #', '#id,key,text\n', { key: 'm.csv' }, 'UnknownColumn', /"#id"/],
    ['a column without a name', 'key,source,,text', {}, 'HeaderNameMissing', /column 3 has no name/],
    ['a column twice', 'key,source,key', {}, 'DuplicateColumn', /key is there twice/],
    ['no key', 'source,text', {}, 'KeyColumnMissing', /no column key/],
    ['no payload', 'key,size', {}, 'PayloadColumnMissing', /none of the columns source, text, base64/],
    ['a mistyped column', 'key,sorce,text', {}, 'UnknownColumn', /"sorce" \(did you mean source\?\)/],
    ['a mistyped name of several', 'key,text,metadat', {}, 'UnknownColumn', /did you mean metadata\.NAME\?/],
    ['a column in capitals', 'Key,source', { key: 'm.csv' }, 'UnknownColumn', /"Key" \(did you mean key\?\)/],
    ['a column of another word', 'key,source,colour', {}, 'UnknownColumn', /"colour"; there are key, source/],
    ['a quote after a space, which opens no field', 'key, "text"', {}, 'UnknownColumn', /did you mean text/],
    [
      'a column that only looks right',
      'key\u200b,source,te\u202ext,si\u00a0ze',
      {},
      'UnknownColumn',
      /^unknown columns "key\\u200b" \(did you mean key\?\), "te\\u202ext" \(did you mean text\?\), "si\\u00a0ze" \(/,
    ],
    [
      'semicolons',
      'key;source',
      { key: 'm.csv' },
      'WrongSeparator',
      /separated by semicolons.*CSV with commas/,
    ],
    ['quoted semicolons', '"key";"source"\n', { key: 'm.csv' }, 'WrongSeparator', /by semicolons/],
    ['semicolons and capitals', 'Key;Note, old\n', { key: 'm.csv' }, 'WrongSeparator', /by semicolons/],
    ['vertical bars', 'key|text\n', { key: 'export.txt' }, 'WrongSeparator', /by vertical bars/],
    ['other words and bars', 'name|body\n', { key: 'm.csv' }, 'WrongSeparator', /by vertical bars/],
    ["Hive's control characters", 'key\x01text\n', { key: '000000_0' }, 'WrongSeparator', /U\+0001/],
    [
      'a line sep=;',
      'sep=;\r\nkey;text\r\n',
      { key: 'm.csv' },
      'WrongSeparator',
      /line, sep=;, .*semicolons.*remove that line/,
    ],
    ['a quoted line sep=', '"sep=|"\nkey|text\n', {}, 'WrongSeparator', /sep=\|, .*by vertical bars/],
    ['commas behind sep= with a tab', 'sep=\t\nkey,text\n', {}, 'WrongSeparator', /by commas.*reads tabs/],
    [
      'a line sep=^',
      'SEP=^\nkey^text\n',
      { key: 'm.csv' },
      'WrongSeparator',
      /by "\^", and Spillway reads commas/,
    ],
    ['a line sep=; and commas', 'sep=;\nkey,text\n', { key: 'm.csv' }, 'WrongSeparator', /remove that line/],
    ['the line sep=, alone', 'sep=,\n', { key: 'm.csv' }, 'Empty', /empty/],
    ['semicolons behind sep=,', 'sep=,\nkey;text\n', { key: 'm.csv' }, 'WrongSeparator', /by semicolons/],
    ['a row for a header', 'a/b.txt,s3://b/k', { key: 'm.csv' }, 'UnknownColumn', /a\/b\.txt/],
  ])('of %s is refused, and says what to do', (_, content, about, code, message) => {
    const opened = open(content, about);
    expect(opened).toMatchObject({ kind: 'unreadable', code });
    expect(Object.keys(manifestFaults)).toContain(code);
    expect(opened).toHaveProperty('message', expect.stringMatching(message));
  });

  it('names every fault of its header, and few of very many unknown columns', () => {
    const opened = open(
      `sorce,key,key,,${Array.from({ length: 5_000 }, (_, index) => `c${index}`).join(',')}`,
    );
    const message = opened.kind === 'unreadable' ? opened.message : '';
    expect(message).toMatch(
      /sorce.*and 4996 more.*column 4 has no name.*key is there twice.*none of the columns/,
    );
    expect(message.length).toBeLessThan(1_000);
  });

  it.each([
    ['objects.csv', 'readable'],
    ['objects.ndjson', 'readable'],
    ['bad-rows.csv', 'readable'],
    ['bad-rows.ndjson', 'readable'],
    ['unknown-column.csv', 'unreadable'],
  ])('is none of the samples but the one: %s is %s', (name, kind) => {
    const content = readFileSync(new URL(`../../events/manifests/${name}`, import.meta.url));
    expect(open(content, { key: name }).kind).toBe(kind);
  });
});
