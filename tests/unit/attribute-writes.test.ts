// Requests that set attributes of an object: past the SDK and by it, inline and copied, and the look for our own object behind
// a lost answer.
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  type ObjectAttributes,
} from '../../shared/attributes/object-attributes.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { checksumHeader, checksumOf } from '../../shared/transfer/checksum.ts';
import { answeringS3, type GivenAnswer, isOfSdk, leftToSdk } from '../helpers/answering-s3.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';

const destination = { bucket: 'destination', key: 'a/k.css' };
const BYTES = Buffer.from('hello');
const inline = (attributes: ObjectAttributes, change: Partial<ItemWrite> = {}): ItemWrite => ({
  item: { key: 'k', text: 'hello' },
  destination,
  ifExists: 'overwrite',
  attributes,
  ...change,
});
const copy = (attributes: ObjectAttributes): ItemWrite =>
  inline(attributes, { item: { key: 'k', source: 's3://source/x' } });

const ATTRIBUTES: ObjectAttributes = {
  contentType: 'text/css',
  cacheControl: 'no-store',
  metadata: new Map([['__proto__', 'p']]),
  tags: new Map([['team', 'ü x']]),
  storageClass: 'GLACIER',
  encryption: { kind: 'kms', key: 'alias/x', bucketKey: false },
};
const HEADERS = {
  'content-type': 'text/css',
  'cache-control': 'no-store',
  'x-amz-tagging': 'team=%C3%BC%20x',
  'x-amz-storage-class': 'GLACIER',
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': 'alias/x',
  'x-amz-server-side-encryption-bucket-key-enabled': 'false',
};
const SOURCE: GivenAnswer = {
  statusCode: 200,
  headers: {
    etag: '"s"',
    'content-type': 'text/plain',
    'x-amz-meta-a': 'b',
    'x-amz-storage-class': 'ONEZONE_IA',
  },
};
const WAYS = [
  { by: 'past the SDK', prepare: (s3: S3Client) => s3, bySdk: false },
  { by: 'by the SDK', prepare: leftToSdk, bySdk: true },
];

function s3With(checksums: Record<string, string> = {}) {
  return answeringS3(({ method, headers }) => {
    if (method === 'HEAD') return SOURCE;
    if (headers['x-amz-copy-source'] !== undefined)
      return { statusCode: 200, text: '<CopyObjectResult><ETag>"c"</ETag></CopyObjectResult>' };
    return { statusCode: 200, headers: { etag: '"e"', ...checksums } };
  });
}

describe.each(WAYS)('an inline object $by', ({ prepare, bySdk }) => {
  it('has its attributes as headers', async () => {
    const { s3, sent } = s3With();
    await createItemWrites(prepare(s3)).write(inline(ATTRIBUTES));
    expect(isOfSdk(sent[0]!)).toBe(bySdk);
    expect(sent[0]!.headers).toMatchObject(HEADERS);
    expect(sent[0]!.headers['x-amz-meta-__proto__']).toBe('p');
  });

  it.each(CHECKSUM_ALGORITHMS)('carries the checksum %s, and no other', async (checksumAlgorithm) => {
    const value = await checksumOf(checksumAlgorithm, BYTES);
    const { s3, sent } = s3With({ [checksumHeader(checksumAlgorithm)]: value });
    const stored = await createItemWrites(prepare(s3)).write(inline({ checksumAlgorithm }));
    const { headers } = sent[0]!;
    const carried = Object.keys(headers).filter((name) => /^x-amz-checksum-(crc|sha)/.test(name));
    expect(carried).toEqual([checksumHeader(checksumAlgorithm)]);
    expect(headers[checksumHeader(checksumAlgorithm)]).toBe(value);
    expect(stored).toEqual({
      etag: '"e"',
      checksum: value,
      bytes: 5,
      ...(checksumAlgorithm === 'CRC32' ? {} : { checksumAlgorithm }),
    });
  });
});

describe('the type of an inline object', () => {
  it.each<[string, Partial<ItemWrite>, string]>([
    ["of its key's ending", { guessesType: true }, 'text/css'],
    ['of its row or job', { guessesType: true, attributes: { contentType: 'a/b' } }, 'a/b'],
    ['none, where the job says none', {}, 'application/octet-stream'],
    [
      'none, where the ending says nothing',
      { guessesType: true, destination: { bucket: 'b', key: 'css' } },
      'application/octet-stream',
    ],
  ])('is that %s', async (_, change, type) => {
    const { s3, sent } = s3With();
    await createItemWrites(s3).write(inline({}, change));
    expect(sent[0]!.headers['content-type']).toBe(type);
  });
});

