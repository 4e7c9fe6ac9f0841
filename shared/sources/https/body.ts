// The bytes of one object of the web, as they are asked for. Where the connection breaks, the read goes on at the byte where it
// broke, as long as the object is the same by its strong ETag.
//
//   200, whole   ──▶ read ──▶ end
//                     │ broken
//                     ▼
//   Range, If-Range ──▶ 206 of the same ETag, from the same byte ──▶ read on
//                   └─▶ anything else: the object has changed, and its read begins again
import { fullJitterMs } from '../../pacing/backoff.ts';
import type { Clock } from '../../time/clock.ts';
import type { Random } from '../../time/random.ts';
import { KnownFault } from '../../transfer/known-fault.ts';
import { isRestOf, objectOf, tooLarge, type WebObject } from './answers.ts';
import type { WebClient } from './client.ts';
import { changed, faultOfConnection, permanent, transient } from './faults.ts';

/** Milliseconds of all waits for the source, over one read: with them a read fits into an invocation of upload (180 s). */
const MAX_READ_MS = 120_000;
/** Breaks of one read that are resumed. */
const MAX_RESUMES = 8;
/** Milliseconds before a broken connection is made again: it was good a moment ago. */
const RESUME_BACKOFF = { baseMs: 200, capMs: 5_000 };
/** Bytes that a read holds at first: most objects are small. */
const FIRST_BYTES = 64 * 1024;
/** A server that asks for a longer pause is asked again in another invocation. */
const MAX_RESUME_WAIT_MS = 15_000;

/** Sends a GET to the source; it is counted, and its answer sets the pace of the host. */
export type AskWeb = <Answer>(send: () => Promise<Answer>) => Promise<Answer>;

export interface WebBodyDependencies {
  client: WebClient;
  clock: Clock;
  random: Random;
}

export interface WebRead {
  url: URL;
  /** The row's own values, with which the object has to agree. */
  expected: { sizeBytes?: number | undefined; etag?: string | undefined };
  /** A larger object is refused, even if its length is known only at its end. */
  mostBytes: number;
}

export interface WebBody extends WebObject {
  /** Up to so many bytes: fewer only where the body has ended. @throws KnownFault */
  read(wantedBytes: number): Promise<Buffer>;
  close(): void;
}

