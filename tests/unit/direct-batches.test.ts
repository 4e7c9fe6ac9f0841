// SQS's batch calls past the SDK are held against the SDK: the same request, and all that goes wrong is the SDK's to try again.
import { Readable } from 'node:stream';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeVisibilityBatch, createSqsClient, deleteBatch, sendBatch } from '../../shared/aws/sqs.ts';
import { systemClock } from '../../shared/time/clock.ts';

interface Sent {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

type Answer = { status: number; text: string; headers?: Record<string, string> } | Error;

const QUEUE_URL = 'https://sqs.eu-west-1.amazonaws.com/123456789012/uploads';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI', sessionToken: 'a-token' };
const TAKEN: Answer = { status: 200, text: '{"Successful":[{"Id":"0"},{"Id":"1"}],"Failed":[]}' };
const MESSAGES = [
  { Id: '0', MessageBody: 'a', DelaySeconds: undefined, MessageGroupId: 'job' },
  { Id: '1', MessageBody: 'ü', DelaySeconds: 3, MessageGroupId: 'job' },
];
const ATTEMPTS = 4;
const isOfSdk = ({ headers }: Sent): boolean => headers['amz-sdk-invocation-id'] !== undefined;

/** A client whose requests go nowhere: the last answer stays. */
function fixture(answers: Answer[] = [TAKEN], config: SQSClientConfig = {}) {
  const sent: Sent[] = [];
  const handle = async (request: unknown) => {
    sent.push(request as Sent);
    const answer = answers[Math.min(sent.length, answers.length) - 1]!;
    if (answer instanceof Error) throw answer;
    return {
      response: {
        statusCode: answer.status,
        headers: answer.headers ?? {},
        body: Readable.from([Buffer.from(answer.text)]),
      },
    };
  };
  const full = {
    region: 'eu-west-1',
    credentials: CREDENTIALS,
    ...config,
    requestHandler: { handle } as unknown as NonNullable<SQSClientConfig['requestHandler']>,
  };
  const sqs = createSqsClient({ ...full, maxAttempts: ATTEMPTS }, systemClock);
  return { sqs, sent, sdk: new SQSClient({ ...full, md5: false, maxAttempts: 1 }) };
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe('a batch call past the SDK', () => {
  it.each<[string, SQSClientConfig, string]>([
    ['AWS', {}, QUEUE_URL],
    ['a queue in China', { region: 'cn-north-1' }, 'https://sqs.cn-north-1.amazonaws.com.cn/1/q'],
    ['an endpoint', { endpoint: 'http://localhost:9324' }, 'http://localhost:9324/000000000000/q'],
    ['an endpoint under a path', { endpoint: 'http://localhost:9324/sqs' }, 'http://localhost:9324/sqs/0/q'],
  ])('says what the SDK says, and where: %s', async (_, config, queueUrl) => {
    const { sqs, sent, sdk } = fixture([TAKEN], config);
    const calls = [
      new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: MESSAGES }),
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: ['r"1', 'r2'].map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      }),
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: queueUrl,
        Entries: [0, 43_200].map((VisibilityTimeout, index) => ({
          Id: String(index),
          ReceiptHandle: 'r',
          VisibilityTimeout,
        })),
      }),
    ];
    for (const call of calls) {
      sent.length = 0;
      await sqs.send(call as SendMessageBatchCommand);
      await sdk.send(call as SendMessageBatchCommand);
      expect(sent.map(isOfSdk)).toEqual([false, true]);
      const [own, bySdk] = sent.map(({ protocol, hostname, port, method, path, headers, body }) => ({
        ...{ protocol, hostname, port, method, path },
        json: JSON.parse(Buffer.from(body).toString()) as unknown,
        headers: Object.fromEntries(
          [
            'host',
            'content-type',
            'content-length',
            'x-amz-target',
            'x-amz-security-token',
            'x-amz-date',
          ].map((name) => [name, headers[name]]),
        ),
        scope: /Credential=([^,]+)/.exec(headers['authorization'] ?? '')?.[1],
      }));
      // A second may begin in between.
      const date = expect.stringMatching(/^\d{8}T\d{6}Z$/);
      expect(own).toEqual({ ...bySdk, headers: { ...bySdk?.headers, 'x-amz-date': date } });
    }
  });

  it('sends any text as it is', async () => {
    const { sqs, sent } = fixture([{ status: 200, text: '{"Successful":[{"Id":"0"}]}' }]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (MessageBody) => {
        sent.length = 0;
        expect(await sendBatch(sqs, QUEUE_URL, [{ Id: '0', MessageBody }])).toEqual([]);
        const { headers, body } = sent[0]!;
        expect(headers['content-length']).toBe(String(body.length));
        expect(JSON.parse(Buffer.from(body).toString())).toEqual({
          QueueUrl: QUEUE_URL,
          Entries: [{ Id: '0', MessageBody }],
        });
      }),
      { numRuns: 50 },
    );
  });

  it('returns the entries that SQS did not take', async () => {
    const failed = { Id: '1', SenderFault: false, Code: 'InternalError', Message: 'again' };
    const { sqs, sent } = fixture([
      { status: 200, text: JSON.stringify({ Successful: [{ Id: '0' }], Failed: [failed] }) },
    ]);
    const receipts = [0, 1].map((id) => ({ Id: String(id), ReceiptHandle: 'r' }));
    expect(await sendBatch(sqs, QUEUE_URL, MESSAGES)).toEqual([failed]);
    expect(await deleteBatch(sqs, QUEUE_URL, receipts)).toEqual([failed]);
    expect(await changeVisibilityBatch(sqs, QUEUE_URL, receipts)).toEqual([failed]);
    expect(sent.map(isOfSdk)).toEqual([false, false, false]);
  });

  it.each<[string, Answer]>([
    ['an error', { status: 500, text: '{"__type":"InternalFailure"}' }],
    ['a lost connection', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })],
    ['no JSON', { status: 200, text: '<html>' }],
    ['no object', { status: 200, text: 'null' }],
    ['fewer entries than were sent', { status: 200, text: '{"Successful":[{"Id":"0"}]}' }],
    ['more than SQS says', { status: 200, text: `{"Successful":"${'x'.repeat(70_000)}"}` }],
  ])('is the SDK’s to make again after %s', async (_, answer) => {
    const { sqs, sent } = fixture([answer, TAKEN]);
    expect(await sendBatch(sqs, QUEUE_URL, MESSAGES)).toEqual([]);
    expect(sent.map(isOfSdk)).toEqual([false, true]);
  });

  it('takes no more attempts than the budget has, and ends with SQS’s error', async () => {
    vi.useFakeTimers();
    const { sqs, sent } = fixture([
      { status: 503, text: '{"__type":"ServiceUnavailable","message":"busy"}' },
    ]);
    const failing = expect(sendBatch(sqs, QUEUE_URL, MESSAGES)).rejects.toThrow('busy');
    await vi.runAllTimersAsync();
    await failing;
    expect(sent.map(isOfSdk)).toEqual([false, true, true, true]);
  });

  it('goes by SQS’s clock once SQS has said that its own is wrong', async () => {
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT';
    const skewed = {
      status: 403,
      text: '{"__type":"RequestTimeTooSkewed","message":"late"}',
      headers: { date },
    };
    const { sqs, sent } = fixture([skewed, skewed, TAKEN]);
    await sendBatch(sqs, QUEUE_URL, MESSAGES);
    await sendBatch(sqs, QUEUE_URL, MESSAGES);
    expect(sent.map(isOfSdk)).toEqual([false, true, true, false]);
    expect(sent.at(-1)?.headers['x-amz-date']).toMatch(/^20300101T/);
  });

  it('says what is wrong with the credentials, and makes the call once there are some', async () => {
    let known = false;
    const credentials = async () => {
      if (!known) throw new Error('no credentials yet');
      return CREDENTIALS;
    };
    const { sqs, sent } = fixture([TAKEN], { credentials });
    await expect(sendBatch(sqs, QUEUE_URL, MESSAGES)).rejects.toThrow('no credentials yet');
    known = true;
    await sendBatch(sqs, QUEUE_URL, MESSAGES);
    expect(sent.map(isOfSdk)).toEqual([false]);
  });

  it('carries Lambda’s trace along', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'ingest');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-2;Lineage=1:a:0');
    const { sqs, sent } = fixture();
    await sendBatch(sqs, QUEUE_URL, MESSAGES);
    expect(sent[0]?.headers['x-amzn-trace-id']).toBe('Root=1-2;Lineage=1:a:0');
    expect(sent[0]?.headers['authorization']).not.toContain('x-amzn-trace-id');
  });
});

it('makes all other calls by the SDK', async () => {
  const { sqs, sent } = fixture([{ status: 200, text: '{"Attributes":{"QueueArn":"a"}}' }]);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: QUEUE_URL, AttributeNames: ['QueueArn'] }),
  );
  expect(Attributes).toEqual({ QueueArn: 'a' });
  expect(sent.map(isOfSdk)).toEqual([true]);
});
