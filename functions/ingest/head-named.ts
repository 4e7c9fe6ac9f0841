// Finds a manifest that a job file or an order of the API names, and pins the object that is read.
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, versionOf } from '../../shared/aws/object-range.ts';
import { type JobFault, jobFault } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import { boundedName } from '../../shared/text/bounded.ts';
import type { FoundManifest } from './open-job.ts';

export type Named = { kind: 'found'; manifest: FoundManifest } | { kind: 'unreadable'; fault: JobFault };

/**
 * @param named with an ETag, the object must still have it
 * @param told who names it, and what to do where it can't be read
 */
export async function headNamed(
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
