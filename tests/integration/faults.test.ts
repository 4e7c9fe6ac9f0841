// Each fault of the emulated services and of Lambda through the real SDK client: what the client meets, what was done all the
// same, and that it is counted.
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Emulators, startEmulators } from '../../local/aws/emulators.ts';
import type { Fault } from '../../local/faults/fault.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startFixtureCloud } from '../helpers/fixture-cloud.ts';

const VISIBILITY_SECONDS = 1;

let emulators: Emulators;
let s3: S3Client;
/** Waits for as long as an answer takes. */
let patient: S3Client;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;
let made = 0;
/** The emulators' own. */
const failures: string[] = [];

beforeAll(async () => {
  emulators = await startEmulators({
    region: 'us-east-1',
    accountId: '111122223333',
    seed: 7,
    onFailure: (message) => failures.push(message),
    buckets: [{ name: 'store' }],
    queues: [
      { name: 'work', attributes: { VisibilityTimeout: VISIBILITY_SECONDS } },
      { name: 'other', attributes: { VisibilityTimeout: VISIBILITY_SECONDS } },
    ],
    tables: [
      {
        TableName: 'ledger',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      },
    ],
  });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { region: 'us-east-1', credentials, maxAttempts: 1 };
  const impatient = { requestTimeout: 1_000, throwOnRequestTimeout: true };
  s3 = new S3Client({ ...config, endpoint: emulators.endpoints.aws, requestHandler: impatient });
  patient = new S3Client({ ...config, endpoint: emulators.endpoints.aws });
  sqs = new SQSClient({ ...config, endpoint: emulators.endpoints.aws });
  dynamodb = new DynamoDBClient({ ...config, endpoint: emulators.endpoints.dynamodb });
});
afterEach(() => emulators.setFaults([]));
afterAll(async () => {
  s3.destroy();
  patient.destroy();
  sqs.destroy();
  dynamodb.destroy();
  await emulators.stop();
});

/** Arms faults, and tells by how much each count has grown when asked. */
async function arm(...faults: Fault[]): Promise<() => Promise<Record<string, number>>> {
  const before = await emulators.faultCounts();
  await emulators.setFaults(faults);
  return async () => {
    const grown = Object.entries(await emulators.faultCounts()).map(
      ([name, count]) => [name, count - (before[name] ?? 0)] as const,
    );
    return Object.fromEntries(grown.filter(([, count]) => count > 0));
  };
}

async function failure(promise: Promise<unknown>) {
  const error = (await promise.then(
    () => expect.unreachable('it should have failed'),
    (reason: unknown) => reason,
  )) as { name: string; code?: string; $metadata?: { httpStatusCode?: number } };
  return { name: error.name, code: error.code, status: error.$metadata?.httpStatusCode };
}

const LOST = { status: undefined };
const fresh = (what: string) => `${what}-${made++}`;

const put = (Key: string, Body = 'x', client = s3) =>
  client.send(new PutObjectCommand({ Bucket: 'store', Key, Body }));
const text = async (Key: string, client = s3) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'store', Key }));
  return (await Body?.transformToString()) ?? '';
};

