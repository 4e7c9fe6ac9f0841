// What is set on objects beside their bytes, on the embedded cloud: by rows and by their job, inline and copied, and in a redrive.
import {
  CopyObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { checksumOf } from '../../shared/transfer/checksum.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const SOURCE = `s3://${SOURCE_BUCKET}/page.html`;
const ROWS: readonly Record<string, unknown>[] = [
  { key: 'plain.html', text: '<p>' },
  { key: 'typed', text: 'x', content_type: 'a/b' },
  {
    key: 'full.css',
    text: 'body {}',
    cache_control: 'max-age=60',
    content_disposition: 'attachment; filename="a b.css"',
    content_encoding: 'identity',
    content_language: 'de, en',
    metadata: { Owner: 'row', constructor: 'c' },
    tags: { Team: 'a/b=c +d', city: 'Zürich' },
    storage_class: 'STANDARD_IA',
    encryption: 'aws:kms',
    kms_key: 'alias/exports',
    bucket_key: true,
    checksum_algorithm: 'CRC64NVME',
  },
  { key: 'sha', base64: 'AAEC', checksum_algorithm: 'SHA256', encryption: 'AES256' },
  { key: 'copied', source: SOURCE },
  { key: 'copied-with-headers', source: SOURCE, cache_control: 'no-store', metadata: { more: 'x' } },
  {
    key: 'copied-plainly',
    source: SOURCE,
    tags: { only: 'these' },
    storage_class: 'GLACIER_IR',
    encryption: 'aws:kms',
    checksum_algorithm: 'CRC32C',
  },
  { key: 'copied-class', source: SOURCE, storage_class: 'source' },
  { key: 'taken', text: 'new', if_exists: 'skip' },
  { key: 'taken-too', source: SOURCE, if_exists: 'fail' },
  { key: 'later', source: `s3://${SOURCE_BUCKET}/later`, tags: { a: 'b' }, metadata: { c: 'd' } },
  { key: 'refused', text: 'x', metadata: { a: 'ü' }, tags: { kept: 'yes' } },
];

let bucket: string;
const head = (Key: string, Bucket = bucket) =>
  cloud.s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
const tagsOf = async (Key: string) => {
  const { TagSet = [] } = await cloud.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }));
  return Object.fromEntries(TagSet.map(({ Key: name, Value }) => [name, Value]));
};

const cloud = duringTests(() => startPipelineCloud({ fidelity: { duplicateShare: 0 } }));
beforeAll(async () => {
  bucket = cloud.names.destination;
  await cloud.s3.send(
    new PutObjectCommand({
      Bucket: SOURCE_BUCKET,
      Key: 'page.html',
      Body: 'bytes',
      ContentType: 'text/html',
      CacheControl: 'max-age=1',
      Metadata: { source: 'yes' },
      Tagging: 'from=source',
      StorageClass: 'ONEZONE_IA',
    }),
  );
  await cloud.put(bucket, 'taken', 'old');
  await cloud.put(bucket, 'taken-too', 'old');
});