describe.each(WAYS)('a copy $by', ({ prepare }) => {
  const { 'content-type': _, 'cache-control': __, ...plain } = HEADERS;

  it('needs no HEAD for tags, class, encryption and checksum', async () => {
    const { s3, sent } = s3With();
    const { contentType: _type, cacheControl: _cache, metadata: _metadata, ...attributes } = ATTRIBUTES;
    await createItemWrites(prepare(s3)).write(copy({ ...attributes, checksumAlgorithm: 'SHA256' }));
    expect(sent.map(({ method }) => method)).toEqual(['PUT']);
    expect(sent[0]!.headers).toMatchObject({
      ...plain,
      'x-amz-tagging-directive': 'REPLACE',
      'x-amz-checksum-algorithm': 'SHA256',
    });
    expect(sent[0]!.headers['x-amz-metadata-directive']).toBeUndefined();
  });

  it('keeps what it does not change of the metadata', async () => {
    const { s3, sent } = s3With();
    await createItemWrites(prepare(s3)).write(
      copy({ cacheControl: 'no-store', metadata: new Map([['c', 'd']]) }),
    );
    expect(sent.map(({ method }) => method)).toEqual(['HEAD', 'PUT']);
    expect(sent[1]!.headers).toMatchObject({
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-copy-source-if-match': '"s"',
      'content-type': 'text/plain',
      'cache-control': 'no-store',
      'x-amz-meta-a': 'b',
      'x-amz-meta-c': 'd',
    });
  });

  it("keeps its source's class alone where only that is asked for", async () => {
    const { s3, sent } = s3With();
    await createItemWrites(prepare(s3)).write(copy({ keepsClass: true }));
    expect(sent.map(({ method }) => method)).toEqual(['HEAD', 'PUT']);
    expect(sent[1]!.headers).toMatchObject({ 'x-amz-storage-class': 'ONEZONE_IA' });
    expect(sent[1]!.headers).not.toHaveProperty('x-amz-metadata-directive');
    expect(sent[1]!.headers).not.toHaveProperty('x-amz-meta-a');
  });
});

describe('the look for our own object', () => {
  const found = (more: Record<string, string>) =>
    answeringS3(() => ({ statusCode: 200, headers: { etag: '"of kms"', 'content-length': '5', ...more } }));

  it.each(CHECKSUM_ALGORITHMS)('knows it by %s, whatever its ETag is', async (checksumAlgorithm) => {
    const head = async (bytes: Buffer) => ({
      [checksumHeader(checksumAlgorithm)]: await checksumOf(checksumAlgorithm, bytes),
    });
    const write = inline({ checksumAlgorithm, encryption: { kind: 'kms' } });
    const own = found(await head(BYTES));
    expect(await createItemWrites(own.s3).recognise(write)).toMatchObject({ bytes: 5 });
    const others = found(await head(Buffer.from('other')));
    expect(await createItemWrites(others.s3).recognise(write)).toBeUndefined();
  });

  const compare = (destinationHead: Record<string, string>, sourceHead: Record<string, string>) => {
    const { s3 } = answeringS3(({ path }) => ({
      statusCode: 200,
      headers: { 'content-length': '5', ...(path.includes('a/k.css') ? destinationHead : sourceHead) },
    }));
    return createItemWrites(s3).recognise(copy({ checksumAlgorithm: 'SHA256' as ChecksumAlgorithm }));
  };
  const [MD5, OTHER] = [`"${'a'.repeat(32)}"`, `"${'b'.repeat(32)}"`];

  it('knows a copy by its ETag, and that of another, where both are MD5s', async () => {
    expect(await compare({ etag: MD5 }, { etag: MD5 })).toMatchObject({ bytes: 5 });
    expect(await compare({ etag: OTHER }, { etag: MD5 })).toBeUndefined();
  });

  it.each([
    ['the source was uploaded in parts', {}, { etag: `"${'a'.repeat(32)}-3"` }],
    ['the copy is encrypted with KMS', { 'x-amz-server-side-encryption': 'aws:kms' }, { etag: OTHER }],
  ])('leaves it open where %s and no checksum is common', async (_, destinationHead, sourceHead) => {
    const asked = compare({ etag: MD5, ...destinationHead }, sourceHead);
    const fault = classifyFault(await asked.catch((error: unknown) => error));
    expect(fault).toMatchObject({ kind: 'permanent', code: 'SourceUnreadable' });
  });
});