describe('S3', () => {
  it.each([
    { when: 'before', left: undefined },
    { when: 'after', left: 'x' },
  ] as const)('gives no answer in time, the write done or not: $when', async ({ when, left }) => {
    const Key = fresh('silent');
    const counts = await arm({ kind: 's3-timeout', when, heldMs: 2_000, count: 1 });
    expect(await failure(put(Key))).toMatchObject({ name: 'TimeoutError', ...LOST });
    expect(await counts()).toEqual({ 's3-timeout': 1 });
    expect(await text(Key).catch(() => undefined)).toBe(left);
  });

  it('breaks the silence in the end, for a client that would wait for ever', async () => {
    await arm({ kind: 's3-timeout', when: 'before', heldMs: 500, count: 1 });
    const startedMs = performance.now();
    const thrown = failure(
      patient.send(new PutObjectCommand({ Bucket: 'store', Key: fresh('silent'), Body: 'x' })),
    );
    expect(await thrown).toMatchObject(LOST);
    expect(performance.now() - startedMs).toBeGreaterThan(450);
  });

  it.each([
    { operation: 'GetObject', call: (key: string) => text(key) },
    {
      operation: 'HeadObject',
      call: (Key: string) => s3.send(new HeadObjectCommand({ Bucket: 'store', Key })),
    },
    {
      operation: 'ListObjectsV2',
      call: () => s3.send(new ListObjectsV2Command({ Bucket: 'store' })),
    },
  ])('fails reads too where it is asked to: $operation', async ({ operation, call }) => {
    const Key = fresh('read');
    await put(Key);
    const operations = [operation];
    const once = { operations, count: 1 };
    const counts = await arm(
      { kind: 's3-error', status: 503, code: 'SlowDown', name: 'refused', ...once },
      { kind: 's3-drop', when: 'before', ...once },
      { kind: 's3-drop', when: 'after', ...once },
      { kind: 's3-timeout', when: 'after', ...once },
    );
    await put(fresh('read'));
    expect(await failure(call(Key))).toMatchObject({ status: 503 });
    for (let lost = 0; lost < 3; lost += 1) expect(await failure(call(Key))).toMatchObject(LOST);
    await call(Key);
    expect(await counts()).toEqual({ refused: 1, 's3-drop': 2, 's3-timeout': 1 });
  });

  it('answers late, the write done at once', async () => {
    const Key = fresh('late');
    const counts = await arm({ kind: 's3-delay', delayMs: 200, count: 2 });
    const startedMs = performance.now();
    const putting = put(Key, 'x', patient);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await text(Key, patient)).toBe('x');
    expect((await putting).ETag).toBeDefined();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(195);
    await put(Key, 'x', patient);
    await put(Key, 'x', patient);
    expect(await counts()).toEqual({ 's3-delay': 2 });
    expect(failures).toEqual([]);
  });

  it('breaks off half way through an answer, which is then no shorter object', async () => {
    const Key = fresh('long');
    await put(Key, 'x'.repeat(100_000));
    const counts = await arm({ kind: 's3-drop', when: 'midway', operations: ['GetObject'], count: 1 });
    expect(await failure(text(Key))).toMatchObject({ code: 'ECONNRESET' });
    expect(await text(Key)).toHaveLength(100_000);
    expect(await counts()).toEqual({ 's3-drop': 1 });
  });
});

const url = (queue: string) => emulators.queueUrl(queue);
const send = (queue: string, MessageBody: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: url(queue), MessageBody }));
const receive = async (queue: string, waitSeconds = 0) => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: url(queue),
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: waitSeconds,
    }),
  );
  return Messages;
};
async function drain(...queues: string[]): Promise<void> {
  for (const queue of queues) {
    const { visible, inFlight, delayed } = (await emulators.queueDepths())[queue] ?? {
      visible: 0,
      inFlight: 0,
      delayed: 0,
    };
    for (let left = visible + inFlight + delayed; left > 0; ) {
      const messages = await receive(queue, VISIBILITY_SECONDS + 1);
      for (const { ReceiptHandle } of messages)
        await sqs.send(new DeleteMessageCommand({ QueueUrl: url(queue), ReceiptHandle }));
      left -= messages.length;
    }
  }
}

