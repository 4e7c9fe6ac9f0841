// A run that takes each path of the pipeline on which a function needs a permission: jobs that end in every way, orders over the API,
// dead letters, a redrive, a sweep.
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { JobId } from '../../shared/job/identity.ts';
import { MANIFEST_ORDER_CONTENT_TYPE } from '../../shared/job/manifest-order.ts';
import type { JobView } from '../../shared/job/view.ts';
import { DETAIL_TYPES } from '../../shared/report/job-event-names.ts';
import { type JobEnd, type PipelineCloud, SOURCE_BUCKET } from './pipeline-cloud.ts';
import { anUploadMessage } from './records.ts';

/** A source bucket with versions. */
export const VERSIONED_SOURCE = 'spillway-test-versions';

/** A bucket of manifests, with versions. */
export const VERSIONED_LISTS = 'spillway-test-lists';
/** A key of KMS that the deployment lists. */
export const KMS_KEY = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const KEYS_THAT_WAIT = 150;
const KEYS_THAT_ARE_CANCELLED = 300;
/** More than a tenth of the job: its slices settle at the end alone, so it is sweep that announces the tenth. */
const KEYS_THAT_ARE_FREE = 60;

/** Bounds a run that hangs, also on a machine that does much else. */
const WAIT_MS = 240_000;

