// One attempt to write one object: bytes that the manifest carries by PutObject, an object in S3 by a server-side copy.

import {
  CopyObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createDirectWrites } from '../aws/direct-writes.ts';
import type { Clock } from '../job/clock.ts';
import type { IfExists } from '../job/options.ts';
import type { ObjectSource } from '../manifest/columns.ts';
import { base64Crc32 } from './checksum.ts';
import { classifyFault } from './classify.ts';
import { copySourceOf, writeDirectly } from './direct-write.ts';

export interface ObjectWrite {
  source: ObjectSource;
  destination: { bucket: string; key: string };
  contentType?: string;
  ifExists: IfExists;
}

export interface StoredObject {
  etag: string;
  versionId?: string;
  /** CRC32, base64, where S3 answers one. */
  checksum?: string;
  /** Bytes that were sent; a server-side copy sends none and S3 does not say how many it copied. */
  bytes?: number;
}

export interface ObjectWriter {
  /**
   * @param cutOff absent where nothing needs to be ended in haste
   * @throws whatever the S3 client throws: classifyFault tells what it means
   */
  write(object: ObjectWrite, cutOff?: AbortSignal): Promise<StoredObject>;
  /**
   * Whether the object that a conditional write found is the one we meant to write: after a lost answer it may be our own.
   * @returns the stored object, or undefined where it is another's
   */
  findOwn(object: ObjectWrite): Promise<StoredObject | undefined>;
}

export function createObjectWriter(s3: S3Client, clock: Clock): ObjectWriter {
  const direct = createDirectWrites(s3, clock);
  return {
    async write(object, cutOff) {
      const written = await writeDirectly(direct, object, cutOff);
      if (written !== undefined) return written;
      return object.source.kind === 'bytes'
        ? await put(s3, object, object.source.bytes, cutOff)
        : await copy(s3, object, object.source, cutOff);
    },
    async findOwn({ source, destination }) {
      const found = await head(s3, destination);
      if (source.kind === 'bytes') {
        if (found.ContentLength !== source.bytes.length || found.ChecksumCRC32 !== base64Crc32(source.bytes))
          return undefined;
      } else {
        const original = await headOrNothing(s3, source);
        if (original === undefined) return undefined;
        if (!isCopyOf(found, original)) return undefined;
      }
      return stored(found.ETag, found.VersionId, found.ChecksumCRC32, found.ContentLength);
    },
  };
}

async function put(
  s3: S3Client,
  { destination, contentType, ifExists }: ObjectWrite,
  bytes: Uint8Array,
  cutOff: AbortSignal | undefined,
) {
  const answer = await s3.send(
    new PutObjectCommand({
      Bucket: destination.bucket,
      Key: destination.key,
      // Bytes, never a stream: the SDK does not retry streams, and the checksum needs the whole body.
      Body: bytes,
      ChecksumCRC32: base64Crc32(bytes),
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    }),
    endedBy(cutOff),
  );
  return stored(answer.ETag, answer.VersionId, answer.ChecksumCRC32, bytes.length);
}

/** A listener costs the more, the more requests share the signal: 2% of a request's time at 256 at once. */
function endedBy(cutOff: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return cutOff === undefined ? {} : { abortSignal: cutOff };
}

type CopySource = Extract<ObjectSource, { kind: 's3' }>;

async function copy(
  s3: S3Client,
  { destination, contentType, ifExists }: ObjectWrite,
  source: CopySource,
  cutOff: AbortSignal | undefined,
) {
  const answer = await s3.send(
    new CopyObjectCommand({
      Bucket: destination.bucket,
      Key: destination.key,
      CopySource: copySourceOf(source),
      // A new content type comes only with new metadata: S3 copies both or neither.
      ...(contentType === undefined
        ? {}
        : { ContentType: contentType, MetadataDirective: 'REPLACE' as const }),
      ...(ifExists === 'overwrite' ? {} : { IfNoneMatch: '*' }),
    }),
    endedBy(cutOff),
  );
  return stored(
    answer.CopyObjectResult?.ETag,
    answer.VersionId,
    answer.CopyObjectResult?.ChecksumCRC32,
    undefined,
  );
}

function head(s3: S3Client, at: { bucket: string; key: string; versionId?: string }) {
  return s3.send(
    new HeadObjectCommand({
      Bucket: at.bucket,
      Key: at.key,
      ChecksumMode: 'ENABLED',
      ...(at.versionId === undefined ? {} : { VersionId: at.versionId }),
    }),
  );
}

/** @returns undefined where there is no such object: what was copied from it can no longer be told */
async function headOrNothing(s3: S3Client, at: CopySource) {
  try {
    return await head(s3, at);
  } catch (error) {
    if (classifyFault(error).code === 'NotFound') return undefined;
    throw error;
  }
}

const CHECKSUMS = [
  'ChecksumCRC64NVME',
  'ChecksumCRC32',
  'ChecksumCRC32C',
  'ChecksumSHA1',
  'ChecksumSHA256',
] as const satisfies readonly (keyof HeadObjectCommandOutput)[];

/**
 * Whether two objects have the same bytes, by a checksum of the whole object that both have, else by their ETags: these differ
 * between an object that was uploaded in parts and its copy, and wherever one of the two is encrypted with KMS. S3 gives a
 * CRC64NVME to what is uploaded without a checksum, and hands it on to copies (API reference, CopyObjectResult).
 */
function isCopyOf(found: HeadObjectCommandOutput, original: HeadObjectCommandOutput): boolean {
  if (found.ContentLength !== original.ContentLength) return false;
  const areWhole = found.ChecksumType !== 'COMPOSITE' && original.ChecksumType !== 'COMPOSITE';
  const common = CHECKSUMS.find(
    (name) => areWhole && found[name] !== undefined && original[name] !== undefined,
  );
  return common === undefined ? found.ETag === original.ETag : found[common] === original[common];
}

function stored(etag = '', versionId?: string, checksum?: string, bytes?: number): StoredObject {
  return {
    etag,
    ...(versionId === undefined ? {} : { versionId }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}
