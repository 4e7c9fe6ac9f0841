// Manifests that list files: S3 Inventory, reports of S3 Batch Operations, results of a Distributed Map.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONVERSIONS } from '../../shared/manifest/conversions/all.ts';
import { ConversionFault } from '../../shared/manifest/conversions/conversion.ts';
import { groupFiles } from '../../shared/manifest/conversions/listed-files.ts';
import { splitSource } from '../../shared/manifest/s3-source.ts';
import {
  csvFile,
  INVENTORY_FOLDER,
  INVENTORY_MANIFEST,
  type InventoryObject,
  inventoryOf,
} from '../helpers/inventories.ts';
import { convert, convertedRows, inputOf } from '../helpers/listed-inputs.ts';
import { codePoint } from '../helpers/outside-values.ts';

const sample = (name: string) =>
  readFileSync(new URL(`../../events/manifests/${name}`, import.meta.url), 'utf8');
const manifest = `inbox/${INVENTORY_MANIFEST}`;

describe('the manifest of a list', () => {
  it.each([
    ['s3-inventory.json', 'S3 Inventory'],
    ['batch-report.json', 'completion report of S3 Batch Operations'],
    ['map-run.json', 'results of a Distributed Map'],
  ])('%s is recognised by its content, under any name', (file, name) => {
    const { start } = inputOf({ files: { 'inbox/x': sample(file) }, manifest: 'inbox/x' });
    expect(CONVERSIONS.filter((each) => each.detect(start, { key: 'x' })).map((each) => each.name)).toEqual([
      name,
    ]);
  });

  it.each([
    '{"key":"a","source":"s3://b/k"}\n{"sourceBucket":1,"destinationBucket":2,"fileFormat":3,"fileSchema":4}\n',
    '{"x":{"sourceBucket":1,"destinationBucket":2,"fileFormat":3,"fileSchema":4}}',
    '{"key":"\\"Format\\": \\"Report_CSV_2\\"","text":"\\"Results\\":"}',
    'key,text\nfailed,succeeded\n',
    'bucket,key,failed\n',
  ])('is not seen in %s', (text) => {
    const { start } = inputOf({ files: { 'inbox/x': text }, manifest: 'inbox/x' });
    expect(CONVERSIONS.filter((each) => each.detect(start, { key: 'x' }))).toEqual([]);
  });

  it('is never a reason to throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.string({ unit: codePoint })), (text) => {
        const { start } = inputOf({ files: { 'inbox/x': text }, manifest: 'inbox/x' });
        for (const each of CONVERSIONS) each.detect(start, { key: 'x' });
      }),
      { numRuns: 500 },
    );
  });

  it('of any members and any files is read, or refused with a code', async () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant([]), fc.constant('CSV'));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('sourceBucket', 'destinationBucket', 'fileFormat', 'fileSchema', 'files'),
        value,
        async (member, other) => {
          const files = inventoryOf('CSV', 'inbox', [[{ bucket: 'b', key: 'k' }]], { [member]: other });
          await convert({ files, manifest }).catch((error: unknown) => {
            if (!(error instanceof ConversionFault)) throw error;
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe.each(['CSV', 'Parquet'] as const)('an S3 Inventory in %s', (format) => {
  const objects: InventoryObject[][] = [
    [
      { bucket: 'source-bucket', key: 'a b+c/größe "q",%2F.png', size: 7 },
      { bucket: 'source-bucket', key: 'empty/', size: 0 },
    ],
    [
      { bucket: 'source-bucket', key: 'versioned', size: 5, version: 'v2' },
      { bucket: 'source-bucket', key: 'versioned', size: 4, version: 'v1', isLatest: false },
      { bucket: 'source-bucket', key: 'deleted', version: 'v9', isDeleteMarker: true },
    ],
  ];
  const rows = [
    { key: 'a b+c/größe "q",%2F.png', source: 's3://source-bucket/a b+c/größe "q",%2F.png', size: '7' },
    { key: 'empty/', source: 's3://source-bucket/empty/', size: '0' },
    { key: 'versioned', source: 's3://source-bucket/versioned', source_version: 'v2', size: '5' },
  ];

  it('gives each object that is there, by its latest version', async () => {
    expect(await convertedRows({ files: inventoryOf(format, 'inbox', objects), manifest })).toEqual(rows);
  });

  it('takes a key that ends as with a version for a key', async () => {
    const [key, bucket] = ['k?versionId=x', 'source-bucket'];
    const files = inventoryOf(format, 'inbox', [[{ bucket, key, size: 1 }]]);
    const [row] = await convertedRows({ files, manifest });
    expect(row).toMatchObject({ key });
    expect(splitSource(String(row?.['source']))).toEqual({ bucket, key });
  });

  it('is read from an allowed bucket, where its manifest.json is dropped under another name', async () => {
    const files = inventoryOf(format, 'inventories', objects);
    files['inbox/today.json'] = files[`inventories/${INVENTORY_MANIFEST}`] as Buffer;
    const dropped = { files, manifest: 'inbox/today.json' };
    expect(await convertedRows({ ...dropped, sourceBuckets: ['inventories'] })).toEqual(rows);
    await expect(convert(dropped)).rejects.toMatchObject({
      code: 'ListedFileRefused',
      message: expect.stringMatching(/s3:\/\/inventories\/.* is not read: add it to sourceBuckets/),
    });
  });

  it('fails before any row is sent where a file has another MD5', async () => {
    const files = inventoryOf(format, 'inbox', objects);
    const other = inventoryOf(format, 'inbox', [
      [{ ...(objects[0]?.[0] as InventoryObject), key: 'a b+c/other' }],
    ]);
    const [name = ''] = Object.keys(files);
    const list = JSON.parse(String(files[manifest]));
    list.files[0].size = (other[name] as Buffer).length;
    files[name] = other[name] as Buffer;
    files[manifest] = Buffer.from(JSON.stringify(list));
    await expect(convert({ files, manifest })).rejects.toMatchObject({
      code: 'ListedFileChanged',
      message: expect.stringMatching(/has the MD5 [0-9a-f]{32}, and the manifest says/),
    });
  });

  it.each<[string, (files: Record<string, Buffer>, name: string) => void, string]>([
    ['is gone', (files, name) => void delete files[name], 'ListedFileGone'],
    [
      'has another size',
      (files, name) => void Object.assign(files, { [name]: Buffer.alloc(3) }),
      'ListedFileChanged',
    ],
  ])('fails where a file %s', async (_, change, code) => {
    const files = inventoryOf(format, 'inbox', objects);
    change(files, Object.keys(files)[0] ?? '');
    await expect(convert({ files, manifest })).rejects.toMatchObject({ code });
  });

  it('names a file that is damaged', async () => {
    const key = `${INVENTORY_FOLDER}data/x`;
    const bytes = Buffer.from('no file of an inventory');
    const md5 = createHash('md5').update(bytes).digest('hex');
    const change = { files: [{ key, size: bytes.length, MD5checksum: md5 }] };
    const files = { ...inventoryOf(format, 'inbox', [], change), [`inbox/${key}`]: bytes };
    await expect(convert({ files, manifest })).rejects.toMatchObject({
      code: format === 'CSV' ? 'CompressionBroken' : 'ParquetDamaged',
      message: expect.stringContaining(`s3://inbox/${key}: the `),
    });
  });
});

describe('an S3 Inventory', () => {
  const one = [[{ bucket: 'source-bucket', key: 'k', size: 1 }]];
  const file = (key: string, size = 10) => ({ files: [{ key, size, MD5checksum: '0'.repeat(32) }] });
  const data = `${INVENTORY_FOLDER}data/`;

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['in ORC', { fileFormat: 'ORC' }, 'UnsupportedFormat', /ORC.*output format as CSV or Parquet/],
    ['of no files', { files: [] }, 'Empty', /lists no files/],
    ['without a key in its schema', { fileSchema: 'Bucket, Size' }, 'ListUnreadable', /no Bucket and Key/],
    ['that names no bucket', { destinationBucket: 'inbox' }, 'ListUnreadable', /no bucket's ARN/],
    ['of another shape', { files: [{ key: 1 }] }, 'ListUnreadable', /files\.0\.key/],
    [
      'with a file elsewhere',
      file('jobs/x/failed.csv.gz'),
      'ListedFileRefused',
      /not below lists\/source-bucket\/daily\//,
    ],
    [
      'with a file above its folder',
      file(`${data}../../x`),
      'ListedFileRefused',
      /only files of its own folder/,
    ],
    ['with a file that is too large', file(`${data}x`, 9 * 1024 ** 3), 'ListTooLarge', /above/],
    [
      'of too many bytes',
      { files: Array.from({ length: 20 }, (_, index) => file(`${data}${index}`, 8 * 1024 ** 3).files[0]) },
      'ListTooLarge',
      /split the list/,
    ],
    [
      'of too many files',
      { files: Array.from({ length: 100_001 }, (_, index) => file(`${data}${index}`).files[0]) },
      'ListTooLarge',
      /lists 100001 files, above 100000/,
    ],
  ])('%s is refused', async (_, change, code, says) => {
    await expect(
      convert({ files: inventoryOf('CSV', 'inbox', one, change), manifest }),
    ).rejects.toMatchObject({
      name: 'ConversionFault',
      code,
      message: expect.stringMatching(says),
    });
  });

  it('dropped elsewhere is refused where its files do not lie as S3 writes them', async () => {
    const files = {
      'inbox/x.json': inventoryOf('CSV', 'inbox', one, file('jobs/1/data/x.csv.gz'))[manifest] as Buffer,
    };
    await expect(convert({ files, manifest: 'inbox/x.json' })).rejects.toMatchObject({
      code: 'ListedFileRefused',
    });
  });

  it.each([
    [
      'fewer fields',
      '"source-bucket","k"\n',
      /line 1 of s3:\/\/inbox\/.* has 2 fields, and the schema 8 columns/,
    ],
    ['an open quote', '"source-bucket","k\n', /line 1 .* does not end as a row of CSV/],
    ['a key that is not encoded', `"b","%zz"${',""'.repeat(6)}\n`, /line 1 .* not URL-encoded/],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22, 0x0a]), /line 1 .* is not UTF-8/],
  ])('with a row of %s fails with its place', async (_, content, says) => {
    const bytes = gzipSync(content);
    const key = `${data}x.csv.gz`;
    const md5 = createHash('md5').update(bytes).digest('hex');
    const change = { files: [{ key, size: bytes.length, MD5checksum: md5 }] };
    const files = { ...inventoryOf('CSV', 'inbox', one, change), [`inbox/${key}`]: bytes };
    await expect(convert({ files, manifest })).rejects.toMatchObject({
      code: 'ListedFileBroken',
      message: expect.stringMatching(says),
    });
  });

  it('of many small files is converted in few units', async () => {
    const files = inventoryOf(
      'CSV',
      'inbox',
      Array.from({ length: 30 }, () => one[0] ?? []),
    );
    expect(await convert({ files, manifest })).toMatchObject({ units: 1 });
    const of = (sizeBytes: number | undefined) => ({ bucket: 'b', key: 'k', md5: undefined, sizeBytes });
    const sizes = [20e6, 10e6, 20e6, 90e6, 1, undefined, undefined];
    expect(groupFiles(sizes.map(of)).map((group) => group.length)).toEqual([2, 1, 1, 1, 1, 1]);
  });

  it('is read in memory that its files do not fill', async () => {
    const objects = Array.from({ length: 20_000 }, (_, index) => ({
      bucket: 'source-bucket',
      key: `k/${index}`,
    }));
    expect(csvFile(objects).length).toBeLessThan(200_000);
    const rows = await convertedRows({ files: inventoryOf('CSV', 'inbox', [objects]), manifest });
    expect(rows.length).toBe(20_000);
  });
});

