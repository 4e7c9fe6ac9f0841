// Rows of TSV, of S3 Batch Operations CSV, and with columns that only a key template knows: which are good, and what they hold.
import { describe, expect, it } from 'vitest';
import { rowFaults } from '../../shared/manifest/faults.ts';
import type { ManifestRow } from '../../shared/manifest/format.ts';
import { type AboutManifest, openManifest } from '../../shared/manifest/open.ts';
import { canReadRowsOf } from '../../shared/manifest/parser-version.ts';
import { placeOf } from '../../shared/sources/s3-copy/writer.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';

function open(content: string, about: Partial<AboutManifest> = {}) {
  const bytes = Buffer.from(content);
  return openManifest(bytes, { key: 'm.csv', sizeBytes: bytes.length, ...about });
}

async function read(content: string, about: Partial<AboutManifest> = {}): Promise<ManifestRow[]> {
  const opened = open(content, about);
  if (opened.kind === 'unreadable') throw new Error(opened.message);
  return rowsOf(opened.head, Buffer.from(content));
}

/** A row in short: its item where it is good, its code where it is bad. */
const inShort = (row: ManifestRow) => (row.kind === 'good' ? row.item : row.code);
const item = (key: string, encoded = key) => ({ key, source: `s3://bucket/${encoded}` });

it('reads the rows of jobs that began under every earlier version', () => {
  for (const parserVersion of [1, 2, 3, 4]) expect(canReadRowsOf({ parserVersion })).toBe(true);
  expect(canReadRowsOf({ parserVersion: 5 })).toBe(false);
});

describe('TSV', () => {
  it.each([
    ['the ending .tsv', { key: 'm.tsv' }],
    ['the ending .tab', { key: 'm.TAB' }],
    ['its type', { key: 'm', contentType: 'text/tab-separated-values; charset=utf-8' }],
    ['its header alone', { key: 'm' }],
    ['its header, under the ending of CSV', { key: 'm.csv' }],
    ['its header, under the type of CSV', { key: 'm', contentType: 'text/csv' }],
  ])('is told by %s', (_, about) => {
    expect(open('key\ttext\na\tb\n', about)).toMatchObject({ kind: 'readable', head: { format: 'tsv' } });
  });

  it('takes commas as they stand, quotes as in CSV, and an empty field as absent', async () => {
    const rows = await read(
      'key\ttext\tsource\na,b\tc "d"\t\n"a\tb"\t"say ""x""\ny"\t\nk\t\ts3://bucket/k\t\n',
    );
    expect(rows.map(inShort)).toEqual([
      { key: 'a,b', text: 'c "d"' },
      { key: 'a\tb', text: 'say "x"\ny' },
      'ColumnCount',
    ]);
    expect(rows[2]).toMatchObject({
      message: '4 fields; the header has 3 columns: put fields that hold tabs into quotes',
    });
  });

  it('rejects a quote that opens a field and does not close, and a header line within', async () => {
    const rows = await read('key\ttext\n"a\tb\nkey\ttext\nsep=\t\nc\td\n');
    expect(rows.map(inShort)).toEqual([
      'QuoteNotClosed',
      'HeaderRepeated',
      'HeaderRepeated',
      { key: 'c', text: 'd' },
    ]);
    expect(rows[0]).toMatchObject({ message: expect.stringContaining('before a tab or line end') });
  });

  it('names the columns that a header may have, where it has another', () => {
    const message = expect.stringContaining('metadata.NAME, tag.NAME, storage_class');
    expect(open('key\ttext\tmetadata_owner\n', { key: 'm.tsv' })).toMatchObject({ message });
    expect(open('hello\n', {})).toMatchObject({ message });
    expect(open('hello\n', {})).not.toMatchObject({ message: expect.stringContaining('metadata, tags') });
  });

  it('is CSV where a column is named between commas', () => {
    expect(open('key,text\tx\n')).toMatchObject({ code: 'UnknownColumn' });
    expect(open('key,text\n', { key: 'm.tsv' })).toMatchObject({ head: { format: 'csv' } });
  });
});

