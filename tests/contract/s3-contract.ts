// What the pipeline takes for granted of S3 for its manifests and reports, asked of any client: the one in memory, and the
// embedded cloud's.
import { hash, randomBytes, randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { listKeys } from '../../shared/aws/list-keys.ts';

/** Buckets that the subject must have; the second keeps versions. */
export const CONTRACT_BUCKETS = { plain: 'plain', versioned: 'versioned' };

const LEAST_PART_BYTES = 5 * 1024 ** 2;

export function s3Contract(s3Of: () => S3Client): void {
  const Bucket = CONTRACT_BUCKETS.plain;
  const put = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
    s3Of().send(new PutObjectCommand({ Bucket, Key, Body: 'text', ...more }));
  const get = async (Key: string, more: object = {}) => {
    const { Body, ...answer } = await s3Of().send(new GetObjectCommand({ Bucket, Key, ...more }));
    return { ...answer, text: await Body?.transformToString() };
  };
  const head = (Key: string, more: object = {}) =>
    s3Of().send(new HeadObjectCommand({ Bucket, Key, ...more }));
  const refused = (name: string, httpStatusCode: number) => ({ name, $metadata: { httpStatusCode } });

  it('gives back what was put, with its type, its metadata and the ETag of its bytes', async () => {
    const Key = randomUUID();
    const ETag = `"${hash('md5', 'text')}"`;
    const properties = { ContentType: 'text/csv', Metadata: { name: 'value' } };
    expect(await put(Key, properties)).toMatchObject({ ETag });
    const expected = { ...properties, ETag, ContentLength: 4 };
    expect(await get(Key)).toMatchObject({ ...expected, text: 'text' });
    expect(await head(Key)).toMatchObject(expected);
  });

  it('gives the type that the SDK sends to what was put without one', async () => {
    const Key = randomUUID();
    await put(Key);
    expect((await head(Key)).ContentType).toBe('application/octet-stream');
  });

  it('refuses what is not there', async () => {
    await expect(get(randomUUID())).rejects.toMatchObject(refused('NoSuchKey', 404));
    await expect(head(randomUUID())).rejects.toMatchObject(refused('NotFound', 404));
  });

  it('creates an object once where it must not be there', async () => {
    const Key = randomUUID();
    await put(Key, { IfNoneMatch: '*' });
    await expect(put(Key, { Body: 'other', IfNoneMatch: '*' })).rejects.toMatchObject(
      refused('PreconditionFailed', 412),
    );
    expect((await get(Key)).text).toBe('text');
  });

  it('reads only the object whose ETag is named', async () => {
    const Key = randomUUID();
    const { ETag } = await put(Key);
    expect((await get(Key, { IfMatch: ETag })).text).toBe('text');
    await put(Key, { Body: 'other' });
    await expect(get(Key, { IfMatch: ETag })).rejects.toMatchObject(refused('PreconditionFailed', 412));
  });

  it.each([
    { Range: 'bytes=1-2', text: 'bc' },
    { Range: 'bytes=2-', text: 'cdef' },
    { Range: 'bytes=4-99', text: 'ef' },
  ])('reads a range: $Range', async ({ Range, text }) => {
    const Key = randomUUID();
    await put(Key, { Body: 'abcdef' });
    expect(await get(Key, { Range })).toMatchObject({ text, ContentLength: text.length });
  });

  it('refuses a range behind the end', async () => {
    const Key = randomUUID();
    await put(Key);
    await expect(get(Key, { Range: 'bytes=4-9' })).rejects.toMatchObject(refused('InvalidRange', 416));
  });

  it('lists keys below a prefix in the order of their bytes, page by page', async () => {
    const prefix = `${randomUUID()}/`;
    // In UTF-16 the last two are the other way round.
    const keys = ['B', 'a', 'a/b', 'é', '\uff5e', '\u{1f600}'].map((name) => `${prefix}${name}`);
    for (const key of keys.toReversed()) await put(key);
    expect(await Array.fromAsync(listKeys(s3Of(), Bucket, prefix))).toEqual(keys);
    const page = (more: object) =>
      s3Of().send(new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 4, ...more }));
    const first = await page({});
    expect(first.Contents?.map(({ Key }) => Key)).toEqual(keys.slice(0, 4));
    for (const { Key, Size, ETag } of first.Contents ?? []) {
      const { ContentLength, ETag: etag } = await s3Of().send(new HeadObjectCommand({ Bucket, Key }));
      expect([Size, ETag]).toEqual([ContentLength, etag]);
    }
    expect(first.IsTruncated).toBe(true);
    const second = await page({ ContinuationToken: first.NextContinuationToken });
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(keys.slice(4));
    expect([second.IsTruncated, second.NextContinuationToken]).toEqual([false, undefined]);
    expect((await page({ StartAfter: keys[2] })).Contents?.map(({ Key }) => Key)).toEqual(keys.slice(3));
    const none = await page({ Prefix: `${prefix}none` });
    expect([none.Contents, none.KeyCount]).toEqual([undefined, 0]);
  });

  it('deletes several, also those that are not there', async () => {
    const [gone, kept] = [randomUUID(), randomUUID()];
    await put(gone);
    await put(kept);
    const Objects = [{ Key: gone }, { Key: randomUUID() }];
    const { Errors } = await s3Of().send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors ?? []).toEqual([]);
    await expect(head(gone)).rejects.toMatchObject(refused('NotFound', 404));
    expect((await get(kept)).text).toBe('text');
  });

  describe('an upload in parts', () => {
    const large = randomBytes(LEAST_PART_BYTES);
    const small = Buffer.from('end');

    async function begin(more: object = {}) {
      const place = { Bucket, Key: randomUUID() };
      const { UploadId } = await s3Of().send(new CreateMultipartUploadCommand({ ...place, ...more }));
      const upload = { ...place, UploadId };
      return {
        ...upload,
        part: async (PartNumber: number, Body: Buffer) => {
          const { ETag } = await s3Of().send(new UploadPartCommand({ ...upload, PartNumber, Body }));
          return { PartNumber, ETag };
        },
        complete: (Parts: { PartNumber: number; ETag: string | undefined }[], how: object = {}) =>
          s3Of().send(new CompleteMultipartUploadCommand({ ...upload, ...how, MultipartUpload: { Parts } })),
        abort: () => s3Of().send(new AbortMultipartUploadCommand(upload)),
      };
    }

    it('makes one object of them, in the order of their numbers', async () => {
      const properties = { ContentType: 'text/csv', Metadata: { name: 'value' } };
      const { Key, part, complete } = await begin(properties);
      const second = await part(2, small);
      const first = await part(1, large);
      await expect(head(Key)).rejects.toMatchObject(refused('NotFound', 404));
      const digests = [large, small].map((body) => hash('md5', body)).join('');
      const ETag = `"${hash('md5', Buffer.from(digests, 'hex'))}-2"`;
      expect(await complete([first, second])).toMatchObject({ ETag });
      expect(await head(Key)).toMatchObject({
        ...properties,
        ETag,
        ContentLength: large.length + small.length,
      });
      const { Body } = await s3Of().send(new GetObjectCommand({ Bucket, Key }));
      expect(hash('md5', (await Body?.transformToByteArray()) ?? '')).toBe(
        hash('md5', Buffer.concat([large, small])),
      );
    });

    it('refuses a part that was not uploaded, and one that is too small', async () => {
      const { part, complete } = await begin();
      const parts = [await part(1, small), await part(2, small)];
      await expect(complete([{ PartNumber: 1, ETag: '"x"' }])).rejects.toMatchObject(
        refused('InvalidPart', 400),
      );
      await expect(complete(parts)).rejects.toMatchObject(refused('EntityTooSmall', 400));
    });

    it('is not known once it is aborted or completed', async () => {
      const aborted = await begin();
      await aborted.abort();
      await expect(aborted.part(1, small)).rejects.toMatchObject(refused('NoSuchUpload', 404));
      const { part, complete, abort } = await begin();
      await complete([await part(1, small)]);
      await expect(abort()).rejects.toMatchObject(refused('NoSuchUpload', 404));
    });

    it('is refused where its object must not be there, and stays open', async () => {
      const { Key, part, complete, abort } = await begin();
      const parts = [await part(1, small)];
      await put(Key);
      await expect(complete(parts, { IfNoneMatch: '*' })).rejects.toMatchObject(
        refused('PreconditionFailed', 412),
      );
      expect((await get(Key)).text).toBe('text');
      await abort();
    });
  });

  describe('a bucket with versions', () => {
    const at = { Bucket: CONTRACT_BUCKETS.versioned };

    it('keeps each, and gives the newest where none is named', async () => {
      const Key = randomUUID();
      const one = await put(Key, { ...at, Body: 'one' });
      const two = await put(Key, { ...at, Body: 'two' });
      expect(one.VersionId).not.toBe(two.VersionId);
      expect((await get(Key, at)).text).toBe('two');
      expect((await get(Key, { ...at, VersionId: one.VersionId })).text).toBe('one');
      expect(await head(Key, { ...at, VersionId: two.VersionId })).toMatchObject({ ContentLength: 3 });
    });

    it('keeps them also when the object is deleted', async () => {
      const Key = randomUUID();
      const { VersionId } = await put(Key, at);
      await s3Of().send(new DeleteObjectsCommand({ ...at, Delete: { Objects: [{ Key }] } }));
      await expect(get(Key, at)).rejects.toMatchObject(refused('NoSuchKey', 404));
      expect((await get(Key, { ...at, VersionId })).text).toBe('text');
      expect(await Array.fromAsync(listKeys(s3Of(), at.Bucket, Key))).toEqual([]);
      await put(Key, { ...at, Body: 'again', IfNoneMatch: '*' });
      expect((await get(Key, at)).text).toBe('again');
    });

    it("refuses another object's version", async () => {
      const [Key, other] = [randomUUID(), randomUUID()];
      await put(Key, at);
      await put(other, at);
      const { VersionId } = await put(other, at);
      await expect(get(Key, { ...at, VersionId })).rejects.toMatchObject(refused('NoSuchVersion', 404));
    });
  });
}
