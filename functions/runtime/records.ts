// The record loop of the functions behind queues: each record alone. A failed record stays in the queue and comes back after a
// delay.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import { LOG, type LogMessage } from './log-messages.ts';
import { retryLater } from './retry-later.ts';
import type { Telemetry } from './telemetry.ts';

/** The queue of a function, and the delays of its failed messages. */
export interface RecordSource {
  queue: QueueDependencies;
  queueUrl: string;
  /** By receive, from the first (SPILLWAY_RETRY_SECONDS in serverless.yml). */
  retrySeconds: readonly number[];
}

export type HandleRecord = (record: SQSRecord, context: Context) => Promise<void>;

/** @param failure the log message of a failed record */
export function eachRecord(
  source: RecordSource,
  telemetry: Telemetry,
  failure: LogMessage,
  handle: HandleRecord,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  const { logger, count } = telemetry;
  return async ({ Records }, context) => {
    const failed: SQSRecord[] = [];
    for (const record of Records) {
      try {
        await handle(record, context);
      } catch (error) {
        logger.error(failure, { messageId: record.messageId, error: error as Error });
        failed.push(record);
      }
    }
    // Counted here: Lambda counts no errors for failures in the answer.
    count({ MessagesFailed: failed.length });
    await hideFailed(source, telemetry, failed);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

/** If SQS refuses, they come back after the queue's visibility timeout. */
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
    logger.warn(LOG.failedNotHidden, { error: error as Error });
  }
}
