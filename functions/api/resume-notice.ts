// Notifies ingest that a job was resumed, so that it sends the rows again that had not ended at the pause.
import type { JobId } from '../../shared/job/identity.ts';
import { type QueueDependencies, sendMessages } from '../../shared/queue/batches.ts';
import { type IngestMessage, messageBody, SCHEMA_VERSION } from '../../shared/queue/messages.ts';

export type ResumeNotice = (job: JobId) => Promise<void>;

export function createResumeNotice(queue: QueueDependencies, ingestQueueUrl: string): ResumeNotice {
  return async (job) => {
    const message: IngestMessage = { v: SCHEMA_VERSION, kind: 'resume', job };
    await sendMessages(queue, ingestQueueUrl, [{ body: messageBody(message), groupId: job }]);
  };
}
