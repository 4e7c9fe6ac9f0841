// Writes text of unknown length as one object, while it comes: what is held of it is a few parts, however long it is.
import type { S3Client } from '@aws-sdk/client-s3';
import { classifyFault } from '../../shared/aws/classify.ts';
import { putIfAbsent } from '../../shared/aws/put-if-absent.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import {
  createMultipartWriter,
  type MultipartWriter,
  type SentPart,
} from '../../shared/transfer/multipart-writer.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';

/** S3's least. It takes 10,000 parts, which hold 48 GiB: more than a unit may have. */
export const PART_BYTES = 5 * 1024 * 1024;
/** Parts sent at once, while the next one fills: S3 takes a part at about 40 MB/s, and text comes faster. */
const PARTS_AT_ONCE = 4;

const CONTENT_TYPE = 'text/plain; charset=utf-8';

/**
 * Writes the text, unless the object is there already. What a fault or a stop leaves unfinished is aborted.
 * @param mayGoOn is asked before each chunk; at the first `false` writing stops, and nothing is stored
 * @throws what the text throws, or the S3 client
 */
export async function writeText(
  s3: S3Client,
  destination: StoredObject,
  text: AsyncIterable<Uint8Array>,
  mayGoOn: () => Promise<boolean>,
): Promise<'written' | 'stopped'> {
  const object = createTextObject(createMultipartWriter(s3), destination);
  try {
    for await (const chunk of text) {
      if (!(await mayGoOn())) return 'stopped';
      await object.add(chunk);
    }
    const small = object.unsent();
    if (small === undefined) await object.complete();
    else
      await putIfAbsent(s3, {
        Bucket: destination.bucket,
        Key: destination.key,
        Body: small,
        ContentType: CONTENT_TYPE,
      });
    return 'written';
  } finally {
    await object.end();
  }
}

function createTextObject(parted: MultipartWriter, { bucket, key }: StoredObject) {
  const write: ObjectWrite = {
    destination: { bucket, key },
    attributes: { contentType: CONTENT_TYPE },
    ifExists: 'skip',
  };
  // The S3 client's own time limits bound each request.
  const { signal } = new AbortController();
  const sent: SentPart[] = [];
  const sending: { answer: Promise<SentPart>; buffer: Buffer<ArrayBuffer> }[] = [];
  /** Buffers whose parts were sent. A new one for each part would stay in memory until garbage is collected. */
  const spare: Buffer<ArrayBuffer>[] = [];
  let part = Buffer.allocUnsafe(PART_BYTES);
  let filled = 0;
  let number = 0;
  let uploadId: string | undefined;

  async function oldest(): Promise<void> {
    const first = sending.shift();
    if (first === undefined) return;
    sent.push(await first.answer);
    spare.push(first.buffer);
  }

  /** Sends what is filled of the part. The next one begins in another buffer. */
  async function sendPart(): Promise<void> {
    uploadId ??= await parted.begin(write);
    if (sending.length === PARTS_AT_ONCE) await oldest();
    number += 1;
    const bytes = part.subarray(0, filled);
    const answer = parted.send(write, uploadId, { number, bytes }, signal);
    // Its fault is thrown when its turn comes: until then it must not count as one that nothing handles.
    answer.catch(() => undefined);
    sending.push({ answer, buffer: part });
    part = spare.pop() ?? Buffer.allocUnsafe(PART_BYTES);
    filled = 0;
  }

  return {
    async add(chunk: Uint8Array): Promise<void> {
      for (let at = 0; at < chunk.length; ) {
        const taken = chunk.subarray(at, at + PART_BYTES - filled);
        part.set(taken, filled);
        filled += taken.length;
        at += taken.length;
        if (filled === PART_BYTES) await sendPart();
      }
    },

    /** All of the text, where it makes less than one part; undefined where parts were sent. */
    unsent: (): Buffer | undefined => (uploadId === undefined ? part.subarray(0, filled) : undefined),

    async complete(): Promise<void> {
      if (uploadId === undefined) throw new Error('no part was sent');
      if (filled > 0) await sendPart();
      while (sending.length > 0) await oldest();
      try {
        await parted.complete(write, uploadId, sent, signal);
        uploadId = undefined;
      } catch (error) {
        // Another invocation was first: the same unit is the same text.
        if (classifyFault(error).kind !== 'exists') throw error;
      }
    },

    /** Aborts what was not completed, after the requests under way have ended: none may outlive the upload. */
    async end(): Promise<void> {
      await Promise.allSettled(sending.map(({ answer }) => answer));
      if (uploadId !== undefined) await parted.abort(write, uploadId);
    },
  };
}
