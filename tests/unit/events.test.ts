// The fixtures of events/: each has its source in the README there, and is what it says it is.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readRecord } from '../../functions/ingest/read-record.ts';
import {
  type Parsed,
  parseIngestMessage,
  parseSettleMessage,
  parseUploadMessage,
} from '../../shared/queue/messages.ts';

const EVENTS = fileURLToPath(new URL('../../events/', import.meta.url));
const files = readdirSync(EVENTS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'README.md')
  .map((entry) => path.relative(EVENTS, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  .sort();
const read = (file: string): string => readFileSync(path.join(EVENTS, file), 'utf8');
const bodies = (file: string): string[] =>
  (JSON.parse(read(file)) as SQSEvent).Records.map(({ body }) => body);

it('lists every file of events/, and no other, each with its source', () => {
  const rows = [...read('README.md').matchAll(/^\| `([^`]+)` \| (.+) \| (.+) \|$/gm)];
  expect(rows.map(([, file]) => file).sort()).toEqual(files);
});

describe.each(files.filter((file) => file.endsWith('.json')))('%s', (file) => {
  it('is JSON', () => {
    expect(JSON.parse(read(file))).toBeTypeOf('object');
  });
});

describe.each(files.filter((file) => /^(ingest|upload|settle|dead-letters)-/.test(file)))('%s', (file) => {
  it('comes in the envelope of SQS, from the queue of its name', () => {
    for (const record of (JSON.parse(read(file)) as SQSEvent).Records) {
      expect(record).toMatchObject({ eventSource: 'aws:sqs', awsRegion: 'us-east-1' });
      const [, from] = /^dead-letters-(\w+)\./.exec(file) ?? [];
      const queue = from === undefined ? String(file.split('-')[0]) : 'dead-letters';
      expect(record.eventSourceARN).toBe(`arn:aws:sqs:us-east-1:123456789012:spillway-dev-${queue}`);
      const source = record.attributes.DeadLetterQueueSourceArn;
      expect(source?.split(':').at(-1)).toBe(from === undefined ? undefined : `spillway-dev-${from}`);
      // SQS goes on counting in the dead-letter queue. (infrastructure/queues.yml, maxReceiveCount)
      const before = from === undefined ? 0 : 5;
      expect(Number(record.attributes.ApproximateReceiveCount)).toBeGreaterThan(before);
      expect(record.md5OfBody).toBe(createHash('md5').update(record.body).digest('hex'));
    }
  });
});

it('has a sample for every function, to invoke it with', () => {
  const { functions } = parse(readFileSync(path.join(EVENTS, '../serverless.yml'), 'utf8'), { merge: true });
  for (const name of Object.keys(functions)) {
    const folder = name === 'deadLetters' ? 'dead-letters' : name;
    expect(
      files.some((file) => file.startsWith(`${folder}-`)),
      name,
    ).toBe(true);
  }
});

describe('ingest', () => {
  const inboxes = {
    inbox: 'spillway-dev-inbox-123456789012-us-east-1',
    inboxBuckets: ['company-exports'],
  };
  const samples = files.filter((file) => file.startsWith('ingest-'));

  it.each(samples)('reads %s', (file) => {
    for (const body of bodies(file)) expect(readRecord(body, inboxes)).not.toHaveProperty('reason');
  });

  it('finds the same arrival in S3’s notification, wrapped by SNS or not, and in the event of EventBridge', () => {
    const routes = ['ingest-sns-put.json', 'ingest-sns-raw.json', 'ingest-eventbridge-created.json'];
    for (const file of routes) {
      expect(readRecord(String(bodies(file)[0]), inboxes), file).toEqual({
        kind: 'arrivals',
        passedOver: [],
        arrivals: [
          {
            bucket: 'company-exports',
            isForeign: true,
            key: 'exports/daily list+1 %2F é.csv',
            versionId: '096fKKXTRTtl3on89fVO.nfljtsv6qko',
          },
        ],
      });
    }
  });

  it('refuses a further inbox that is not listed', () => {
    const body = String(bodies('ingest-eventbridge-created.json')[0]);
    expect(() => readRecord(body, { inbox: inboxes.inbox })).toThrow(/"company-exports".*inboxBuckets/);
  });
});

it('has a key in form encoding, a version, and no "s3:" before the name of the event', () => {
  const [body = ''] = bodies('ingest-s3-put.json');
  const [record] = JSON.parse(body).Records;
  expect(record.eventName).toBe('ObjectCreated:Put');
  expect(decodeURIComponent(record.s3.object.key.replaceAll('+', ' '))).toBe(
    'exports/daily list+1 %2F é.csv',
  );
  expect(record.s3.object.versionId).toBeTypeOf('string');
});

it('holds messages that the functions can read, and one that they cannot', () => {
  const kinds = (parse: (body: string) => Parsed<unknown>, file: string) =>
    bodies(file).map((body) => parse(body).kind);
  for (const name of ['slice', 'plan', 'resume'])
    expect(kinds(parseIngestMessage, `ingest-${name}.json`)).toEqual(['message']);
  for (const file of ['settle-slice.json', 'settle-job.json', 'dead-letters-settle.json'])
    expect(kinds(parseSettleMessage, file)).toEqual(['message']);
  expect(kinds(parseUploadMessage, 'upload-batch.json')).toEqual([
    'message',
    'message',
    'message',
    'unreadable',
  ]);
});

it.each([
  ['api-post-jobs.json', 'POST /jobs'],
  ['api-post-jobs-text.json', 'POST /jobs'],
  ['api-get-jobs.json', 'GET /jobs'],
  ['api-get-job.json', 'GET /jobs/{id}'],
  ['api-post-job-pause.json', 'POST /jobs/{id}/pause'],
  ['api-post-job-resume.json', 'POST /jobs/{id}/resume'],
  ['api-post-job-cancel.json', 'POST /jobs/{id}/cancel'],
  ['api-post-job-redrive.json', 'POST /jobs/{id}/redrive'],
  ['api-post-job-rate.json', 'POST /jobs/{id}/rate'],
  ['api-get-deadletters.json', 'GET /deadletters'],
])('%s is a request of payload 2.0, signed', (file, routeKey) => {
  expect(JSON.parse(read(file))).toMatchObject({
    version: '2.0',
    routeKey,
    requestContext: { routeKey, authorizer: { iam: { accountId: '123456789012' } } },
  });
});
