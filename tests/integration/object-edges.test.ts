// Requests at the edges of the embedded S3: what must not pass for another operation, and what one object says of another.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListPartsCommand,
  type ObjectIdentifier,
  PutBucketVersioningCommand,
  PutObjectCommand,
  RenameObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { startEmbedded } from '../helpers/embedded.ts';

const Bucket = 'plain';
/** Of before 2018, and longer than fauxqs' router takes. */
const LONG_NAME = 'Old_Bucket'.padEnd(255, 'x');

let s3: S3Client;

const embedded = duringTests(() => startEmbedded({ buckets: [{ name: Bucket }, { name: LONG_NAME }] }));
beforeAll(async () => {
  s3 = embedded.s3;
});

async function text(Key: string, more: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
}

describe('what the embedded S3 can not do', () => {
  it.each([
    ['renaming', () => new RenameObjectCommand({ Bucket, Key: 'kept', RenameSource: `${Bucket}/other` })],
    ['appending', () => new PutObjectCommand({ Bucket, Key: 'kept', Body: 'more', WriteOffsetBytes: 4 })],
    [
      'a condition on another ETag',
      () => new PutObjectCommand({ Bucket, Key: 'kept', Body: 'more', IfNoneMatch: '"abc"' }),
    ],
  ])('%s overwrites no object', async (_what, command) => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
    await expect(s3.send(command() as PutObjectCommand)).rejects.toMatchObject({
      name: 'NotImplemented',
      $metadata: { httpStatusCode: 501 },
    });
    expect(await text('kept')).toBe('kept');
  });

  it.each(['annotation', 'encryption'])('%s is no object', async (part) => {
    const answer = await fetch(`${embedded.emulators.endpoints.aws}/${Bucket}/part?${part}`, {
      method: 'PUT',
      body: '<x/>',
    });
    expect(answer.status).toBe(501);
    await expect(text('part')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('deleting a configuration deletes no bucket', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'configured' }));
    await expect(
      s3.send(new DeleteBucketAnalyticsConfigurationCommand({ Bucket: 'configured', Id: 'x' })),
    ).rejects.toMatchObject({ name: 'NotImplemented' });
    await s3.send(new HeadBucketCommand({ Bucket: 'configured' }));
  });
});

it('keeps objects in a bucket with a long, old name, and does not call it missing', async () => {
  const at = { Bucket: LONG_NAME };
  await s3.send(new PutObjectCommand({ ...at, Key: 'a', Body: 'old' }));
  expect(await text('a', at)).toBe('old');
  const { Contents } = await s3.send(new ListObjectsV2Command(at));
  expect(Contents).toMatchObject([{ Key: 'a' }]);
  const other = new GetObjectCommand({ Bucket: LONG_NAME.replaceAll('x', 'y'), Key: 'a' });
  await expect(s3.send(other)).rejects.toMatchObject({ name: 'NoSuchBucket' });
});

describe('a range', () => {
  it('may end beyond any object, as SDKs for Java write an open one', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: 'abcdef' }));
    const Range = 'bytes=2-9223372036854775806';
    const { ContentRange } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'range', Range }));
    expect([await text('range', { Range }), ContentRange]).toEqual(['cdef', 'bytes 2-5/6']);
    expect(await text('range', { Range: 'bytes=-9223372036854775807' })).toBe('abcdef');
    await expect(text('range', { Range: 'bytes=9223372036854775806-' })).rejects.toMatchObject({
      name: 'InvalidRange',
    });
  });

  it('of a copied part must end within the object', async () => {
    const at = { Bucket, Key: 'copied-range' };
    await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: randomBytes(6 * 1024 ** 2) }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
    const copy = new UploadPartCopyCommand({
      ...at,
      UploadId,
      PartNumber: 1,
      CopySource: `${Bucket}/large`,
      CopySourceRange: 'bytes=0-9223372036854775806',
    });
    await expect(s3.send(copy)).rejects.toMatchObject({
      message: expect.stringContaining('not valid for source object of size'),
    });
  });
});

