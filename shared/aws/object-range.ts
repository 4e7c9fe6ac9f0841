// Bytes of an object, streamed: of one version of it, where it has versions. A stream that breaks off goes on where it broke.
import type { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { StoredObject } from '../keys/stored-object.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import { classifyFault, type Fault } from './classify.ts';

/** Tries in a row that read nothing. After the last one, the message in hand is tried again later. */
const TRIES = 4;
const BACKOFF = { baseMs: 200, capMs: 2_000 };

export interface ObjectReader {
  s3: S3Client;
  clock: Pick<Clock, 'sleep'>;
  random: Random;
}

/**
 * Streams the bytes from `start` up to, not including, `end`; nothing where the stretch is empty. The SDK makes a request again,
 * but does not go on with an answer that broke off.
 * @throws the last fault, if several tries in a row read nothing, or a read is refused
 */
export async function* readRange(
  { s3, clock, random }: ObjectReader,
  object: StoredObject,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  let at = start;
  for (let fruitless = 0; at < end; ) {
    const from = at;
    try {
      for await (const chunk of await openRange(s3, object, at, end)) {
        at += chunk.length;
        yield chunk;
      }
      if (at < end) throw endedEarly(object, at, end);
    } catch (error) {
      fruitless = at > from ? 0 : fruitless + 1;
      if (fruitless === TRIES || classifyFault(error).kind !== 'transient') throw error;
      await clock.sleep(fullJitterMs(BACKOFF, fruitless, random));
    }
  }
}

/** Reads a whole small object: from its start again where the answer breaks off. */
export async function readAgain<T>({ clock, random }: ObjectReader, read: () => Promise<T>): Promise<T> {
  for (let failed = 0; ; ) {
    try {
      return await read();
    } catch (error) {
      failed += 1;
      if (failed === TRIES || classifyFault(error).kind !== 'transient') throw error;
      await clock.sleep(fullJitterMs(BACKOFF, failed - 1, random));
    }
  }
}

async function openRange(
  s3: S3Client,
  { bucket, key, versionId, etag }: StoredObject,
  start: number,
  end: number,
): Promise<AsyncIterable<Uint8Array>> {
  const { Body } = await s3.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...versionOf({ versionId, etag }),
      Range: `bytes=${start}-${end - 1}`,
    }),
  );
  return Body as Readable as AsyncIterable<Uint8Array>;
}

/** What a read of the object names, so that it reads nothing else. */
export function versionOf({ versionId, etag }: { [Name in 'versionId' | 'etag']?: string | undefined }): {
  VersionId?: string;
  IfMatch?: string;
} {
  if (versionId !== undefined) return { VersionId: versionId };
  return etag === undefined ? {} : { IfMatch: etag };
}

/** Whether a read failed because the object is no longer there, or is no longer the same. */
export function isGone({ kind, code }: Pick<Fault, 'kind' | 'code'>): boolean {
  return kind === 'exists' || code === 'NoSuchKey' || code === 'NoSuchVersion' || code === 'NotFound';
}

export async function isThere(s3: S3Client, { bucket, key }: StoredObject): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (isGone(classifyFault(error))) return false;
    throw error;
  }
}

function endedEarly({ bucket, key }: StoredObject, at: number, end: number): Error {
  const message = `s3://${bucket}/${key} ended at byte ${at} of ${end}`;
  return Object.assign(new Error(message), { name: 'IncompleteBody' });
}
