// The headers of a copy. S3 replaces metadata as a whole or not at all. So a copy that changes the content type sends along all
// other metadata, which a HEAD of the source has read, on condition that the source still has the HEAD's ETag.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { ObjectPlace } from '../../aws/source-heads.ts';

/** A source as a HEAD found it. */
export interface SourceHead {
  etag: string;
  /** Absent where the bucket has no versions. */
  versionId?: string;
  /** Headers that give the copy the metadata of its source, without the content type. */
  headers: Readonly<Record<string, string>>;
}

/**
 * Storage classes that a bucket of general purpose takes. A copy is STANDARD unless told otherwise. (API reference, CopyObject)
 * The classes of directory buckets, Outposts and Snow can't be asked for elsewhere.
 */
const KEPT_CLASSES: ReadonlySet<string> = new Set([
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
  'REDUCED_REDUNDANCY',
]);
const DIRECTORY_BUCKET = /--x-s3$/;

/** A HEAD can't show all of the source's metadata: a copy would lose the rest. */
class HiddenMetadataError extends Error {
  override readonly name = 'MetadataUnreadable';
  readonly $metadata = { httpStatusCode: 400 };
}

/**
 * What a HEAD says of the source. A copy with new metadata keeps tags and checksums, like any copy (S3's API reference).
 * Encryption, object lock and ACLs are the destination's in any case.
 * @throws an error named MetadataUnreadable
 */
export function sourceHeadOf(answer: HeadObjectCommandOutput, destinationBucket: string): SourceHead {
  const { MissingMeta = 0 } = answer;
  if (MissingMeta > 0) {
    throw new HiddenMetadataError(
      `S3 can't show ${MissingMeta} of its source's metadata entries in headers, so that a copy with a content_type would lose them: copy it without one`,
    );
  }
  const storageClass = answer.StorageClass ?? '';
  const isKeptClass = KEPT_CLASSES.has(storageClass) && !DIRECTORY_BUCKET.test(destinationBucket);
  const metadata = Object.entries(answer.Metadata ?? {}).map(([name, value]) => [
    `x-amz-meta-${name}`,
    value,
  ]);
  return {
    etag: answer.ETag ?? '',
    ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
    headers: {
      ...named('cache-control', answer.CacheControl),
      ...named('content-disposition', answer.ContentDisposition),
      ...named('content-encoding', withoutChunking(answer.ContentEncoding)),
      ...named('content-language', answer.ContentLanguage),
      ...named('expires', answer.ExpiresString),
      ...named('x-amz-website-redirect-location', answer.WebsiteRedirectLocation),
      ...named('x-amz-storage-class', isKeptClass ? storageClass : undefined),
      ...Object.fromEntries(metadata),
    },
  };
}

/** The headers of a copy request, without those that sign it. */
export function copyHeaders(
  source: ObjectPlace,
  {
    contentType,
    ifAbsent,
    head,
  }: { contentType: string | undefined; ifAbsent: boolean; head: SourceHead | undefined },
): Record<string, string> {
  return {
    'x-amz-copy-source': copySourceOf({ ...named('versionId', head?.versionId), ...source }),
    ...(contentType === undefined
      ? {}
      : { 'content-type': contentType, 'x-amz-metadata-directive': 'REPLACE' }),
    ...(head === undefined ? {} : { ...head.headers, 'x-amz-copy-source-if-match': head.etag }),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
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

function named<Name extends string>(name: Name, value: string | undefined): { [N in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: string });
}
