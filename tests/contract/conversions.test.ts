// What every conversion keeps to: the same text however its bytes arrive, and a named fault for bytes that are not whole.
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openConversion } from '../../shared/blocks/conversion-input.ts';
import { CONVERSIONS, conversionFor, conversionNamed } from '../../shared/manifest/conversions/all.ts';
import { manifestFaults } from '../../shared/manifest/faults.ts';
import { convertAll, inputOf } from '../helpers/conversion-input.ts';
import { INVENTORY_MANIFEST, inventoryOf } from '../helpers/inventories.ts';
import { parquetOf } from '../helpers/parquet-files.ts';

const CSV = 'key,text\na,1\nb,2\n';
const TSV = 'key\ttext\na\t1, 2\n';
const BATCH = 'legacy-images,a+b.png\nlegacy-images,c%20d.png\n';
const SKIPPABLE = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const zstd = (text: string | Uint8Array, params: Record<number, number> = {}) =>
  zstdCompressSync(text, { params });
const joined = (...parts: Uint8Array[]) => Buffer.concat(parts);

interface Sample {
  /** A manifest, its text, and by what it is told. */
  key: string;
  bytes: Uint8Array;
  text: string;
  format: string;
  /** Files that the manifest lists, by `bucket/key`. */
  listed?: Record<string, Uint8Array>;
}

const inventory = inventoryOf('CSV', 'inbox', [[{ bucket: 'b', key: 'k' }]]);
const BATCH_FOLDER = 'job-f8fb9d89-a3aa-461d-bddc-ea6a1b131955/';
const batchResults = 'bucket,a+b,,failed,403,AccessDenied,"denied, twice"\nbucket,c,,succeeded,200,,ok\n';
const batchReport = {
  Format: 'Report_CSV_20180820',
  Results: [{ TaskExecutionStatus: 'failed', Bucket: 'inbox', Key: `${BATCH_FOLDER}results/a.csv` }],
  ReportSchema: 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage',
};
const executions = JSON.stringify([{ ExecutionArn: 'arn', Input: '{"Bucket":"bucket","Key":"a b"}' }]);
const mapRun = {
  DestinationBucket: 'inbox',
  MapRunArn: 'arn:aws:states:us-east-2:123456789012:mapRun:copy/Map:run-1',
  ResultFiles: { FAILED: [{ Key: 'out/run-1/FAILED_0.json', Size: executions.length }] },
};
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const COPY = '{"key":"a b","source":"s3://bucket/a b"}\n';