describe('a completion report of S3 Batch Operations', () => {
  const FOLDER = 'reports/job-f8fb9d89-a3aa-461d-bddc-ea6a1b131955/';
  const results = `${FOLDER}results/b2ddad417e94331e9f37b44f1faf8c7ed5873f2e.csv`;
  const text =
    'source-bucket,image+1%2B.png,,failed,200,PermanentFailure,"Lambda: {""errorMessage"":""two\nlines""}"\n' +
    'source-bucket,image_2,v7,failed,403,AccessDenied,denied\n' +
    'source-bucket,image_3,,succeeded,200,,Successful\n';
  const rows = [
    { key: 'image 1+.png', source: 's3://source-bucket/image 1+.png' },
    { key: 'image_2', source: 's3://source-bucket/image_2', source_version: 'v7' },
  ];
  const report = (change: Record<string, unknown> = {}, key = results) => ({
    ...JSON.parse(sample('batch-report.json')),
    Results: [
      { TaskExecutionStatus: 'succeeded', Bucket: 'inbox', Key: 'elsewhere' },
      {
        TaskExecutionStatus: 'failed',
        Bucket: 'inbox',
        Key: key,
        MD5Checksum: createHash('md5').update(text).digest('hex'),
      },
    ],
    ...change,
  });
  const filesOf = (content: unknown) => ({
    [`inbox/${FOLDER}manifest.json`]: JSON.stringify(content),
    [`inbox/${results}`]: text,
  });
  const own = `inbox/${FOLDER}manifest.json`;

  it('gives the objects of its failed tasks', async () => {
    expect(await convertedRows({ files: filesOf(report()), manifest: own })).toEqual(rows);
  });

  it('is refused where its manifest.json is compressed, and its results are not', async () => {
    const files = { 'inbox/r.gz': gzipSync(JSON.stringify(report())), 'inbox/tasks.csv.gz': gzipSync(text) };
    await expect(convert({ files, manifest: 'inbox/r.gz' })).rejects.toThrow(/lists files: drop it unpacked/);
    expect(await convertedRows({ files, manifest: 'inbox/tasks.csv.gz' })).toEqual(rows);
  });

  it('may be dropped without its folder, and its results alone', async () => {
    const files = { ...filesOf(report()), 'inbox/r.json': JSON.stringify(report()), 'inbox/tasks.csv': text };
    expect(await convertedRows({ files, manifest: 'inbox/r.json' })).toEqual(rows);
    expect(await convertedRows({ files, manifest: 'inbox/tasks.csv' })).toEqual(rows);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['where nothing failed', report({ Results: [] }), 'Empty', /nothing had failed/],
    ['of another schema', report({ ReportSchema: 'Key, Bucket' }), 'ListUnreadable', /other columns/],
    ['of another version', report({ Format: 'Report_CSV_2030' }), 'ListUnreadable', /Format/],
    ['with a file elsewhere', report({}, 'jobs/x.csv'), 'ListedFileRefused', /not below/],
    ['whose file is gone', report({}, `${FOLDER}results/x.csv`), 'ListedFileGone', /is not there/],
  ])('%s is refused', async (_, content, code, says) => {
    await expect(convert({ files: filesOf(content), manifest: own })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(says),
    });
  });
});

