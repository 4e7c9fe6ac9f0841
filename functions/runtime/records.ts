// How the functions behind queues take a batch: each record by itself. What fails stays in the queue and comes back after a delay.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import { retryLater } from './retry-later.ts';
import type { Telemetry } from './telemetry.ts';

/** Where a function's messages come from, and how long a failed one waits. */
export interface RecordSource {
  queue: QueueDependencies;
  queueUrl: string;
  /** By receive, from the first (serverless.yml, SPILLWAY_RETRY_SECONDS). */
  retrySeconds: readonly number[];
}

export type HandleRecord = (record: SQSRecord, context: Context) => Promise<void>;

/** @param complaint what the log says of a record that failed */
export function eachRecord(
  source: RecordSource,
  telemetry: Telemetry,
  complaint: string,
  handle: HandleRecord,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  const { logger, count } = telemetry;
  return async ({ Records }, context) => {
    const failed: SQSRecord[] = [];
    for (const record of Records) {
      try {
        await handle(record, context);
      } catch (error) {
        logger.error(complaint, { messageId: record.messageId, error: error as Error });
        failed.push(record);
      }
    }
    // Answered failures are no errors to Lambda: nothing else counts them.
    count({ MessagesFailed: failed.length });
    await hideFailed(source, telemetry, failed);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** Where SQS refuses, they come back after the queue's visibility timeout. */
export async function hideFailed(
  { queue, queueUrl, retrySeconds }: RecordSource,
  { logger }: Pick<Telemetry, 'logger'>,
  failed: readonly SQSRecord[],
): Promise<void> {
  const messages = failed.map(({ receiptHandle, attributes }) => ({
    receiptHandle,
    receiveCount: Number(attributes.ApproximateReceiveCount),
  }));
  try {
    await retryLater(queue, queueUrl, messages, retrySeconds);
  } catch (error) {
    logger.warn('failed messages keep the visibility of their queue', { error: error as Error });
  }
}
