// Tells settle of work: a slice whose blocks have all closed, or a job whose slices may all have settled.
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

/** Milliseconds for which a worker does not tell of a closed slice again: sweep, which tells of what was lost, is slower. */
const TOLD_FOR_MS = 30_000;
/** Slices remembered by one worker. */
const TOLD_MOST = 1_000;

/**
 * Tells settle of closed slices. Every finder of a closed slice reports it, so each stray duplicate of its rows would: a worker
 * that has told of it just now keeps silent, since its message is in the queue.
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
