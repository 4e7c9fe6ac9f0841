// The record loop of the functions behind queues: each record alone. A failed record stays in the queue and comes back after a
// delay.
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { changeVisibility, type QueueDependencies } from '../../shared/queue/batches.ts';
import { LOG, type LogMessage } from './log-messages.ts';
import type { Telemetry } from './telemetry.ts';

/** Share of a delay that is added at random, so that messages that failed together come back apart. */
const JITTER = 0.25;

/** The queue of a function, and the delays of its failed messages. */
export interface RecordSource {
  queue: QueueDependencies;
  queueUrl: string;
  /**
   * By receive, from the first; the last one also for all later receives (SPILLWAY_RETRY_SECONDS in serverless.yml). With a
   * `maxReceiveCount` of 5 the receives span the sum of four delays, and an outage that is shorter fails nothing.
   */
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

/**
 * Hides failed messages for a delay that grows with their receives. Their queue would hide them for the whole visibility timeout,
 * which covers an invocation: a broken connection would delay a job by 12 to 30 minutes. If SQS refuses, they come back after that.
 */
export async function hideFailed(
  { queue, queueUrl, retrySeconds }: RecordSource,
  { logger }: Pick<Telemetry, 'logger'>,
  failed: readonly SQSRecord[],
): Promise<void> {
  const hidden = failed.map(({ receiptHandle, attributes }) => {
    const receives = Number(attributes.ApproximateReceiveCount);
    const seconds = retrySeconds[receives - 1] ?? retrySeconds.at(-1) ?? 0;
    return { receiptHandle, delaySeconds: Math.round(seconds * (1 + JITTER * queue.random())) };
  });
  try {
    await changeVisibility(queue, queueUrl, hidden);
  } catch (error) {
    logger.warn(LOG.failedNotHidden, { error: error as Error });
  }
}