const samples: Record<string, Sample[]> = {
  gzip: [
    { key: 'a.csv.gz', bytes: gzipSync(CSV), text: CSV, format: 'csv' },
    {
      key: 'two members',
      bytes: joined(gzipSync(CSV), gzipSync('c,3\n')),
      text: `${CSV}c,3\n`,
      format: 'csv',
    },
    { key: 'zeros behind', bytes: joined(gzipSync(CSV), Buffer.alloc(512)), text: CSV, format: 'csv' },
    { key: 'a.tsv.gz', bytes: gzipSync(TSV), text: TSV, format: 'tsv' },
    { key: 'tabs.csv.gz', bytes: gzipSync(TSV), text: TSV, format: 'tsv' },
    { key: 'batch.csv.gz', bytes: gzipSync(BATCH), text: BATCH, format: 'batch-csv' },
    { key: 'x.batch-csv.gz', bytes: gzipSync(BATCH), text: BATCH, format: 'batch-csv' },
    { key: 'a.json.gz', bytes: gzipSync('[{"key":"a"}]'), text: '{"key":"a"}\n', format: 'ndjson' },
  ],
  zstandard: [
    { key: 'a.csv.zst', bytes: zstd(CSV), text: CSV, format: 'csv' },
    { key: 'two frames', bytes: joined(zstd(CSV), zstd('c,3\n')), text: `${CSV}c,3\n`, format: 'csv' },
    {
      key: 'skippable frames',
      bytes: joined(SKIPPABLE, zstd(CSV), SKIPPABLE, SKIPPABLE, zstd('c,3\n'), SKIPPABLE),
      text: `${CSV}c,3\n`,
      format: 'csv',
    },
    { key: 'empty frames', bytes: joined(zstd(''), zstd(CSV), zstd('')), text: CSV, format: 'csv' },
    { key: 'a checksum', bytes: zstd(CSV, { [constants.ZSTD_c_checksumFlag]: 1 }), text: CSV, format: 'csv' },
    { key: 'a.tsv.zst', bytes: zstd(TSV), text: TSV, format: 'tsv' },
    { key: 'batch.csv.zst', bytes: zstd(BATCH), text: BATCH, format: 'batch-csv' },
    { key: 'a.json.zst', bytes: zstd('[{"key":"a"}]'), text: '{"key":"a"}\n', format: 'ndjson' },
  ],
  Parquet: [
    {
      key: 'rows of Parquet',
      bytes: parquetOf([
        { name: 'key', data: ['a', 'b'], type: 'STRING' },
        { name: 'text', data: ['1', null], type: 'STRING' },
      ]),
      text: '{"key":"a","text":"1"}\n{"key":"b"}\n',
      format: 'ndjson',
    },
  ],
  'S3 Inventory': [
    {
      key: INVENTORY_MANIFEST,
      bytes: inventory[`inbox/${INVENTORY_MANIFEST}`] ?? Buffer.alloc(0),
      text: '{"key":"k","source":"s3://b/k"}\n',
      format: 'ndjson',
      listed: inventory,
    },
  ],
  'completion report of S3 Batch Operations': [
    {
      key: `${BATCH_FOLDER}manifest.json`,
      bytes: bytesOf(batchReport),
      text: COPY,
      format: 'ndjson',
      listed: { [`inbox/${BATCH_FOLDER}results/a.csv`]: Buffer.from(batchResults) },
    },
  ],
  'results of S3 Batch Operations': [
    { key: 'tasks.csv', bytes: Buffer.from(batchResults), text: COPY, format: 'ndjson' },
  ],
  'results of a Distributed Map': [
    {
      key: 'out/run-1/manifest.json',
      bytes: bytesOf(mapRun),
      text: COPY,
      format: 'ndjson',
      listed: { 'inbox/out/run-1/FAILED_0.json': Buffer.from(executions) },
    },
  ],
  'executions of a Distributed Map': [
    { key: 'FAILED_0.json', bytes: Buffer.from(executions), text: COPY, format: 'ndjson' },
  ],
  'JSON array': [
    { key: 'a.json', bytes: Buffer.from('[{"key":"a"}]'), text: '{"key":"a"}\n', format: 'ndjson' },
    {
      key: 'over lines',
      bytes: Buffer.from('\ufeff\r\n[\r\n  {"key":\n "a"} ,[1e400]\n,"x"]\n'),
      text: '{"key":  "a"}\n[1e400]\n"x"\n',
      format: 'ndjson',
    },
  ],
};

it('has samples of every conversion', () => {
  expect(Object.keys(samples)).toEqual(CONVERSIONS.map(({ name }) => name));
});

const all = Object.entries(samples).flatMap(([name, each]) => each.map((sample) => ({ name, ...sample })));

