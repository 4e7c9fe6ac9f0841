// SQS's queues in memory, at-least-once: a message is there until it is deleted, also while it is received. Delays are not kept.
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type { ReceivedMessage } from '../../local/lambda/sqs-client.ts';
import { toSqsEvent } from '../../local/lambda/sqs-event.ts';

export const QUEUES = ['ingest', 'upload', 'settle'] as const;
export type QueueName = (typeof QUEUES)[number];

interface Message {
  id: string;
  body: string;
  receiveCount: number;
  firstReceivedAtMs: number;
  /** Deliveries that have not ended. */
  hands: number;
}

export interface MemoryQueues {
  put(queue: QueueName, body: string): void;
  /** Messages that nobody has in hand. */
  visible(queue: QueueName): number;
  /** Takes up to `most` messages, from the picked one on. @param copies takes what others have in hand as well */
  receive(
    queue: QueueName,
    request: { pick: number; most: number; copies: boolean; nowMs: number },
  ): Received | undefined;
  /** A message that nobody has in hand vanishes. @returns whether there was one */
  lose(queue: QueueName, pick: number): boolean;
  /** Answers SQS's commands; a queue's URL is its name. */
  answer(command: unknown): object;
}

export interface Received {
  event: SQSEvent;
  /** Deletes all but the named, as Lambda does; those can be received again. */
  end(failures: readonly string[]): void;
}

export function createMemoryQueues(): MemoryQueues {
  const queues: Record<QueueName, Message[]> = { ingest: [], upload: [], settle: [] };
  let ids = 0;

  const put = (queue: QueueName, body: string) =>
    queues[queue].push({ id: `m${ids++}`, body, receiveCount: 0, firstReceivedAtMs: 0, hands: 0 });
  const remove = (queue: QueueName, id: string) => {
    queues[queue] = queues[queue].filter((message) => message.id !== id);
  };
  const visible = (queue: QueueName) => queues[queue].filter(({ hands }) => hands === 0);

  return {
    put,
    visible: (queue) => visible(queue).length,
    receive(queue, { pick, most, copies, nowMs }) {
      const there = copies ? queues[queue] : visible(queue);
      if (there.length === 0) return undefined;
      const from = pick % there.length;
      const taken = [...there.slice(from), ...there.slice(0, from)].slice(0, most);
      for (const message of taken) {
        message.hands += 1;
        message.receiveCount += 1;
        if (message.firstReceivedAtMs === 0) message.firstReceivedAtMs = nowMs;
      }
      return {
        event: toSqsEvent(taken.map(received), `arn:aws:sqs:us-east-1:000000000000:${queue}`, 'us-east-1'),
        end(failures) {
          for (const message of taken) {
            message.hands -= 1;
            if (!failures.includes(message.id)) remove(queue, message.id);
          }
        },
      };
    },
    lose(queue, pick) {
      const there = visible(queue);
      const lost = there[pick % Math.max(1, there.length)];
      if (lost !== undefined) remove(queue, lost.id);
      return lost !== undefined;
    },
    answer(command) {
      if (command instanceof SendMessageBatchCommand) {
        const { QueueUrl, Entries = [] } = command.input;
        for (const { MessageBody = '' } of Entries) put(QueueUrl as QueueName, MessageBody);
        return {};
      }
      if (command instanceof DeleteMessageBatchCommand) {
        const { QueueUrl, Entries = [] } = command.input;
        for (const { ReceiptHandle = '' } of Entries) remove(QueueUrl as QueueName, ReceiptHandle);
        return {};
      }
      if (command instanceof ChangeMessageVisibilityBatchCommand) return {};
      if (command instanceof GetQueueAttributesCommand) {
        const messages = queues[command.input.QueueUrl as QueueName];
        const inHand = messages.filter(({ hands }) => hands > 0).length;
        return {
          Attributes: {
            ApproximateNumberOfMessages: String(messages.length - inHand),
            ApproximateNumberOfMessagesNotVisible: String(inHand),
            ApproximateNumberOfMessagesDelayed: '0',
          },
        };
      }
      throw new Error(`the queues in memory do not know ${(command as object).constructor.name}`);
    },
  };
}

function received({ id, body, receiveCount, firstReceivedAtMs }: Message): ReceivedMessage {
  return {
    MessageId: id,
    ReceiptHandle: id,
    Body: body,
    MD5OfBody: '',
    Attributes: {
      ApproximateReceiveCount: String(receiveCount),
      ApproximateFirstReceiveTimestamp: String(firstReceivedAtMs),
      SentTimestamp: String(firstReceivedAtMs),
      SenderId: 'test',
    },
  };
}
