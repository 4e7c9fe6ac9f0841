// Copies in parts through the whole pipeline: the threshold is lowered, and the objects are small.
import { randomBytes } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { headObject, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const LARGE = randomBytes(4 * PART + 123);
const KEPT_AS_IS = { spread: 'off' };

let destination: string;

const cloud = duringTests(() =>
  startPipelineCloud({
    visibilitySeconds: 3,
    receivesMost: { UploadQueue: 100 },
    params: { multipartCopyBytes: String(PART) },
  }),
);
beforeAll(async () => {
  destination = cloud.names.destination;
});

const putSource = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  cloud.s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key, Body: LARGE, ...more }));
const row = (key: string, more: object = {}) =>
  `${JSON.stringify({ key, source: `s3://${SOURCE_BUCKET}/${key}`, size: LARGE.length, ...more })}\n`;
const openUploads = async () =>
  ((await cloud.s3.send(new ListMultipartUploadsCommand({ Bucket: destination }))).Uploads ?? []).map(
    ({ Key }) => Key,
  );
async function operations(): Promise<Record<string, number>> {
  const counted = (await cloud.meter()).s3.buckets[destination]?.operations ?? {};
  return Object.fromEntries(
    Object.entries(counted).map(([name, { accepted, failed, throttled }]) => [
      name,
      accepted + failed + throttled,
    ]),
  );
}
/** Requests that were sent while the work was done. */
async function sentBy(work: () => Promise<unknown>): Promise<(operation: string) => number> {
  const before = await operations();
  await work();
  const after = await operations();
  return (operation) => (after[operation] ?? 0) - (before[operation] ?? 0);
}
const stored = { state: 'completed', stored: 1, failed: 0, unaccounted: 0 };

describe('a large object', () => {
  it('is copied in parts with its metadata, one part failing once', async () => {
    await putSource('a/big', {
      ContentType: 'image/tiff',
      CacheControl: 'max-age=60',
      Metadata: { owner: 'web' },
      ChecksumAlgorithm: 'CRC64NVME',
      Tagging: 'team=a%20b&empty=',
    });
    await cloud.setFaults([
      { kind: 's3-error', status: 500, code: 'InternalError', operations: ['UploadPartCopy'], count: 1 },
    ]);
    const sent = await sentBy(async () => {
      const dropped = await cloud.drop('big.ndjson', row('a/big'), { options: KEPT_AS_IS });
      expect(await cloud.ended(dropped)).toMatchObject({ ...stored, bytes: LARGE.length });
    });
    expect((await cloud.read(destination, 'a/big'))?.equals(LARGE)).toBe(true);
    expect(await headObject(cloud.s3, destination, 'a/big')).toMatchObject({
      ContentType: 'image/tiff',
      CacheControl: 'max-age=60',
      Metadata: { owner: 'web' },
      ETag: expect.stringMatching(/-5"$/),
    });
    const at = { Bucket: destination, Key: 'a/big' };
    const { TagSet } = await cloud.s3.send(new GetObjectTaggingCommand(at));
    expect(Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]))).toEqual({
      team: 'a b',
      empty: '',
    });
    // A slow machine's message may come again meanwhile: more, but never less.
    expect(sent('UploadPartCopy')).toBeGreaterThanOrEqual(6);
    expect(sent('CopyObject')).toBe(0);
    expect(await openUploads()).toEqual([]);
  });

  // Requests before the first part: two of the ledger, a HEAD, the memory twice, and the upload's begin.
  it.each([9, 12])('is continued after its worker is killed at request %i', async (request) => {
    const key = `killed/${request}`;
    await putSource(key);
    let isBegun = false;
    const sent = await sentBy(async () => {
      const death = cloud.crash('upload', { request, when: 'after' });
      const dropped = await cloud.drop(`${request}.ndjson`, row(key), { options: KEPT_AS_IS });
      expect(await death).toMatchObject({ kind: 'died' });
      isBegun = (await openUploads()).includes(key);
      expect(await cloud.ended(dropped)).toMatchObject(stored);
    });
    expect((await cloud.read(destination, key))?.equals(LARGE)).toBe(true);
    // The next worker goes on with the upload that the dead one has left.
    if (isBegun) expect(sent('ListParts')).toBeGreaterThan(0);
    expect(await openUploads()).toEqual([]);
  });

  it('whose completion has no answer is recognised', async () => {
    await putSource('lost');
    await cloud.setFaults([
      { kind: 's3-drop', when: 'after', operations: ['CompleteMultipartUpload'], count: 1 },
    ]);
    const dropped = await cloud.drop('lost.ndjson', row('lost'), {
      options: { ...KEPT_AS_IS, 'if-exists': 'fail' },
    });
    expect(await cloud.ended(dropped)).toMatchObject(stored);
    expect((await cloud.read(destination, 'lost'))?.equals(LARGE)).toBe(true);
    expect(await openUploads()).toEqual([]);
  });

  it.each([
    ['skip', { skipped: 1, failed: 0 }],
    ['fail', { skipped: 0, failed: 1 }],
  ])('is not written over another: %s', async (ifExists, counts) => {
    const key = `exists/${ifExists}`;
    await putSource(key);
    await cloud.put(destination, key, 'other');
    const dropped = await cloud.drop(`${ifExists}.ndjson`, row(key), {
      options: { ...KEPT_AS_IS, 'if-exists': ifExists, 'max-failed-percent': '100' },
    });
    expect(await cloud.ended(dropped)).toMatchObject({ state: 'completed', ...counts, unaccounted: 0 });
    expect(String(await cloud.read(destination, key))).toBe('other');
    expect(await openUploads()).toEqual([]);
  });
});

describe('a row that can not be copied', () => {
  it('says why: archived, of another size, of another ETag', async () => {
    await putSource('x/archived', { StorageClass: 'GLACIER' });
    await putSource('x/large');
    await cloud.s3.send(
      new PutObjectCommand({
        Bucket: SOURCE_BUCKET,
        Key: 'x/cold',
        Body: 'small',
        StorageClass: 'DEEP_ARCHIVE',
      }),
    );
    const rows = [
      row('x/archived'),
      row('x/cold', { size: 5 }),
      row('x/large', { size: LARGE.length + 1 }),
      row('x/large', { key: 'x/etag', source_etag: 'abc' }),
    ];
    const dropped = await cloud.drop('refused.ndjson', rows.join(''), {
      options: { ...KEPT_AS_IS, 'max-failed-percent': '100' },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ failed: 4, unaccounted: 0 });
    const failed = await cloud.rows(end, 'failed');
    expect(Object.fromEntries(failed.map((each) => [each['key'], each['spillway_code']]))).toEqual({
      'x/archived': 'SourceArchived',
      'x/cold': 'SourceArchived',
      'x/large': 'SourceChanged',
      'x/etag': 'SourceChanged',
    });
    expect(await openUploads()).toEqual([]);
  });
});

it("does not touch another's upload of the same key", async () => {
  await putSource('shared/key');
  const place = { Bucket: destination, Key: 'shared/key' };
  const { UploadId } = await cloud.s3.send(new CreateMultipartUploadCommand(place));
  await cloud.s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: 'theirs' }));
  const dropped = await cloud.drop('shared.ndjson', row('shared/key'), { options: KEPT_AS_IS });
  expect(await cloud.ended(dropped)).toMatchObject(stored);
  expect((await cloud.read(destination, 'shared/key'))?.equals(LARGE)).toBe(true);
  expect(await openUploads()).toEqual(['shared/key']);
});