describe.each(all)('$name, as $key,', ({ name, key, bytes, text, format, listed }) => {
  it('is recognised by its content', () => {
    expect(conversionFor(inputOf(bytes).start, { key: 'm' })).toBe(conversionNamed(name));
  });

  it('gives the same text however its bytes arrive', async () => {
    for (const chunkBytes of [1, 2, 3, 7, 1_000]) {
      const converted = await convertAll(inputOf(bytes, key, chunkBytes, listed));
      expect(converted).toEqual({ kind: 'text', format, text: Buffer.from(text) });
    }
  });

  it('keeps what only the key template names, or refuses it by name', async () => {
    const input = inputOf(bytes, key, 1_000, listed);
    const named = { ...input, start: { ...input.start, extraColumns: ['album'] } };
    const opened = await openConversion(conversionNamed(name), named, { key });
    if (opened.kind === 'convertible')
      expect(opened.head).toMatchObject({ format: 'ndjson', extraColumns: ['album'] });
    else
      expect(opened).toMatchObject({
        code: 'TemplateColumnMissing',
        message: expect.stringMatching(/key-template names columns .*"?album/),
      });
  });

  it('may be left before its end', async () => {
    const input = inputOf(bytes, key, 1, listed);
    const conversion = conversionNamed(name);
    const opened = await conversion.open(input, { key });
    if (opened.kind === 'unreadable') throw new Error(opened.message);
    for await (const chunk of conversion.convert(opened.units[0], input)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });

  it('throws what reading throws', async () => {
    const lost = new Error('connection lost');
    const input = {
      ...inputOf(bytes, key),
      async *read() {
        yield bytes.subarray(0, 3);
        throw lost;
      },
    };
    await expect(convertAll(input, conversionNamed(name))).rejects.toBe(lost);
  });
});

it.each(['m', 'm.json', 'm.ndjson', 'm.jsonl'])('a JSON array is one under the name %s, too', (key) => {
  for (const text of ['[{"key":"a"}]', ' [{"key":"a"}]', '[\n{"key":"a"}\n]'])
    expect(conversionFor(inputOf(Buffer.from(text)).start, { key })?.name).toBe('JSON array');
});

/** Zeros and skippable frames may follow, so only cuts within what they follow are cuts. */
const whole = all.filter(({ key }) => key.startsWith('a.') || key === 'a checksum');

it.each(whole)('$name, as $key, that is cut off anywhere is a fault', async ({ name, key, bytes }) => {
  for (let end = 1; end < bytes.length; end++) {
    const converted = await convertAll(inputOf(bytes.subarray(0, end), key), conversionNamed(name));
    expect(converted).toMatchObject({ kind: 'fault', message: expect.any(String) });
  }
});

it.each(whole)(
  '$name, as $key, followed by other bytes is a fault that says so',
  async ({ name, key, bytes }) => {
    const converted = await convertAll(
      inputOf(joined(bytes, Buffer.from('junk')), key),
      conversionNamed(name),
    );
    expect(converted).toMatchObject({
      kind: 'fault',
      message: expect.stringMatching(/other (?:bytes|text)/),
    });
  },
);

describe.each(CONVERSIONS.map((conversion) => ({ conversion, name: conversion.name })))(
  'any bytes as $name',
  ({ conversion }) => {
    it('give text or a fault of the table', async () => {
      const damaged = fc
        .record({
          sample: fc.constantFrom(...(samples[conversion.name] ?? [])),
          at: fc.nat(),
          byte: fc.nat(255),
          cut: fc.option(fc.nat()),
        })
        .map(({ sample, at, byte, cut }) => {
          const bytes = Buffer.from(sample.bytes);
          bytes[at % bytes.length] = byte;
          return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
        });
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })),
          fc.integer({ min: 1, max: 50 }),
          async (bytes, chunkBytes) => {
            const converted = await convertAll(inputOf(bytes, 'm', chunkBytes), conversion);
            if (converted.kind === 'fault') expect(manifestFaults).toHaveProperty(converted.code);
          },
        ),
        { numRuns: 300 },
      );
    });
  },
);

describe('node:zlib, as far as it is relied on,', () => {
  it('gives every frame of a file of thousands, whatever their sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(50), fc.integer({ min: 100_000, max: 300_000 })), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.integer({ min: 1_000, max: 100_000 }),
        async (sizes, chunkBytes) => {
          const texts = sizes.map((size, frame) => Buffer.alloc(size, `frame ${frame}, `));
          const bytes = joined(zstd('key,text\n'), ...texts.map((text) => zstd(text)));
          const converted = await convertAll(inputOf(bytes, 'm.csv', chunkBytes));
          expect(converted).toMatchObject({ kind: 'text' });
          if (converted.kind === 'text')
            expect(converted.text.equals(joined(Buffer.from('key,text\n'), ...texts))).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
    const many = Array.from({ length: 3_000 }, () => zstd('k,v\n'));
    const converted = await convertAll(inputOf(joined(zstd('key,text\n'), ...many), 'm.csv'));
    expect(converted).toMatchObject({
      kind: 'text',
      text: Buffer.from(`key,text\n${'k,v\n'.repeat(3_000)}`),
    });
  });
});
