// The emulated services through the real SDK clients: what fauxqs and dynalite lack and the pipeline leans on.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Emulators, type EmulatorsOptions, startEmulators } from '../../local/aws/emulators.ts';
import { classifyFault } from '../../shared/aws/classify.ts';

const account = '111122223333';
const arnOf = (queue: string): string => `arn:aws:sqs:us-east-1:${account}:${queue}`;

const options: EmulatorsOptions = {
  region: 'us-east-1',
  accountId: account,
  seed: 7,
  limit: { limitPerSecond: 1, burstSeconds: 5 },
  buckets: [
    { name: 'inbox', versioned: true, notifications: [{ queueArn: arnOf('notified') }] },
    { name: 'plain' },
    { name: 'throttled', throttled: true },
  ],
  queues: [
    { name: 'notified', attributes: {} },
    { name: 'work', attributes: { VisibilityTimeout: 30, SqsManagedSseEnabled: true } },
    { name: 'narrow', attributes: {}, inFlightLimit: 2 },
    { name: 'dead', attributes: { MessageRetentionPeriod: 1_209_600 } },
    {
      name: 'frail',
      attributes: {
        VisibilityTimeout: 0,
        RedrivePolicy: { deadLetterTargetArn: arnOf('dead'), maxReceiveCount: 2 },
      },
    },
    { name: 'forgetful', attributes: { MessageRetentionPeriod: 1 } },
  ],
  tables: [
    {
      TableName: 'ledger',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'live', AttributeType: 'S' },
      ],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'live',
          KeySchema: [{ AttributeName: 'live', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    },
  ],
};

let emulators: Emulators;
let s3: S3Client;
let sqs: SQSClient;

function clientConfig(endpoint: string) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
}

beforeAll(async () => {
  emulators = await startEmulators(options);
  s3 = new S3Client(clientConfig(emulators.endpoints.aws));
  sqs = new SQSClient(clientConfig(emulators.endpoints.aws));
});

afterAll(async () => {
  s3.destroy();
  sqs.destroy();
  await emulators.stop();
});

afterEach(async () => {
  await emulators.setFaults([]);
});

async function put(Bucket: string, Key: string, Body: string, more: object = {}) {
  return await s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
}

async function text(Bucket: string, Key: string, more: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
}

async function receive(queue: string, more: object = {}): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: emulators.queueUrl(queue),
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
      ...more,
    }),
  );
  return Messages;
}

async function failure(promise: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  const error = (await promise.then(
    () => expect.unreachable('it should have failed'),
    (reason: unknown) => reason,
  )) as { name: string; $metadata?: { httpStatusCode?: number } };
  return { name: error.name, status: error.$metadata?.httpStatusCode };
}

const oddKeys = [
  'with space',
  'with+plus',
  'with%2Fescape and %',
  `quote " and ' and &<>`,
  'ünïcödé/日本/\u{1F600}',
  '/leading/slash',
  'up/../and/./down',
  'question?versionId=none#hash',
  'double//slash/',
  'control \u0001, tab \t, line\r\nend',
  'k'.repeat(1024),
];

describe('keys', () => {
  it.each(oddKeys)('%j arrives byte-exact', async (key) => {
    await put('plain', key, key);
    expect(await text('plain', key)).toBe(key);
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: 'plain', Prefix: key }));
    expect(listed.Contents?.map(({ Key }) => Key)).toContain(key);
  });

  it.each(oddKeys)('%j can be copied from', async (key) => {
    const { VersionId } = await put('inbox', key, `of ${key}`);
    await put('inbox', key, 'newer');
    const source = `inbox/${encodeURIComponent(key)}`;
    await s3.send(new CopyObjectCommand({ Bucket: 'plain', Key: 'latest', CopySource: source }));
    expect(await text('plain', 'latest')).toBe('newer');
    const versioned = `${source}?versionId=${VersionId}`;
    await s3.send(new CopyObjectCommand({ Bucket: 'plain', Key: 'first', CopySource: versioned }));
    expect(await text('plain', 'first')).toBe(`of ${key}`);
  });

  it('are listed in the order of their bytes, over pages, with none left out', async () => {
    const keys = ['b', 'C', 'a', 'Z', 'ä', '_', '0', 'aa', 'B'].map((key) => `order/${key}`);
    await Promise.all(keys.map((key) => put('plain', key, 'x')));
    const listed: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await s3.send(
        new ListObjectsV2Command({
          Bucket: 'plain',
          Prefix: 'order/',
          MaxKeys: 2,
          ContinuationToken: token,
        }),
      );
      listed.push(...(page.Contents ?? []).map(({ Key }) => Key));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(listed).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });
});