describe('S3 Batch Operations CSV', () => {
  it('copies each object under its decoded key', async () => {
    const rows = await read('bucket,a/b%20c+d%2Be,v1\nbucket,gr%C3%B6%C3%9Fe,null\nbucket,"x,y",\n');
    expect(rows.map(inShort)).toEqual([
      { ...item('a/b c d+e'), source_version: 'v1' },
      { ...item('größe'), source_version: 'null' },
      item('x,y'),
    ]);
  });

  it('takes a key that ends as with a version for a key', async () => {
    const rows = await read('bucket,k%3FversionId%3Dx,\nbucket,k%3FversionId%3Dx,v1\n');
    const places = rows.map((row) => row.kind === 'good' && placeOf(row.item));
    const object = { bucket: 'bucket', key: 'k?versionId=x' };
    expect(places).toEqual([object, { ...object, versionId: 'v1' }]);
  });

  it('rejects keys that are not URL-encoded, and rows with another number of fields', async () => {
    const rows = await read(
      'bucket,a\nbucket,b\nbucket,c\nbucket,d\nbucket,50%\nbucket,%ff\nbucket,e,v\nbucket\nbucket,\n',
    );
    expect(rows.slice(4).map(inShort)).toEqual([
      'KeyEncoding',
      'KeyEncoding',
      'ColumnCount',
      'ColumnCount',
      'KeyMissing',
    ]);
    expect(rows[4]).toMatchObject({
      message: expect.stringMatching(/"50%" is not URL-encoded.*write a percent sign as %25/),
    });
    expect(rows[6]).toMatchObject({
      message: expect.stringMatching(/^3 fields; the first row has 2 columns/),
    });
    for (const row of rows) if (row.kind === 'bad') expect(rowFaults).toHaveProperty(row.code);
  });

  it.each([
    ['a header that is mistyped', 'kye,sorce\nkye,a\n', 'UnknownColumn'],
    ['a header of other words', 'bucket,version_id\nbucket,a\n', 'UnknownColumn'],
    ['rows of two buckets', 'bucket,a\nother,b\n', 'UnknownColumn'],
    ['rows of four fields', 'bucket,a,b,c\n', 'UnknownColumn'],
    ['a key that is not encoded', 'bucket,50%\n', 'UnknownColumn'],
    ['no bucket', 'b!,a\n', 'UnknownColumn'],
  ])('is not guessed from %s: the fault says what a header looks like', (_, content, code) => {
    expect(open(content)).toMatchObject({
      kind: 'unreadable',
      code,
      message: expect.stringMatching(/there are key, source, .*there is no column key/),
    });
  });

  it('is not guessed without the name or the type of CSV', () => {
    expect(open('bucket,a\n', { key: 'list' })).toMatchObject({ code: 'UnknownFormat' });
    expect(open('bucket,a\n', { key: 'list.ndjson' })).toMatchObject({ head: { format: 'ndjson' } });
    const typed = open('bucket,a\n', { key: 'api/job-number-1/manifest', contentType: 'text/csv' });
    expect(typed).toMatchObject({ head: { format: 'batch-csv' } });
  });
});

describe('columns that the key template names', () => {
  const about = { extraColumns: ['album', '__proto__'] };

  it('are carried from CSV and TSV, where they are not empty', async () => {
    const rows = await read(
      'key,album,text,__proto__\na,summer,t,p\nb,,t,\nkey,album,text,__proto__\n',
      about,
    );
    expect(rows.map(inShort)).toEqual([
      {
        key: 'a',
        text: 't',
        spillway_columns: Object.fromEntries([
          ['album', 'summer'],
          ['__proto__', 'p'],
        ]),
      },
      { key: 'b', text: 't', spillway_columns: {} },
      'HeaderRepeated',
    ]);
    expect(open('key\talbum\n', { extraColumns: ['album'] })).toMatchObject({ code: 'PayloadColumnMissing' });
  });

  it('are carried from NDJSON, numbers by their digits', async () => {
    const rows = await read(
      '{"key":"a","text":"t","album":20240101}\n{"key":"b","text":"t","album":1e3}\n{"key":"c","text":"t","album":null,"__proto__":"x"}\n{"key":"d","text":"t","other":1}\n',
      { ...about, key: 'm.ndjson' },
    );
    expect(rows.map(inShort)).toEqual([
      { key: 'a', text: 't', spillway_columns: { album: '20240101' } },
      'WrongType',
      { key: 'c', text: 't', spillway_columns: Object.fromEntries([['__proto__', 'x']]) },
      'UnknownColumn',
    ]);
    expect(rows[1]).toMatchObject({ columns: { key: 'b', text: 't', album: '1e3' } });
  });

  it.each([
    ['a header', 'key,text\na,b\n', 'TemplateColumnMissing'],
    ['S3 Batch Operations CSV', 'bucket,a\n', 'TemplateColumnMissing'],
    ['a header that has it twice', 'key,text,album,album,__proto__\n', 'DuplicateColumn'],
  ])('fail the job where they are missing in %s', (_, content, code) => {
    expect(open(content, about)).toMatchObject({
      kind: 'unreadable',
      code,
      message: expect.stringMatching(/album/),
    });
  });

  it('can be no other columns', () => {
    expect(open('key,text,album,colour\n', { extraColumns: ['album'] })).toMatchObject({
      code: 'UnknownColumn',
    });
  });
});
