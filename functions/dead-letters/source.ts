// Which queue a dead letter was in before: one dead-letter queue serves all three, and SQS names the source in each message.
import type { SQSRecord } from 'aws-lambda';

/**
 * `another` is a queue that is none of this stack. Absent where SQS names no source: Lambda itself moves the messages of a loop that
 * it has stopped.
 */
export type LetterSource = 'ingest' | 'upload' | 'settle' | 'another' | undefined;

export interface QueueUrls {
  ingestQueueUrl: string;
  uploadQueueUrl: string;
  settleQueueUrl: string;
}

/** A queue's name is the end of its ARN and of its URL. The URL's host may be another one: a VPC endpoint, the embedded SQS. */
export function letterSource(
  { attributes }: Pick<SQSRecord, 'attributes'>,
  { ingestQueueUrl, uploadQueueUrl, settleQueueUrl }: QueueUrls,
): LetterSource {
  const name = sourceQueueName(attributes);
  if (name === undefined) return undefined;
  const isNameOf = (url: string) => url.slice(url.lastIndexOf('/') + 1) === name;
  if (isNameOf(ingestQueueUrl)) return 'ingest';
  if (isNameOf(uploadQueueUrl)) return 'upload';
  return isNameOf(settleQueueUrl) ? 'settle' : 'another';
}

/** @returns undefined where SQS names no source */
export function sourceQueueName({
  DeadLetterQueueSourceArn: arn,
}: SQSRecord['attributes']): string | undefined {
  return arn?.slice(arn.lastIndexOf(':') + 1);
}
