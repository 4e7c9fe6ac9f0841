// Whether the object at the destination is our own copy: it has the bytes of its source.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { classifyFault } from '../../aws/classify.ts';
import type { ObjectPlace, SourceHeads } from '../../aws/source-heads.ts';
import { endedBy, type StoredObject, storedObject } from '../../transfer/object-writer.ts';

/** @throws what the client throws; an error named SourceUnreadable where the source is gone */
export async function findOwnCopy(
  heads: SourceHeads,
  { source, destination }: { source: ObjectPlace; destination: ObjectPlace },
  cutOff: AbortSignal | undefined,
): Promise<StoredObject | undefined> {
  const found = await heads.head(destination, { withChecksum: true, ...endedBy(cutOff) });
  if (!haveSameBytes(found, await headSource(heads, source, cutOff))) return undefined;
  const { ETag: etag, VersionId: versionId, ChecksumCRC32: checksum, ContentLength: bytes } = found;
  return storedObject({ etag, versionId, checksum, bytes });
}

/** @throws where the source is gone: what was copied from it is unknown then */
async function headSource(
  heads: SourceHeads,
  source: ObjectPlace,
  cutOff: AbortSignal | undefined,
): Promise<HeadObjectCommandOutput> {
  try {
    return await heads.head(source, { withChecksum: true, ...endedBy(cutOff) });
  } catch (error) {
    const { kind, code } = classifyFault(error);
    if (kind !== 'permanent') throw error;
    const { bucket, key } = source;
    throw Object.assign(new Error(`its source s3://${bucket}/${key} can't be read any more (${code})`), {
      name: 'SourceUnreadable',
      $metadata: { httpStatusCode: 404 },
    });
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
 * Compares a checksum of the whole object that both have, else the ETags. ETags differ between an object that was uploaded in
 * parts and its copy, and wherever one of the two is encrypted with KMS. S3 gives a CRC64NVME to what is uploaded without a
 * checksum, and hands it on to copies (API reference, CopyObjectResult).
 */
function haveSameBytes(found: HeadObjectCommandOutput, original: HeadObjectCommandOutput): boolean {
  if (found.ContentLength !== original.ContentLength) return false;
  const areWhole = found.ChecksumType !== 'COMPOSITE' && original.ChecksumType !== 'COMPOSITE';
  const common = CHECKSUMS.find(
    (name) => areWhole && found[name] !== undefined && original[name] !== undefined,
  );
  return common === undefined ? found.ETag === original.ETag : found[common] === original[common];
}