/** @param isOver ends a run that gets no further */
export async function takeEveryPath(
  given: PipelineCloud,
  isOver: () => boolean = () => false,
): Promise<void> {
  const cloud: PipelineCloud = {
    ...given,
    until: (what, holds) =>
      given.until(
        what,
        () => {
          if (isOver()) throw new Error(`${what}: over`);
          return holds();
        },
        WAIT_MS,
      ),
    async ended(of) {
      await cloud.until(`the end of ${JSON.stringify(of)}`, () => given.endsOf(of).length > 0);
      return given.endsOf(of)[0] as JobEnd;
    },
  };
  const { destination, inbox } = cloud.names;
  const api = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${cloud.endpoints.api}${path}`, {
      method,
      headers: { 'content-type': 'text/csv', ...headers },
      ...(body === undefined ? {} : { body }),
    });
    return (await answer.json()) as JobView;
  };
  const csv = (...rows: string[]) =>
    `key,source,text,content_type,source_version\n${rows.map((row) => (row.split(',').length < 5 ? `${row},` : row)).join('\n')}\n`;

  const underKey = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KMS_KEY } as const;
  /** A manifest that is stored under a key: who reads it needs that key. */
  const dropUnderKey = async (key: string, body: string) => {
    const put = new PutObjectCommand({ Bucket: inbox, Key: key, Body: body, ...underKey });
    const { VersionId: versionId = '' } = await cloud.s3.send(put);
    return { key, versionId };
  };

  // An object that is written and one that is read under a key.
  await cloud.s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: 'k', Body: 'k', ...underKey }));
  const keyed = await dropUnderKey(
    'lists/keyed.csv',
    `key,source,text,encryption,kms_key\nkeyed,,1,aws:kms,${KMS_KEY}\ncopied,s3://${SOURCE_BUCKET}/k,,,\n`,
  );

  // Copies with and without a HEAD of their source, a source that is missing, an object that is there, a bad row.
  await cloud.put(SOURCE_BUCKET, 'a.png', 'a');
  await cloud.put(destination, 'there', 'before');
  const { VersionId = '' } = await cloud.s3.send(
    new PutObjectCommand({ Bucket: VERSIONED_SOURCE, Key: 'v', Body: 'first' }),
  );
  const mixed = await cloud.drop(
    'lists/mixed.csv',
    csv(
      `a,s3://${SOURCE_BUCKET}/a.png,,`,
      `typed,s3://${SOURCE_BUCKET}/a.png,,image/png`,
      `missing,s3://${SOURCE_BUCKET}/none,,`,
      `missing-too,s3://${SOURCE_BUCKET}/none,,text/plain`,
      `versioned,s3://${VERSIONED_SOURCE}/v,,,${VersionId}`,
      `versioned-and-typed,s3://${VERSIONED_SOURCE}/v,,text/plain,${VersionId}`,
      'there,,after,',
      ',,no key,',
    ),
    { options: { spread: 'off', 'if-exists': 'skip' } },
  );
  // More than S3 takes at once: items go back by visibility delay, and as new messages.
  const waiting = await cloud.drop(
    'lists/waiting.csv',
    csv(...Array.from({ length: KEYS_THAT_WAIT }, (_, index) => `w/${index},,text,`)),
  );
  const broken = await cloud.drop('lists/broken.csv', 'no,manifest\n1,2\n');
  // No row goes to upload: it is ingest that closes the slice.
  const bad = await cloud.drop('lists/bad.csv', csv(',,no key,'), {
    options: { 'max-failed-percent': '100' },
  });

  // Compressed ones: their text is written to the report bucket, and given up where the end is missing.
  const compressed = gzipSync(csv('z,,1,'));
  const packed = await cloud.drop('lists/packed.csv.gz', compressed);
  const cutOff = await cloud.drop('lists/cut-off.csv.gz', compressed.subarray(0, -4));

  // Orders over the API. The same token twice: the API compares the submissions.
  const token = { 'idempotency-key': 'permission-run-1' };
  const small = csv('b,,text,');
  const submitted = await api('POST', '/jobs?spread=off', small, token);
  await api('POST', '/jobs?spread=off', small, token);
  await cloud.ended(submitted.job);
  // A job that sweep finds at work, and that is cancelled.
  await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: 'held' }]);
  const long = await api(
    'POST',
    '/jobs?spread=off',
    csv(
      ...Array.from({ length: KEYS_THAT_ARE_CANCELLED }, (_, index) => `held/${index},,text,`),
      ...Array.from({ length: KEYS_THAT_ARE_FREE }, (_, index) => `free/${index},,text,`),
    ),
  );
  await cloud.until('the job runs', async () => (await api('GET', `/jobs/${long.job}`)).state === 'running');
  await cloud.until('sweep announces its progress', async () => {
    await cloud.trigger('sweep');
    return cloud
      .events()
      .some(
        ({ detailType, detail }) =>
          detailType === DETAIL_TYPES.progressed && (detail as { job: string }).job === long.job,
      );
  });
  await api('POST', `/jobs/${long.job}/pause`);
  await api('POST', `/jobs/${long.job}/resume`);
  await api('POST', `/jobs/${long.job}/cancel`);
  await cloud.until('the cancelled job has ended', async () => {
    await cloud.trigger('sweep');
    return cloud.endsOf(long.job).length > 0;
  });
  await cloud.setFaults([]);

  const ended = await cloud.ended(mixed);
  await cloud.until(
    'the end is in the ledger',
    async () => (await api('GET', `/jobs/${ended.job}`)).endedAt !== undefined,
  );
  const redrive = await api('POST', `/jobs/${ended.job}/redrive`);
  await cloud.ended(redrive.job);
  await cloud.ended(broken);
  await cloud.ended(bad);
  await cloud.ended(packed);
  await cloud.ended(cutOff);
  await cloud.ended(waiting);
  await cloud.ended(keyed);

  // A slice whose messages SQS refuses: its rows fail by the handler of dead letters, which reads them in the manifest.
  const upload = cloud.names.queues['UploadQueue']?.split('/').at(-1) ?? '';
  await cloud.setFaults([{ kind: 'sqs-entries-failed', action: 'SendMessageBatch', queue: upload }]);
  const unsent = await dropUnderKey('lists/unsent.csv', csv('x,,1,', 'y,,2,'));
  await cloud.ended(unsent);
  await cloud.setFaults([]);

  // A manifest that can't be opened while S3 fails: the handler of dead letters ends its job.
  await cloud.setFaults([
    {
      ...{ kind: 's3-error', status: 500, code: 'InternalError' },
      ...{ bucket: inbox, keyIncludes: 'unopened', operations: ['HeadObject'] },
    },
  ]);
  const unopened = await cloud.drop('lists/unopened.csv', small);
  await cloud.ended(unopened);
  await cloud.setFaults([]);

  // A settle message that SQS loses: sweep sends another.
  const settle = cloud.names.queues['SettleQueue']?.split('/').at(-1) ?? '';
  await cloud.setFaults([{ kind: 'sqs-message-lost', queue: settle, count: 1 }]);
  const unsettled = await cloud.drop('lists/unsettled.csv', csv('u,,1,'));
  await cloud.until('sweep has it settled', async () => {
    await cloud.trigger('sweep');
    return cloud.endsOf(unsettled).length > 0;
  });

  // A dead letter of an item that can be read: it is sent again, alone.
  const held = await cloud.drop('lists/held.csv', csv('held,,1,'));
  const { job } = await cloud.ended(held);
  await cloud.send('DeadLetters', JSON.stringify(anUploadMessage({ job: job as JobId, number: 0 })));

  // Messages that no function can read, and an event of an object that is gone.
  for (const queue of ['IngestQueue', 'UploadQueue', 'SettleQueue'])
    await cloud.send(queue, `junk for ${queue}`);
  const event = {
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: inbox }, object: { key: 'gone.csv', versionId: 'none', size: 9 } },
  };
  await cloud.send('IngestQueue', JSON.stringify({ Records: [event] }));
  await cloud.until('each junk message is a dead letter', async () => {
    const keys = await cloud.keys(cloud.names.reports, 'deadletters/');
    const kept = await Promise.all(keys.map((key) => cloud.read(cloud.names.reports, key)));
    return ['Ingest', 'Upload', 'Settle'].every((name) => kept.join('').includes(`junk for ${name}Queue`));
  });
  await api('GET', '/deadletters');

  // A manifest in a bucket of its own, with versions: one that is ingested, and one that is cancelled while it waits.
  const json = { 'content-type': 'application/json' };
  await cloud.s3.send(
    new PutObjectCommand({
      Bucket: VERSIONED_LISTS,
      Key: 'placed.csv',
      Body: csv('placed,,1,'),
      ...underKey,
    }),
  );
  const place = JSON.stringify({ manifest: { bucket: VERSIONED_LISTS, key: 'placed.csv' }, options: {} });
  await api('POST', '/plans', place, json);
  const placed = await api('POST', '/jobs', place, json);
  await cloud.ended(placed.job);
  await cloud.until(
    'the report is linked',
    async () => (await api('GET', `/jobs/${placed.job}/report`)).report !== undefined,
  );
  // An order of the API, whose manifest was deleted before its job was opened.
  const gone = { manifest: { bucket: VERSIONED_LISTS, key: 'gone.csv', etag: '"0"' } };
  await cloud.forge('api/manifest-is-gone/manifest', JSON.stringify(gone), {
    contentType: MANIFEST_ORDER_CONTENT_TYPE,
  });
  await cloud.ended('manifest-is-gone');
  // A form, sent under the API's role.
  const form = (await api('POST', '/uploads', '{"contentType":"text/csv"}', json)) as unknown as {
    job: string;
    upload: { url: string; fields: Record<string, string> };
  };
  const fields = new FormData();
  for (const [name, value] of Object.entries(form.upload.fields)) fields.append(name, value);
  fields.append('file', new Blob([csv('formed,,1,')]));
  await fetch(form.upload.url, { method: 'POST', body: fields });
  await cloud.ended(form.job);
  await api('GET', '/jobs');
}
