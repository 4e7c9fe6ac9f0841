// Objects of the embedded S3 as S3 stores them: any type, any size, checked, and every refusal in S3's XML.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { startEmbedded } from '../helpers/embedded.ts';

/** Above what fauxqs takes, and what is kept in memory. */
const LARGE = randomBytes(13 * 1024 ** 2);
const PART = LARGE.subarray(0, 6 * 1024 ** 2);
const Bucket = 'plain';

let s3: S3Client;

const embedded = duringTests(() =>
  startEmbedded({ buckets: [{ name: Bucket }, { name: 'versioned', versioned: true }] }),
);
beforeAll(async () => {
  s3 = embedded.s3;
});

const etagOf = (bytes: Uint8Array) => `"${createHash('md5').update(bytes).digest('hex')}"`;

async function bytes(Key: string, more: object = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function ask(method: string, path: string, init: RequestInit = {}) {
  const answer = await fetch(`${embedded.emulators.endpoints.aws}${path}`, { method, ...init });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    code: /<Code>(.*?)<\/Code>/.exec(text)?.[1],
  };
}

/** As it goes over the wire: what no client library would send. */
async function raw(text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(embedded.emulators.endpoints.aws);
  const socket = connect(Number(port), hostname);
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    if (Buffer.concat(chunks).includes('</Error>') || /\r\ncontent-length: 0\r\n/i.test(String(chunks)))
      break;
  }
  return Buffer.concat(chunks).toString('latin1');
}

describe('a content type', () => {
  it.each([
    ['text/plain', 'words'],
    ['application/json', '{"broken": '],
    ['application/x-www-form-urlencoded', 'a=b&c=%zz'],
    ['multipart/form-data; boundary=x', '--x\r\nno form\r\n'],
    ['multipart/form-data', ''],
    ['application/x-amz-json-1.0', '{'],
    ['application/xml', '<Delete>'],
    ['garbage', 'x'],
    ['a/b/c; ;;=', 'x'],
    ['__proto__', 'x'],
    [`x/${'y'.repeat(5_000)}`, 'x'],
    ['text/pl\u00e4in', 'x'],
  ])('%s is stored as it was sent, with the bytes as they were sent', async (type, text) => {
    const path = `/${Bucket}/types/${encodeURIComponent(type.slice(0, 40))}`;
    const put = await ask('PUT', path, { body: Buffer.from(text), headers: { 'content-type': type } });
    expect([put.status, put.text]).toEqual([200, '']);
    expect(put.headers.get('etag')).toBe(etagOf(Buffer.from(text)));
    const got = await ask('GET', path);
    expect([got.text, got.headers.get('content-type')]).toEqual([text, type]);
    expect((await ask('HEAD', path)).headers.get('content-type')).toBe(type);
    const copied = await ask('PUT', `${path}-copy`, { headers: { 'x-amz-copy-source': path } });
    expect(copied.status).toBe(200);
    expect((await ask('HEAD', `${path}-copy`)).headers.get('content-type')).toBe(type);
    const began = await ask('POST', `${path}?uploads`, { headers: { 'content-type': type } });
    expect([began.status, began.text]).toEqual([200, expect.stringContaining('<UploadId>')]);
  });

  it.each(['', 'content-type:\r\n'])(
    'that is missing or empty is binary/octet-stream: %j',
    async (header) => {
      const answer = await raw(
        `PUT /${Bucket}/untyped HTTP/1.1\r\nhost: localhost\r\n${header}content-length: 1\r\n\r\nx`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'untyped' }));
      expect(head.ContentType).toBe('binary/octet-stream');
    },
  );
});

