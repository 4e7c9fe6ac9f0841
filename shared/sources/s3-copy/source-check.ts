// What S3 says of a source, and what that means for its row: a code, and a message that names the object and the remedy.
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { type Fault, refusalOf } from '../../aws/classify.ts';
import type { ObjectPlace } from '../../aws/source-heads.ts';
import { boundedWithTail } from '../../text/bounded.ts';
import type { RefusalMeaning } from '../../transfer/object-writer.ts';
import type { FinalFault, PacedPlace } from '../../transfer/paced-request.ts';
import type { Copy } from './copier.ts';
import { explainMissing } from './encoded-key.ts';

/** Classes whose objects have to be restored before they are read. (user guide, "Restoring an archived object") */
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE']);
/** S3 answers a copy of an archived object with the first; its API reference names the second. */
const ARCHIVED_CODES = new Set(['InvalidObjectState', 'ObjectNotInActiveTierError']);
const REDRIVE = 'then redrive this job';

/** Of sources that are there, and can't be copied as the row asks. */
const OWN_CODES = new Set(['SourceArchived', 'SourceChanged', 'EntityTooLarge']);

/** Reads have limits apart from writes, so they are paced apart. No bucket's name holds a colon. */
export function readersOf({ bucket, key }: Pick<ObjectPlace, 'bucket' | 'key'>): PacedPlace {
  return { bucket: `readers:${bucket}`, key };
}

export function nameOf({ bucket, key, versionId }: ObjectPlace): string {
  return `the source s3://${bucket}/${key}${versionId === undefined ? '' : ` (version ${versionId})`}`;
}

export function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}

/** @throws an error named SourceArchived, or SourceChanged where the row says another size or ETag */
export function assertFit(answer: HeadObjectCommandOutput, { source, expected = {} }: Copy): void {
  const unfit = (code: string, tail: string) => refusalOf(code, boundedWithTail(nameOf(source), tail), 400);
  const { StorageClass: storageClass = '', ArchiveStatus: tier, Restore: restore = '' } = answer;
  const isRestored = restore.includes('ongoing-request="false"');
  if ((ARCHIVES.has(storageClass) || tier !== undefined) && !isRestored) {
    const archive = tier ?? storageClass;
    throw unfit(
      'SourceArchived',
      restore.includes('ongoing-request="true"')
        ? ` is being restored from ${archive}: wait until that is done, ${REDRIVE}`
        : ` is archived (${archive}): restore it, ${REDRIVE}`,
    );
  }
  const { etag, sizeBytes } = expected;
  if (sizeBytes !== undefined && answer.ContentLength !== sizeBytes) {
    const tail = ` has ${answer.ContentLength} bytes, where the row says ${sizeBytes}: list it again`;
    throw unfit('SourceChanged', tail);
  }
  if (etag !== undefined && unquoted(answer.ETag ?? '') !== unquoted(etag)) {
    const tail = ` has the ETag ${answer.ETag}, where the row says ${etag}: list it again`;
    throw unfit('SourceChanged', tail);
  }
}

/** What S3's refusal of a copy, or of a part, means for the source; undefined if it has nothing to do with the source. */
export function explainCopy(fault: FinalFault, { source }: Pick<Copy, 'source'>): RefusalMeaning | undefined {
  const failed = (code: string, tail: string) =>
    ({ kind: 'failed', code, message: boundedWithTail(nameOf(source), tail) }) as const;
  if (ARCHIVED_CODES.has(fault.code)) {
    return failed(
      'SourceArchived',
      ` is archived (S3 says ${fault.code}): restore it, or wait until its restore is done, ${REDRIVE}`,
    );
  }
  if (fault.code === 'InvalidRequest' && /server.side encryption/i.test(fault.message)) {
    return failed('SourceKeyNeeded', KEY_NEEDED);
  }
  return explainMissing(fault, source);
}

const KEY_NEEDED =
  " is encrypted with a customer's key (SSE-C), which a manifest can't hold: copy it with a tool that has the key";

/** CopyObject's limit is 5 GiB. Other servers name it by the second code. */
export function isTooLargeToCopy({ kind, code, message }: Fault): boolean {
  if (kind !== 'permanent') return false;
  return code === 'EntityTooLarge' || (code === 'InvalidRequest' && /larger than the maximum/i.test(message));
}

/** S3 refuses a HEAD without a body, so without code and message: the row gets those that S3 gives to a copy. */
export function explainRead(fault: Fault, { source }: Pick<Copy, 'source'>, error: unknown): Fault {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const permanent = (code: string, tail: string): Fault => ({
    kind: 'permanent',
    code,
    message: boundedWithTail(nameOf(source), tail),
  });
  if (OWN_CODES.has(fault.code)) return fault;
  switch ($metadata?.httpStatusCode) {
    case 403:
      return permanent(
        'AccessDenied',
        " can't be read: that needs s3:GetObject on it, and s3:ListBucket on its bucket to tell a missing object from a forbidden one",
      );
    case 404:
      return permanent(source.versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion', ' does not exist');
    case 405:
      return permanent('MethodNotAllowed', ' is a delete marker, no object');
    default:
      return fault.code === 'MetadataUnreadable' || $metadata?.httpStatusCode !== 400
        ? permanent(fault.code, ` can't be read: ${fault.message}`)
        : explainBadRequest(permanent, source);
  }
}

/** A HEAD of status 400 does not say why: S3 gives it to objects under a customer's key, and to version ids that are none. */
function explainBadRequest(
  permanent: (code: string, tail: string) => Fault,
  { versionId }: ObjectPlace,
): Fault {
  if (versionId === undefined) return permanent('SourceKeyNeeded', KEY_NEEDED);
  return permanent(
    'BadRequest',
    " can't be read: its version id is none of S3's, or it is encrypted with a customer's key (SSE-C), which a manifest can't hold",
  );
}
