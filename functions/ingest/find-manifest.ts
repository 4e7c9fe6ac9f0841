// Finds the object that a job's manifest is: what was dropped in the inbox, or what a job file or an order of the API names.
import { HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, versionOf } from '../../shared/aws/object-range.ts';
import { arrivedObject, type ManifestArrival } from '../../shared/job/identity.ts';
import { type JobFault, jobFault, type ManifestVersion } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import { boundedName } from '../../shared/text/bounded.ts';

/** A version of an object in the inbox, and what S3 knows of it. */
export interface FoundManifest {
  manifest: ManifestVersion;
  metadata: Record<string, string>;
  contentType: string | undefined;
}

type Looked = ({ kind: 'found' } & FoundManifest) | { kind: 'gone'; message: string };

/** The version that the arrival names: a later one is another job. */
export async function findDropped(s3: S3Client, arrival: ManifestArrival): Promise<Looked> {
  let answer: HeadObjectCommandOutput;
  try {
    answer = await s3.send(
      new HeadObjectCommand({ Bucket: arrival.bucket, Key: arrival.key, ...versionOf(arrival) }),
    );
  } catch (error) {
    if (!isGone(classifyFault(error))) throw error;
    return goneManifest(arrival);
  }
  // Some S3 implementations ignore a HEAD's condition.
  if ('etag' in arrival && answer.ETag !== arrival.etag) return goneManifest(arrival);
  return {
    kind: 'found',
    manifest: { ...arrivedObject(arrival), sizeBytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '' },
    metadata: answer.Metadata ?? {},
    contentType: answer.ContentType,
  };
}

function goneManifest(arrival: ManifestArrival): Looked {
  const place = `s3://${arrival.bucket}/${arrival.key}`;
  return {
    kind: 'gone',
    message:
      'versionId' in arrival
        ? `${place} version ${arrival.versionId} was deleted before it was read: drop it again`
        : `${place} was replaced or deleted before it was read, and the bucket kept no version of it: drop it again`,
  };
}

export type Named = { kind: 'found'; manifest: FoundManifest } | { kind: 'unreadable'; fault: JobFault };

/**
 * @param named with an ETag, the object must still have it
 * @param by who names it; `remedy` says what to do where it can't be read
 */
export async function findNamed(
  { s3 }: ObjectReader,
  named: Pick<StoredObject, 'bucket' | 'key'> & { versionId?: string | undefined; etag?: string | undefined },
  { by, remedy }: { by: string; remedy: string },
): Promise<Named> {
  const { bucket, key, versionId, etag } = named;
  const which = `s3://${bucket}/${boundedName(key)}${versionId === undefined ? '' : ` version ${boundedName(versionId)}`}`;
  const missing = (why: string): Named => ({
    kind: 'unreadable',
    fault: jobFault('ManifestMissing', `the manifest ${which}, which ${by} names, ${why}: ${remedy}`),
  });
  let answer: HeadObjectCommandOutput;
  try {
    answer = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...versionOf(named) }));
  } catch (error) {
    const fault = classifyFault(error);
    if (fault.kind !== 'permanent' && !isGone(fault)) throw error;
    return missing(`can't be read (${fault.code})`);
  }
  // Some S3 implementations ignore a HEAD's condition.
  if (etag !== undefined && answer.ETag !== etag) return missing('was replaced since');
  return { kind: 'found', manifest: foundOf({ bucket, key }, answer, versionId) };
}

/** Pinned to the version of this answer, or without versions to its ETag: it may be replaced while it is read. */
function foundOf(
  { bucket, key }: StoredObject,
  { VersionId, ETag = '', ContentLength = 0, Metadata = {}, ContentType }: HeadObjectCommandOutput,
  asked: string | undefined,
): FoundManifest {
  const versionId = asked ?? (VersionId === 'null' ? undefined : VersionId);
  return {
    manifest: {
      ...{ bucket, key, sizeBytes: ContentLength, etag: ETag },
      ...(versionId === undefined ? {} : { versionId }),
    },
    metadata: Metadata,
    contentType: ContentType,
  };
}
