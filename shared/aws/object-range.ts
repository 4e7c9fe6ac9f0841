// Bytes of an object, streamed: of one version of it, where it has versions.

import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export interface StoredObject {
  bucket: string;
  key: string;
  /** Absent in a bucket whose objects are written once. */
  versionId?: string;
}

/** Streams the bytes from `start` up to, not including, `end`; nothing where the stretch is empty. */
export async function* readRange(
  s3: S3Client,
  { bucket, key, versionId }: StoredObject,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (end <= start) return;
  const { Body } = await s3.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(versionId === undefined ? {} : { VersionId: versionId }),
      Range: `bytes=${start}-${end - 1}`,
    }),
  );
  yield* Body as Readable as AsyncIterable<Uint8Array>;
}
