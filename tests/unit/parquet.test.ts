// Parquet as a manifest: files of several writers, types of columns, and files that are damaged or made to exhaust.
import { readFileSync } from 'node:fs';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { unitsOf } from '../../shared/manifest/conversions/parquet.ts';
import type { ManifestHead } from '../../shared/manifest/formats/all.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { readHybrid } from '../../shared/manifest/parquet/bits.ts';
import { readDelta32 } from '../../shared/manifest/parquet/delta.ts';
import { type ParquetFooter, readFooter } from '../../shared/manifest/parquet/footer.ts';
import { MAX_FOOTER_BYTES } from '../../shared/manifest/parquet/limits.ts';
import { ThriftReader } from '../../shared/manifest/parquet/thrift.ts';
import { unpackPage } from '../../shared/manifest/parquet/unpack.ts';
import { unpackSnappy } from '../../shared/manifest/parquet/unpack-snappy.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';
import { fileOf, parquetLines, parquetOf } from '../helpers/parquet-files.ts';

const sample = (name: string) => readFileSync(new URL(`../../events/manifests/${name}`, import.meta.url));
const NDJSON = { format: 'ndjson', bodyOffset: 0, bodyLine: 1 } as const;

const pyarrow = ['snappy', 'zstd-delta', 'lz4-plain', 'brotli-groups'].map(
  (name) => `pyarrow-${name}.parquet`,
);

/** The rows of pyarrow's samples. */
const expected = Array.from({ length: 40 }, (_, index) => ({
  key: `images/${String(index).padStart(3, '0')}/größe "${index % 7}".png`,
  ...(index % 3 === 0
    ? { text: `line ${index}\nsecond` }
    : { source: `s3://legacy-images/${index % 5}/a b+c.png` }),
  ...(index % 5 === 0 ? {} : { size: index * 1_000_003 }),
}));

const objectsOf = (lines: Buffer) =>
  lines
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('rows of Parquet', () => {
  it.each(pyarrow)('are those that pyarrow wrote: %s', async (name) => {
    expect(objectsOf(await parquetLines(sample(name)))).toEqual(expected);
  });

  it.each(pyarrow)('are the same in any ranges: %s', async (name) => {
    for (const step of [1, 7, 16]) {
      const parts = [];
      for (let from = 0; from < expected.length; from += step)
        parts.push(await parquetLines(sample(name), { from, to: Math.min(from + step, expected.length) }));
      expect(objectsOf(Buffer.concat(parts))).toEqual(expected);
    }
  });

  it('are read around row groups without rows, whose columns have no place', async () => {
    const bytes = sample('pyarrow-empty-groups.parquet');
    const rows = objectsOf(await parquetLines(bytes));
    expect(rows).toEqual([{ key: 'a', text: '1' }, { key: 'b' }, { key: 'c', text: '3' }]);
    const footer = await readFooter(fileOf(bytes), () => true);
    expect(footer.rowGroups.map((group) => group.rows)).toEqual([0, 2, 0, 1, 0]);
    expect(unitsOf(footer)).toEqual([{ from: 0, to: 3 }]);
  });

  it('are read from files of another writer, in several row groups', async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `k${index}`);
    const columns: ColumnSource[] = [
      { name: 'key', data: keys, type: 'STRING', nullable: false },
      { name: 'text', data: keys.map((key) => (key.endsWith('7') ? null : key)), type: 'STRING' },
    ];
    const rows = objectsOf(await parquetLines(parquetOf(columns)));
    expect(rows).toEqual(keys.map((key) => (key.endsWith('7') ? { key } : { key, text: key })));
  });

  it('keep the digits of integers, and take whole floats as a size', async () => {
    const lines = await parquetLines(
      parquetOf([
        { name: 'key', data: [9007199254740993n, -1n, 20240101n], type: 'INT64' },
        { name: 'source_version', data: [7, 8, null], type: 'INT32' },
        { name: 'size', data: [5, Number.NaN, 1.5], type: 'DOUBLE' },
        { name: 'text', data: ['', 'x', 'y'], type: 'STRING' },
      ]),
    );
    expect(lines.toString()).toBe(
      '{"key":"9007199254740993","source_version":"7","size":5,"text":""}\n' +
        '{"key":"-1","source_version":"8","text":"x"}\n' +
        '{"key":"20240101","size":1.5,"text":"y"}\n',
    );
  });

  it('with bytes that are not UTF-8 are rejected alone, and shown', async () => {
    const lines = await parquetLines(
      parquetOf([
        {
          name: 'key',
          data: [Buffer.from('a'), Buffer.from([0x62, 0xff]), Buffer.from('c')],
          type: 'BYTE_ARRAY',
        },
        { name: 'text', data: ['1', '2', '3'], type: 'STRING' },
      ]),
    );
    const rows = await rowsOf(NDJSON, lines);
    expect(rows).toMatchObject([
      { kind: 'good', item: { key: 'a' } },
      { kind: 'bad', code: 'InvalidUtf8', raw: '{"key":"b\ufffd","text":"2"}', place: { line: 2 } },
      { kind: 'good', item: { key: 'c' } },
    ]);
  });

  it('without any value, and with a text above the limit of a row, are rows of their own', async () => {
    const lines = await parquetLines(
      parquetOf([
        { name: 'key', data: [null, 'long', 'last'], type: 'STRING' },
        { name: 'text', data: [null, 'x'.repeat(600_000), 'y'], type: 'STRING' },
      ]),
    );
    expect(await rowsOf(NDJSON, lines)).toMatchObject([
      { kind: 'bad', code: 'KeyMissing' },
      { kind: 'bad', code: 'RowTooLong' },
      { kind: 'good', item: { key: 'last' } },
    ]);
  });
});

