// What the pipeline takes for granted of SQS, asked of any client: the one in memory, and the embedded cloud's.
import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';

export interface SqsSubject {
  sqs: SQSClient;
  urlOf(queue: string): string;
  /** Lets at least so much of the queues' time pass. */
  pass(ms: number): Promise<void>;
}

const MAX_RECEIVES = 2;
const LONG_SECONDS = 600;
const PLAIN = Array.from({ length: 10 }, (_, index) => `plain-${index}`);
const LONG = { VisibilityTimeout: LONG_SECONDS };
const RedrivePolicy = {
  deadLetterTargetArn: 'arn:aws:sqs:us-east-1:111122223333:dead',
  maxReceiveCount: MAX_RECEIVES,
};

/** Queues that the subject must have. */
export const CONTRACT_QUEUES: Record<string, Record<string, unknown>> = {
  ...Object.fromEntries(PLAIN.map((name) => [name, LONG])),
  redriving: { ...LONG, RedrivePolicy },
  dead: LONG,
};

export function sqsContract(subject: () => SqsSubject): void {
  let used = 0;
  let QueueUrl: string;
  beforeEach(() => {
    QueueUrl = subject().urlOf(PLAIN[used++] ?? '');
  });

  const send = (entries: Partial<SendMessageBatchRequestEntry>[], url = QueueUrl) =>
    subject().sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: entries.map((entry, index) => ({ Id: String(index), MessageBody: 'body', ...entry })),
      }),
    );
  const receive = async (url = QueueUrl): Promise<Message[]> => {
    const { Messages = [] } = await subject().sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
      }),
    );
    return Messages;
  };
  const hide = (receipts: (string | undefined)[], VisibilityTimeout: number) =>
    subject().sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: receipts.map((ReceiptHandle, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout,
        })),
      }),
    );
  const remove = (receipts: (string | undefined)[]) =>
    subject().sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
  const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body).toSorted();

  it('delivers each message of a batch with its group, its times and its receives', async () => {
    const answer = await send([{ MessageBody: 'a', MessageGroupId: 'job' }, { MessageBody: 'b' }]);
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['0', '1']);
    expect(answer.Failed ?? []).toEqual([]);
    const messages = await receive();
    expect(bodies(messages)).toEqual(['a', 'b']);
    const [a, b] = messages.toSorted((left, right) => (left.Body ?? '').localeCompare(right.Body ?? ''));
    expect([a?.Attributes?.MessageGroupId, b?.Attributes?.MessageGroupId]).toEqual(['job', undefined]);
    expect(a?.Attributes).toMatchObject({
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d+$/),
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d+$/),
    });
  });

  it('hides what is received, and shows it again with another receipt when that is asked for', async () => {
    await send([{}]);
    const [first] = await receive();
    expect(await receive()).toEqual([]);
    expect((await hide([first?.ReceiptHandle], 0)).Failed ?? []).toEqual([]);
    const [again] = await receive();
    expect(again?.MessageId).toBe(first?.MessageId);
    expect(again?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
    expect(again?.Attributes?.['ApproximateReceiveCount']).toBe('2');
  });

  it('shows a message again when its visibility ends', async () => {
    await send([{}]);
    const [message] = await receive();
    await hide([message?.ReceiptHandle], 1);
    await subject().pass(1_200);
    expect(await receive()).toHaveLength(1);
  });

  it('keeps a delayed message until its time', async () => {
    await send([
      { MessageBody: 'later', DelaySeconds: LONG_SECONDS },
      { MessageBody: 'soon', DelaySeconds: 1 },
    ]);
    await subject().pass(1_200);
    expect(bodies(await receive())).toEqual(['soon']);
  });

  it('forgets what is deleted, and takes a receipt twice', async () => {
    await send([{}]);
    const [message] = await receive();
    expect((await remove([message?.ReceiptHandle])).Failed ?? []).toEqual([]);
    expect((await remove([message?.ReceiptHandle])).Failed ?? []).toEqual([]);
    expect(await receive()).toEqual([]);
  });

  it('lists a spent receipt alone as failed', async () => {
    await send([{ MessageBody: 'a' }, { MessageBody: 'b' }]);
    const [gone, kept] = await receive();
    await remove([gone?.ReceiptHandle]);
    const { Failed } = await hide([gone?.ReceiptHandle, kept?.ReceiptHandle], 0);
    expect(Failed).toMatchObject([{ Id: '0', Code: 'ReceiptHandleIsInvalid', SenderFault: true }]);
    expect(bodies(await receive())).toEqual([kept?.Body]);
  });

  it('lists what no message may hold as failed, and accepts the rest', async () => {
    const { Failed } = await send([{ MessageBody: 'a\u0000' }, { MessageBody: 'b' }]);
    expect(Failed).toMatchObject([{ Id: '0', Code: 'InvalidMessageContents', SenderFault: true }]);
    expect(bodies(await receive())).toEqual(['b']);
  });

  it('counts what is visible, in flight and delayed', async () => {
    await send([{}, {}, { DelaySeconds: LONG_SECONDS }]);
    await receive();
    await send([{}]);
    const { Attributes } = await subject().sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    expect(Attributes).toEqual({
      ApproximateNumberOfMessages: '1',
      ApproximateNumberOfMessagesNotVisible: '2',
      ApproximateNumberOfMessagesDelayed: '1',
    });
  });

  it('moves what was received often enough to the dead-letter queue', async () => {
    const url = subject().urlOf('redriving');
    const body = randomUUID();
    await send([{ MessageBody: body }], url);
    for (let receives = 1; receives <= MAX_RECEIVES; receives++) {
      const [message] = await receive(url);
      expect(message?.Body).toBe(body);
      QueueUrl = url;
      await hide([message?.ReceiptHandle], 0);
    }
    expect(await receive(url)).toEqual([]);
    expect(bodies(await receive(subject().urlOf('dead')))).toEqual([body]);
  });

  describe('refuses a batch', () => {
    const half = 'x'.repeat(600_000);
    it.each([
      { what: 'of nothing', entries: [], name: 'EmptyBatchRequest' },
      { what: 'of eleven', entries: Array(11).fill({}), name: 'TooManyEntriesInBatchRequest' },
      { what: 'with an id twice', entries: [{ Id: 'a' }, { Id: 'a' }], name: 'BatchEntryIdsNotDistinct' },
      {
        what: 'above 1 MiB',
        entries: [{ MessageBody: half }, { MessageBody: half }],
        name: 'BatchRequestTooLong',
      },
    ])('$what: $name', async ({ entries, name }) => {
      const url = subject().urlOf('dead');
      await expect(send(entries, url)).rejects.toMatchObject({
        name,
        $metadata: { httpStatusCode: 400 },
      });
    });

    it('to a queue that is not there', async () => {
      await expect(send([{}], subject().urlOf('absent'))).rejects.toMatchObject({
        name: 'QueueDoesNotExist',
        $metadata: { httpStatusCode: 400 },
      });
    });
  });
}
