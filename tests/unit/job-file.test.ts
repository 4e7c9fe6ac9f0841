// Job files: what they say, what is wrong with them, and which options of a job count.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { convertManifest } from '../../functions/ingest/convert-manifest.ts';
import { cutFiles } from '../../functions/ingest/manifest-files.ts';
import { startJob } from '../../functions/ingest/open-job.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import type { NewJob } from '../../shared/job/job.ts';
import { isJobFile, parseJobFile } from '../../shared/job/job-file.ts';
import { destinationOf } from '../../shared/keys/destination-key.ts';
import { readJobRow, writeJobRow } from '../../shared/ledger/job-row-format.ts';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import { isHiddenName } from '../../shared/queue/hidden-names.ts';
import { INVENTORY_MANIFEST, inventoryOf } from '../helpers/inventories.ts';
import { parquetOf } from '../helpers/parquet-files.ts';
import { JOB_OPTIONS } from '../helpers/records.ts';
import { startingWith } from '../helpers/starting.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const BUCKETS = ['own-bucket', 'other-bucket'];
const parse = (text: string | Uint8Array, key = 'in/a.job.json') =>
  parseJobFile(Buffer.from(text as string), { key, inbox: 'inbox' });
const withManifest = (manifest: string) => parse(JSON.stringify({ manifest }));

