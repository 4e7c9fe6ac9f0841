// A queue and its dead letters on a virtual clock, as SQS and Lambda's event source have them: a client for the functions, and
// the receiving and deleting around their invocations.
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { StandardQueue } from '../../local/aws/sqs/standard-queue.ts';
import { createSqsFaults } from '../../local/faults/sqs.ts';
import type { ReceivedMessage } from '../../local/lambda/sqs-client.ts';
import { toSqsEvent } from '../../local/lambda/sqs-event.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import type { BatchEntry } from './failing.ts';

export interface VirtualQueue {
  url: string;
  standard: StandardQueue;
  send(body: string, delaySeconds?: number): void;
  /** Up to so many messages, as an event of Lambda holds them. */
  receive(most: number): SQSRecord[];
  /** What Lambda does with a function's answer: what is not listed in it is deleted. */
  settle(records: readonly SQSRecord[], answer: SQSBatchResponse): void;
}

export interface VirtualQueues {
  queue: VirtualQueue;
  deadLetters: VirtualQueue;
  /** Sends, deletes and hides by the queues' addresses. */
  sqs: SQSClient;
}

export function createVirtualQueues(
  dependencies: { clock: Clock; random: Random },
  { visibilitySeconds, maxReceives }: { visibilitySeconds: number; maxReceives: number },
): VirtualQueues {
  const { clock, random } = dependencies;
  const faults = createSqsFaults(random);
  const limits = { inFlightLimit: 120_000, shuffleWindow: 200, duplicateShare: 0 };
  const identity = (name: string) => ({ name, url: `https://sqs.example/${name}`, arn: `arn:${name}` });
  const attributes = {
    VisibilityTimeout: String(visibilitySeconds),
    MessageRetentionPeriod: String(10 * 24 * 3600),
  };
  const dead = new StandardQueue({ clock, random, faults }, identity('dead'), { limits, attributes });
  const upload = new StandardQueue({ clock, random, faults }, identity('upload'), {
    limits,
    attributes: {
      ...attributes,
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: 'arn:dead', maxReceiveCount: maxReceives }),
    },
  });

  let sent = 0;
  const virtual = (standard: StandardQueue): VirtualQueue => ({
    url: standard.url,
    standard,
    send(body, delaySeconds = 0) {
      standard.enqueue({
        messageId: `m${sent++}`,
        body,
        md5OfBody: '',
        messageAttributes: {},
        md5OfMessageAttributes: '',
        sentTimestamp: clock.now(),
        approximateReceiveCount: 0,
        delayUntil: clock.now() + delaySeconds * 1000,
      });
    },
    receive(most) {
      const messages: ReceivedMessage[] = [];
      while (messages.length < most) {
        const page = standard.dequeue(Math.min(10, most - messages.length), undefined, () => dead);
        if (page.length === 0) break;
        messages.push(...page.map((message) => received(standard, message)));
      }
      return toSqsEvent(messages, standard.arn, 'us-east-1').Records;
    },
    settle(records, { batchItemFailures }) {
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId, receiptHandle } of records)
        if (!failed.has(messageId)) standard.deleteMessage(receiptHandle);
    },
  });
  const [queue, deadLetters] = [virtual(upload), virtual(dead)];

  const sqs = {
    async send(command: { input: { QueueUrl?: string; Entries?: BatchEntry[] } }) {
      const { QueueUrl, Entries = [] } = command.input;
      const addressed = QueueUrl === dead.url ? deadLetters : queue;
      for (const {
        MessageBody = '',
        DelaySeconds = 0,
        ReceiptHandle = '',
        VisibilityTimeout = 0,
      } of Entries) {
        if (command instanceof SendMessageBatchCommand) addressed.send(MessageBody, DelaySeconds);
        else if (command instanceof DeleteMessageBatchCommand)
          addressed.standard.deleteMessage(ReceiptHandle);
        else if (command instanceof ChangeMessageVisibilityBatchCommand)
          addressed.standard.changeVisibility(ReceiptHandle, VisibilityTimeout);
      }
      return {};
    },
  } as unknown as SQSClient;
  return { queue, deadLetters, sqs };
}

function received(
  queue: StandardQueue,
  { MessageId, ReceiptHandle, Body }: Record<string, unknown>,
): ReceivedMessage {
  const message = queue.inflightMessages.get(String(ReceiptHandle))?.message;
  return {
    MessageId: String(MessageId),
    ReceiptHandle: String(ReceiptHandle),
    Body: String(Body),
    MD5OfBody: '',
    Attributes: {
      ApproximateReceiveCount: String(message?.approximateReceiveCount ?? 1),
      SentTimestamp: String(message?.sentTimestamp),
      ApproximateFirstReceiveTimestamp: String(Math.floor(message?.approximateFirstReceiveTimestamp ?? 0)),
      SenderId: 'sender',
    },
  };
}
