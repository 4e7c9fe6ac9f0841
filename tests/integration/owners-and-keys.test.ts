// Buckets of other accounts, and objects under keys of KMS, under the roles of the template.
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type JobEnd,
  type PipelineCloud,
  SOURCE_BUCKET,
  startPipelineCloud,
} from '../helpers/pipeline-cloud.ts';

const OTHER_ACCOUNT = '123456789012';
const THEIRS = 'spillway-test-theirs';
const PUBLIC = 'spillway-test-public';
/** Listed as the stack's own, but another account owns it by now. */
const TAKEN = 'spillway-test-taken';
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const KEY_ID = KEY.split('/')[1] ?? '';
const UNLISTED = KEY.replace('1234abcd', 'ffffffff');
const PARTED_BYTES = 6 * 1024 ** 2;

let cloud: PipelineCloud;
let end: JobEnd;
const putUnder = (bucket: string, key: string, kmsKey: string, body: string | Uint8Array) =>
  cloud.s3.send(
    new PutObjectCommand({
      ...{ Bucket: bucket, Key: key, Body: body },
      ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey },
    }),
  );
const ndjson = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
/** `key code` of the rows of a kind. */
const codes = async (of: JobEnd, kind: 'failed' | 'rejected') =>
  (await cloud.rows(of, kind)).map((row) => `${row['key']} ${row['spillway_code']}`).toSorted();
const messageOf = async (key: string, kind: 'failed' | 'rejected') =>
  (await cloud.rows(end, kind)).find((row) => row['key'] === key)?.['spillway_message'];

beforeAll(async () => {
  const others = [THEIRS, PUBLIC, TAKEN].map((name) => ({ name, account: OTHER_ACCOUNT }));
  cloud = await startPipelineCloud({
    fidelity: { duplicateShare: 0 },
    params: {
      sourceBuckets: `${SOURCE_BUCKET},${THEIRS}@${OTHER_ACCOUNT},${PUBLIC}@any,${TAKEN}`,
      destinationBuckets: TAKEN,
      kmsKeys: KEY,
      multipartCopyBytes: '5242880',
    },
    buckets: others,
  });
  for (const bucket of [SOURCE_BUCKET, THEIRS, PUBLIC, TAKEN]) await cloud.put(bucket, 'a', bucket);
  await putUnder(SOURCE_BUCKET, 'under-key', KEY, 'k');
  await putUnder(SOURCE_BUCKET, 'under-unlisted', UNLISTED, 'u');
  await putUnder(SOURCE_BUCKET, 'large', KEY, new Uint8Array(PARTED_BYTES));
  const from = (bucket: string, key = 'a') => ({ source: `s3://${bucket}/${key}` });
  const under = (kms_key: string) => ({ encryption: 'aws:kms', kms_key });
  const rows = [
    { key: 'own', ...from(SOURCE_BUCKET) },
    { key: 'theirs', ...from(THEIRS) },
    { key: 'theirs-typed', ...from(THEIRS), content_type: 'text/plain' },
    { key: 'public', ...from(PUBLIC) },
    { key: 'taken', ...from(TAKEN) },
    { key: 'taken-typed', ...from(TAKEN), content_type: 'text/plain' },
    { key: 'text-under', text: 'x', ...under(KEY) },
    { key: 'text-under-id', text: 'x', ...under(KEY_ID) },
    { key: 'text-under-alias', text: 'x', ...under('alias/exports') },
    { key: 'text-under-unlisted', text: 'x', ...under(UNLISTED) },
    { key: 'copy-under', ...from(SOURCE_BUCKET, 'under-key'), ...under(KEY) },
    { key: 'copy-of-unlisted', ...from(SOURCE_BUCKET, 'under-unlisted') },
    { key: 'large', ...from(SOURCE_BUCKET, 'large'), ...under(KEY) },
  ];
  const { VersionId = '' } = await cloud.s3.send(
    new PutObjectCommand({
      ...{ Bucket: cloud.names.inbox, Key: 'lists/all.ndjson', Body: ndjson(rows) },
      ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KEY, Metadata: { 'spillway-spread': 'off' } },
    }),
  );
  end = await cloud.ended({ key: 'lists/all.ndjson', versionId: VersionId });
});
afterAll(() => cloud?.stop());

describe('a bucket of another account', () => {
  it('is read where its owner is listed, or said to be unknown', async () => {
    const { destination } = cloud.names;
    for (const [key, bucket] of [
      ['own', SOURCE_BUCKET],
      ['theirs', THEIRS],
      ['theirs-typed', THEIRS],
      ['public', PUBLIC],
    ] as const)
      expect(String(await cloud.read(destination, key)), key).toBe(bucket);
  });

  it('is not read in the place of one of the stack’s own account', async () => {
    expect(await cloud.read(cloud.names.destination, 'taken')).toBeUndefined();
    expect(await messageOf('taken', 'failed')).toContain('BUCKET@ACCOUNT');
  });

  it('receives nothing in the place of one of the stack’s own account', async () => {
    const dropped = await cloud.drop('lists/taken.ndjson', ndjson([{ key: 'secret', text: 's' }]), {
      options: { spread: 'off', destination: `s3://${TAKEN}` },
    });
    const failed = await cloud.ended(dropped);
    expect(failed).toMatchObject({ rows: 1, failed: 1, unaccounted: 0 });
    expect(await codes(failed, 'failed')).toEqual(['secret AccessDenied']);
    expect(await cloud.read(TAKEN, 'secret')).toBeUndefined();
  });
});

describe('a key of KMS', () => {
  it('that is listed holds for manifests, sources and objects, small and in parts', async () => {
    const { destination } = cloud.names;
    for (const [key, expected] of [
      ['text-under', KEY],
      ['text-under-id', KEY_ID],
      ['text-under-alias', 'alias/exports'],
      ['copy-under', KEY],
      ['large', KEY],
    ] as const) {
      const { SSEKMSKeyId } = await cloud.s3.send(new HeadObjectCommand({ Bucket: destination, Key: key }));
      expect(SSEKMSKeyId, key).toBe(expected);
    }
  });

  it('that is not listed is rejected by name before anything is written', async () => {
    expect(await codes(end, 'rejected')).toEqual(['text-under-unlisted KmsKeyNotAllowed']);
    expect(await messageOf('text-under-unlisted', 'rejected')).toBe(
      `the key "${UNLISTED}" is not allowed: add its ARN to the deployment's parameter kmsKeys`,
    );
  });

  it('of a source that is not listed fails its row, and the message names the permission and the remedy', async () => {
    expect(await codes(end, 'failed')).toEqual([
      'copy-of-unlisted AccessDenied',
      'taken AccessDenied',
      'taken-typed AccessDenied',
    ]);
    expect(await messageOf('copy-of-unlisted', 'failed')).toMatch(/kms:Decrypt.*parameter kmsKeys/);
  });
});

it('accounts for every row', () => {
  expect(end).toMatchObject({ rows: 13, stored: 9, failed: 3, rejected: 1, unaccounted: 0 });
});
