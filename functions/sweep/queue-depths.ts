// How many messages the queues hold, by SQS's own count: approximate, and up to a minute old (GetQueueAttributes).
import { GetQueueAttributesCommand, type QueueAttributeName, type SQSClient } from '@aws-sdk/client-sqs';
import type { Backlog } from './job-needs.ts';

/** Visible, in flight, and delayed: a queue is empty only when all three are zero. */
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const satisfies QueueAttributeName[];

export async function readBacklog(
  { sqs }: { sqs: SQSClient },
  urls: Readonly<Record<keyof Backlog, string>>,
): Promise<Backlog> {
  const [ingest, upload, settle] = await Promise.all([
    readDepth(sqs, urls.ingest),
    readDepth(sqs, urls.upload),
    readDepth(sqs, urls.settle),
  ]);
  return { ingest, upload, settle };
}

async function readDepth(sqs: SQSClient, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...COUNTS] }),
  );
  return COUNTS.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}