/** @throws KnownFault */
export async function openWebBody(
  { client, clock, random }: WebBodyDependencies,
  { url, expected, mostBytes }: WebRead,
  cutOff: AbortSignal,
  ask: AskWeb = (send) => send(),
): Promise<WebBody> {
  let answer = await client.get(url, {}, cutOff);
  const host = answer.host;
  let waitedMs = 0;
  let received = 0;
  let resumes = 0;
  let rest: Buffer | undefined;

  const closing = <Value>(work: () => Value): Value => {
    try {
      return work();
    } catch (error) {
      answer.close();
      throw error;
    }
  };
  const object = closing(() => {
    const found = objectOf(answer, clock.now(), mostBytes);
    checkExpected(found, expected, answer.headers.etag, host);
    return found;
  });

  /** The next bytes, of this connection or of the next one. */
  async function nextChunk(): Promise<Buffer | undefined> {
    for (;;) {
      const startedAtMs = clock.now();
      const next = await answer.read().catch((error: unknown) => ({ error }));
      const isEnd = next === undefined;
      const broken = isEnd ? missing() : 'error' in next ? next.error : undefined;
      if (broken !== undefined) await resume(broken);
      waitedMs += clock.now() - startedAtMs;
      if (waitedMs > MAX_READ_MS)
        throw permanent(
          'SourceTooSlow',
          `${host} took more than ${MAX_READ_MS / 1000} s to send the object: put it in S3 and copy it`,
        );
      if (isEnd && broken === undefined) return undefined;
      if (Buffer.isBuffer(next)) {
        received += next.length;
        if (received > mostBytes) throw tooLarge(host, received, mostBytes);
        return next;
      }
    }
  }

  function missing(): KnownFault | undefined {
    const { sizeBytes } = object;
    return sizeBytes === undefined || received === sizeBytes
      ? undefined
      : transient('SourceBrokenOff', `${host} sent ${received} of ${sizeBytes} bytes`);
  }

  async function resume(first: unknown): Promise<void> {
    let broken = first;
    for (;;) {
      const { etag, isResumable } = object;
      if (!isPassing(broken) || !isResumable || etag === undefined || received === 0) throw broken;
      const waitMs = broken.fault.retryAfterMs ?? fullJitterMs(RESUME_BACKOFF, resumes, random);
      if (resumes === MAX_RESUMES || waitMs > MAX_RESUME_WAIT_MS) throw broken;
      resumes++;
      await clock.sleep(waitMs, cutOff).catch((error: unknown) => {
        throw faultOfConnection(error, host);
      });
      try {
        await askForRest(etag);
        return;
      } catch (error) {
        broken = error;
      }
    }
  }

  async function askForRest(etag: string): Promise<void> {
    const range = { range: `bytes=${received}-`, 'if-range': etag };
    // Within the request that is counted: an answer that asks for a lower rate slows the host's pace.
    const isSame = await ask(async () => {
      answer = await client.get(url, range, cutOff);
      return closing(() => isRestOf(object, received, answer, clock.now()));
    });
    if (isSame) return;
    answer.close();
    throw changed(`${host} sends another object now than ${received} bytes before`);
  }

  return {
    ...object,
    async read(wantedBytes) {
      // Copied: a server may send single bytes, and a buffer of its own for each costs a hundred times as much.
      let held: Buffer = Buffer.allocUnsafeSlow(Math.min(wantedBytes, FIRST_BYTES));
      let bytes = 0;
      while (bytes < wantedBytes) {
        const chunk = rest ?? (await nextChunk());
        rest = undefined;
        if (chunk === undefined) break;
        const taken = chunk.subarray(0, wantedBytes - bytes);
        if (taken.length < chunk.length) rest = chunk.subarray(taken.length);
        if (bytes + taken.length > held.length) held = grown(held, bytes + taken.length, wantedBytes);
        taken.copy(held, bytes);
        bytes += taken.length;
      }
      return held.subarray(0, bytes);
    },
    close: () => answer.close(),
  };
}

/** Twice as large, so that each byte is copied a few times in all. */
function grown(held: Buffer, leastBytes: number, mostBytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(mostBytes, Math.max(leastBytes, held.length * 2)));
  held.copy(larger);
  return larger;
}

/** Trouble that may be over at the next request. */
function isPassing(error: unknown): error is KnownFault {
  return error instanceof KnownFault && (error.fault.kind === 'transient' || error.fault.kind === 'throttle');
}

function checkExpected(
  { sizeBytes, showsItsEnd }: WebObject,
  expected: WebRead['expected'],
  etag: string | undefined,
  host: string,
): void {
  if (sizeBytes !== undefined) checkSize(sizeBytes, expected.sizeBytes, host);
  if (!showsItsEnd && expected.sizeBytes === undefined)
    throw permanent(
      'SourceLengthUnknown',
      `${host} sends neither a Content-Length nor chunks, so that a body that breaks off looks whole: give the row its size`,
    );
  if (expected.etag === undefined || unquoted(etag) === unquoted(expected.etag)) return;
  throw permanent(
    'SourceEtagMismatch',
    etag === undefined
      ? `${host} sends no ETag, and the row's source_etag asks for one`
      : `${host} has another object than the row's source_etag names`,
  );
}

/** @throws KnownFault where the row gives another size */
export function checkSize(sizeBytes: number, expectedBytes: number | undefined, host: string): void {
  if (expectedBytes !== undefined && sizeBytes !== expectedBytes)
    throw permanent(
      'SourceSizeMismatch',
      `${host} has ${sizeBytes} bytes; the row's size is ${expectedBytes}`,
    );
}

/** A weak ETag keeps its mark, and so equals none that a row may give. */
function unquoted(etag: string | undefined): string | undefined {
  return etag?.replace(/^"(.*)"$/, '$1');
}
