// Gathers received messages into batches by count, bytes and time.
import type { Random } from '../../shared/time/random.ts';
import type { ReceivedMessage } from './sqs-client.ts';
import { recordSizeBytes } from './sqs-event.ts';

/** Lambda's quota for the event, less room for its frame. */
const PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024 - 1024;
/** Share of batches that are filled as far as they go, where batches are uneven; the others draw any size. */
const FULL_SHARE = 0.5;

export interface MessageBuffer {
  add(messages: ReceivedMessage[], nowMs: number): void;
  size(): number;
  /** A batch if one is due; else the time to wait for one, undefined where nothing waits. */
  next(
    nowMs: number,
  ): { kind: 'batch'; messages: ReceivedMessage[] } | { kind: 'wait'; delayMs: number | undefined };
}

export interface MessageBufferOptions {
  batchSize: number;
  windowMs: number;
  /** Lambda's own batches are seldom full even with a backlog, since each poller fills its own. */
  uneven: boolean;
}

export function createMessageBuffer(
  random: Random,
  { batchSize, windowMs, uneven }: MessageBufferOptions,
): MessageBuffer {
  const waiting: { message: ReceivedMessage; sizeBytes: number; sinceMs: number }[] = [];
  let bytes = 0;
  let wanted = drawSize();

  function drawSize(): number {
    return !uneven || random() < FULL_SHARE ? batchSize : 1 + Math.floor(random() * batchSize);
  }

  function take(): ReceivedMessage[] {
    const batch: ReceivedMessage[] = [];
    let batchBytes = 0;
    for (let [first] = waiting; first !== undefined && batch.length < wanted; [first] = waiting) {
      if (batch.length > 0 && batchBytes + first.sizeBytes > PAYLOAD_LIMIT_BYTES) break;
      waiting.shift();
      bytes -= first.sizeBytes;
      batchBytes += first.sizeBytes;
      batch.push(first.message);
    }
    return batch;
  }

  return {
    add(messages, nowMs) {
      for (const message of messages) {
        const sizeBytes = recordSizeBytes(message);
        bytes += sizeBytes;
        waiting.push({ message, sizeBytes, sinceMs: nowMs });
      }
    },
    size: () => waiting.length,
    next(nowMs) {
      const [first] = waiting;
      if (first === undefined) return { kind: 'wait', delayMs: undefined };
      const full = waiting.length >= wanted || bytes >= PAYLOAD_LIMIT_BYTES;
      // Lambda's pollers gather side by side: no message waits longer than the window because others left before it.
      const leftMs = first.sinceMs + windowMs - nowMs;
      if (!full && leftMs > 0) return { kind: 'wait', delayMs: leftMs };
      const messages = take();
      wanted = drawSize();
      return { kind: 'batch', messages };
    },
  };
}
