// The headers of a copy. S3 replaces metadata as a whole or not at all. So a copy that changes a part of it sends along all
// other metadata, which a HEAD of the source has read, on condition that the source still has the HEAD's ETag.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import {
  attributeHeaders,
  mergeAttributes,
  type ObjectAttributes,
  replacesMetadata,
  STORAGE_CLASSES,
  type StorageClass,
} from '../../attributes/object-attributes.ts';
import type { ObjectPlace } from '../../aws/source-heads.ts';

/** A source as a HEAD found it. */
export interface SourceHead {
  etag: string;
  /** Absent where the bucket has no versions. */
  versionId?: string;
  /** What gives the copy the metadata of its source. */
  attributes: ObjectAttributes;
}

const DIRECTORY_BUCKET = /--x-s3$/;

/** A HEAD can't show all of the source's metadata: a copy would lose the rest. */
class HiddenMetadataError extends Error {
  override readonly name = 'MetadataUnreadable';
  readonly $metadata = { httpStatusCode: 400 };
}

/**
 * For a copy that replaces metadata.
 * @throws an error named MetadataUnreadable
 */
export function assertAllShown({ MissingMeta = 0 }: HeadObjectCommandOutput): void {
  if (MissingMeta === 0) return;
  throw new HiddenMetadataError(
    `S3 can't show ${MissingMeta} of its source's metadata entries in headers, so that a copy that changes metadata would lose them: copy it without content_type, metadata and content headers`,
  );
}

/**
 * What a HEAD says of the source. A copy with new metadata keeps tags and checksums, like any copy (S3's API reference).
 * Encryption, object lock and ACLs are the destination's in any case.
 */
export function sourceHeadOf(answer: HeadObjectCommandOutput, destinationBucket: string): SourceHead {
  return {
    etag: answer.ETag ?? '',
    ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
    attributes: {
      ...named('contentType', answer.ContentType),
      ...named('cacheControl', answer.CacheControl),
      ...named('contentDisposition', answer.ContentDisposition),
      ...named('contentEncoding', withoutChunking(answer.ContentEncoding)),
      ...named('contentLanguage', answer.ContentLanguage),
      ...named('expires', answer.ExpiresString),
      ...named('websiteRedirect', answer.WebsiteRedirectLocation),
      ...named('storageClass', keptClass(answer.StorageClass, destinationBucket)),
      metadata: new Map(Object.entries(answer.Metadata ?? {})),
    },
  };
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
  source: ObjectPlace,
  {
    attributes,
    ifAbsent,
    head,
  }: { attributes: ObjectAttributes; ifAbsent: boolean; head: SourceHead | undefined },
): Record<string, string> {
  const { checksumAlgorithm, tags } = attributes;
  const isReplaced = head !== undefined && replacesMetadata(attributes);
  return {
    'x-amz-copy-source': copySourceOf({ ...named('versionId', head?.versionId), ...source }),
    ...attributeHeaders(withSource(attributes, head?.attributes, isReplaced)),
    ...(isReplaced ? { 'x-amz-metadata-directive': 'REPLACE' } : {}),
    ...named('x-amz-copy-source-if-match', head?.etag),
    // Without the directive S3 takes the source's tags, whatever the header says.
    ...(tags === undefined || tags.size === 0 ? {} : { 'x-amz-tagging-directive': 'REPLACE' }),
    ...named('x-amz-checksum-algorithm', checksumAlgorithm),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
}

/** What the copy is to have: all that its source has where that is replaced, else at most its source's class. */
function withSource(
  attributes: ObjectAttributes,
  source: ObjectAttributes | undefined,
  isReplaced: boolean,
): ObjectAttributes {
  if (source === undefined) return attributes;
  return isReplaced
    ? mergeAttributes(source, attributes)
    : { ...named('storageClass', source.storageClass), ...attributes };
}

function copySourceOf({ bucket, key, versionId }: ObjectPlace): string {
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

function named<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}
