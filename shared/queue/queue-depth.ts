// How many messages a queue holds, by SQS's own count: approximate, and up to a minute old (GetQueueAttributes).
import type { QueueAttributeName } from '@aws-sdk/client-sqs';
import type { SqsSender } from '../aws/sqs.ts';

const ATTRIBUTES = {
  visible: 'ApproximateNumberOfMessages',
  inFlight: 'ApproximateNumberOfMessagesNotVisible',
  delayed: 'ApproximateNumberOfMessagesDelayed',
} as const satisfies Record<string, QueueAttributeName>;

/** A queue is empty only when all three are zero. */
export type QueueDepth = Record<keyof typeof ATTRIBUTES, number>;

export async function readQueueDepth({ sqs }: { sqs: SqsSender }, queueUrl: string): Promise<QueueDepth> {
  const { queueAttributes } = await import('../aws/sqs.ts');
  const attributes = await queueAttributes(sqs, queueUrl, Object.values(ATTRIBUTES));
  const count = (name: keyof typeof ATTRIBUTES) => Number(attributes[ATTRIBUTES[name]] ?? 0);
  return { visible: count('visible'), inFlight: count('inFlight'), delayed: count('delayed') };
}