describe('SQS', () => {
  afterEach(async () => {
    await emulators.setFaults([]);
    await drain('work', 'other');
  });

  it.each([
    { status: 500, name: 'InternalFailure' },
    { status: 503, name: 'ServiceUnavailable' },
  ] as const)('refuses a whole call with $status, and does nothing', async ({ status, name }) => {
    const counts = await arm({
      kind: 'sqs-error',
      status,
      queue: 'work',
      actions: ['SendMessage'],
      count: 1,
    });
    await send('other', 'beside');
    expect(await failure(send('work', 'refused'))).toMatchObject({ name, status });
    await send('work', 'taken');
    expect((await receive('work')).map(({ Body }) => Body)).toEqual(['taken']);
    expect(await counts()).toEqual({ 'sqs-error': 1 });
  });

  it.each([
    { when: 'before', left: [] },
    { when: 'after', left: ['sent'] },
  ] as const)('loses the connection of a call $when it is done', async ({ when, left }) => {
    const counts = await arm({ kind: 'sqs-drop', when, actions: ['SendMessage'], count: 1 });
    expect(await failure(send('work', 'sent'))).toMatchObject(LOST);
    expect((await receive('work')).map(({ Body }) => Body)).toEqual(left);
    expect(await counts()).toEqual({ 'sqs-drop': 1 });
  });

  it('keeps what was received by a call whose answer was lost, until its visibility ends', async () => {
    await send('work', 'kept');
    await arm({ kind: 'sqs-drop', when: 'after', actions: ['ReceiveMessage'], count: 1 });
    expect(await failure(receive('work'))).toMatchObject(LOST);
    expect(await receive('work')).toEqual([]);
    expect((await receive('work', 5)).map(({ Body }) => Body)).toEqual(['kept']);
  });

  const receipts = [
    {
      action: 'DeleteMessage',
      call: (ReceiptHandle: string) =>
        sqs.send(new DeleteMessageCommand({ QueueUrl: url('work'), ReceiptHandle })),
    },
    {
      action: 'ChangeMessageVisibility',
      call: (ReceiptHandle: string) =>
        sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl: url('work'), ReceiptHandle, VisibilityTimeout: 60 }),
        ),
    },
  ];
  it.each(receipts)(
    'says of $action that the receipt has expired, and the message comes back',
    async ({ call }) => {
      await send('work', 'kept');
      const [message] = await receive('work');
      const counts = await arm({ kind: 'sqs-receipt-expired', queue: 'work', count: 1 });
      expect(await failure(call(message?.ReceiptHandle ?? ''))).toMatchObject({
        name: 'ReceiptHandleIsInvalid',
        status: 400,
      });
      expect((await receive('work', 5)).map(({ Body }) => Body)).toEqual(['kept']);
      expect(await counts()).toEqual({ 'sqs-receipt-expired': 1 });
    },
  );

  it('says so of single entries of a batch, and carries the others out', async () => {
    await send('work', 'a');
    await send('work', 'b');
    const handles = (await receive('work')).map(({ ReceiptHandle }) => ReceiptHandle);
    const counts = await arm({ kind: 'sqs-receipt-expired', count: 2 });
    const Entries = handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    const refused = [{ SenderFault: true, Code: 'ReceiptHandleIsInvalid' }];
    const changed = await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url('work'),
        Entries: Entries.slice(0, 1).map((entry) => ({ ...entry, VisibilityTimeout: 60 })),
      }),
    );
    expect(changed.Failed).toMatchObject(refused);
    const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url('work'), Entries }));
    expect(deleted.Failed).toMatchObject(refused);
    expect(deleted.Successful).toHaveLength(1);
    expect(await receive('work', 5)).toHaveLength(1);
    expect(await counts()).toEqual({ 'sqs-receipt-expired': 2 });
  });

  it('says that a message was sent, and it is gone', async () => {
    const counts = await arm({ kind: 'sqs-message-lost', queue: 'work', count: 2 });
    await send('other', 'beside');
    const Entries = ['a', 'b', 'c'].map((Id) => ({ Id, MessageBody: Id }));
    const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url('work'), Entries }));
    expect(answer.Successful).toHaveLength(3);
    expect((await receive('work')).map(({ Body }) => Body)).toEqual(['c']);
    expect(await receive('other')).toHaveLength(1);
    expect(await counts()).toEqual({ 'sqs-message-lost': 2 });
  });

  it('lets a message be overtaken by those sent after it', async () => {
    const counts = await arm({ kind: 'sqs-message-late', mostMs: 1_000, queue: 'work', count: 1 });
    await send('work', 'first');
    await send('work', 'second');
    expect((await receive('work')).map(({ Body }) => Body)).toEqual(['second']);
    expect((await emulators.queueDepths())['work']).toEqual({ visible: 0, inFlight: 1, delayed: 1 });
    expect((await receive('work', 5)).map(({ Body }) => Body)).toEqual(['first']);
    expect(await counts()).toEqual({ 'sqs-message-late': 1 });
  });

  it('delivers a message of one queue twice at once', async () => {
    const counts = await arm({ kind: 'sqs-message-twice', queue: 'work', name: 'doubled' });
    await send('work', 'both');
    await send('other', 'one');
    const twice = [...(await receive('work')), ...(await receive('work'))];
    expect(twice.map(({ Body }) => Body)).toEqual(['both', 'both']);
    expect(new Set(twice.map(({ ReceiptHandle }) => ReceiptHandle)).size).toBe(2);
    expect(await receive('work')).toEqual([]);
    expect(await receive('other')).toHaveLength(1);
    expect(await receive('other')).toEqual([]);
    expect(await counts()).toEqual({ doubled: 1 });
  });
});