describe('what a Parquet file sets on its objects', () => {
  const columns: ColumnSource[] = [
    { name: 'metadata.owner', data: ['ann', 'bob', null], type: 'STRING' },
    { name: 'tag.team a', data: [7, null, null], type: 'INT32' },
    { name: 'key', data: ['a', 'b', 'c'], type: 'STRING' },
    { name: 'bucket_key', data: [true, null, false], type: 'BOOLEAN' },
    { name: 'metadata.__proto__', data: ['', null, null], type: 'STRING' },
    { name: 'album', data: ['summer', null, 'winter'], type: 'STRING' },
    { name: 'year', data: [2026n, 2025n, null], type: 'INT64' },
    { name: 'storage_class', data: ['GLACIER_IR', null, null], type: 'STRING' },
    { name: 'text', data: ['1', '2', '3'], type: 'STRING' },
  ];

  it('is read by the names of metadata and tags, and with what only the key template names', async () => {
    const lines = await parquetLines(parquetOf(columns), undefined, ['album', 'year', 'metadata.owner']);
    expect(lines.toString()).toBe(
      '{"metadata.owner":"ann","key":"a","bucket_key":true,"album":"summer","year":"2026","storage_class":"GLACIER_IR","text":"1","metadata":{"owner":"ann","__proto__":""},"tags":{"team a":"7"}}\n' +
        '{"metadata.owner":"bob","key":"b","year":"2025","text":"2","metadata":{"owner":"bob"}}\n' +
        '{"key":"c","bucket_key":false,"album":"winter","text":"3"}\n',
    );
  });

  it('gives the items that the same rows give in CSV', async () => {
    const extraColumns = ['album', 'metadata.owner'];
    const names = [
      'key',
      'text',
      'metadata.owner',
      'tag.team',
      'album',
      'bucket_key',
      'encryption',
      'kms_key',
    ];
    const rows = [
      ['a', '1', 'ann', 'x', 'summer', 'true', 'aws:kms', 'alias/k'],
      ['b', '2', '', 'y', 'winter', '', '', ''],
      ['c', '3', 'bob', '', '', '', '', ''],
    ];
    const csv = Buffer.from([names, ...rows].map((row) => `${row.join(',')}\n`).join(''));
    const opened = openManifest(csv, { key: 'm.csv', sizeBytes: csv.length, extraColumns });
    if (opened.kind === 'unreadable') throw new Error(opened.message);
    const table = parquetOf(
      names.map((name, column) => ({
        name,
        data: rows.map((row) => (row[column] === '' ? null : (row[column] ?? null))),
        type: 'STRING',
      })),
    );
    const lines = await parquetLines(table, undefined, extraColumns);
    const itemsOf = async (head: ManifestHead, bytes: Uint8Array) =>
      (await rowsOf(head, bytes)).map((row) => row.kind === 'good' && row.item);
    const items = await itemsOf({ ...NDJSON, extraColumns }, lines);
    expect(items).toEqual(await itemsOf(opened.head, csv));
    expect(items[0]).toMatchObject({
      metadata: { owner: 'ann' },
      spillway_columns: { album: 'summer', 'metadata.owner': 'ann' },
    });
  });
});

