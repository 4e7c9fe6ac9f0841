// SQS in memory, as far as the functions send, and a bench receives for them: for what measures the ledger, not SQS.
// A queue's URL is its name. What an invocation does not list as failed is gone when it was received.
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { toSqsEvent } from '../../local/lambda/sqs-event.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';

export interface MemorySqs {
  client: SQSClient;
  put(queue: string, body: string): void;
  /** @returns up to so many messages out of a window of the oldest, in no order; undefined where there is none */
  receive(queue: string, most: number): SQSEvent | undefined;
  /** Puts back what the function's answer lists as failed. */
  settle(queue: string, event: SQSEvent, answer: SQSBatchResponse): void;
}

export interface MemorySqsOptions {
  random: Random;
  /** Messages on one queue above which a sender waits: a bench's memory is not to grow with its rows. */
  mostWaiting: number;
}

/** As the embedded cloud's receives are drawn. */
const SHUFFLE_WINDOW = 500;
const SENDER_WAITS_MS = 5;

export function createMemorySqs({ random, mostWaiting }: MemorySqsOptions): MemorySqs {
  const queues = new Map<string, string[]>();
  const bodiesOf = (queue: string) => {
    const bodies = queues.get(queue) ?? [];
    queues.set(queue, bodies);
    return bodies;
  };
  let received = 0;

  async function send(command: unknown): Promise<object> {
    // Deletes and changes of visibility are of messages that are gone already.
    if (!(command instanceof SendMessageBatchCommand)) return {};
    const { QueueUrl = '', Entries = [] } = command.input;
    const bodies = bodiesOf(QueueUrl);
    while (bodies.length > mostWaiting) await systemClock.sleep(SENDER_WAITS_MS);
    for (const { MessageBody = '' } of Entries) bodies.push(MessageBody);
    return {};
  }

  function takeOne(bodies: string[]): string {
    const index = Math.floor(random() * Math.min(SHUFFLE_WINDOW, bodies.length));
    const [first, drawn] = [bodies[0] as string, bodies[index] as string];
    bodies[index] = first;
    bodies.shift();
    return drawn;
  }

  return {
    client: { send } as unknown as SQSClient,
    put: (queue, body) => void bodiesOf(queue).push(body),
    receive(queue, most) {
      const bodies = bodiesOf(queue);
      if (bodies.length === 0) return undefined;
      const nowMs = String(systemClock.now());
      const messages = Array.from({ length: Math.min(most, bodies.length) }, () => {
        const id = `m${received++}`;
        return {
          MessageId: id,
          ReceiptHandle: id,
          Body: takeOne(bodies),
          MD5OfBody: '',
          Attributes: {
            ApproximateReceiveCount: '1',
            ApproximateFirstReceiveTimestamp: nowMs,
            SentTimestamp: nowMs,
            SenderId: 'bench',
          },
        };
      });
      return toSqsEvent(messages, `arn:aws:sqs:us-east-1:000000000000:${queue}`, 'us-east-1');
    },
    settle(queue, { Records }, { batchItemFailures }) {
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId, body } of Records) if (failed.has(messageId)) bodiesOf(queue).push(body);
    },
  };
}
