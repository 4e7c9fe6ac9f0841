// Queues whose deliveries a script decides: which messages come, whether as copies of those in hand, and which are lost.
// They are SQS in memory, but time is free there: what is delayed or failed is visible at once.
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { changed, meddled } from './failing.ts';

export const QUEUES = ['ingest', 'upload', 'settle'] as const;
export type QueueName = (typeof QUEUES)[number];

export interface ScriptedQueues {
  /** A queue's address is its name. */
  client: SQSClient;
  put(queue: QueueName, body: string): void;
  /** Takes up to `most` messages, from the picked one on. @param copies takes again what others have in hand, if there is any */
  receive(
    queue: QueueName,
    request: { pick: number; most: number; copies: boolean },
  ): Promise<Received | undefined>;
  /** A message that no worker has in hand vanishes. @returns whether there was one */
  lose(queue: QueueName, pick: number): Promise<boolean>;
}

export interface Received {
  Records: SQSRecord[];
  /** Deletes all but the named, also for others who have a copy in hand; the named can be received again. */
  end(failures: readonly string[]): void;
}

/** More than are ever in one queue: any of them may be drawn. */
const WINDOW = 10_000;
/** The longest that SQS knows: a worker has its messages until it ends or dies. */
const ATTRIBUTES = { VisibilityTimeout: 43_200 };

export function createScriptedQueues(clock: Clock): ScriptedQueues {
  /** Where the next message is drawn, as a share of those that are visible. */
  let draw = () => 0;
  const sqs = createMemorySqs(
    { clock, random: () => draw() },
    { queues: Object.fromEntries(QUEUES.map((name) => [name, ATTRIBUTES])), shuffleWindow: WINDOW },
  );

  async function take(name: QueueName, offset: number, most: number): Promise<SQSRecord[]> {
    const queue = sqs.queue(name);
    draw = () => {
      const { visible } = queue.standard.depth();
      return ((offset % visible) + 0.5) / visible;
    };
    return queue.receive(most);
  }

  return {
    client: meddled(sqs.client, async (command, pass) => {
      if (!(command instanceof SendMessageBatchCommand)) return pass();
      const Entries = command.input.Entries?.map(({ DelaySeconds: _, ...entry }) => entry);
      return pass(changed(command, { ...command.input, Entries }));
    }),
    put: (name, body) => sqs.queue(name).put(body),
    async receive(name, { pick, most, copies }) {
      const { standard } = sqs.queue(name);
      const held = [...new Set([...standard.inflightMessages.values()].map(({ message }) => message))];
      const from = pick % Math.max(1, held.length);
      const copied = copies ? [...held.slice(from), ...held.slice(0, from)].slice(0, most) : [];
      for (const message of copied) standard.enqueue(message);
      const { visible } = standard.depth();
      if (visible === 0) return undefined;
      const Records =
        copied.length > 0
          ? await take(name, visible - copied.length, copied.length)
          : await take(name, pick, most);
      return {
        Records,
        end(failures) {
          for (const { messageId, receiptHandle } of Records) {
            const hands = [...standard.inflightMessages.values()].filter(
              ({ message }) => message.messageId === messageId,
            );
            if (!failures.includes(messageId))
              for (const hand of hands) standard.deleteMessage(hand.receiptHandle);
            else if (hands.length > 1) standard.deleteMessage(receiptHandle);
            else standard.changeVisibility(receiptHandle, 0);
          }
        },
      };
    },
    async lose(name, pick) {
      const [lost] = await take(name, pick, 1);
      return lost !== undefined && sqs.queue(name).standard.deleteMessage(lost.receiptHandle);
    },
  };
}
