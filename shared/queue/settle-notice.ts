// Notifies settle of work: a slice whose blocks have all closed, or a job whose slices may all have settled.
import type { JobId, SliceId } from '../job/identity.ts';
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
const TOLD_FOR_MS = 30_000;
/** Slices remembered by one worker. */
const TOLD_MOST = 1_000;

/**
 * Notifies settle of closed slices. Each duplicate of a slice's rows finds the slice closed again. A worker that has just sent
 * the notice does not repeat it: the message is in the queue.
 */
export function createClosingNotice(notify: SettleNotice, clock: Clock): (slice: SliceId) => Promise<void> {
  const toldAtMs = new Map<string, number>();
  return async ({ job, slice }) => {
    const name = `${job}/${slice}`;
    const agoMs = clock.now() - (toldAtMs.get(name) ?? Number.NEGATIVE_INFINITY);
    if (agoMs >= 0 && agoMs < TOLD_FOR_MS) return;
    await notify({ job, slice });
    toldAtMs.delete(name);
    toldAtMs.set(name, clock.now());
    const [oldest] = toldAtMs.keys();
    if (toldAtMs.size > TOLD_MOST && oldest !== undefined) toldAtMs.delete(oldest);
  };
}