describe('an empty body', () => {
  it.each(['folder/', '_SUCCESS', 'a folder/of/\u00e4/'])('is stored as %s', async (Key) => {
    const path = `/${Bucket}/${encodeURIComponent(Key).replaceAll('%2F', '/')}`;
    for (const put of [
      () => ask('PUT', path),
      () => s3.send(new PutObjectCommand({ Bucket, Key, Body: '' })),
      () => s3.send(new PutObjectCommand({ Bucket, Key, ContentType: 'application/x-directory' })),
    ]) {
      await put();
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
      expect([head.ContentLength, head.ETag]).toEqual([0, etagOf(Buffer.alloc(0))]);
      expect(await bytes(Key)).toEqual(Buffer.alloc(0));
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
      expect(Contents.map((each) => [each.Key, each.Size])).toEqual([[Key, 0]]);
    }
  });

  it('needs no length', async () => {
    const answer = await raw(`PUT /${Bucket}/no-length HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('a large body', () => {
  it('is stored by a single PUT, and read whole, by range and with its checksum', async () => {
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: LARGE }));
    expect(put.ETag).toBe(etagOf(LARGE));
    expect((await bytes('large')).equals(LARGE)).toBe(true);
    expect(
      (await bytes('large', { Range: 'bytes=700000-12000000' })).equals(LARGE.subarray(700_000, 12_000_001)),
    ).toBe(true);
    expect((await bytes('large', { Range: 'bytes=-10' })).equals(LARGE.subarray(-10))).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'large', ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumCRC32).toBe(put.ChecksumCRC32);
    await expect(bytes('large', { Range: `bytes=${LARGE.length}-` })).rejects.toMatchObject({
      name: 'InvalidRange',
    });
  });

  it('may be a stream in the aws-chunked encoding', async () => {
    const Body = Readable.from(
      Array.from({ length: 13 }, (_, at) => LARGE.subarray(at * 1024 ** 2, (at + 1) * 1024 ** 2)),
    );
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'streamed',
        Body,
        ContentLength: LARGE.length,
        ContentEncoding: 'gzip',
      }),
    );
    expect((await bytes('streamed')).equals(LARGE)).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'streamed' }));
    expect([head.ETag, head.ContentEncoding]).toEqual([etagOf(LARGE), 'gzip']);
  });

  it('outlives the object that it was copied from, and its replacement', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: LARGE }));
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source` }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'source' }));
    expect((await bytes('copy')).equals(LARGE)).toBe(true);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'copy', Body: 'small' }));
    expect((await bytes('copy')).toString()).toBe('small');
  });

  it('is kept by its version', async () => {
    const at = { Bucket: 'versioned', Key: 'large' };
    const { VersionId } = await s3.send(new PutObjectCommand({ ...at, Body: LARGE }));
    await s3.send(new PutObjectCommand({ ...at, Body: 'newer' }));
    expect((await bytes('large', { Bucket: 'versioned', VersionId })).equals(LARGE)).toBe(true);
    await s3.send(new DeleteObjectCommand({ ...at, VersionId }));
    await expect(bytes('large', { Bucket: 'versioned', VersionId })).rejects.toMatchObject({
      name: 'NoSuchVersion',
    });
    expect((await bytes('large', { Bucket: 'versioned' })).toString()).toBe('newer');
  });

  it('comes in parts, sent and copied, and keeps what the upload began with', async () => {
    const at = { Bucket, Key: 'parts' };
    await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: LARGE }));
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({
        ...at,
        ContentType: 'garbage',
        Expires: new Date(0),
        ChecksumAlgorithm: 'CRC32',
        ChecksumType: 'FULL_OBJECT',
      }),
    );
    const sent = await s3.send(
      new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: PART, ChecksumAlgorithm: 'CRC32' }),
    );
    const copied = await s3.send(
      new UploadPartCopyCommand({
        ...at,
        UploadId,
        PartNumber: 3,
        CopySource: `${Bucket}/large`,
        CopySourceRange: 'bytes=5-99',
      }),
    );
    const Parts = [
      { PartNumber: 1, ETag: sent.ETag },
      { PartNumber: 3, ETag: copied.CopyPartResult?.ETag },
    ];
    await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    const whole = Buffer.concat([PART, LARGE.subarray(5, 100)]);
    // The SDK checks the joined checksum against what it reads.
    expect((await bytes('parts')).equals(whole)).toBe(true);
    expect((await bytes('parts', { PartNumber: 3 })).equals(LARGE.subarray(5, 100))).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ ...at, ChecksumMode: 'ENABLED' }));
    expect([head.ContentType, head.ChecksumType, head.ExpiresString]).toEqual([
      'garbage',
      'FULL_OBJECT',
      expect.stringContaining('1970'),
    ]);
    expect(head.ETag).toMatch(/-2"$/);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'one-part', CopySource: `${Bucket}/parts` }));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'one-part' }))).ETag).toBe(etagOf(whole));
  });
});