describe('a conditional write', () => {
  it('fails with 412 where the object exists, by PUT and by copy', async () => {
    await put('plain', 'once', 'first', { IfNoneMatch: '*' });
    const second = await failure(put('plain', 'once', 'second', { IfNoneMatch: '*' }));
    expect(second).toEqual({ name: 'PreconditionFailed', status: 412 });
    const copy = new CopyObjectCommand({
      Bucket: 'plain',
      Key: 'once',
      CopySource: 'plain/once',
      IfNoneMatch: '*',
    });
    expect(await failure(s3.send(copy))).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect(await text('plain', 'once')).toBe('first');
  });

  it('lets one of many through; the others meet 412 or 409', async () => {
    const writers = Array.from({ length: 20 }, (_, index) =>
      put('plain', 'raced', `${index}`, { IfNoneMatch: '*' }),
    );
    const settled = await Promise.allSettled(writers);
    const refusals = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason.name] : []));
    expect(refusals).toHaveLength(19);
    expect(['PreconditionFailed', 'ConditionalRequestConflict']).toEqual(
      expect.arrayContaining([...new Set(refusals)]),
    );
  });

  it('fails when a multipart upload completes over an object', async () => {
    const target = { Bucket: 'plain', Key: 'once-multipart' };
    const complete = async (): Promise<unknown> => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target));
      const part = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'part' }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
      const command = new CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload,
        IfNoneMatch: '*',
      });
      return await s3.send(command);
    };
    await complete();
    expect(await failure(complete())).toEqual({ name: 'PreconditionFailed', status: 412 });
  });
});

describe('a versioned bucket', () => {
  it('keeps every version with its own metadata, and answers with the latest', async () => {
    const first = await put('inbox', 'doc', 'first', { Metadata: { job: 'one' }, ContentType: 'text/csv' });
    const second = await put('inbox', 'doc', 'second', { Metadata: { job: 'two' } });
    expect(second.VersionId).not.toBe(first.VersionId);
    const old = { Bucket: 'inbox', Key: 'doc', VersionId: first.VersionId };
    expect(await s3.send(new HeadObjectCommand(old))).toMatchObject({
      VersionId: first.VersionId,
      ContentType: 'text/csv',
      ContentLength: 5,
      Metadata: { job: 'one' },
    });
    expect(await text('inbox', 'doc', { VersionId: first.VersionId, Range: 'bytes=1-2' })).toBe('ir');
    const latest = await s3.send(new GetObjectCommand({ Bucket: 'inbox', Key: 'doc' }));
    expect(latest).toMatchObject({ VersionId: second.VersionId, Metadata: { job: 'two' } });
    expect(await latest.Body?.transformToString()).toBe('second');
  });

  it('keeps versions past a deletion, and knows no others', async () => {
    const { VersionId } = await put('inbox', 'gone', 'kept');
    await s3.send(new DeleteObjectCommand({ Bucket: 'inbox', Key: 'gone' }));
    expect(await failure(text('inbox', 'gone'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await text('inbox', 'gone', { VersionId })).toBe('kept');
    const unknown = failure(text('inbox', 'gone', { VersionId: 'unknown' }));
    expect(await unknown).toEqual({ name: 'NoSuchVersion', status: 404 });
  });

  it('says that it is versioned, and shows no other buckets than those asked for', async () => {
    const versioning = await s3.send(new GetBucketVersioningCommand({ Bucket: 'inbox' }));
    expect(versioning.Status).toBe('Enabled');
    const other = await s3.send(new GetBucketVersioningCommand({ Bucket: 'plain' }));
    expect(other.Status).toBeUndefined();
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['inbox', 'plain', 'throttled']);
  });

  it('takes an object above 11 MiB in parts', async () => {
    const target = { Bucket: 'inbox', Key: 'large' };
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ ...target, Metadata: { job: 'large' } }),
    );
    const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(5 * 1024 * 1024));
    const Parts = await Promise.all(
      bodies.map(async (Body, index) => {
        const part = { ...target, UploadId, PartNumber: index + 1 };
        const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body }));
        return { ETag, PartNumber: index + 1 };
      }),
    );
    const done = await s3.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    expect(await s3.send(new HeadObjectCommand({ ...target, VersionId: done.VersionId }))).toMatchObject({
      ContentLength: 15 * 1024 * 1024,
      VersionId: done.VersionId,
      Metadata: { job: 'large' },
    });
  });
});

