// Writes past the SDK are held against the SDK: the same address, the same signature, the same meaning of each answer.

import { Readable } from 'node:stream';
import { CopyObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { classifyFault } from '../../shared/aws/classify.ts';
import { createSigner } from '../../shared/aws/signature.ts';
import { elementText } from '../../shared/aws/xml-element.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';

interface Sent {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: Uint8Array;
}

interface Answer {
  statusCode: number;
  headers?: Record<string, string>;
  text?: string;
}

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI', sessionToken: 'a-token' };
const STORED: Answer = {
  statusCode: 200,
  headers: { etag: '"e"', 'x-amz-version-id': 'v1', 'x-amz-checksum-crc32': 'NhCmhg==' },
};
const COPIED: Answer = {
  statusCode: 200,
  headers: { 'x-amz-version-id': 'v2' },
  text: '  <CopyObjectResult><ETag>&quot;c&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></CopyObjectResult>',
};
const SOURCE_HEAD: Answer = {
  statusCode: 200,
  headers: {
    etag: '"s"',
    'cache-control': 'max-age=9',
    expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
    'x-amz-meta-a': 'b',
  },
};
const xml = (statusCode: number, code: string, message: string): Answer => ({
  statusCode,
  headers: { 'content-type': 'application/xml' },
  text: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});
/** It counts its tries in each request. */
const isOfSdk = ({ headers }: Sent): boolean => headers['amz-sdk-invocation-id'] !== undefined;

/** A client whose requests go nowhere: the last answer stays. */
function fixture(answers: Answer[] = [STORED], config: S3ClientConfig = {}) {
  const sent: Sent[] = [];
  const s3 = new S3Client({
    region: 'eu-west-1',
    credentials: CREDENTIALS,
    maxAttempts: 1,
    ...config,
    requestHandler: {
      handle: async (request: unknown) => {
        sent.push(request as Sent);
        const { statusCode, headers = {}, text = '' } = answers[Math.min(sent.length, answers.length) - 1]!;
        return {
          response: { statusCode, headers, body: Readable.from(text === '' ? [] : [Buffer.from(text)]) },
        };
      },
    } as NonNullable<S3ClientConfig['requestHandler']>,
  });
  return { s3, sent, writer: createItemWrites(s3) };
}

function writeOf(change: Partial<ItemWrite> = {}): ItemWrite {
  return {
    item: { key: 'k', text: 'hello' },
    destination: { bucket: 'bucket', key: 'a/b c' },
    ifExists: 'overwrite',
    ...change,
  };
}

const copyOf = (change: Partial<ItemWrite> = {}) =>
  writeOf({ item: { key: 'k', source: 's3://source/x/ü', source_version: 'v 1' }, ...change });

afterEach(() => vi.unstubAllEnvs());

describe('a signature', () => {
  it.each<[string, S3ClientConfig]>([
    ['for AWS', {}],
    ['without a session token', { credentials: { accessKeyId: 'A', secretAccessKey: 'B' } }],
    ['for another endpoint', { endpoint: 'http://localhost:9000', forcePathStyle: true }],
  ])("is the SDK's, of any key: %s", async (_, config) => {
    const { s3, sent } = fixture([STORED], config);
    // The operation's name in the query says nothing to S3, and our writes do without.
    s3.middlewareStack.add(
      (next) => (args) => {
        (args.request as Sent).query = {};
        return next(args);
      },
      { step: 'build' },
    );
    const signer = createSigner({ region: 'eu-west-1', service: 's3' });
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), fc.uint8Array(), async (key, body) => {
        sent.length = 0;
        await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: body, ContentType: 'a  b' }));
        const { method, path, headers } = sent[0]!;
        const at = headers['x-amz-date']!.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
        const names = /SignedHeaders=([^,]+)/.exec(headers['authorization']!)![1]!.split(';');
        const given = Object.fromEntries(names.map((name) => [name, headers[name]!]));
        const signed = signer.sign(
          { method, path, headers: given, body },
          config.credentials === undefined ? CREDENTIALS : (config.credentials as typeof CREDENTIALS),
          new Date(at),
        );
        expect(signed['authorization']).toBe(headers['authorization']);
      }),
    );
  });

  it('is of the bytes that Node sends, where a header is no ASCII', async () => {
    const { s3, sent } = fixture();
    await s3.send(
      new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x', Metadata: { name: 'größe' } }),
    );
    const { method, path, headers } = sent[0]!;
    const at = headers['x-amz-date']!.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
    const names = /SignedHeaders=([^,]+)/.exec(headers['authorization']!)![1]!.split(';');
    const given = Object.fromEntries(names.map((name) => [name, headers[name]!]));
    // As Node hands on what another server sent as UTF-8: one character a byte. The SDK signs the UTF-8 of its text.
    given['x-amz-meta-name'] = Buffer.from('größe').toString('latin1');
    const signer = createSigner({ region: 'eu-west-1', service: 's3' });
    const query = 'x-id=PutObject';
    const request = { method, path, query, headers: given, body: Buffer.from('x') };
    expect(signer.sign(request, CREDENTIALS, new Date(at))['authorization']).toBe(headers['authorization']);
  });

  it('is made with the key of its day and secret, whatever was signed before', () => {
    const scope = { region: 'eu-west-1', service: 's3' };
    const request = { method: 'PUT', path: '/b/k', headers: { host: 'h' }, body: Buffer.from('x') };
    const signer = createSigner(scope);
    for (const secretAccessKey of ['one', 'two', 'one']) {
      for (const at of [new Date('2026-11-24T23:59:59Z'), new Date('2026-11-25T00:00:00Z')]) {
        const credentials = { accessKeyId: 'A', secretAccessKey };
        expect(signer.sign(request, credentials, at)).toEqual(
          createSigner(scope).sign(request, credentials, at),
        );
      }
    }
  });
});

