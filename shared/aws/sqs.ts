// SQS: the client, and the pipeline's calls, one request each. The module is loaded on demand: a batch of items that all end makes
// no call, and the cold start of upload does not wait for this code.
import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  type ChangeMessageVisibilityBatchRequestEntry,
  DeleteMessageBatchCommand,
  type DeleteMessageBatchRequestEntry,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs';

export type SqsSender = Pick<SQSClient, 'send'>;

/**
 * Without the SDK's check of the MD5 that SQS answers for each message: a 16th of ingest's processor time. The signature of a
 * request covers the SHA-256 of its body, so SQS refuses one that was damaged on the way.
 * @param config with the limits of a budget (limitsOf in clients.ts)
 */
export function createSqsClient(config: SQSClientConfig): SQSClient {
  return new SQSClient({ ...config, md5: false });
}

/** Entries that the call did not take: it answers 200 all the same. */
type Failed = Promise<readonly BatchResultErrorEntry[]>;

export async function sendBatch(
  sqs: SqsSender,
  QueueUrl: string,
  Entries: SendMessageBatchRequestEntry[],
): Failed {
  return (await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Failed ?? [];
}

export async function deleteBatch(
  sqs: SqsSender,
  QueueUrl: string,
  Entries: DeleteMessageBatchRequestEntry[],
): Failed {
  return (await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))).Failed ?? [];
}

export async function changeVisibilityBatch(
  sqs: SqsSender,
  QueueUrl: string,
  Entries: ChangeMessageVisibilityBatchRequestEntry[],
): Failed {
  return (await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }))).Failed ?? [];
}

export async function queueAttributes(
  sqs: SqsSender,
  QueueUrl: string,
  AttributeNames: QueueAttributeName[],
): Promise<Partial<Record<string, string>>> {
  return (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};
}