describe('a notification', () => {
  it('is the true record: form-encoded key, no s3: before the event, the version written', async () => {
    const drained = async (): Promise<Record<string, never>[]> => {
      const all: Record<string, never>[] = [];
      for (let page = await receive('notified'); page.length > 0; page = await receive('notified')) {
        all.push(...page.map(({ Body = '' }) => JSON.parse(Body)));
      }
      return all;
    };
    const before = await drained();
    expect(before.filter(({ Event }) => Event === 's3:TestEvent')).toMatchObject([{ Bucket: 'inbox' }]);
    const key = "drop/a b+c's é.csv";
    const { VersionId, ETag } = await put('inbox', key, '12345');
    await s3.send(new CopyObjectCommand({ Bucket: 'inbox', Key: 'copy', CopySource: 'inbox/doc' }));
    const [created, copied] = await drained();
    expect(created).toEqual({
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: 'us-east-1',
          eventTime: expect.stringMatching(/^\d{4}-.*Z$/),
          eventName: 'ObjectCreated:Put',
          userIdentity: { principalId: expect.any(String) },
          requestParameters: { sourceIPAddress: '127.0.0.1' },
          responseElements: { 'x-amz-request-id': expect.any(String), 'x-amz-id-2': expect.any(String) },
          s3: {
            s3SchemaVersion: '1.0',
            configurationId: expect.any(String),
            bucket: { name: 'inbox', ownerIdentity: expect.any(Object), arn: 'arn:aws:s3:::inbox' },
            object: {
              key: 'drop/a+b%2Bc%27s+%C3%A9.csv',
              size: 5,
              eTag: ETag?.replaceAll('"', ''),
              versionId: VersionId,
              sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
            },
          },
        },
      ],
    });
    expect(copied).toMatchObject({
      Records: [{ eventName: 'ObjectCreated:Copy', s3: { object: { key: 'copy' } } }],
    });
  });
});

describe('a throttled bucket', () => {
  it('answers a true SlowDown over its limit, to a HEAD without a body, and keeps the connections', async () => {
    const writes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => put('throttled', `key-${index}`, 'x'.repeat(10_000))),
    );
    const refused = writes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(refused[0]).toMatchObject({
      name: 'SlowDown',
      message: 'Please reduce your request rate.',
      $metadata: {
        httpStatusCode: 503,
        requestId: expect.any(String),
        extendedRequestId: expect.any(String),
      },
    });
    const head = () => failure(s3.send(new HeadObjectCommand({ Bucket: 'throttled', Key: 'key-0' })));
    const heads = await Promise.all(Array.from({ length: 20 }, () => head().catch(() => undefined)));
    const refusedHead = heads.find((each) => each !== undefined);
    expect(refusedHead?.status).toBe(503);
    expect(refusedHead?.name).not.toBe('SlowDown');

    const { buckets } = (await emulators.meter()).s3;
    const { PutObject } = buckets.throttled?.operations ?? {};
    expect(PutObject).toMatchObject({
      requests: 20,
      throttled: refused.length,
      accepted: 20 - refused.length,
    });
    expect(buckets.throttled?.limits).toMatchObject({ partitions: [{ startKey: '' }], limitPerSecond: 1 });
    const seconds = buckets.throttled?.writesBySecond ?? [];
    expect(seconds.reduce((sum, { accepted, throttled }) => sum + accepted + throttled, 0)).toBe(20);
  });
});

