// SQS in memory behind a client's `send`: the embedded cloud's queues and actions, on any clock, without a server.
// It answers as the embedded SQS does, so benchmarks and tests of the functions share one model of a queue with it.
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { type SqsAction, SqsError, sqsAction } from '../../local/aws/fauxqs-parts.ts';
import { sendingRequest } from '../../local/aws/sqs/lineage.ts';
import { QueueStore } from '../../local/aws/sqs/queue-store.ts';
import type { StandardQueue } from '../../local/aws/sqs/standard-queue.ts';
import { createSqsFaults } from '../../local/faults/sqs.ts';
import type { ReceivedMessage } from '../../local/lambda/sqs-client.ts';
import { toSqsEvent } from '../../local/lambda/sqs-event.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';

export interface MemorySqs {
  client: SQSClient;
  /** @throws where it was not created */
  queue(name: string): MemoryQueue;
}

/** A queue as Lambda's event source uses it. */
export interface MemoryQueue {
  /** Its name is an address too. */
  url: string;
  standard: StandardQueue;
  /** A message of AWS's own making, such as an S3 notification. */
  put(body: string): void;
  /** Up to so many messages, as a function's event holds them. */
  receive(most: number): Promise<SQSRecord[]>;
  /** Deletes the records that the function's answer does not list. */
  settle(records: readonly SQSRecord[], answer: SQSBatchResponse): void;
}

export interface MemorySqsOptions {
  /** By name: attributes as CloudFormation gives them. */
  queues: Record<string, Record<string, unknown>>;
  /** A receive draws from this many of the oldest visible messages. Default 0: in order. */
  shuffleWindow?: number;
}

const REGION = 'us-east-1';
/** The most that one ReceiveMessage returns. */
const RECEIVE_MESSAGES = 10;

const ACTIONS = new Map<unknown, SqsAction>([
  [SendMessageBatchCommand, await sqsAction('sendMessageBatch')],
  [DeleteMessageBatchCommand, await sqsAction('deleteMessageBatch')],
  [ChangeMessageVisibilityBatchCommand, await sqsAction('changeMessageVisibilityBatch')],
  [ReceiveMessageCommand, await sqsAction('receiveMessage')],
  [GetQueueAttributesCommand, await sqsAction('getQueueAttributes')],
]);

export function createMemorySqs(
  { clock, random }: { clock: Clock; random: Random },
  { queues, shuffleWindow = 0 }: MemorySqsOptions,
): MemorySqs {
  const store = new QueueStore(
    // SQS stamps whole milliseconds.
    {
      clock: { ...clock, now: () => Math.floor(clock.now()) },
      random,
      faults: createSqsFaults(random),
    },
    {
      accountId: '000000000000',
      region: REGION,
      queues: Object.entries(queues).map(([name, attributes]) => ({ name, attributes })),
      shuffleWindow,
      duplicateShare: 0,
    },
  );
  store.createAll();

  async function send(command: Command): Promise<object> {
    const action = ACTIONS.get(command.constructor);
    if (action === undefined) throw new Error(`SQS in memory does not know ${command.constructor.name}`);
    const queue = store.getQueue(String(command.input.QueueUrl));
    if (queue !== undefined && command instanceof SendMessageBatchCommand)
      queue.sending = sendingRequest({}, command.input);
    try {
      return await action(command.input, store);
    } catch (error) {
      throw error instanceof SqsError ? answered(error) : error;
    } finally {
      if (queue !== undefined) queue.sending = undefined;
    }
  }

  return {
    client: { send } as unknown as SQSClient,
    queue(name) {
      const standard = store.getQueueByName(name);
      if (standard === undefined) throw new Error(`SQS in memory has no queue ${name}`);
      return {
        url: standard.url,
        standard,
        put: (body) => standard.send(body),
        async receive(most) {
          const messages: ReceivedMessage[] = [];
          while (messages.length < most) {
            const MaxNumberOfMessages = Math.min(RECEIVE_MESSAGES, most - messages.length);
            const page = (await send(
              new ReceiveMessageCommand({
                QueueUrl: name,
                MaxNumberOfMessages,
                MessageSystemAttributeNames: ['All'],
              }),
            )) as { Messages?: ReceivedMessage[] };
            if (page.Messages === undefined) break;
            messages.push(...page.Messages);
          }
          return toSqsEvent(messages, standard.arn, REGION).Records;
        },
        settle(records, { batchItemFailures }) {
          const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
          for (const { messageId, receiptHandle } of records)
            if (!failed.has(messageId)) standard.deleteMessage(receiptHandle);
        },
      };
    },
  };
}

interface Command {
  input: { QueueUrl?: string | undefined };
}

/** As the SDK throws what SQS refused. */
function answered({ code, message, statusCode }: InstanceType<typeof SqsError>): Error {
  return Object.assign(new Error(message), {
    name: code,
    $fault: 'client',
    $metadata: { httpStatusCode: statusCode },
  });
}