describe('the columns of a Parquet file', () => {
  const text: ColumnSource = { name: 'text', data: ['t'], type: 'STRING' };
  const key: ColumnSource = { name: 'key', data: ['k'], type: 'STRING' };

  it.each<[string, ColumnSource[], string, RegExp]>([
    ['an unknown one', [key, { name: 'texte', data: ['t'] }], 'UnknownColumn', /did you mean text\?/],
    ['no key', [text], 'KeyColumnMissing', /no column key/],
    ['nothing to write', [key], 'PayloadColumnMissing', /source, text, base64/],
    [
      'metadata in one column',
      [key, text, { name: 'metadata', data: ['a=b'] }],
      'ColumnNameInvalid',
      /column metadata holds several names: .*metadata\.NAME/,
    ],
    [
      'a name of metadata in two spellings',
      [key, text, ...['metadata.a', 'metadata.A'].map((name) => ({ name, data: ['b'] }))],
      'DuplicateColumn',
      /metadata\.a is there twice/,
    ],
    [
      'metadata that is no text',
      [key, text, { name: 'metadata.day', data: [new Date(0)], type: 'TIMESTAMP' }],
      'ColumnTypeUnfit',
      /column metadata\.day is of type TIMESTAMP/,
    ],
    ['one twice', [key, key, text], 'DuplicateColumn', /column key is there twice/],
    [
      'a time',
      [{ name: 'key', data: [new Date(0)], type: 'TIMESTAMP' }, text],
      'ColumnTypeUnfit',
      /column key is of type TIMESTAMP.*cast it to a string/,
    ],
    [
      'a boolean',
      [{ name: 'key', data: [true], type: 'BOOLEAN' }, text],
      'ColumnTypeUnfit',
      /of type BOOLEAN/,
    ],
    ['a float', [{ name: 'key', data: [1.5], type: 'DOUBLE' }, text], 'ColumnTypeUnfit', /of type DOUBLE/],
  ])('with %s fail the manifest', async (_, columns, code, says) => {
    await expect(parquetLines(parquetOf(columns))).rejects.toMatchObject({
      name: 'ConversionFault',
      code,
      message: expect.stringMatching(says),
    });
  });

  it('without one that the key template names fail the manifest', async () => {
    await expect(parquetLines(parquetOf([key, text]), undefined, ['album'])).rejects.toMatchObject({
      code: 'TemplateColumnMissing',
      message: expect.stringMatching(/key-template names columns that the header lacks: .*album/),
    });
  });

  it('with lists fail the manifest', async () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'key', data: ['k'] },
        { name: 'text', data: [['a', 'b']] },
      ],
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'text', num_children: 1, converted_type: 'LIST', repetition_type: 'OPTIONAL' },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
    });
    await expect(parquetLines(new Uint8Array(bytes))).rejects.toThrow(/column text holds LIST: cast it/);
  });

  it('are all named where several are wrong', async () => {
    const columns = [
      { name: 'a', data: ['x'] },
      { name: 'size', data: [true], type: 'BOOLEAN' as const },
    ];
    await expect(parquetLines(parquetOf(columns))).rejects.toThrow(
      /unknown column "a".*no column key.*none of the columns.*column size is of type BOOLEAN: cast it to BIGINT/,
    );
  });

  it('that are named spillway_* are ignored, whatever they hold', async () => {
    const bytes = parquetOf([key, { name: 'spillway_when', data: [new Date(0)] }, text]);
    expect((await parquetLines(bytes)).toString()).toBe('{"key":"k","text":"t"}\n');
  });
});

