// The headers of a copy. S3 replaces metadata as a whole or not at all. So a copy that changes a part of it sends along all
// other metadata, which a HEAD of the source has read, on condition that the source still has the HEAD's ETag.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import {
  attributeHeaders,
  type ChecksumAlgorithm,
  given,
  mergeAttributes,
  type ObjectAttributes,
  replacesMetadata,
  STORAGE_CLASSES,
  type StorageClass,
} from '../../attributes/object-attributes.ts';
import { refusalOf } from '../../aws/classify.ts';
import type { ObjectPlace } from '../../aws/source-heads.ts';
import { checksumField } from '../../transfer/checksum.ts';
import type { Copy } from './copier.ts';

/** A source as a HEAD found it. */
export interface SourceHead {
  etag: string;
  /** Absent where the bucket has no versions. */
  versionId?: string;
  sizeBytes: number;
  /** Epoch ms. It changes with metadata alone too, when an object is copied onto itself. */
  lastModifiedMs: number;
  /** How many tags it has. S3 says it only to callers who may read them. */
  tagCount: number;
  /** A CRC of all its bytes, where it has one and the HEAD asked for it. */
  crc?: WholeCrc;
  /** What gives the copy the metadata of its source. */
  attributes: ObjectAttributes;
}

/** The checksums that S3 keeps of a whole object that was uploaded in parts. */
export const WHOLE_CRCS = ['CRC64NVME', 'CRC32C', 'CRC32'] as const satisfies readonly ChecksumAlgorithm[];
export interface WholeCrc {
  algorithm: (typeof WHOLE_CRCS)[number];
  /** Base64. */
  value: string;
}

const DIRECTORY_BUCKET = /--x-s3$/;

/**
 * For a copy that sets metadata: one that replaces it, or one in parts.
 * @throws an error named MetadataUnreadable
 */
export function assertAllShown({ MissingMeta = 0 }: HeadObjectCommandOutput): void {
  if (MissingMeta === 0) return;
  throw refusalOf(
    'MetadataUnreadable',
    `S3 can't show ${MissingMeta} of its source's metadata entries in headers, so that a copy that changes metadata, or goes in parts, would lose them: copy it in one request, without content_type, metadata and content headers`,
    400,
  );
}

/**
 * What a HEAD says of the source. A copy with new metadata keeps tags and checksums, like any copy (S3's API reference).
 * Encryption, object lock and ACLs are the destination's in any case.
 */
export function sourceHeadOf(answer: HeadObjectCommandOutput, destinationBucket: string): SourceHead {
  return {
    etag: answer.ETag ?? '',
    ...given('versionId', answer.VersionId),
    sizeBytes: answer.ContentLength ?? 0,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    tagCount: answer.TagCount ?? 0,
    ...given('crc', wholeCrcOf(answer)),
    attributes: {
      ...given('contentType', answer.ContentType),
      ...given('cacheControl', answer.CacheControl),
      ...given('contentDisposition', answer.ContentDisposition),
      ...given('contentEncoding', withoutChunking(answer.ContentEncoding)),
      ...given('contentLanguage', answer.ContentLanguage),
      ...given('expires', answer.ExpiresString),
      ...given('websiteRedirect', answer.WebsiteRedirectLocation),
      ...given('storageClass', keptClass(answer.StorageClass, destinationBucket)),
      metadata: new Map(Object.entries(answer.Metadata ?? {})),
    },
  };
}

/** S3 leaves the type out where it is the only one that the algorithm has. */
export function wholeCrcOf(answer: HeadObjectCommandOutput): WholeCrc | undefined {
  if (answer.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of WHOLE_CRCS) {
    const value = answer[checksumField(algorithm)];
    // Older servers say no type: the checksum of checksums ends in the number of parts.
    if (value !== undefined && !value.includes('-')) return { algorithm, value };
  }
  return undefined;
}

/**
 * A copy is STANDARD unless told otherwise, and a HEAD names every class but that one. (API reference, CopyObject)
 * The classes of directory buckets, Outposts and Snow can't be asked for elsewhere.
 */
function keptClass(name: string | undefined, destinationBucket: string): StorageClass | undefined {
  if (DIRECTORY_BUCKET.test(destinationBucket)) return undefined;
  return STORAGE_CLASSES.find((each) => each === name && each !== 'STANDARD');
}

/** The headers of a copy request, without those that sign it. */
export function copyHeaders(
  { source, attributes = {}, ifExists, expected }: Copy,
  head: SourceHead | undefined,
): Record<string, string> {
  const { checksumAlgorithm, tags } = attributes;
  const isReplaced = head !== undefined && replacesMetadata(attributes);
  return {
    'x-amz-copy-source': copySourceOf({ ...given('versionId', head?.versionId), ...source }),
    ...attributeHeaders(withSource(attributes, head?.attributes, isReplaced)),
    ...(isReplaced ? { 'x-amz-metadata-directive': 'REPLACE' } : {}),
    ...given('x-amz-copy-source-if-match', head?.etag ?? expected?.etag),
    // Without the directive S3 takes the source's tags, whatever the header says.
    ...(tags === undefined || tags.size === 0 ? {} : { 'x-amz-tagging-directive': 'REPLACE' }),
    ...given('x-amz-checksum-algorithm', checksumAlgorithm),
    ...(ifExists === 'overwrite' ? {} : { 'if-none-match': '*' }),
  };
}

/**
 * The attributes that a copy in parts sets at its start: the same as CopyObject would set. Without new metadata, the source's
 * class and redirect are not kept.
 * @param tags of the source; tags of the row replace them
 */
export function attributesInParts(
  head: SourceHead,
  attributes: ObjectAttributes,
  tags: ReadonlyMap<string, string>,
): ObjectAttributes {
  const { storageClass, websiteRedirect, ...metadata } = head.attributes;
  const withClass = { ...metadata, ...given('storageClass', storageClass) };
  const unchanged = attributes.keepsClass === true ? withClass : metadata;
  const kept = replacesMetadata(attributes) ? head.attributes : unchanged;
  const own = attributes.tags ?? tags;
  return { ...mergeAttributes(kept, attributes), ...(own.size === 0 ? {} : { tags: own }) };
}

/** The attributes of the copy: if metadata is replaced, all of the source's under the row's; else at most the source's class. */
function withSource(
  attributes: ObjectAttributes,
  source: ObjectAttributes | undefined,
  isReplaced: boolean,
): ObjectAttributes {
  if (source === undefined) return attributes;
  return isReplaced
    ? mergeAttributes(source, attributes)
    : { ...given('storageClass', source.storageClass), ...attributes };
}

export function copySourceOf({ bucket, key, versionId }: ObjectPlace): string {
  const version = versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`;
  return `${bucket}/${encodeURIComponent(key)}${version}`;
}

/** Some servers store the encoding of the upload request as the object's own. On a copy request it would be false. */
function withoutChunking(encoding: string | undefined): string | undefined {
  const kept = encoding
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked');
  return kept === undefined || kept.join('') === '' ? undefined : kept.join(',');
}