describe('a fault', () => {
  it('answers writes of the keys it names with an error, as often as it was set to', async () => {
    await emulators.setFaults([
      { kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: 'bad', count: 1 },
    ]);
    await put('plain', 'good', 'x');
    expect(await failure(put('plain', 'bad', 'x'))).toEqual({ name: 'InternalError', status: 500 });
    await put('plain', 'bad', 'x');
  });

  it('breaks the connection before the write, or after it', async () => {
    await emulators.setFaults([{ kind: 's3-drop', when: 'before', count: 1 }]);
    expect((await failure(put('plain', 'dropped-before', 'x'))).status).toBeUndefined();
    expect((await failure(text('plain', 'dropped-before'))).name).toBe('NoSuchKey');
    await emulators.setFaults([{ kind: 's3-drop', when: 'after', count: 1 }]);
    expect((await failure(put('plain', 'dropped-after', 'x'))).status).toBeUndefined();
    expect(await text('plain', 'dropped-after')).toBe('x');
  });

  it('throttles for KMS, and the classification distinguishes it from the partition', async () => {
    await emulators.setFaults([{ kind: 's3-kms-throttled', count: 1 }]);
    const thrown = await put('plain', 'sealed', 'x').then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(classifyFault(thrown)).toEqual({
      kind: 'throttle',
      scope: 'kms',
      code: 'SlowDown',
      message: 'Please reduce your request rate for operations involving AWS KMS.',
    });
    await put('plain', 'sealed', 'x');
  });

  it('throttles one hot object, and none beside it', async () => {
    await emulators.setFaults([{ kind: 's3-same-object', perSecond: 2 }]);
    const hot = await Promise.allSettled(Array.from({ length: 6 }, () => put('plain', 'hot', 'x')));
    expect(hot.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const refused = hot.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused[0]).toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    await Promise.all(Array.from({ length: 6 }, (_, index) => put('plain', `cool-${index}`, 'x')));
  });

  it('says 200 to a copy with an error in its body, which the SDK throws', async () => {
    await put('plain', 'original', 'x');
    await emulators.setFaults([
      { kind: 's3-error-in-200', code: 'InternalError', operations: ['CopyObject'], count: 1 },
    ]);
    const copy = () =>
      s3.send(new CopyObjectCommand({ Bucket: 'plain', Key: 'copied', CopySource: 'plain/original' }));
    const thrown = await copy().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(classifyFault(thrown)).toMatchObject({ kind: 'transient', code: 'InternalError' });
    expect((await failure(text('plain', 'copied'))).name).toBe('NoSuchKey');
    await copy();
    expect(await text('plain', 'copied')).toBe('x');
  });

  it('makes entries of a batch fail, and carries the others out', async () => {
    const QueueUrl = emulators.queueUrl('work');
    await emulators.setFaults([
      { kind: 'sqs-entries-failed', action: 'SendMessageBatch', queue: 'work', count: 2 },
    ]);
    const Entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id }));
    const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(sent.Failed?.map(({ Id }) => Id)).toEqual(['a', 'b']);
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['c']);
    const received = await receive('work');
    expect(received.map(({ Body }) => Body)).toEqual(['c']);

    await emulators.setFaults([{ kind: 'sqs-entries-failed', action: 'DeleteMessageBatch' }]);
    const [message] = received;
    const deletion = { QueueUrl, Entries: [{ Id: 'c', ReceiptHandle: message?.ReceiptHandle }] };
    const kept = await sqs.send(new DeleteMessageBatchCommand(deletion));
    expect(kept.Failed).toMatchObject([{ Id: 'c', SenderFault: false, Code: 'InternalError' }]);
    await emulators.setFaults([]);
    await sqs.send(new DeleteMessageBatchCommand(deletion));
    expect((await emulators.queueDepths()).work).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });
});

