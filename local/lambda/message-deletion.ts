// Deletes finished messages in batches, and tries again those that SQS refuses.
import pMap from 'p-map';
import { fullJitterMs } from '../../shared/pacing/backoff.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import type { QueueClient } from './sqs-client.ts';

const MESSAGES_PER_DELETE = 10;
const DELETES_AT_ONCE = 4;
const DELETE_ATTEMPTS = 6;
const RETRY_BACKOFF = { baseMs: 200, capMs: 2_000 };

export interface Pauses {
  clock: Clock;
  random: Random;
}

/** Full jitter, after so many failures in a row; ends early when the signal aborts. */
export async function pauseAfter(
  failures: number,
  { clock, random }: Pauses,
  signal: AbortSignal,
): Promise<void> {
  await clock.sleep(fullJitterMs(RETRY_BACKOFF, failures - 1, random), signal).catch(() => undefined);
}

/** What cannot be deleted in the end comes again: at least once is all that SQS and Lambda promise. */
export async function deleteMessages(
  { queue, ...pauses }: Pauses & { queue: QueueClient },
  queueUrl: string,
  receiptHandles: string[],
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const chunks: string[][] = [];
  for (let at = 0; at < receiptHandles.length; at += MESSAGES_PER_DELETE) {
    chunks.push(receiptHandles.slice(at, at + MESSAGES_PER_DELETE));
  }

  async function deleteChunk(handles: string[]): Promise<void> {
    let left = handles;
    for (let attempt = 1; attempt <= DELETE_ATTEMPTS && left.length > 0; attempt += 1) {
      if (attempt > 1) await pauseAfter(attempt - 1, pauses, signal);
      if (signal.aborted) return;
      try {
        left = (await queue.deleteBatch(queueUrl, left)).failed;
      } catch (error) {
        onFailure(error);
      }
    }
  }

  await pMap(chunks, deleteChunk, { concurrency: DELETES_AT_ONCE });
}