describe('a job file', () => {
  it.each([
    ['a.job.json', true],
    ['in/a.job.yaml', true],
    ['in/a.JOB.YML', true],
    ['job.json', false],
    ['a.job.json/list.csv', false],
    ['a.job.csv', false],
  ])('is told by its name: %s', (key, is) => {
    expect(isJobFile(key)).toBe(is);
  });

  it('is read from JSON and from YAML, every value as it is written', () => {
    const read = {
      manifest: { key: 'in/_lists/a.csv' },
      options: { spread: 'off', 'deadline-seconds': '1e3', 'if-exists': 'no', 'strip-prefix': '2024/' },
      faults: [],
    };
    const json =
      '\ufeff{"manifest":"_lists/a.csv","options":{"spread":"off","deadline-seconds":1e3,"if-exists":"no","strip-prefix":"2024/"}}';
    expect(parse(json)).toEqual(read);
    const yaml =
      '# a job\nmanifest: _lists/a.csv\noptions:\n  spread: off\n  deadline-seconds: 1e3\n  if-exists: no\n  strip-prefix: 2024/\n';
    expect(parse(yaml, 'in/a.job.yaml')).toEqual(read);
    expect(parse(`%YAML 1.1\n---\n${yaml}`, 'in/a.job.yml')).toEqual(read);
  });

  it.each([
    ['s3://inbox/x/y.csv', { key: 'x/y.csv' }],
    ['s3://inbox//x?versionId=v.1_', { key: '/x', versionId: 'v.1_' }],
    ['s3://inbox/k?versionId=a?versionId=b', { key: 'k?versionId=a', versionId: 'b' }],
    ['b c/%20?.csv', { key: 'in/b c/%20?.csv' }],
    ['y.csv?versionId=null', { key: 'in/y.csv', versionId: 'null' }],
  ])('names the manifest %s', (manifest, reference) => {
    expect(withManifest(manifest)).toEqual({ manifest: reference, options: {}, faults: [] });
  });

  it.each([
    [
      's3://elsewhere/x.csv',
      /is not in the inbox: copy it to s3:\/\/inbox\/, under a name that starts with _/,
    ],
    ['s3://inbox', /is not s3:\/\/inbox\/KEY/],
    ['https://host/x.csv', /is not s3:\/\/inbox\/KEY/],
    ['../x.csv', /write s3:\/\/INBOX\/KEY/],
    ['/x.csv', /write s3:\/\/INBOX\/KEY/],
    ['', /write s3:\/\/INBOX\/KEY/],
    ['a.job.json', /is a job file/],
    ['b.job.yaml', /is a job file/],
    ['x.csv?versionId=', /no version id/],
    ['s3://inbox/api/job-number-1/manifest', /was posted to the API/],
    [`s3://inbox/${'x'.repeat(1_025)}`, /above 1024 bytes/],
    ['s3://inbox/a\ud800.csv', /half of a surrogate pair/],
  ])('is refused with the manifest %s', (manifest, message) => {
    const { faults, manifest: reference } = withManifest(manifest);
    expect(reference).toBeUndefined();
    expect(faults).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ['a.job.json', 'no JSON', /it is no JSON: /],
    ['a.job.json', '', /it is no JSON/],
    ['a.job.json', '[]', /holds no object: a job file is \{/],
    ['a.job.json', '{"manifest":"a","manifest":"b"}', /a name twice: line 1, column 17: .*unique/],
    ['a.job.json', '{"manifest":"a","options":{"x":"1","x":"2"}}', /unique/],
    ['a.job.json', '['.repeat(60_000), /it is no JSON/],
    ['a.job.yaml', '- a\n', /holds no object/],
    ['a.job.yaml', 'manifest: a\nmanifest: b\n', /line 2, column 1: .*unique/],
    ['a.job.yaml', 'manifest: [a\n', /line 2/],
    ['a.job.yaml', 'manifest: a\n---\nmanifest: b\n', /line 2, column 1: multiple documents: .*leave out/],
    [
      'a.job.yaml',
      'manifest: a\noptions:\n  key-template: {dir}/{name}.bak\n',
      /line 3, column \d+: .*write a value that begins with \{ in quotes/,
    ],
    ['a.job.yaml', 'manifest: !!js/function a\n', /Unresolved tag/],
    ['a.job.yaml', 'manifest: !!int 5\n', /Unresolved tag/],
    ['a.job.yaml', 'manifest: &a x\noptions: {spread: *a}\n', /write it without aliases/],
    ['a.job.yaml', 'a: &a {spread: off}\nmanifest: x\noptions: {<<: *a}\n', /without aliases/],
    ['a.job.yaml', Buffer.from([0x61, 0x3a, 0x20, 0xff]), /not UTF-8/],
  ] as const)('%s that holds %j is refused', (key, text, message) => {
    expect(parse(text, key).faults.join('\n')).toMatch(message);
  });

  it.each(['a.job.yaml', 'a.job.json'])(
    'has the lines found of those faults that are shown, as %s',
    (key) => {
      const names = Array.from({ length: 5_000 }, () => '"a":"b"').join(',\n');
      const split = vi.spyOn(String.prototype, 'split');
      try {
        expect(parse(`{${names}}`, key).faults).toEqual([expect.stringMatching(/unique/)]);
        expect(split.mock.calls.length).toBeLessThan(100);
      } finally {
        split.mockRestore();
      }
    },
  );

  it('is told everything that is wrong with it at once', () => {
    const text = JSON.stringify({ manifst: 'x', options: { spread: ['off'], 'if-exists': true, x: null } });
    expect(parse(text).faults).toEqual([
      expect.stringMatching(/^unknown "manifst": a job file is/),
      expect.stringMatching(/^manifest is missing/),
      expect.stringMatching(/^options.spread is no text/),
      expect.stringMatching(/^options.if-exists is no text/),
      expect.stringMatching(/^options.x is no text/),
    ]);
    expect(parse('{"manifest":"x","options":[]}').faults).toEqual([
      expect.stringMatching(/^options is no object/),
    ]);
  });

  it('never throws, and is either read or refused, whatever its bytes', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\n',
      '  ',
      '- ',
      '&a ',
      '*a',
      '<<',
      '!!',
      '!',
      '|',
      '>',
      '%',
      '#',
    ];
    const words = [
      'manifest',
      'options',
      'spread',
      '\u0000',
      '\ufeff',
      '{"manifest":"x"}',
      '__proto__',
      '? ',
      '1e3',
    ];
    const anyBytes = fc
      .array(
        fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom(...pieces, ...words).map((text) => Buffer.from(text)) },
          fc.uint8Array({ maxLength: 3 }),
        ),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(anyBytes, fc.constantFrom('a.job.json', 'a.job.yaml'), (bytes, key) => {
        const { manifest, options, faults } = parseJobFile(bytes, { key, inbox: 'inbox' });
        expect(manifest !== undefined || faults.length > 0).toBe(true);
        for (const value of Object.values(options)) expect(typeof value).toBe('string');
        for (const fault of faults) expect(fault.length).toBeLessThan(3_000);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the job of a job file', () => {
  const MANIFEST = 'key,text\na,1\nb,2\nc,3\n';

  function open({ isVersioned = true } = {}) {
    const s3 = createMemoryS3({ versioned: isVersioned ? ['inbox'] : [] });
    const etagOf = async (Key: string) =>
      (await s3.client.send(new HeadObjectCommand({ Bucket: 'inbox', Key }))).ETag ?? '';
    const reader = { s3: s3.client, clock: createVirtualClock(), random: () => 0 };
    const start = async (key: string, text: string, metadata: Record<string, string> = {}) => {
      s3.write('inbox', key, text, { metadata });
      const job = await startJob(
        startingWith(reader, { destinationBuckets: BUCKETS, cut: { sliceBytes: 10, blockRows: 2 } }),
        {
          ...{ bucket: 'inbox', key },
          ...(isVersioned ? { versionId: 'v1' } : { etag: await etagOf(key), sequencer: '0A' }),
        },
      );
      return readJobRow(writeJobRow(job));
    };
    const keysOf = async (job: NewJob, keyOf = (item: ManifestItem) => item.key): Promise<string[]> => {
      const keys: string[] = [];
      for await (const cut of cutFiles(reader, job, { sliceBytes: 10, rows: 2 })) {
        if (cut.kind === 'gone') return [...keys, cut.fault.code];
        for await (const block of readSliceBlocks({ ...reader, sources: 'unchecked' }, job, cut))
          keys.push(...block.accepted.map(({ item }) => keyOf(item)));
      }
      return keys;
    };
    const convert = (job: NewJob) => {
      const ledger = { getJob: async () => job, finishPlan: async () => undefined };
      const time = { deadlineMs: Number.MAX_SAFE_INTEGER, isWhole: true };
      return convertManifest({ reader, ledger, sourceBuckets: [], clock: reader.clock }, job, time);
    };
    const destinationsOf = (job: NewJob) => keysOf(job, (item) => destinationOf(item, job.options).key);
    return { s3, start, keysOf, destinationsOf, convert };
  }

  it('reads the rows of the version that the manifest had, also when it is replaced', async () => {
    const { s3, start, keysOf } = open();
    s3.write('inbox', 'in/_a.csv', MANIFEST);
    const job = await start('in/a.job.json', '{"manifest":"_a.csv"}');
    expect(job).toMatchObject({
      state: 'planning',
      manifest: { key: 'in/a.job.json', versionId: 'v1' },
      files: { kind: 'manifest', key: 'in/_a.csv', versionId: 'v1' },
      head: { format: 'csv' },
    });
    s3.write('inbox', 'in/_a.csv', 'key,text\nother,1\n');
    expect(await keysOf(job as NewJob)).toEqual(['a', 'b', 'c']);
    expect(isHiddenName('in/_a.csv')).toBe(true);
    expect(isHiddenName('in/a.job.json')).toBe(false);
  });

  it('does not read another object, where the inbox keeps no versions', async () => {
    const { s3, start, keysOf } = open({ isVersioned: false });
    s3.write('inbox', '_a.csv', MANIFEST);
    const job = (await start('a.job.yaml', 'manifest: _a.csv')) as NewJob;
    expect(job.files).toMatchObject({ etag: expect.stringMatching(/^"/) });
    expect(await keysOf(job)).toEqual(['a', 'b', 'c']);
    s3.write('inbox', '_a.csv', 'key,text\nother,1\n');
    expect(await keysOf(job)).toEqual(['ManifestGone']);
  });

  it("takes an option from the file's metadata, then from the file, then from the manifest, then by default", async () => {
    const { s3, start } = open();
    const of = (...options: string[]) => Object.fromEntries(options.map((each) => each.split('=')));
    const ofManifest = of('spillway-spread=hex:1', 'spillway-if-exists=skip', 'spillway-report=none');
    s3.write('inbox', '_a.csv', MANIFEST, { metadata: ofManifest });
    const text = 'manifest: s3://inbox/_a.csv\noptions: { spread: hex:2, if-exists: fail }\n';
    const job = await start('a.job.yml', text, of('spillway-spread=hex:3'));
    expect(job.options).toMatchObject({
      spread: 'hex:3',
      ifExists: 'fail',
      report: 'none',
      retryForSeconds: 86_400,
    });
  });

  it('takes from the manifest what an option of the file needs', async () => {
    const { s3, start } = open();
    s3.write('inbox', '_a.csv', MANIFEST, { metadata: { 'spillway-encryption': 'aws:kms' } });
    const text = 'manifest: _a.csv\noptions: { kms-key: alias/own }\n';
    const job = await start('a.job.yml', text);
    expect(job).toMatchObject({ state: 'planning', options: { encryption: 'aws:kms', kmsKey: 'alias/own' } });
    s3.write('inbox', '_b.csv', MANIFEST);
    expect(await start('b.job.yml', text.replace('_a', '_b'))).toMatchObject({
      state: 'unopened',
      fault: { code: 'InvalidJobFile', message: expect.stringContaining('aws:kms') },
    });
  });

  const ALBUMS = [
    { key: 'a', text: '1', album: 'x' },
    { key: 'b', text: '2', album: 'y' },
  ];
  const CSV = 'key,text,album\na,1,x\nb,2,y\n';

  it.each<[string, string, Buffer]>([
    ['gzip', '_x.csv.gz', gzipSync(CSV)],
    ['zstandard', '_x.csv.zst', zstdCompressSync(CSV)],
    ['gzip', '_x.tsv.gz', gzipSync(CSV.replaceAll(',', '\t'))],
    ['JSON array', '_x.json', Buffer.from(JSON.stringify(ALBUMS))],
    [
      'Parquet',
      '_x.parquet',
      parquetOf(
        (['key', 'text', 'album'] as const).map((name) => ({ name, data: ALBUMS.map((row) => row[name]) })),
      ),
    ],
  ])('converts what it names from %s: %s', async (conversion, name, bytes) => {
    const { s3, start, destinationsOf, convert } = open();
    s3.write('inbox', `in/${name}`, bytes);
    const options = {
      spread: 'off',
      'key-template': '{column:album}/{key}',
      destination: 's3://own-bucket/d',
    };
    const job = (await start('in/x.job.json', JSON.stringify({ manifest: name, options }))) as NewJob;
    expect(job).toMatchObject({
      state: 'planning',
      manifest: { key: 'in/x.job.json' },
      files: {
        ...{ kind: 'converted', conversion, bucket: 'reports' },
        manifest: { bucket: 'inbox', key: `in/${name}`, versionId: 'v1' },
      },
      head: { extraColumns: ['album'] },
    });
    s3.write('inbox', `in/${name}`, 'replaced meanwhile');
    expect(await convert(job)).toEqual({ kind: 'converted' });
    expect(await destinationsOf(job)).toEqual(['d/x/a', 'd/y/b']);
  });

  it('does not convert another object, where the inbox keeps no versions', async () => {
    const { s3, start, convert } = open({ isVersioned: false });
    s3.write('inbox', '_a.csv.gz', gzipSync(MANIFEST));
    const job = (await start('a.job.yaml', 'manifest: _a.csv.gz')) as NewJob;
    s3.write('inbox', '_a.csv.gz', gzipSync('key,text\nother,1\n'));
    expect(await convert(job)).toMatchObject({
      kind: 'unreadable',
      fault: {
        code: 'ManifestGone',
        message: expect.stringContaining('s3://inbox/_a.csv.gz was deleted or'),
      },
    });
  });

  it('reads the files of an S3 Inventory that lies under a hidden name, with its own options', async () => {
    const { s3, start, destinationsOf, convert } = open();
    const objects = ['a b', 'c+d'].map((key) => ({ bucket: 'source-bucket', key, size: 1 }));
    const files = inventoryOf('CSV', 'inbox', [objects], {});
    for (const [place, bytes] of Object.entries(files))
      s3.write('inbox', place.slice('inbox/'.length), bytes);
    const manifest = `s3://inbox/${INVENTORY_MANIFEST}`;
    const options = { spread: 'off', 'key-template': 'copies/{key}' };
    const job = (await start('x.job.json', JSON.stringify({ manifest, options }))) as NewJob;
    expect(job.files).toMatchObject({ conversion: 'S3 Inventory', manifest: { key: INVENTORY_MANIFEST } });
    expect(await convert(job)).toEqual({ kind: 'converted' });
    expect(await destinationsOf(job)).toEqual(['copies/a b', 'copies/c+d']);

    const lacking = { manifest, options: { 'key-template': '{column:album}/{key}' } };
    expect(await start('y.job.json', JSON.stringify(lacking))).toMatchObject({
      state: 'unopened',
      fault: { code: 'TemplateColumnMissing', message: expect.stringMatching(/S3 Inventory.*album/) },
    });
  });

  it('redrives the job whose report it names, under the options of that job alone', async () => {
    const { s3, start } = open();
    const report = {
      ...{ version: 1, job: '0123456789abcdef0123', state: 'completed' },
      options: { ...JOB_OPTIONS, destination: { bucket: 'own-bucket', prefix: '' } },
      files: [{ kind: 'failed', key: 'jobs/x/failed-0.ndjson', bytes: 9 }],
    };
    const text = JSON.stringify(report);
    s3.write('inbox', '_report.json', text);
    s3.write('reports', `jobs/${report.job}/manifest.json`, text);
    expect(await start('a.job.json', '{"manifest":"_report.json"}')).toMatchObject({
      ...{ state: 'planning', redriveOf: report.job },
      files: { kind: 'report', bucket: 'reports', key: `jobs/${report.job}/manifest.json` },
    });
    const own = '{"manifest":"_report.json","options":{"spread":"off"}}';
    expect(await start('b.job.json', own)).toMatchObject({
      fault: { code: 'InvalidOptions', message: expect.stringMatching(/keeps that job's options.*spread/) },
    });
  });

  it.each([
    [
      '{"manifest":"_a.csv","options":{"spread":"x"},"more":1}',
      'InvalidJobFile',
      /unknown "more".*spread "x" is none of/,
    ],
    ['{"manifest":"_missing.csv"}', 'ManifestMissing', /s3:\/\/inbox\/_missing.csv.*put it there, then drop/],
    ['{"manifest":"_a.csv?versionId=v9"}', 'ManifestMissing', /version v9/],
    ['{"manifest":"_bad.csv"}', 'UnknownColumn', /"texte"/],
    [
      '{"manifest":"_a.csv","options":{"destination":"s3://foreign"}}',
      'InvalidJobFile',
      /"foreign" is not allowed/,
    ],
    [
      `{"manifest":"_a.csv","x":"${'x'.repeat(70_000)}"}`,
      'InvalidJobFile',
      /may have 65536: it names a manifest/,
    ],
  ])('fails with what to do: %s', async (text, code, message) => {
    const { s3, start } = open();
    s3.write('inbox', '_a.csv', MANIFEST);
    s3.write('inbox', '_bad.csv', 'key,texte\n');
    const job = await start('a.job.json', text);
    expect(job).toMatchObject({
      state: 'unopened',
      fault: { code, message: expect.stringMatching(message) },
    });
  });

  it('says where a wrong option may come from, when the manifest has it', async () => {
    const { s3, start } = open();
    s3.write('inbox', '_a.csv', MANIFEST, { metadata: { 'spillway-spread': 'x' } });
    const job = await start('a.job.json', '{"manifest":"_a.csv"}');
    expect(job).toMatchObject({
      fault: { code: 'InvalidOptions', message: expect.stringMatching(/metadata/) },
    });
  });
});