const item = (pk: string) => ({ pk: { S: pk } });
const write = (pk: string) =>
  dynamodb.send(new PutItemCommand({ TableName: 'ledger', Item: { ...item(pk), size: { N: '1' } } }));
const read = async (pk: string) =>
  (await dynamodb.send(new GetItemCommand({ TableName: 'ledger', Key: item(pk) }))).Item;

describe('DynamoDB', () => {
  it.each<{ fault: Fault; name: string; status: number }>([
    ...(['ProvisionedThroughputExceededException', 'ThrottlingException'] as const).map((code) => ({
      fault: { kind: 'dynamodb-throttled', code } as const,
      name: code,
      status: 400,
    })),
    { fault: { kind: 'dynamodb-error', status: 500 }, name: 'InternalServerError', status: 500 },
    { fault: { kind: 'dynamodb-error', status: 503 }, name: 'ServiceUnavailable', status: 503 },
  ])('refuses a call as $name, and does nothing', async ({ fault, name, status }) => {
    const pk = fresh('refused');
    const counts = await arm({ ...fault, operations: ['PutItem'], count: 1 } as Fault);
    expect(await read(pk)).toBeUndefined();
    expect(await failure(write(pk))).toMatchObject({ name, status });
    expect(await read(pk)).toBeUndefined();
    await write(pk);
    expect(await read(pk)).toBeDefined();
    expect(await counts()).toEqual({ [fault.kind]: 1 });
  });

  it.each([
    { when: 'before', done: false },
    { when: 'after', done: true },
  ] as const)('loses the connection of a call $when it is done', async ({ when, done }) => {
    const pk = fresh('dropped');
    const counts = await arm({ kind: 'dynamodb-drop', when, count: 1 });
    expect(await failure(write(pk))).toMatchObject(LOST);
    expect((await read(pk)) !== undefined).toBe(done);
    expect(await counts()).toEqual({ 'dynamodb-drop': 1 });
  });

  it('leaves keys of a batch unprocessed, and refuses the batch where it would leave all', async () => {
    const keys = [fresh('key'), fresh('key'), fresh('key')];
    for (const key of keys) await write(key);
    const get = () =>
      dynamodb.send(
        new BatchGetItemCommand({
          RequestItems: { ledger: { Keys: keys.map(item), ConsistentRead: true } },
        }),
      );
    const counts = await arm({ kind: 'dynamodb-unprocessed', count: 2 });
    const first = await get();
    expect(first.Responses?.['ledger']?.map(({ pk }) => pk?.S)).toEqual(keys.slice(2));
    expect(first.UnprocessedKeys).toEqual({
      ledger: { Keys: keys.slice(0, 2).map(item), ConsistentRead: true },
    });
    const second = await get();
    expect(second.Responses?.['ledger']).toHaveLength(3);
    expect(second.UnprocessedKeys).toEqual({});
    expect(await counts()).toEqual({ 'dynamodb-unprocessed': 2 });

    await arm({ kind: 'dynamodb-unprocessed', count: 3 });
    expect(await failure(get())).toMatchObject({ name: 'ProvisionedThroughputExceededException' });
  });

  it('leaves writes of a batch undone', async () => {
    const keys = [fresh('item'), fresh('item')];
    await arm({ kind: 'dynamodb-unprocessed', count: 1 });
    const { UnprocessedItems } = await dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: { ledger: keys.map((key) => ({ PutRequest: { Item: item(key) } })) },
      }),
    );
    expect(UnprocessedItems).toEqual({ ledger: [{ PutRequest: { Item: item(keys[0] ?? '') } }] });
    expect(await read(keys[0] ?? '')).toBeUndefined();
    expect(await read(keys[1] ?? '')).toBeDefined();
  });
});

