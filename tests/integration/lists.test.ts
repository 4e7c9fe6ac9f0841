// Parquet, S3 Inventory and reports as manifests, through the whole pipeline on the embedded cloud.
import { GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { INVENTORY_FOLDER, INVENTORY_MANIFEST, inventoryOf } from '../helpers/inventories.ts';
import { parquetOf } from '../helpers/parquet-files.ts';
import { SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

let destination: string;

const cloud = duringTests(() => startPipelineCloud({ sliceBytes: 2_000 }));
beforeAll(async () => {
  destination = cloud.names.destination;
});

const into = (folder: string) => ({
  options: { destination: `s3://${destination}/${folder}`, spread: 'off' },
});
const textOf = async (key: string) => (await cloud.read(destination, key))?.toString();

describe('a Parquet manifest', () => {
  it('writes every row, and rejects those that are bad', async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `p/${index}, grün.txt`);
    const body = parquetOf(
      [
        { name: 'key', data: [...keys, null], type: 'STRING' },
        { name: 'text', data: [...keys.map((key) => `of ${key}`), 'lost'], type: 'STRING' },
        { name: 'size', data: [...keys.map((_, index) => BigInt(index)), null], type: 'INT64' },
      ],
      100,
    );
    const end = await cloud.ended(await cloud.drop('exports/rows.parquet', body, into('parquet')));
    expect(end).toMatchObject({ state: 'completed', rows: 301, stored: 300, rejected: 1, unaccounted: 0 });
    for (const key of [keys[0], keys[150], keys[299]])
      expect(await textOf(`parquet/${key}`)).toBe(`of ${key}`);
    expect(await cloud.rows(end, 'rejected')).toMatchObject([
      { text: 'lost', spillway_code: 'KeyMissing', spillway_place: 'line 301' },
    ]);
  });

  it('sets metadata, tags and a class, and makes keys of a column that only the template knows', async () => {
    const body = parquetOf([
      { name: 'key', data: ['1.txt', '2.txt', '3.txt'], type: 'STRING' },
      { name: 'text', data: ['one', 'two', 'three'], type: 'STRING' },
      { name: 'album', data: ['summer', 'winter', null], type: 'STRING' },
      { name: 'metadata.owner', data: ['ann', null, null], type: 'STRING' },
      { name: 'tag.team', data: ['exports', null, null], type: 'STRING' },
      { name: 'storage_class', data: ['STANDARD_IA', null, null], type: 'STRING' },
    ]);
    const { options } = into('attributes');
    const template = { ...options, 'key-template': '{column:album}/{key}' };
    const end = await cloud.ended(await cloud.drop('exports/albums.parquet', body, { options: template }));
    expect(end).toMatchObject({ state: 'completed', rows: 3, stored: 2, rejected: 1, unaccounted: 0 });
    const first = { Bucket: destination, Key: 'attributes/summer/1.txt' };
    expect(await cloud.s3.send(new HeadObjectCommand(first))).toMatchObject({
      Metadata: { owner: 'ann' },
      StorageClass: 'STANDARD_IA',
    });
    const { TagSet } = await cloud.s3.send(new GetObjectTaggingCommand(first));
    expect(TagSet).toEqual([{ Key: 'team', Value: 'exports' }]);
    expect(await textOf('attributes/winter/2.txt')).toBe('two');
    expect(await cloud.rows(end, 'rejected')).toMatchObject([
      { key: '3.txt', spillway_code: 'TemplateColumnMissing', spillway_place: 'line 3' },
    ]);
  });

  it('that is cut off fails with a code and the remedy', async () => {
    const body = parquetOf([{ name: 'key', data: ['k'] }]).subarray(0, -20);
    expect(await cloud.ended(await cloud.drop('exports/cut.parquet', body))).toMatchObject({
      state: 'failed',
      rows: 0,
      fault: { code: 'ParquetDamaged', message: expect.stringContaining('upload it again') },
    });
  });
});