describe('a write past the SDK', () => {
  it.each<[string, S3ClientConfig, string]>([
    ['AWS, the bucket in the host', {}, 'bucket'],
    ['AWS, a bucket whose name no certificate covers', {}, 'a.bucket'],
    ['AWS, a bucket with a name from before 2018', {}, 'Legacy_Images'],
    ['AWS, a bucket with a name of 255 characters', {}, 'Legacy'.padEnd(255, 'x')],
    ['AWS with FIPS and IPv6', { useFipsEndpoint: true, useDualstackEndpoint: true }, 'bucket'],
    ['an access point', {}, 'arn:aws:s3:us-west-2:123456789012:accesspoint/point'],
    [
      'an endpoint with the bucket in the path',
      { endpoint: 'http://localhost:9000', forcePathStyle: true },
      'b',
    ],
    ['an endpoint under a path', { endpoint: 'https://host/s3', forcePathStyle: true }, 'bucket'],
  ])('goes where the SDK would send it: %s', async (_, config, bucket) => {
    const { s3, sent, writer } = fixture([STORED], config);
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), async (key) => {
        sent.length = 0;
        await writer.write(writeOf({ destination: { bucket, key } }));
        await s3.send(
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'hello', ChecksumCRC32: 'NhCmhg==' }),
        );
        const [own, sdk] = sent as [Sent, Sent];
        expect(sent.map(isOfSdk)).toEqual([false, true]);
        const at = ({ protocol, hostname, port, method, path }: Sent) => ({
          protocol,
          hostname,
          port,
          method,
          path,
        });
        expect(at(own)).toEqual(at(sdk));
        const scope = ({ headers }: Sent) => /Credential=([^,]+)/.exec(headers['authorization']!)![1];
        expect(scope(own)).toBe(scope(sdk));
        for (const name of Object.keys(own.headers)) {
          if (!/^(authorization|x-amz-date|user-agent)$/.test(name))
            expect(own.headers[name], name).toBe(sdk.headers[name]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Partial<ItemWrite>]>([
    ['bytes', {}],
    ['bytes with a content type', { attributes: { contentType: 'text/plain' } }],
    ['bytes where there is no object', { ifExists: 'skip' }],
    ['a copy', copyOf()],
    ['a copy with a content type', copyOf({ attributes: { contentType: 'text/plain' } })],
    ['a copy where there is no object', copyOf({ ifExists: 'fail' })],
  ])("says what the SDK's command says: %s", async (_, change) => {
    const write = writeOf(change);
    const isCopy = write.item.source !== undefined;
    const head = isCopy && write.attributes !== undefined ? [SOURCE_HEAD] : [];
    const { s3, sent, writer } = fixture([...head, isCopy ? COPIED : STORED]);
    const { bucket: Bucket, key: Key } = write.destination;
    await writer.write(write);
    sent.splice(0, head.length);
    const common = {
      Bucket,
      Key,
      ...(write.attributes === undefined ? {} : { ContentType: 'text/plain' }),
      ...(write.ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    };
    if (!isCopy) {
      await s3.send(new PutObjectCommand({ ...common, Body: 'hello', ChecksumCRC32: 'NhCmhg==' }));
    } else {
      const CopySource = 'source/x%2F%C3%BC?versionId=v%201';
      const directive =
        write.attributes === undefined
          ? {}
          : {
              MetadataDirective: 'REPLACE' as const,
              CopySourceIfMatch: '"s"',
              CacheControl: 'max-age=9',
              Expires: new Date('2032-01-01T00:00:00Z'),
              Metadata: { a: 'b' },
            };
      await s3.send(new CopyObjectCommand({ ...common, CopySource, ...directive }));
    }
    const [own, sdk] = sent.map(({ headers }) =>
      Object.fromEntries(
        Object.entries(headers).filter(
          ([name]) => !/^(amz-sdk|authorization|x-amz-date|x-amz-user-agent|x-amz-sdk|user-agent)/.test(name),
        ),
      ),
    );
    expect(own).toEqual(sdk);
    expect(sent[0]!.body?.length).toBe(isCopy ? undefined : 5);
  });

  it('tells what was stored', async () => {
    expect(await fixture([STORED]).writer.write(writeOf())).toEqual({
      etag: '"e"',
      versionId: 'v1',
      checksum: 'NhCmhg==',
      bytes: 5,
    });
    expect(await fixture([COPIED]).writer.write(copyOf())).toEqual({
      etag: '"c"',
      versionId: 'v2',
      checksum: 'AAAAAA==',
    });
  });

  it.each<[string, Answer]>([
    ['a SlowDown', xml(503, 'SlowDown', 'Please reduce your request rate.')],
    [
      'a SlowDown of KMS',
      xml(503, 'SlowDown', 'Please reduce your request rate for operations involving AWS KMS.'),
    ],
    ['a 503 without a body', { statusCode: 503 }],
    ['an internal error', xml(500, 'InternalError', 'We &lt;failed&gt;')],
    ['a conflict', xml(409, 'ConditionalRequestConflict', 'twice')],
    ['an object that is there', xml(412, 'PreconditionFailed', 'there')],
    ['no right to write', xml(403, 'AccessDenied', 'no')],
    ['a clock that is wrong', xml(403, 'RequestTimeTooSkewed', 'late')],
    ['no bucket', xml(404, 'NoSuchBucket', 'none')],
    ['a code that nobody knows', xml(400, 'NewCode', 'new')],
  ])('means the same as by the SDK: %s', async (_, answer) => {
    for (const [change, Command] of [
      [writeOf(), new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' })],
      [copyOf(), new CopyObjectCommand({ Bucket: 'b', Key: 'k', CopySource: 'b/x' })],
    ] as const) {
      const { s3, sent, writer } = fixture([answer]);
      const own = classifyFault(await writer.write(change).catch((error: unknown) => error));
      const sdk = classifyFault(await s3.send(Command as PutObjectCommand).catch((error: unknown) => error));
      expect(sent.map(isOfSdk)).toEqual([false, true]);
      // What has neither code nor text is named by each in its own way.
      expect(own).toEqual(answer.text === undefined ? { ...sdk, code: own.code, message: own.message } : sdk);
    }
  });

  it.each<[string, string]>([
    ['an error', xml(200, 'InternalError', 'broken').text!],
    ['a SlowDown', ` \n${xml(200, 'SlowDown', 'Please reduce your request rate.').text}`],
    ['nothing', '  '],
  ])('does not take a copy for done whose answer holds %s', async (_, text) => {
    const thrown = await fixture([{ statusCode: 200, text }])
      .writer.write(copyOf())
      .catch((error: unknown) => error);
    expect(classifyFault(thrown).kind).toBe(text.includes('SlowDown') ? 'throttle' : 'transient');
  });

  it("goes by S3's clock once S3 has said that its own is wrong", async () => {
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT';
    const { sent, writer } = fixture([
      { ...xml(403, 'RequestTimeTooSkewed', 'late'), headers: { date } },
      STORED,
    ]);
    await writer.write(writeOf()).catch(() => undefined);
    await writer.write(writeOf());
    expect(sent.map(({ headers }) => headers['x-amz-date']!.slice(0, 8))[1]).toBe('20300101');
  });

  it('is signed with the credentials of its time', async () => {
    let turn = 0;
    const credentials = async () => ({
      accessKeyId: `key-${++turn}`,
      secretAccessKey: 's',
      expiration: new Date(0),
    });
    const { sent, writer } = fixture([STORED], { credentials });
    await writer.write(writeOf());
    await writer.write(writeOf());
    const [first, second] = sent.map(
      ({ headers }) => /Credential=([^/]+)/.exec(headers['authorization']!)![1],
    );
    expect(first).not.toBe(second);
  });

  it("carries Lambda's trace along, as the SDK does, unsigned", async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'upload');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-2-3');
    const { sent, writer } = fixture();
    await writer.write(writeOf());
    expect(sent[0]!.headers['x-amzn-trace-id']).toBe('Root=1-2-3');
    expect(sent[0]!.headers['authorization']).not.toContain('trace');
  });

  it('is tried again where the first credentials could not be had', async () => {
    let isThere = false;
    const credentials = async () => {
      if (!isThere) throw new Error('no credentials yet');
      return CREDENTIALS;
    };
    const { writer } = fixture([STORED], { credentials });
    await expect(writer.write(writeOf())).rejects.toThrow('no credentials yet');
    isThere = true;
    await expect(writer.write(writeOf())).resolves.toMatchObject({ etag: '"e"' });
  });
});

describe('the SDK itself', () => {
  it('writes large bytes', async () => {
    const { sent, writer } = fixture();
    await writer.write(writeOf({ item: { key: 'k', text: 'x'.repeat(3 * 1024 ** 2) } }));
    expect(sent.map(isOfSdk)).toEqual([true]);
  });

  it('is asked for multi-region access points, and says that it lacks their signer', async () => {
    const { sent, writer } = fixture();
    const bucket = 'arn:aws:s3::123456789012:accesspoint/point.mrap';
    await expect(writer.write(writeOf({ destination: { bucket, key: 'k' } }))).rejects.toThrow(/sigv4a/i);
    expect(sent).toEqual([]);
  });

  it('writes to directory buckets, whose sessions it keeps', async () => {
    const session = {
      statusCode: 200,
      headers: { 'content-type': 'application/xml' },
      text:
        '<CreateSessionResult><Credentials><AccessKeyId>S</AccessKeyId><SecretAccessKey>T</SecretAccessKey>' +
        '<SessionToken>U</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>',
    };
    const { sent, writer } = fixture([session, STORED]);
    await writer.write(writeOf({ destination: { bucket: 'fast--use1-az4--x-s3', key: 'k' } }));
    expect(sent.map(({ method }) => method)).toEqual(['GET', 'PUT']);
    expect(isOfSdk(sent[1]!)).toBe(true);
    expect(sent[1]!.headers['x-amz-s3session-token']).toBe('U');
  });
});

describe('the text of an element', () => {
  it.each([
    ['<a>&quot;x&quot; &amp;amp; &#38;&#x26;</a>', '"x" &amp; &&'],
    ['<a></a>', ''],
    ['<a>&constructor;&toString;&__proto__;</a>', '&constructor;&toString;&__proto__;'],
    ['<a>&unknown; &#99999999; &#x110000;</a>', '&unknown; &#99999999; &#x110000;'],
    ['<b>x</b>', undefined],
    ['<a>x', undefined],
  ])('of %s is %s', (xmlText, text) => {
    expect(elementText(xmlText, 'a')).toBe(text);
  });
});
