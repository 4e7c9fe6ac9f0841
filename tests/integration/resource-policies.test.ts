// The policies of buckets and queues on the embedded cloud: what they deny is denied by name, and what they do not allow is not
// delivered.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCloud } from '../../local/cloud.ts';
import type { ResourceStatement } from '../../local/iam/policy.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import { type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ACCOUNT = '000000000000';
const INBOX = `spillway-dev-inbox-${ACCOUNT}-us-east-1`;
const DESTINATION = `spillway-dev-destination-${ACCOUNT}-us-east-1`;

/** Keeps upload from one key: a Deny outweighs what its role allows. */
const PLANTED: ResourceStatement = {
  sid: 'Planted',
  effect: 'Deny',
  principals: { kind: 'everyone' },
  actions: ['s3:PutObject'],
  resources: [`arn:aws:s3:::${DESTINATION}/kept/*`],
  conditions: {},
};

const statementsOf = ({ policies }: ServiceModel, name: string): ResourceStatement[] => {
  const policy = policies[name];
  if (policy === undefined) throw new Error(`the template has no ${name}`);
  return policy.statements;
};

describe('a queue whose policy lacks the statement for S3', () => {
  it('is not notified by the inbox, and S3 refuses the notification as in a deployment', async () => {
    const starting = startCloud({
      adjust(service) {
        const statements = statementsOf(service, 'IngestQueuePolicy');
        statements.splice(
          statements.findIndex(({ sid }) => sid === 'InboxMayNotify'),
          1,
        );
      },
    });
    await expect(starting).rejects.toThrow(
      `Unable to validate the following destination configurations: Service: s3.amazonaws.com for arn:aws:s3:::${INBOX} ` +
        `is not authorized to perform: sqs:SendMessage on resource: "arn:aws:sqs:us-east-1:${ACCOUNT}:spillway-dev-ingest"`,
    );
  });
});

describe('the policies of the template', () => {
  let cloud: PipelineCloud;
  let sqs: SQSClient;
  beforeAll(async () => {
    cloud = await startPipelineCloud({
      adjust: (service) => void statementsOf(service, 'DestinationBucketPolicy').push(PLANTED),
    });
    sqs = new SQSClient(cloud.clientConfig());
  });
  afterAll(async () => {
    sqs?.destroy();
    await cloud?.stop();
  });

  const refusalOf = (sending: Promise<unknown>) => sending.then(String, (error: Error) => error.message);

  it.each([
    ['%E0%A4%A/k', 'Invalid copy source encoding.'],
    ['bucket', 'Copy Source must mention the source bucket and key'],
  ])('answer a copy whose header names no object: %s', async (source, message) => {
    const url = `${cloud.endpoints.aws}/${DESTINATION}/k`;
    const answer = await fetch(url, { method: 'PUT', headers: { 'x-amz-copy-source': source } });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(message)]);
  });

  it('deny a function what its role allows, and name the statement', async () => {
    const dropped = await cloud.drop('kept.csv', 'key,text\nkept/a,x\nfree/a,x\n', {
      options: { spread: 'off', 'max-failed-percent': '100' },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ rows: 2, stored: 1, failed: 1, unaccounted: 0 });
    const [row] = await cloud.rows(end, 'failed');
    expect(JSON.stringify(row)).toContain('AccessDenied');
    const { denied } = await cloud.access();
    expect(denied).toContainEqual(
      expect.objectContaining({
        role: 'UploadRole',
        action: 's3:PutObject',
        resource: `arn:aws:s3:::${DESTINATION}/kept/a`,
      }),
    );
    expect(await refusalOf(cloud.put(DESTINATION, 'kept/b', 'x'))).toBe(
      `User: arn:aws:iam::${ACCOUNT}:user/local is not authorized to perform: s3:PutObject on resource: ` +
        `"arn:aws:s3:::${DESTINATION}/kept/b" with an explicit deny in a resource-based policy: DestinationBucketPolicy Planted`,
    );
  });

  it('let nobody but the API name a job', async () => {
    const put = (Key: string) => cloud.s3.send(new PutObjectCommand({ Bucket: INBOX, Key, Body: 'x' }));
    expect(await refusalOf(put('api/forged/manifest'))).toMatch(/InboxBucketPolicy OnlyTheApiNamesJobs$/);
    await expect(put('api/forged/list.csv')).resolves.toBeDefined();
    const form = new FormData();
    form.append('key', 'api/forged/manifest');
    form.append('file', new Blob(['x']));
    const answer = await fetch(`${cloud.endpoints.aws}/${INBOX}`, { method: 'POST', body: form });
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('OnlyTheApiNamesJobs'),
    ]);
  });

  it.each([
    ['upload', 'UploadQueuePolicy OnlyThePipelineSends'],
    ['settle', 'SettleQueuePolicy OnlyThePipelineSends'],
    ['dead-letters', 'DeadLettersPolicy OnlySqsMovesDeadLetters'],
  ])('let nobody forge a message of the queue %s', async (name, statement) => {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: `spillway-dev-${name}` }));
    const refusal = await refusalOf(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' })));
    expect(refusal).toMatch(new RegExp(`explicit deny in a resource-based policy: ${statement}$`));
  });
});