describe('an upload of copied parts', () => {
  const at = { Bucket, Key: 'parts/one' };
  const part = (UploadId: string | undefined, PartNumber: number, more: object = {}) =>
    s3.send(
      new UploadPartCopyCommand({
        ...at,
        UploadId,
        PartNumber,
        CopySource: `${Bucket}/source-of-parts`,
        CopySourceRange: 'bytes=0-5242879',
        ...more,
      }),
    );

  it('is listed with its parts, page by page, and with other uploads', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source-of-parts', Body: randomBytes(6 * 1024 ** 2) }));
    const how = { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' } as const;
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, ...how }));
    const other = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts/two' }));
    const copied = await Promise.all([7, 2, 5].map((number) => part(UploadId, number)));
    const list = (more: object) => s3.send(new ListPartsCommand({ ...at, UploadId, MaxParts: 2, ...more }));
    const first = await list({});
    expect(first).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: '5',
      ChecksumType: 'FULL_OBJECT',
    });
    const rest = await list({ PartNumberMarker: first.NextPartNumberMarker });
    const parts = [...(first.Parts ?? []), ...(rest.Parts ?? [])];
    expect(parts.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual(
      [2, 5, 7].map((n) => [n, 5242880]),
    );
    expect(parts[0]).toMatchObject({
      ETag: copied[1]?.CopyPartResult?.ETag,
      ChecksumCRC64NVME: copied[1]?.CopyPartResult?.ChecksumCRC64NVME,
      LastModified: expect.any(Date),
    });
    expect(rest.IsTruncated).toBe(false);
    const open = (more: object) =>
      s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'parts/', MaxUploads: 1, ...more }));
    const page = await open({});
    const next = await open({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
    const ids = [...(page.Uploads ?? []), ...(next.Uploads ?? [])].map((each) => [each.Key, each.UploadId]);
    expect(ids).toEqual([
      ['parts/one', UploadId],
      ['parts/two', other.UploadId],
    ]);
    for (const [Key, id] of ids)
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    await expect(list({})).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('takes parts only of the source that is named by its ETag', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
    await expect(part(UploadId, 1, { CopySourceIfMatch: '"other"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      Condition: 'x-amz-copy-source-If-Match',
    });
    await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId }));
  });
});

it('reads and copies nothing that is archived', async () => {
  const Key = 'archived';
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'cold', StorageClass: 'DEEP_ARCHIVE' }));
  const refused = { name: 'InvalidObjectState', $metadata: { httpStatusCode: 403 } };
  await expect(text(Key)).rejects.toMatchObject(refused);
  const copy = new CopyObjectCommand({ Bucket, Key: 'warm', CopySource: `${Bucket}/${Key}` });
  await expect(s3.send(copy)).rejects.toMatchObject(refused);
  expect(await s3.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
    StorageClass: 'DEEP_ARCHIVE',
  });
});

it('answers no broken request within the body of an earlier answer', async () => {
  // More than the sockets' buffers hold, so that the answer is under way while the client does not read.
  await s3.send(new PutObjectCommand({ Bucket, Key: 'under-way', Body: Buffer.alloc(32 * 1024 ** 2) }));
  const { hostname, port } = new URL(embedded.emulators.endpoints.aws);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /${Bucket}/under-way HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await once(socket, 'readable');
  socket.write('no request\r\n\r\n');
  await s3.send(new HeadObjectCommand({ Bucket, Key: 'under-way' }));
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => void chunks.push(chunk));
  await once(socket, 'close');
  expect(Buffer.concat(chunks).includes('<Error>')).toBe(false);
});

