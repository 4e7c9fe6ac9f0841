// Tells settle of work: a slice whose blocks have all closed, or a job whose slices may all have settled.
import type { JobId } from '../job/identity.ts';
import { type QueueDependencies, sendMessages } from './batches.ts';
import { SCHEMA_VERSION, type SettleMessage } from './messages.ts';

export type SettleNotice = (of: { job: JobId; slice?: number }) => Promise<void>;

export function createSettleNotice(queue: QueueDependencies, settleQueueUrl: string): SettleNotice {
  return async ({ job, slice }) => {
    const message: SettleMessage = { v: SCHEMA_VERSION, job, ...(slice === undefined ? {} : { slice }) };
    await sendMessages(queue, settleQueueUrl, [{ body: JSON.stringify(message), groupId: job }]);
  };
}