describe('an outage', () => {
  const services = [
    { service: 's3', call: () => put(fresh('out')) },
    { service: 'sqs', call: () => receive('work') },
    { service: 'dynamodb', call: () => write(fresh('out')) },
  ] as const;

  it.each(services)(
    'of $service resets every connection until it is over, and no other service’s',
    async ({ service, call }) => {
      const counts = await arm();
      await emulators.outage(service, 700);
      expect(await failure(call())).toMatchObject({ code: 'ECONNRESET', ...LOST });
      expect(await failure(call())).toMatchObject(LOST);
      for (const other of services) if (other.service !== service) await other.call();
      await new Promise((resolve) => setTimeout(resolve, 750));
      await call();
      expect(await counts()).toEqual({ [`outage-${service}`]: 1, [`outage-${service}-resets`]: 2 });
    },
  );

  it('breaks what is under way', async () => {
    const polling = failure(receive('work', 10));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await emulators.outage('sqs', 100);
    expect(await polling).toMatchObject({ code: 'ECONNRESET' });
    await new Promise((resolve) => setTimeout(resolve, 150));
  });
});

describe('Lambda', () => {
  const cloud = duringTests(startFixtureCloud);

  it('has invocations of one function die at random, and counts those that did', async () => {
    await cloud.setFaults([{ kind: 'lambda-death', function: 'steps', probability: 0.7 }]);
    const ends = [];
    for (let run = 0; run < 12; run += 1) {
      ends.push(
        await cloud.invoke('steps', { prefix: `run-${run}` }).then(
          () => 'lived',
          (error: Error) => error.name,
        ),
      );
    }
    await cloud.trigger('tick');
    await cloud.setFaults([]);
    const died = ends.filter((end) => end === 'Runtime.ExitError').length;
    expect(died).toBeGreaterThanOrEqual(4);
    expect(ends.filter((end) => end === 'lived')).toHaveLength(12 - died);
    expect(await cloud.faultCounts()).toEqual({ 'lambda-death-steps': died });
    expect(cloud.crashes()).toEqual({ steps: died });
  });

  it('sets the clock of new environments off, and their deadlines hold', async () => {
    const before = await cloud.faultCounts();
    const MOST_MS = 3_600_000;
    const timeoutMs = (cloud.service.functions['clock']?.timeoutSeconds ?? 0) * 1000;
    await cloud.setFaults([{ kind: 'lambda-clock-skew', function: 'clock', mostMs: MOST_MS }]);
    const ask = async () =>
      (await cloud.invoke('clock', {})) as { nowMs: number; written: string; remainingMs: number };
    const asked = [await ask(), await ask()];
    await cloud.setFaults([]);
    for (const { nowMs, written, remainingMs } of asked) {
      const offMs = Math.abs(nowMs - Date.now());
      expect(offMs).toBeGreaterThan(10_000);
      expect(offMs).toBeLessThan(MOST_MS + 10_000);
      expect(Math.abs(Date.parse(written) - nowMs)).toBeLessThan(1_000);
      expect(remainingMs).toBeGreaterThan(timeoutMs - 2_000);
      expect(remainingMs).toBeLessThanOrEqual(timeoutMs);
    }
    expect(await cloud.faultCounts()).toEqual({ ...before, 'lambda-clock-skew': 2 });
  });
});