describe('a queue', () => {
  it('has a URL that any client can use', async () => {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'work' }));
    expect(QueueUrl).toBe(emulators.queueUrl('work'));
    expect(QueueUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/111122223333\/work$/);
    const { QueueUrls } = await sqs.send(new ListQueuesCommand({}));
    expect(QueueUrls).toContain(QueueUrl);
    const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
    expect((await sqs.send(command)).Attributes).toMatchObject({
      QueueArn: arnOf('work'),
      VisibilityTimeout: '30',
      SqsManagedSseEnabled: 'true',
    });
  });

  it.each([
    ['no object', 'null'],
    ['a list', '[]'],
    ['a queue that is no text', '{"QueueUrl":5}'],
  ])('refuses a call with %s as its body', async (_what, body) => {
    const answer = await fetch(emulators.endpoints.aws, {
      method: 'POST',
      headers: {
        'x-amz-target': 'AmazonSQS.ReceiveMessage',
        'content-type': 'application/x-amz-json-1.0',
      },
      body,
    });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { __type: 'com.amazonaws.sqs#SerializationException', message: expect.any(String) as string },
    ]);
  });

  it.each([
    ['DynamoDB_20120810.ListTables', 'application/x-amz-json-1.0'],
    ['Logs_20140328.DescribeLogGroups', 'application/x-amz-json-1.1'],
  ])('is no way to another service: %s', async (target, type) => {
    const answer = await fetch(emulators.endpoints.aws, {
      method: 'POST',
      headers: { 'x-amz-target': target, 'content-type': type },
      body: '{}',
    });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { __type: 'UnknownOperationException', message: expect.stringContaining('DynamoDB has another port') },
    ]);
  });

  describe('in a function', () => {
    beforeEach(() => {
      process.env.AWS_LAMBDA_FUNCTION_NAME = 'upload';
      process.env._X_AMZN_TRACE_ID = 'Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:3';
    });
    afterEach(() => {
      delete process.env.AWS_LAMBDA_FUNCTION_NAME;
      delete process.env._X_AMZN_TRACE_ID;
    });

    it("gives back the sender's trace header and the message group of a standard queue", async () => {
      const QueueUrl = emulators.queueUrl('work');
      const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: 'same', MessageGroupId: `job-${Id}` }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      const received = await receive('work');
      expect(received.map(({ Attributes }) => Attributes)).toMatchObject([
        {
          AWSTraceHeader: process.env._X_AMZN_TRACE_ID,
          MessageGroupId: 'job-a',
          ApproximateReceiveCount: '1',
        },
        { AWSTraceHeader: process.env._X_AMZN_TRACE_ID, MessageGroupId: 'job-b' },
      ]);
    });
  });

  it('returns nothing while its in-flight quota is used up, and goes on when there is room', async () => {
    const QueueUrl = emulators.queueUrl('narrow');
    const Entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const [first, second] = await receive('narrow');
    expect(second).toBeDefined();
    expect(await receive('narrow', { WaitTimeSeconds: 1 })).toEqual([]);
    const waiting = receive('narrow', { WaitTimeSeconds: 5 });
    const ReceiptHandle = first?.ReceiptHandle;
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [{ Id: 'x', ReceiptHandle }] }));
    expect((await waiting).map(({ Body }) => Body)).toEqual(['c']);
  });

  it('moves a message to its dead letters after the receive limit', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: emulators.queueUrl('frail'), MessageBody: 'killer' }));
    for (let receives = 0; receives < 2; receives += 1) {
      const [message] = await receive('frail', { WaitTimeSeconds: 1 });
      expect(message?.Body).toBe('killer');
    }
    expect(await receive('frail', { WaitTimeSeconds: 1 })).toEqual([]);
    const [dead] = await receive('dead');
    expect(dead).toMatchObject({ Body: 'killer', Attributes: { DeadLetterQueueSourceArn: arnOf('frail') } });
  });

  it('holds back a delayed message and a message whose visibility was changed', async () => {
    const QueueUrl = emulators.queueUrl('work');
    await receive('work');
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 1 }));
    expect((await emulators.queueDepths()).work?.delayed).toBe(1);
    const [later] = await receive('work', { WaitTimeSeconds: 5 });
    expect(later?.Body).toBe('later');
    const ReceiptHandle = later?.ReceiptHandle;
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 1 }));
    expect(await receive('work')).toEqual([]);
    const [again] = await receive('work', { WaitTimeSeconds: 5 });
    expect(again).toMatchObject({
      MessageId: later?.MessageId,
      Attributes: { ApproximateReceiveCount: '2' },
    });
  });

  it('forgets what is older than its retention', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: emulators.queueUrl('forgetful'), MessageBody: 'old' }));
    expect((await emulators.queueDepths()).forgetful?.visible).toBe(1);
    await expect
      .poll(async () => (await emulators.queueDepths()).forgetful?.visible, { timeout: 240_000 })
      .toBe(0);
  });

  it('is metered by action and queue, a billed unit for each 64 KB', async () => {
    const before = (await emulators.meter()).sqs.queues.dead?.SendMessage?.billedUnits ?? 0;
    const QueueUrl = emulators.queueUrl('dead');
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(100 * 1024) }));
    const { queues, actions } = (await emulators.meter()).sqs;
    expect((queues.dead?.SendMessage?.billedUnits ?? 0) - before).toBe(2);
    expect(actions.ReceiveMessage?.requests).toBeGreaterThan(0);
  });
});

