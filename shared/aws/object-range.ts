// Bytes of one version of an object, streamed.

import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export interface ObjectVersion {
  bucket: string;
  key: string;
  versionId: string;
}

/** Streams the bytes from `start` up to, not including, `end`; nothing where the stretch is empty. */
export async function* readRange(
  s3: S3Client,
  { bucket, key, versionId }: ObjectVersion,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  if (end <= start) return;
  const { Body } = await s3.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      VersionId: versionId,
      Range: `bytes=${start}-${end - 1}`,
    }),
  );
  yield* Body as Readable as AsyncIterable<Uint8Array>;
}