describe('a mixed list with options of rows and of the job', () => {
  it('gives each object its headers, tags, class, encryption and checksum, and a redrive keeps them', async () => {
    const manifest = ROWS.map((row) => JSON.stringify(row)).join('\n');
    const options = { spread: 'off', tags: 'job=yes', 'content-types': 'guess' };
    const end = await cloud.ended(await cloud.drop('attributes.ndjson', manifest, { options }));
    expect(end).toMatchObject({ rows: 12, stored: 8, skipped: 1, failed: 2, rejected: 1, unaccounted: 0 });

    expect(await head('plain.html')).toMatchObject({ ContentType: 'text/html', TagCount: 1, Metadata: {} });
    expect(await tagsOf('plain.html')).toEqual({ job: 'yes' });
    expect((await head('typed')).ContentType).toBe('a/b');
    const full = await head('full.css');
    expect(full).toMatchObject({
      ContentType: 'text/css',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment; filename="a b.css"',
      ContentEncoding: 'identity',
      ContentLanguage: 'de, en',
      Metadata: { owner: 'row', constructor: 'c' },
      TagCount: 3,
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'alias/exports',
      BucketKeyEnabled: true,
      ChecksumCRC64NVME: await checksumOf('CRC64NVME', Buffer.from('body {}')),
    });
    expect(await tagsOf('full.css')).toEqual({ job: 'yes', Team: 'a/b=c +d', city: 'Zürich' });
    expect(await head('sha')).toMatchObject({
      ServerSideEncryption: 'AES256',
      ChecksumSHA256: await checksumOf('SHA256', Buffer.from([0, 1, 2])),
    });

    const ofSource = { ContentType: 'text/html', CacheControl: 'max-age=1', Metadata: { source: 'yes' } };
    expect(await head('copied')).toMatchObject(ofSource);
    expect((await head('copied')).StorageClass).toBeUndefined();
    expect(await head('copied-with-headers')).toMatchObject({
      ...ofSource,
      CacheControl: 'no-store',
      Metadata: { source: 'yes', more: 'x' },
    });
    expect(await head('copied-plainly')).toMatchObject({
      ...ofSource,
      StorageClass: 'GLACIER_IR',
      ServerSideEncryption: 'aws:kms',
      ChecksumCRC32C: await checksumOf('CRC32C', Buffer.from('bytes')),
    });
    expect(await tagsOf('copied-plainly')).toEqual({ job: 'yes', only: 'these' });
    expect(await head('copied-class')).toMatchObject({ ...ofSource, StorageClass: 'ONEZONE_IA' });
    expect(String(await cloud.read(bucket, 'taken'))).toBe('old');
    expect(String(await cloud.read(bucket, 'taken-too'))).toBe('old');

    const succeeded = await cloud.rows(end, 'succeeded');
    expect(Object.fromEntries(succeeded.map(({ key, attempts }) => [key, attempts]))).toMatchObject({
      'full.css': 1,
      copied: 1,
      'copied-plainly': 1,
      // Those that have to know their source first.
      'copied-with-headers': 2,
      'copied-class': 2,
    });
    expect(succeeded.find(({ key }) => key === 'sha')).toMatchObject({
      checksum_algorithm: 'SHA256',
      checksum: await checksumOf('SHA256', Buffer.from([0, 1, 2])),
    });
    const [rejected] = await cloud.rows(end, 'rejected');
    expect(rejected).toMatchObject({
      ...ROWS.at(-1),
      spillway_code: 'MetadataInvalid',
      spillway_message: expect.stringContaining('RFC 2047'),
    });
    const failed = await cloud.rows(end, 'failed');
    expect(failed.find(({ key }) => key === 'later')).toMatchObject({
      ...ROWS.at(-2),
      spillway_code: 'NoSuchKey',
    });

    await cloud.s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: 'later', Body: 'l' }));
    const answer = await fetch(`${cloud.endpoints.api}/jobs/${end.job}/redrive`, { method: 'POST' });
    expect(answer.status).toBe(202);
    const { job } = (await answer.json()) as { job: string };
    expect(await cloud.ended(job)).toMatchObject({ rows: 2, stored: 1, failed: 1 });
    expect(await head('later')).toMatchObject({ Metadata: { c: 'd' }, TagCount: 2 });
    expect(await tagsOf('later')).toEqual({ job: 'yes', a: 'b' });
  });

  it('is the same as CSV', async () => {
    const manifest =
      'key,text,metadata.Owner,tag.Team,storage_class\na.txt,x,web,t 1,DEEP_ARCHIVE\nb.txt,y,,,\n';
    const end = await cloud.ended(
      await cloud.drop('attributes.csv', manifest, { options: { spread: 'off' } }),
    );
    expect(end).toMatchObject({ rows: 2, stored: 2 });
    expect(await head('a.txt')).toMatchObject({
      ContentType: 'text/plain',
      Metadata: { owner: 'web' },
      StorageClass: 'DEEP_ARCHIVE',
    });
    expect(await tagsOf('a.txt')).toEqual({ Team: 't 1' });
    expect((await head('b.txt')).TagCount).toBeUndefined();
  });
});

describe('the embedded S3', () => {
  const put = (more: object) =>
    cloud.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'refused', Body: 'x', ...more }));
  const copy = (more: object) =>
    cloud.s3.send(
      new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/taken`, ...more }),
    );
  const TAGS = Array.from({ length: 11 }, (_, index) => `n${index}=v`).join('&');

  it.each([
    ['a class that it does not have', { StorageClass: 'COLD' }, 'InvalidStorageClass'],
    ['eleven tags', { Tagging: TAGS, TaggingDirective: 'REPLACE' }, 'BadRequest'],
    ['a tag twice', { Tagging: 'a=1&a=2' }, 'InvalidTag'],
    ['a long name of a tag', { Tagging: `${'n'.repeat(129)}=v` }, 'InvalidTag'],
    ['a value of a tag that AWS does not take', { Tagging: 'a=%2A' }, 'InvalidTag'],
    ['an encryption that it does not have', { ServerSideEncryption: 'rot13' }, 'InvalidArgument'],
    ['a key without KMS', { SSEKMSKeyId: 'alias/x' }, 'InvalidArgument'],
  ])('refuses %s', async (_, more, name) => {
    await expect(put(more)).rejects.toMatchObject({ name });
    await expect(copy(more)).rejects.toMatchObject({ name });
  });

  it('has no MD5 for an ETag where KMS encrypts', async () => {
    const plain = await put({});
    const encrypted = await put({ ServerSideEncryption: 'aws:kms' });
    expect(encrypted.ServerSideEncryption).toBe('aws:kms');
    expect(encrypted.ETag).not.toBe(plain.ETag);
  });
});
