// Copies that change the content type, on the embedded cloud: what they keep, what they cost, and what they fail with.
import { CopyObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const MANIFEST = [
  'key,source,content_type',
  `kept,s3://${SOURCE_BUCKET}/page.html,`,
  `typed,s3://${SOURCE_BUCKET}/page.html,text/html`,
  `missing,s3://${SOURCE_BUCKET}/missing.html,text/html`,
  'inline,,text/html',
]
  .join('\n')
  .replace('inline,,', `bare,s3://${SOURCE_BUCKET}/bare,`);

const PROPERTIES = {
  CacheControl: 'max-age=600',
  ContentDisposition: 'inline',
  ContentEncoding: 'gzip',
  ContentLanguage: 'de',
};

const put = (Key: string, more: object = {}) =>
  cloud.s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key, Body: 'bytes', ...more }));
const head = (Bucket: string, Key: string) => cloud.s3.send(new HeadObjectCommand({ Bucket, Key }));

const cloud = duringTests(() => startPipelineCloud({ fidelity: { duplicateShare: 0 } }));
beforeAll(async () => {
  await put('page.html', {
    ...PROPERTIES,
    ContentType: 'text/plain',
    Expires: new Date('2032-01-01T00:00:00Z'),
    StorageClass: 'STANDARD_IA',
    WebsiteRedirectLocation: '/there',
    Metadata: { owner: 'web', name: '=?UTF-8?B?Z3LDvMOfZQ==?=', note: 'n'.repeat(1_800) },
  });
  await put('bare');
});

describe('a job that corrects content types', () => {
  it('keeps the other properties of the objects that it copies', async () => {
    const dropped = await cloud.drop('types.csv', MANIFEST, { options: { spread: 'off' } });
    const end = await cloud.ended(dropped);
    const { rows, stored, failed } = end;
    expect({ rows, stored, failed }).toEqual({ rows: 4, stored: 3, failed: 1 });

    const source = await head(SOURCE_BUCKET, 'page.html');
    const typed = await head(cloud.names.destination, 'typed');
    expect(typed).toMatchObject({
      ...PROPERTIES,
      ContentType: 'text/html',
      ExpiresString: 'Thu, 01 Jan 2032 00:00:00 GMT',
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/there',
      Metadata: source.Metadata,
      ETag: source.ETag,
    });
    expect(await head(cloud.names.destination, 'kept')).toMatchObject({
      ...PROPERTIES,
      ContentType: 'text/plain',
      Metadata: source.Metadata,
    });
    expect(await head(cloud.names.destination, 'bare')).toMatchObject({
      ContentType: 'text/html',
      Metadata: {},
    });

    // A row that changes nothing is one request, the others two.
    const succeeded = await cloud.rows(end, 'succeeded');
    expect(Object.fromEntries(succeeded.map(({ key, attempts }) => [key, attempts]))).toEqual({
      kept: 1,
      typed: 2,
      bare: 2,
    });
    const [row] = await cloud.rows(end, 'failed');
    expect(row).toMatchObject({
      key: 'missing',
      spillway_code: 'NoSuchKey',
      spillway_message: `the source s3://${SOURCE_BUCKET}/missing.html does not exist`,
    });
  });
});

describe('the embedded S3', () => {
  it('copies only what has the ETag that was asked for, and names the condition that failed', async () => {
    const copy = (CopySourceIfMatch: string, more: object = {}) =>
      cloud.s3.send(
        new CopyObjectCommand({
          Bucket: cloud.names.destination,
          Key: 'copy',
          CopySource: `${SOURCE_BUCKET}/bare`,
          CopySourceIfMatch,
          ...more,
        }),
      );
    const { ETag = '' } = await head(SOURCE_BUCKET, 'bare');
    await copy(ETag);
    await expect(copy('"another"')).rejects.toMatchObject({
      name: 'PreconditionFailed',
      Condition: 'x-amz-copy-source-If-Match',
    });
    await expect(copy(ETag, { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      Condition: 'If-None-Match',
    });
  });
});
