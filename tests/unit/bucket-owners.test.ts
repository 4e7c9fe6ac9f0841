// Who must own a bucket: read from the configuration, and said with every request to S3.
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { withRemedy } from '../../functions/upload/access-remedy.ts';
import { createBucketOwners } from '../../local/aws/s3/owners.ts';
import { parseS3Request } from '../../local/aws/s3/s3-requests.ts';
import { expectOwners, ownerHeaders } from '../../shared/aws/bucket-owners.ts';
import { createOwnerOf, parseOwnedBucket } from '../../shared/keys/owned-bucket.ts';

const OWN = '000000000000';
const OTHER = '123456789012';
const ownerOf = createOwnerOf(OWN, [
  { bucket: 'listed' },
  { bucket: 'other', account: OTHER },
  { bucket: 'open', account: 'any' },
]);

describe('a bucket of the configuration', () => {
  it.each([
    ['photos', { bucket: 'photos' }],
    [`photos@${OTHER}`, { bucket: 'photos', account: OTHER }],
    ['photos@any', { bucket: 'photos', account: 'any' }],
    ['photos@', undefined],
    ['photos@12', undefined],
    [`@${OTHER}`, undefined],
    [`photos@${OTHER}@${OTHER}`, undefined],
    ['', undefined],
  ])('%j is %j', (text, expected) => {
    expect(parseOwnedBucket(text)).toEqual(expected);
  });

  it('is of the stack\u2019s own account, unless another is named', () => {
    expect(['listed', 'unlisted', 'other', 'open'].map(ownerOf)).toEqual([OWN, OWN, OTHER, undefined]);
  });
});

describe('a client that expects owners', () => {
  /** The owners that a request expects, by its headers. */
  async function expected(send: (s3: S3Client) => Promise<unknown>): Promise<(string | undefined)[]> {
    let headers: Record<string, string> = {};
    const s3 = new S3Client({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
      requestHandler: {
        handle: (request: { headers: Record<string, string> }) => {
          headers = request.headers;
          return Promise.reject(new Error('sent'));
        },
      },
    });
    await send(expectOwners(s3, ownerOf)).catch(() => undefined);
    // What is not signed could be taken off on the way.
    const signed = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1]?.split(';') ?? [];
    const names = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner'];
    for (const name of names) if (headers[name] !== undefined) expect(signed).toContain(name);
    return names.map((name) => headers[name]);
  }

  it.each([
    ['a write', new PutObjectCommand({ Bucket: 'other', Key: 'k', Body: 'x' }), [OTHER, undefined]],
    ['a read', new GetObjectCommand({ Bucket: 'listed', Key: 'k' }), [OWN, undefined]],
    ['a HEAD', new HeadObjectCommand({ Bucket: 'open', Key: 'k' }), [undefined, undefined]],
    ['a listing', new ListObjectsV2Command({ Bucket: 'listed' }), [OWN, undefined]],
    [
      'a copy',
      new CopyObjectCommand({ Bucket: 'listed', Key: 'k', CopySource: 'other/a%2Fb' }),
      [OWN, OTHER],
    ],
    [
      'a copy of a public source',
      new CopyObjectCommand({ Bucket: 'other', Key: 'k', CopySource: '/open/k' }),
      [OTHER, undefined],
    ],
    [
      'a part of a copy',
      new UploadPartCopyCommand({
        Bucket: 'other',
        Key: 'k',
        CopySource: 'listed/k',
        UploadId: 'u',
        PartNumber: 1,
      }),
      [OTHER, OWN],
    ],
  ])('says so with %s', async (_, command, owners) => {
    expect(await expected((s3) => s3.send(command as PutObjectCommand))).toEqual(owners);
  });

  it('says so of writes past the SDK, and no other client does', () => {
    const s3 = expectOwners(new S3Client({ region: 'eu-west-1' }), ownerOf);
    expect(ownerHeaders(s3, 'other', 'listed/k')).toEqual({
      'x-amz-expected-bucket-owner': OTHER,
      'x-amz-source-expected-bucket-owner': OWN,
    });
    expect(ownerHeaders(new S3Client({ region: 'eu-west-1' }), 'other', 'listed/k')).toEqual({});
  });
});

describe('the embedded S3', () => {
  const owners = createBucketOwners(OWN, [{ name: 'mine' }, { name: 'theirs', account: OTHER }]);
  const refused = (bucket: string, headers: Record<string, string>) =>
    owners.refusal(parseS3Request({ method: 'PUT', url: `/${bucket}/k`, headers })!, headers)?.code;

  it('refuses a request that expects another owner, of the bucket or of a copy\u2019s source', () => {
    const expectsOwn = { 'x-amz-expected-bucket-owner': OWN };
    expect(refused('mine', expectsOwn)).toBeUndefined();
    expect(refused('theirs', expectsOwn)).toBe('AccessDenied');
    expect(refused('theirs', {})).toBeUndefined();
    const copy = { ...expectsOwn, 'x-amz-copy-source': '/theirs/k' };
    expect(refused('mine', copy)).toBeUndefined();
    expect(refused('mine', { ...copy, 'x-amz-source-expected-bucket-owner': OTHER })).toBeUndefined();
    expect(refused('mine', { ...copy, 'x-amz-source-expected-bucket-owner': OWN })).toBe('AccessDenied');
  });
});

describe('the remedy of a refused object', () => {
  it('is the list that the key or the bucket is missing in', () => {
    const code = 'AccessDenied';
    expect(
      withRemedy({ code, message: 'not authorized to perform: kms:GenerateDataKey on resource: k' }),
    ).toMatch(/on resource: k\. List the key in the deployment's parameter kmsKeys/);
    expect(withRemedy({ code, message: 'Access Denied' })).toMatch(/BUCKET@ACCOUNT in sourceBuckets/);
    expect(withRemedy({ code: 'NoSuchKey', message: 'gone' })).toBe('gone');
  });
});
