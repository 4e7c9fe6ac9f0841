// Whether the object at the destination is our own copy: it has the bytes of its source.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { classifyFault, refusalOf } from '../../aws/classify.ts';
import type { ObjectPlace, SourceHeads } from '../../aws/source-heads.ts';
import { CHECKSUM_FIELDS } from '../../transfer/checksum.ts';
import { endedBy, objectIn, type WrittenObject } from '../../transfer/object-writer.ts';
import type { Copy } from './copier.ts';

/** @throws what the client throws; an error named SourceUnreadable where the source is gone, or can't be compared */
export async function findOwnCopy(
  heads: SourceHeads,
  { source, destination, attributes = {} }: Copy,
  cutOff: AbortSignal | undefined,
): Promise<WrittenObject | undefined> {
  const found = await heads.head(destination, { withChecksum: true, ...endedBy(cutOff) });
  const original = await headSource(heads, source, cutOff);
  if (found.ContentLength !== original.ContentLength) return undefined;
  const comparison = compared(found, original);
  if (comparison === 'unknown') {
    const { bucket, key } = source;
    throw sourceUnreadable(
      `the object there and the source s3://${bucket}/${key} have no checksum in common, and ETags that say nothing of their bytes`,
    );
  }
  return comparison === 'other'
    ? undefined
    : objectIn(found, attributes.checksumAlgorithm, found.ContentLength);
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
    throw sourceUnreadable(`its source s3://${bucket}/${key} can't be read any more (${code})`);
  }
}

const sourceUnreadable = (message: string) => refusalOf('SourceUnreadable', message, 404);

/**
 * Compares a checksum of the whole object that both have, else the ETags. ETags differ between an object that was uploaded in
 * parts and its copy, and wherever one of the two is encrypted with KMS. S3 gives a CRC64NVME to what is uploaded without a
 * checksum, and hands it on to copies (API reference, CopyObjectResult). A copy that asks for another checksum has that alone.
 */
function compared(
  found: HeadObjectCommandOutput,
  original: HeadObjectCommandOutput,
): 'same' | 'other' | 'unknown' {
  const areWhole = found.ChecksumType !== 'COMPOSITE' && original.ChecksumType !== 'COMPOSITE';
  // First the one that S3 gives by itself. It is of the whole object, where others may be of its parts.
  const common = (['ChecksumCRC64NVME', ...CHECKSUM_FIELDS] as const).find(
    (name) => areWhole && found[name] !== undefined && original[name] !== undefined,
  );
  if (common !== undefined) return found[common] === original[common] ? 'same' : 'other';
  if (found.ETag === original.ETag) return 'same';
  return isMd5(found) && isMd5(original) ? 'other' : 'unknown';
}

/** Whether the ETag is the MD5 of the bytes. (API reference, Object) */
function isMd5({ ETag = '', ServerSideEncryption: encryption }: HeadObjectCommandOutput): boolean {
  return /^"?[0-9a-f]{32}"?$/i.test(ETag) && !String(encryption).startsWith('aws:kms');
}
