// The text of an answer, within bounds.
import type { Readable } from 'node:stream';
import type { Clock } from '../time/clock.ts';
import { MOST_ANSWER_BYTES } from './answer.ts';

/** How long an unexpected body is read: one that an endpoint sends where the service sends none. */
const BODY_MS = 5_000;

/**
 * The body's text, as far as it is read.
 * @param clock bounds the time too: an answer in headers alone has no body that could take long. Absent: the caller does
 */
export function textOf(
  body: Readable,
  clock: Clock | undefined,
): Promise<{ text: string; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let watch: AbortController | undefined;
    const finish = (isWhole: boolean): void => {
      watch?.abort();
      const text = chunks.length === 0 ? '' : Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES).toString();
      if (!isWhole) body.destroy();
      resolve({ text, isWhole });
    };
    body.on('error', (error) => {
      watch?.abort();
      reject(error);
    });
    body.on('end', () => finish(true));
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MOST_ANSWER_BYTES) {
        finish(false);
      } else if (clock !== undefined && watch === undefined) {
        watch = new AbortController();
        clock.sleep(BODY_MS, watch.signal).then(() => finish(false), ignoreEnd);
      }
    });
  });
}

/** The body ended before its time was over. */
function ignoreEnd(): void {}
