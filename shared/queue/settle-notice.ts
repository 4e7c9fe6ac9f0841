// Notifies settle of work: a slice whose blocks have all closed, or a job whose slices may all have settled.
import { type JobId, type SliceId, sliceName } from '../job/identity.ts';
import type { Clock } from '../time/clock.ts';
import { type QueueDependencies, sendMessages } from './batches.ts';
import { SCHEMA_VERSION, type SettleMessage } from './messages.ts';

export type SettleNotice = (of: { job: JobId; slice?: number }) => Promise<void>;

export function createSettleNotice(queue: QueueDependencies, settleQueueUrl: string): SettleNotice {
  return async ({ job, slice }) => {
    const message: SettleMessage = { v: SCHEMA_VERSION, job, ...(slice === undefined ? {} : { slice }) };
    await sendMessages(queue, settleQueueUrl, [{ body: JSON.stringify(message), groupId: job }]);
  };
}

/** Milliseconds for which a worker does not notify of the same slice again. Sweep, which repeats lost notices, is slower. */
const QUIET_MS = 30_000;
/** Slices remembered by one worker. */
const MOST_REMEMBERED = 1_000;

/**
 * Notifies settle of closed slices. Each duplicate of a slice's rows finds the slice closed again. A worker that has just sent
 * the notice does not repeat it: the message is in the queue.
 */
export function createClosingNotice(notify: SettleNotice, clock: Clock): (slice: SliceId) => Promise<void> {
  const notifiedAtMs = new Map<string, number>();
  return async (id) => {
    const name = sliceName(id);
    const agoMs = clock.now() - (notifiedAtMs.get(name) ?? Number.NEGATIVE_INFINITY);
    if (agoMs >= 0 && agoMs < QUIET_MS) return;
    await notify(id);
    notifiedAtMs.delete(name);
    notifiedAtMs.set(name, clock.now());
    const [oldest] = notifiedAtMs.keys();
    if (notifiedAtMs.size > MOST_REMEMBERED && oldest !== undefined) notifiedAtMs.delete(oldest);
  };
}