it('says nothing of one object that holds for another', async () => {
  const at = { Bucket: 'late-versions' };
  await s3.send(new CreateBucketCommand(at));
  await s3.send(new PutObjectCommand({ ...at, Key: 'old', Body: 'old' }));
  await s3.send(new PutBucketVersioningCommand({ ...at, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(new PutObjectCommand({ ...at, Key: 'new', Body: 'new', Expires: new Date(0) }));
  const old = await s3.send(new HeadObjectCommand({ ...at, Key: 'old' }));
  expect([old.VersionId, old.ExpiresString]).toEqual([undefined, undefined]);
});

it('deletes nothing by the id of a version that is not there', async () => {
  const at = { Bucket: 'no-such-version', Key: 'kept' };
  await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }));
  await s3.send(new PutObjectCommand({ ...at, Body: 'kept' }));
  await s3.send(new DeleteObjectCommand({ ...at, VersionId: 'unknown' }));
  expect(await text(at.Key, at)).toBe('kept');
  const Status = 'Enabled';
  await s3.send(new PutBucketVersioningCommand({ Bucket: at.Bucket, VersioningConfiguration: { Status } }));
  await s3.send(new DeleteObjectCommand({ ...at, VersionId: 'unknown' }));
  expect(await text(at.Key, at)).toBe('kept');
  await s3.send(new DeleteObjectCommand({ ...at, VersionId: 'null' }));
  await expect(text(at.Key, at)).rejects.toMatchObject({ name: 'NoSuchKey' });
});

it('deletes no newer version for a list of older ones', async () => {
  const at = { Bucket: 'listed-versions', Key: 'kept' };
  await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }));
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket: at.Bucket, VersioningConfiguration }));
  const { VersionId } = await s3.send(new PutObjectCommand({ ...at, Body: 'older' }));
  await s3.send(new PutObjectCommand({ ...at, Body: 'newer' }));
  const list = (Objects: ObjectIdentifier[]) =>
    s3.send(new DeleteObjectsCommand({ Bucket: at.Bucket, Delete: { Objects } }));
  await expect(list([{ Key: at.Key, VersionId }])).rejects.toMatchObject({ name: 'NotImplemented' });
  expect(await text(at.Key, at)).toBe('newer');
  await list([{ Key: at.Key }, { Key: '<VersionId>' }]);
  await expect(text(at.Key, at)).rejects.toMatchObject({ name: 'NoSuchKey' });
});

it('keeps the parts of an upload whose bucket was deleted until it is aborted', async () => {
  const at = { Bucket: 'short-lived', Key: 'parts' };
  await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
  const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'x' }));
  await s3.send(new DeleteBucketCommand({ Bucket: at.Bucket }));
  const complete = new CompleteMultipartUploadCommand({
    ...at,
    UploadId,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
  });
  await expect(s3.send(complete)).rejects.toMatchObject({ name: 'NoSuchBucket' });
  await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId }));
});

describe('pages of a listing with a delimiter', () => {
  const keys = ['a', 'b/1', 'c/1', 'd', 'e/1', 'f/1', 'g/1'];
  const expected = ['a', 'b/', 'c/', 'd', 'e/', 'f/', 'g/'];

  beforeAll(async () => {
    for (const key of keys) await s3.send(new PutObjectCommand({ Bucket, Key: `pages/${key}`, Body: '' }));
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('name each key and prefix once, %i on a page', async (MaxKeys) => {
    const within = { Bucket, Prefix: 'pages/', Delimiter: '/', MaxKeys };
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ ...within, ContinuationToken: token }));
      seen.push(...namesOf(page));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(seen.sort()).toEqual(expected);

    const marked: string[] = [];
    let marker: string | undefined;
    do {
      const page = await s3.send(new ListObjectsCommand({ ...within, Marker: marker }));
      marked.push(...namesOf(page));
      marker = page.NextMarker;
    } while (marker !== undefined);
    expect(marked.sort()).toEqual(expected);
  });

  function namesOf({
    Contents = [],
    CommonPrefixes = [],
  }: Pick<ListObjectsV2CommandOutput, 'Contents' | 'CommonPrefixes'>): string[] {
    const names = [
      ...Contents.map(({ Key = '' }) => Key),
      ...CommonPrefixes.map(({ Prefix = '' }) => Prefix),
    ];
    return names.map((name) => name.slice('pages/'.length));
  }
});