describe.each(['CSV', 'Parquet'] as const)(
  'an S3 Inventory in %s that is delivered into the inbox',
  (format) => {
    it('copies every object that it lists', async () => {
      const objects = Array.from({ length: 60 }, (_, index) => ({
        bucket: SOURCE_BUCKET,
        key: `${format}/${index} a+b%2F"ü".bin`,
        size: index,
      }));
      await Promise.all(objects.map(({ key }) => cloud.put(SOURCE_BUCKET, key, `of ${key}`)));
      const older = { bucket: SOURCE_BUCKET, key: `${format}/older`, isLatest: false };
      const marker = { bucket: SOURCE_BUCKET, key: `${format}/marker`, isDeleteMarker: true };
      const files = inventoryOf(format, cloud.names.inbox, [
        objects.slice(0, 25),
        [...objects.slice(25, 50), older, marker],
        objects.slice(50),
      ]);
      const root = `${cloud.names.inbox}/`;
      const delivered = Object.entries(files).map(
        ([place, bytes]) => [place.slice(root.length), bytes] as const,
      );
      const list = delivered.find(([key]) => key === INVENTORY_MANIFEST);
      for (const [key, bytes] of delivered) if (key !== INVENTORY_MANIFEST) await cloud.drop(key, bytes);
      await cloud.drop(INVENTORY_MANIFEST.replace('.json', '.checksum'), 'f11166069f1990abeb9c97ace9cdfabc');
      await cloud.drop(`${INVENTORY_FOLDER}hive/dt=2026-11-27-01-00/symlink.txt`, 's3://x/y');
      const end = await cloud.ended(
        await cloud.drop(INVENTORY_MANIFEST, list?.[1] ?? '', into(`inventory-${format}`)),
      );

      expect(end).toMatchObject({ state: 'completed', rows: 60, stored: 60, unaccounted: 0 });
      for (const { key } of objects) expect(await textOf(`inventory-${format}/${key}`)).toBe(`of ${key}`);
      expect((await cloud.keys(destination, `inventory-${format}/`)).length).toBe(60);
      const started = cloud
        .events()
        .map(({ detail }) => (detail as { manifest: { key: string } }).manifest.key);
      expect(started.filter((key) => key.startsWith(INVENTORY_FOLDER) && key !== INVENTORY_MANIFEST)).toEqual(
        [],
      );
    });
  },
);

describe('an S3 Inventory in a bucket of its own', () => {
  it('is read where that is a source bucket, and fails where its files are gone', async () => {
    const files = inventoryOf('CSV', SOURCE_BUCKET, [[{ bucket: SOURCE_BUCKET, key: 'own/1', size: 4 }]]);
    await cloud.put(SOURCE_BUCKET, 'own/1', 'here');
    const list = files[`${SOURCE_BUCKET}/${INVENTORY_MANIFEST}`] ?? '';
    const drop = (folder: string) => cloud.drop(`lists/${folder}.json`, list, into(folder));
    expect(await cloud.ended(await drop('before'))).toMatchObject({
      state: 'failed',
      rows: 0,
      fault: { code: 'ListedFileGone' },
    });
    for (const [place, bytes] of Object.entries(files))
      await cloud.put(SOURCE_BUCKET, place.slice(SOURCE_BUCKET.length + 1), bytes);
    expect(await cloud.ended(await drop('after'))).toMatchObject({ state: 'completed', rows: 1, stored: 1 });
    expect(await textOf('after/own/1')).toBe('here');
  });
});

describe("a job's own report", () => {
  it('dropped as a manifest redrives the job, and its files of rows are manifests', async () => {
    const rows = ['key,source', `late/1,s3://${SOURCE_BUCKET}/late/1`, 'late/2,nowhere'];
    const first = await cloud.ended(await cloud.drop('late.csv', rows.join('\n'), into('redriven')));
    expect(first).toMatchObject({ rows: 2, failed: 1, rejected: 1 });
    const report = await cloud.read(cloud.names.reports, `jobs/${first.job}/manifest.json`);
    const rejected = (await cloud.report(first)).files.find(({ kind }) => kind === 'rejected');
    await cloud.put(SOURCE_BUCKET, 'late/1', 'there by now');

    const refused = await cloud.ended(await cloud.drop('again/manifest.json', report ?? '', into('other')));
    expect(refused).toMatchObject({
      fault: { code: 'InvalidOptions', message: expect.stringContaining('leave out "destination"') },
    });
    const second = await cloud.ended(await cloud.drop('again/manifest.json', report ?? ''));
    expect(second).toMatchObject({ state: 'completed', rows: 1, stored: 1 });
    expect(await textOf('redriven/late/1')).toBe('there by now');

    const body = (await cloud.read(cloud.names.reports, rejected?.key ?? '')) ?? '';
    const third = await cloud.ended(await cloud.drop('again/rejected.ndjson', body));
    expect(third).toMatchObject({ rows: 1, rejected: 1 });
    expect(await cloud.rows(third, 'rejected')).toMatchObject([
      { key: 'late/2', source: 'nowhere', spillway_code: 'SourceInvalid' },
    ]);
  });

  it('of a job that is unknown reads nothing', async () => {
    const forged = JSON.stringify({
      version: 1,
      job: '0123456789abcdef0123',
      state: 'completed',
      files: [{ kind: 'failed', key: 'outcomes/secret.ndjson', bytes: 5 }],
    });
    expect(await cloud.ended(await cloud.drop('forged.json', forged))).toMatchObject({
      state: 'failed',
      fault: { code: 'ReportGone' },
    });
  });
});
