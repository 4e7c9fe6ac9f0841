// An object as the embedded S3 keeps it: fauxqs' fields, by which it lists objects, with the bytes in memory or on disk.

import type { S3Object } from '../fauxqs-parts.ts';
import type { Checksum, ChecksumName, ChecksumType } from './checksums.ts';
import type { ObjectBody } from './object-body.ts';

/** What a client says of an object beside its bytes; a copy has it from its source. */
export interface ObjectProperties {
  contentType: string;
  /** User metadata, by names without their prefix. */
  metadata: Record<string, string>;
  contentLanguage?: string | undefined;
  contentDisposition?: string | undefined;
  cacheControl?: string | undefined;
  contentEncoding?: string | undefined;
  /** As a query string. */
  tagging?: string | undefined;
}

/** By fauxqs' names. */
export interface ObjectChecksum {
  checksumAlgorithm?: ChecksumName;
  checksumValue?: string;
  checksumType?: ChecksumType;
  /** Of a multipart upload, in the order of its parts. */
  partChecksums?: string[];
}

export interface StoredObject
  extends Omit<S3Object, keyof ObjectProperties | keyof ObjectChecksum>,
    ObjectProperties,
    ObjectChecksum {
  content: ObjectBody;
}

/** fauxqs' own field is empty: none of its actions that read the field is used. */
const NO_BYTES = Buffer.alloc(0);

export function storedObject(
  key: string,
  content: ObjectBody,
  more: ObjectProperties & ObjectChecksum & { etag: string; parts?: NonNullable<S3Object['parts']> },
  nowMs: number,
): StoredObject {
  return {
    ...more,
    key,
    body: NO_BYTES,
    content,
    contentLength: content.sizeBytes,
    lastModified: new Date(nowMs),
  };
}

/** fauxqs' types know fewer checksums. */
export function asS3Object(object: StoredObject): S3Object {
  return object as unknown as S3Object;
}

export function asStored(object: S3Object): StoredObject {
  return object as unknown as StoredObject;
}

export function propertiesOf(object: ObjectProperties): ObjectProperties {
  const { contentType, metadata, contentLanguage, contentDisposition } = object;
  const { cacheControl, contentEncoding, tagging } = object;
  return {
    contentType,
    metadata,
    contentLanguage,
    contentDisposition,
    cacheControl,
    contentEncoding,
    tagging,
  };
}

export function checksumOf({
  checksumAlgorithm: name,
  checksumValue: value,
  checksumType: type,
}: ObjectChecksum): (Checksum & { type: ChecksumType }) | undefined {
  if (name === undefined || value === undefined || type === undefined) return undefined;
  return { name, value, type };
}

export function objectChecksum(
  checksum: Checksum | undefined,
  checksumType: ChecksumType = 'FULL_OBJECT',
): ObjectChecksum {
  if (checksum === undefined) return {};
  return { checksumAlgorithm: checksum.name, checksumValue: checksum.value, checksumType };
}
