// Destination writes that the embedded upload function answers itself, and that a deployed one can't.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  HeadObjectCommand,
  PutObjectCommand,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { setEmbeddedWrites, withEmbeddedWrites } from '../../functions/runtime/embedded-writes.ts';
import { createWriteStubber } from '../../local/lambda/write-stub.ts';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';

const STUB = { buckets: ['stubbed'], refuses: '/no/' };

/** A client that notes what reaches its real handler. */
function fixture() {
  const sent: string[] = [];
  const s3 = createTransferClient({
    endpoint: 'http://127.0.0.1:9',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: {
      handle: async ({ method, path }: { method: string; path: string }) => {
        sent.push(`${method} ${path}`);
        return { response: { statusCode: 200, headers: { etag: '"sent"' }, body: Readable.from([]) } };
      },
    } as NonNullable<S3ClientConfig['requestHandler']>,
  });
  return { s3: createWriteStubber(STUB)(s3), sent };
}

const writeOf = (change: Partial<ItemWrite> = {}): ItemWrite => ({
  item: { key: 'a b', text: 'hello' },
  destination: { bucket: 'stubbed', key: 'a b' },
  ifExists: 'overwrite',
  ...change,
});
const md5 = (text: string) => `"${createHash('md5').update(text).digest('hex')}"`;

describe('a stubbed bucket', () => {
  it('takes inline objects and copies, and nothing is sent', async () => {
    const { s3, sent } = fixture();
    const { write } = createItemWrites(s3);
    const stored = await write(writeOf());
    expect(stored).toMatchObject({ etag: md5('hello'), bytes: 5, checksum: 'NhCmhg==' });
    const copied = await write(writeOf({ item: { key: 'c', source: 's3://source/x' } }));
    expect(copied.etag).toMatch(/^"[0-9a-f]{32}"$/);
    const put = new PutObjectCommand({ Bucket: 'stubbed', Key: 'k', Body: Buffer.from('by the SDK') });
    expect((await s3.send(put)).ETag).toBe(md5('by the SDK'));
    expect(sent).toEqual([]);
  });

  it('refuses the keys that it was told to', async () => {
    const { write } = createItemWrites(fixture().s3);
    await expect(write(writeOf({ destination: { bucket: 'stubbed', key: 'x/no/y' } }))).rejects.toMatchObject(
      { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } },
    );
  });

  it('leaves every other request to S3', async () => {
    const { s3, sent } = fixture();
    const { write } = createItemWrites(s3);
    expect(await write(writeOf({ destination: { bucket: 'other', key: 'k' } }))).toMatchObject({
      etag: '"sent"',
    });
    const place = { Bucket: 'stubbed', Key: 'k' };
    await s3.send(new HeadObjectCommand(place));
    await s3.send(
      new UploadPartCommand({ ...place, PartNumber: 1, UploadId: 'u', Body: Buffer.from('part') }),
    );
    expect(sent).toEqual(['PUT /other/k', 'HEAD /stubbed/k', 'PUT /stubbed/k']);
  });
});

it('is used once it is set, and not before', () => {
  const { s3 } = fixture();
  const stubbed = fixture().s3;
  expect(withEmbeddedWrites(s3)).toBe(s3);
  setEmbeddedWrites(() => stubbed);
  expect(withEmbeddedWrites(s3)).toBe(stubbed);
});