describe('the event bus', () => {
  it('refuses a time that no calendar has', async () => {
    const answer = await fetch(emulators.endpoints.aws, {
      method: 'POST',
      headers: { 'x-amz-target': 'AWSEvents.PutEvents', 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ Entries: [{ Source: 's', DetailType: 'd', Detail: '{}', Time: 1e300 }] }),
    });
    expect(await answer.json()).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: 'InvalidArgument', ErrorMessage: 'Parameter Time is not valid.' }],
    });
  });

  it('refuses a request above its bound', async () => {
    const answer = await fetch(emulators.endpoints.aws, {
      method: 'POST',
      headers: { 'x-amz-target': 'AWSEvents.PutEvents', 'content-type': 'application/x-amz-json-1.1' },
      body: 'x'.repeat(3 * 1024 ** 2),
    });
    expect(answer.status).toBe(413);
  });

  it('keeps good entries, refuses bad ones, and notifies its listeners', async () => {
    const client = new EventBridgeClient(clientConfig(emulators.endpoints.aws));
    const heard: unknown[] = [];
    const end = emulators.onEvent((entry) => heard.push(entry));
    const good = {
      Source: 'spillway',
      DetailType: 'JobCompleted',
      Detail: '{"rows":3}',
      EventBusName: 'bus',
    };
    const answer = await client.send(
      new PutEventsCommand({ Entries: [good, { ...good, Detail: 'not json' }] }),
    );
    // The worker's word to its listener may come after its answer to the client.
    await vi.waitFor(() => expect(heard).not.toEqual([]));
    end();
    client.destroy();
    expect(answer).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ EventId: expect.any(String) }, { ErrorCode: 'MalformedDetail' }],
    });
    expect(heard).toMatchObject([
      { source: 'spillway', detailType: 'JobCompleted', detail: { rows: 3 }, eventBusName: 'bus' },
    ]);
  });
});

describe('the ledger table', () => {
  it('works through its index, and is metered by units and partition key', async () => {
    const client = new DynamoDBClient(clientConfig(emulators.endpoints.dynamodb));
    const numbers = Array.from({ length: 500 }, (_, index) => String(index));
    const update = new UpdateItemCommand({
      TableName: 'ledger',
      Key: { pk: { S: 'block#1' } },
      UpdateExpression: 'ADD done :numbers SET live = :live',
      ExpressionAttributeValues: { ':numbers': { NS: numbers }, ':live': { S: 'yes' } },
      ReturnValues: 'ALL_NEW',
    });
    const updated = await client.send(update);
    expect(updated.Attributes?.done?.NS).toHaveLength(500);
    expect(updated.ConsumedCapacity).toBeUndefined();
    const writes = [{ PutRequest: { Item: { pk: { S: 'block#2' } } } }];
    await client.send(new BatchWriteItemCommand({ RequestItems: { ledger: writes } }));
    const read = new GetItemCommand({
      TableName: 'ledger',
      Key: { pk: { S: 'block#1' } },
      ConsistentRead: true,
    });
    await client.send(read);
    const live = await client.send(
      new QueryCommand({
        TableName: 'ledger',
        IndexName: 'live',
        KeyConditionExpression: 'live = :live',
        ExpressionAttributeValues: { ':live': { S: 'yes' } },
      }),
    );
    expect(live.Items).toEqual([{ live: { S: 'yes' }, pk: { S: 'block#1' } }]);
    client.destroy();

    const { dynamodb } = await emulators.meter();
    expect(dynamodb.operations).toMatchObject({
      UpdateItem: { requests: 1, failed: 0, writeUnits: 3 },
      BatchWriteItem: { requests: 1, writeUnits: 1 },
      GetItem: { requests: 1, readUnits: 1 },
    });
    expect(dynamodb.hottest[0]).toMatchObject({
      table: 'ledger',
      key: 'block#1',
      peakWriteUnitsPerSecond: 3,
    });
  });
});

describe('starting', () => {
  it('names a taken port and the way out', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as AddressInfo;
    const bare = { ...options, buckets: [], queues: [], tables: [] };
    await expect(startEmulators({ ...bare, ports: { aws: port } })).rejects.toThrow(
      `port ${port} for S3 and SQS is taken: end what listens there, or choose another port`,
    );
    await expect(startEmulators({ ...bare, ports: { dynamodb: port } })).rejects.toThrow(
      `port ${port} for DynamoDB`,
    );
    squatter.close();
  });
});