describe('a Parquet file', () => {
  const whole = sample('pyarrow-snappy.parquet');
  const withFooterBytes = (length: number) => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(length, bytes.length - 8);
    return bytes;
  };
  const encrypted = Buffer.from(whole.toString('latin1').replaceAll('PAR1', 'PARE'), 'latin1');

  it.each<[string, Buffer, string, RegExp]>([
    ['that is cut off', whole.subarray(0, -100), 'ParquetDamaged', /its end is missing/],
    ['of a few bytes', Buffer.from('PAR1'), 'ParquetDamaged', /4 bytes/],
    ['whose footer is longer than it', withFooterBytes(1e9), 'ParquetDamaged', /longer than the file/],
    ['whose footer is shorter than it says', withFooterBytes(20), 'ParquetDamaged', /.*/],
    ['that is encrypted', encrypted, 'ParquetUnsupported', /encrypted/],
  ])('%s is refused', async (_, bytes, code, says) => {
    await expect(parquetLines(bytes)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  });

  it('with a footer above the limit is refused before it is read', async () => {
    const reads: number[] = [];
    const tail = Buffer.from([0, 0, 0, 0, ...Buffer.from('PAR1')]);
    tail.writeUInt32LE(MAX_FOOTER_BYTES + 1, 0);
    const file = {
      sizeBytes: 2 * MAX_FOOTER_BYTES,
      read: async (start: number, end: number) => {
        reads.push(end - start);
        return tail;
      },
    };
    await expect(readFooter(file, () => true)).rejects.toMatchObject({ code: 'ParquetTooLarge' });
    expect(reads).toEqual([8]);
  });

  it('with a wrong checksum of a page is refused', async () => {
    const bytes = Buffer.from(sample('pyarrow-zstd-delta.parquet'));
    const { rowGroups } = await readFooter(fileOf(bytes), () => true);
    const end = rowGroups[0]?.chunks.get(0)?.endOffset ?? 0;
    bytes[end - 1] = (bytes[end - 1] ?? 0) ^ 1;
    await expect(parquetLines(bytes)).rejects.toThrow(/checksum/);
  });

  it('of a compression that is not read names it', async () => {
    const columnData: ColumnSource[] = [
      { name: 'key', data: ['k'] },
      { name: 'text', data: ['t'] },
    ];
    const bytes = Buffer.from(
      parquetWriteBuffer({ columnData, codec: 'LZO', compressors: { LZO: (page) => page } }),
    );
    await expect(parquetLines(bytes)).rejects.toThrow(/compressed with LZO: write it with zstd/);
  });
});

describe('bytes that claim more than they hold', () => {
  const cursor = (...bytes: number[]) => ({ bytes: Uint8Array.from(bytes), at: 0 });

  it('make no run longer than the values that are left', () => {
    const output = new Uint8Array(5);
    readHybrid(cursor(0xfe, 0xff, 0xff, 0xff, 0x0f, 1), 1, output);
    expect([...output]).toEqual([1, 1, 1, 1, 1]);
  });

  it.each([
    ['a literal of a negative length', [4, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['a copy from before the start', [4, 0x05, 0x09]],
    ['more than the page has', [4, 0x0c, 1, 2, 3, 4, 0xfd, 0x01]],
    ['nothing', []],
  ])('are no Snappy block: %s', (_, bytes) => {
    expect(() => unpackSnappy(Uint8Array.from(bytes), 4)).toThrow(/Snappy block is broken/);
  });

  it('are no block of differences', () => {
    expect(() => readDelta32(cursor(0xff, 0xff, 0xff, 0x7f, 1, 1, 0), 1)).toThrow(/blocks of/);
    expect(() => readDelta32(cursor(0x80, 1, 0, 1, 0), 1)).toThrow(/blocks of/);
  });

  it.each([1, 2, 4, 5, 6, 7])('are no page of codec %i', (codec) => {
    for (const bytes of [[], [0xff, 0xff, 0xff], Array.from({ length: 64 }, () => 0xf0)])
      expect(() => unpackPage(codec, Uint8Array.from(bytes), 1_000)).toThrow(/damaged/);
  });

  it('are no structure that is nested without an end', () => {
    const deep = new Uint8Array(1_000).fill(0x1c);
    expect(() => new ThriftReader(deep).struct({})).toThrow(/nested more than 32 deep/);
  });
});

describe('the units of a Parquet file', () => {
  const footer = (groups: [rows: number, megabytes: number][]): ParquetFooter => ({
    columns: [],
    rows: 0,
    rowGroups: groups.map(([rows, megabytes]) => ({
      rows,
      chunks: new Map([[0, { startOffset: 4, endOffset: 4 + megabytes * 1024 * 1024, codec: 0 }]]),
    })),
  });

  it.each<[string, [number, number][], number[]]>([
    [
      'small row groups together',
      [
        [1_000, 1],
        [2_000, 1],
        [0, 0],
      ],
      [3_000],
    ],
    [
      'no more rows than one unit may have',
      [
        [400_000, 1],
        [100_000, 1],
        [1, 1],
      ],
      [500_000, 500_001],
    ],
    ['a large row group in parts', [[1_200_000, 10]], [400_000, 800_000, 1_200_000]],
    ['rows of many bytes in parts', [[10, 128]], [5, 10]],
    ['no row group', [], []],
  ])('hold %s', (_, groups, ends) => {
    const units = unitsOf(footer(groups));
    expect(units.map(({ to }) => to)).toEqual(ends);
    expect(units.map(({ from }) => from)).toEqual([0, ...ends].slice(0, -1));
  });
});
