// How many messages a queue holds, by SQS's own count: approximate, and up to a minute old (GetQueueAttributes).
import { GetQueueAttributesCommand, type QueueAttributeName, type SQSClient } from '@aws-sdk/client-sqs';

const ATTRIBUTES = {
  visible: 'ApproximateNumberOfMessages',
  inFlight: 'ApproximateNumberOfMessagesNotVisible',
  delayed: 'ApproximateNumberOfMessagesDelayed',
} as const satisfies Record<string, QueueAttributeName>;

/** A queue is empty only when all three are zero. */
export type QueueDepth = Record<keyof typeof ATTRIBUTES, number>;

export async function readQueueDepth({ sqs }: { sqs: SQSClient }, queueUrl: string): Promise<QueueDepth> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: Object.values(ATTRIBUTES) }),
  );
  const count = (name: keyof typeof ATTRIBUTES) => Number(Attributes[ATTRIBUTES[name]] ?? 0);
  return { visible: count('visible'), inFlight: count('inFlight'), delayed: count('delayed') };
}