describe('results of a Distributed Map', () => {
  const FOLDER = 'out/ad9b5f27-090b-3ac6-9beb-243cd77144a7/';
  const execution = (input: unknown) => ({
    ExecutionArn: 'arn:x',
    Input: JSON.stringify(input),
    Status: 'FAILED',
  });
  const failed = [
    execution({ Bucket: 'source-bucket', Key: 'a b', Size: 5 }),
    execution({
      BatchInput: { Bucket: 'source-bucket' },
      Items: [
        { Key: 'c', VersionId: 'v1' },
        { key: 'own', text: 'row' },
      ],
    }),
  ];
  const rows = [
    { key: 'a b', source: 's3://source-bucket/a b', size: '5' },
    { key: 'c', source: 's3://source-bucket/c', source_version: 'v1' },
    { key: 'own', text: 'row' },
  ];
  const filesOf = (content: string) => ({
    [`inbox/${FOLDER}manifest.json`]: JSON.stringify({
      ...JSON.parse(sample('map-run.json')),
      DestinationBucket: 'inbox',
      ResultFiles: {
        FAILED: [{ Key: `${FOLDER}FAILED_0.json`, Size: Buffer.byteLength(content) }],
        SUCCEEDED: [{ Key: 'elsewhere', Size: 1 }],
      },
    }),
    [`inbox/${FOLDER}FAILED_0.json`]: content,
  });
  const own = `inbox/${FOLDER}manifest.json`;

  it.each([
    ['an array', JSON.stringify(failed)],
    ['an array over several lines', JSON.stringify(failed, null, 2)],
    ['JSON Lines', failed.map((each) => JSON.stringify(each)).join('\n')],
  ])('give the objects of executions that failed: %s', async (_, content) => {
    const files = filesOf(content);
    expect(await convertedRows({ files, manifest: own })).toEqual(rows);
    expect(await convertedRows({ files, manifest: `inbox/${FOLDER}FAILED_0.json` })).toEqual(rows);
    const packed = { 'inbox/x.gz': gzipSync(content) };
    expect(await convertedRows({ files: packed, manifest: 'inbox/x.gz' })).toEqual(rows);
  });

  it('leave out executions that succeeded, whose file may be dropped alone', async () => {
    const succeeded = { ...execution({ Bucket: 'source-bucket', Key: 'done' }), Status: 'SUCCEEDED' };
    const files = { 'inbox/x.json': JSON.stringify([succeeded, ...failed]) };
    expect(await convertedRows({ files, manifest: 'inbox/x.json' })).toEqual(rows);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'a key without a bucket',
      { Key: 'k' },
      /execution 1 of .* has a Key and no Bucket: {"Key":"k"}; have the map pass/,
    ],
    ['no key', { Bucket: 'source-bucket' }, /has no Key/],
    ['no object', 'text', /is no object/],
  ])('with an item that has %s are refused', async (_, input, says) => {
    const files = filesOf(JSON.stringify([execution(input)]));
    await expect(convert({ files, manifest: own })).rejects.toMatchObject({
      code: 'ItemUnfit',
      message: expect.stringMatching(says),
    });
  });

  it('keep the digits of numbers, so that none becomes another text', async () => {
    const input = '{"key":20240101,"text":1.10,"size":1e3}';
    const content = JSON.stringify([{ ...execution({}), Input: input }]);
    const { text } = await convert({ files: filesOf(content), manifest: own });
    expect(text.toString()).toBe(`${input}\n`);
  });

  it.each(['1024.0', '1.024e3', '"1024"', '1024'])('give the size that is spelt %s', async (size) => {
    const input = `{"Bucket":"my-bucket","Key":"k","Size":${size}}`;
    const content = JSON.stringify([{ ...execution({}), Input: input }]);
    const { text } = await convert({ files: filesOf(content), manifest: own });
    expect(JSON.parse(text.toString())).toMatchObject({ key: 'k', size: '1024' });
  });

  it.each(['5', '{"Items":[5]}'])('are refused where an item is a number: %s', async (input) => {
    const content = JSON.stringify([{ ...execution({}), Input: input }]);
    await expect(convert({ files: filesOf(content), manifest: own })).rejects.toMatchObject({
      code: 'ItemUnfit',
      message: expect.stringContaining('is no object: 5'),
    });
  });

  it('that are damaged are named', async () => {
    await expect(
      convert({ files: filesOf(JSON.stringify(failed).slice(0, -1)), manifest: own }),
    ).rejects.toMatchObject({
      code: 'JsonArrayBroken',
      message: expect.stringContaining('FAILED_0.json: the JSON array is cut off'),
    });
  });

  it('outside of the folder of the map run are refused', async () => {
    const files = filesOf('[]');
    files[own] = String(files[own]).replaceAll(`${FOLDER}FAILED`, 'jobs/FAILED');
    await expect(convert({ files, manifest: own })).rejects.toMatchObject({ code: 'ListedFileRefused' });
  });
});
