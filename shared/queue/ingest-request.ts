// Sends ingest one of its own messages: to plan a job, to send a slice, or to resume a job.
import type { SliceId } from '../job/identity.ts';
import { type QueueDependencies, sendMessages } from './batches.ts';
import { type IngestMessage, messageBody } from './messages.ts';

export type IngestRequest = (message: IngestMessage) => Promise<void>;
export type SliceRequest = (slice: SliceId) => Promise<void>;

export function createIngestRequest(queue: QueueDependencies, ingestQueueUrl: string): IngestRequest {
  return (message) =>
    sendMessages(queue, ingestQueueUrl, [{ body: messageBody(message), groupId: message.job }]);
}