describe('a body that is not what was promised', () => {
  const chunked = (text: string, more: Record<string, string> = {}) => ({
    body: text,
    headers: {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': '3',
      ...more,
    },
  });

  it.each([
    ['another MD5', { body: 'abc', headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } }, 'BadDigest'],
    ['no MD5', { body: 'abc', headers: { 'content-md5': 'abc' } }, 'InvalidDigest'],
    ['another CRC', { body: 'abc', headers: { 'x-amz-checksum-crc32c': 'AAAAAA==' } }, 'BadDigest'],
    [
      'another CRC in the trailer',
      chunked('3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', {
        'x-amz-trailer': 'x-amz-checksum-crc32',
      }),
      'BadDigest',
    ],
    [
      'no trailer',
      chunked('3\r\nabc\r\n0\r\n\r\n', { 'x-amz-trailer': 'x-amz-checksum-crc32' }),
      'MalformedTrailerError',
    ],
    ['fewer bytes', chunked('2\r\nab\r\n0\r\n\r\n'), 'IncompleteBody'],
    ['more bytes', chunked('4\r\nabcd\r\n0\r\n\r\n'), 'IncompleteBody'],
    ['no chunks', chunked('abc'), 'IncompleteBody'],
    ['no length', chunked('0\r\n\r\n', { 'x-amz-decoded-content-length': 'many' }), 'MissingContentLength'],
    [
      'too much metadata',
      { body: 'abc', headers: { 'x-amz-meta-a': 'b'.repeat(2_100) } },
      'MetadataTooLarge',
    ],
  ])('is refused for %s, and nothing of it is stored', async (_what, init, code) => {
    const answer = await ask('PUT', `/${Bucket}/promised`, init);
    expect(answer).toMatchObject({ code });
    expect(answer.headers.get('content-type')).toBe('application/xml');
    expect(answer.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'promised' }));
    expect(KeyCount).toBe(0);
  });

  it('is refused before it is sent where it is above 5 GiB, or of unknown length', async () => {
    const put = `PUT /${Bucket}/huge HTTP/1.1\r\nhost: localhost\r\n`;
    expect(await raw(`${put}content-length: ${5 * 1024 ** 3 + 1}\r\n\r\n`)).toMatch(
      / 400 [\s\S]*<Code>EntityTooLarge</,
    );
    expect(await raw(`${put}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
      / 501 [\s\S]*<Code>NotImplemented</,
    );
  });
});

describe('what S3 does not know', () => {
  it.each([
    ['PATCH', `/${Bucket}/key`, 405, 'MethodNotAllowed'],
    ['POST', `/${Bucket}/key`, 405, 'MethodNotAllowed'],
    ['POST', `/${Bucket}`, 412, 'PreconditionFailed'],
    ['OPTIONS', `/${Bucket}/key`, 405, 'MethodNotAllowed'],
    ['PATCH', `/${Bucket}`, 405, 'MethodNotAllowed'],
    ['PUT', `/${Bucket}/%zz`, 400, 'InvalidURI'],
    ['PUT', `/${Bucket}/${'k'.repeat(1_025)}`, 400, 'KeyTooLongError'],
    ['PUT', '/nowhere/key', 404, 'NoSuchBucket'],
    ['GET', `/${'b'.repeat(150)}`, 404, 'NoSuchBucket'],
    ['GET', `/${Bucket}/nothing`, 404, 'NoSuchKey'],
    ['PUT', `/${Bucket}/key?tagging`, 501, 'NotImplemented'],
    ['GET', `/${Bucket}?cors`, 501, 'NotImplemented'],
    ['PUT', `/${Bucket}/key?partNumber=0&uploadId=x`, 400, 'InvalidArgument'],
    ['PUT', `/${Bucket}/key?partNumber=1&uploadId=x`, 404, 'NoSuchUpload'],
    ['POST', `/${Bucket}/key?uploadId=x`, 404, 'NoSuchUpload'],
  ])('%s %s is answered %i in XML', async (method, path, status, code) => {
    const body = method === 'GET' ? {} : { body: 'x' };
    const answer = await ask(method, path, { ...body, headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status, code });
    expect(answer.headers.get('content-type')).toBe('application/xml');
    expect(answer.headers.get('x-amz-request-id')).toMatch(/^[0-9A-Z]{16}$/);
  });

  it('is none of its longest keys', async () => {
    const path = `/${Bucket}/${'k'.repeat(1_024)}`;
    expect((await ask('PUT', path, { body: 'x' })).status).toBe(200);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect(await ask('GET', path)).toMatchObject({ status: 404, code: 'NoSuchKey' });
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 'BadRequest'],
    [
      'a length that is no number',
      `PUT /${Bucket}/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n`,
      'BadRequest',
    ],
    [
      'a header without end',
      `PUT /${Bucket}/k HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      'RequestHeaderSectionTooLarge',
    ],
  ])('%s is answered in XML', async (_what, request, code) => {
    const answer = await raw(request);
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\ncontent-type: application\/xml\r\n/);
    expect(answer).toMatch(/\r\nx-amz-request-id: [0-9A-F]{16}\r\n/);
    expect(answer).toContain(`<Code>${code}</Code>`);
  });

  it('answers SQS’s clients about a broken body in their own form', async () => {
    const answer = await ask('POST', '/', {
      body: '{broken',
      headers: { 'x-amz-target': 'AmazonSQS.SendMessage', 'content-type': 'application/x-amz-json-1.0' },
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({
      __type: expect.stringContaining('SerializationException'),
    });
  });
});
