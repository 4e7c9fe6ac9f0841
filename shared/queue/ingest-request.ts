// Sends ingest one of its own messages: to plan a job, to send a slice, or to resume a job.
import type { SliceId } from '../job/identity.ts';
import { type QueueDependencies, sendMessages } from './batches.ts';
import { type IngestMessage, messageBody } from './messages.ts';

/** @param delaySeconds 0..900: when it may be received */
export type IngestRequest = (message: IngestMessage, delaySeconds?: number) => Promise<void>;
export type SliceRequest = (slice: SliceId & { ask?: number }, delaySeconds?: number) => Promise<void>;

export function createIngestRequest(queue: QueueDependencies, ingestQueueUrl: string): IngestRequest {
  return (message, delaySeconds) =>
    sendMessages(queue, ingestQueueUrl, [
      {
        body: messageBody(message),
        groupId: message.job,
        ...(delaySeconds === undefined ? {} : { delaySeconds }),
      },
    ]);
}
