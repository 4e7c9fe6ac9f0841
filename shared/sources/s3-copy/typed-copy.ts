// A copy that changes metadata: a HEAD of the source, then the copy with all other metadata that the HEAD found.
import type { Fault } from '../../aws/classify.ts';
import type { ObjectWriter, RefusalMeaning } from '../../transfer/object-writer.ts';
import type { PacedPlace } from '../../transfer/paced-request.ts';
import type { Copier, Copy } from './copier.ts';
import { explainMissing } from './encoded-key.ts';
import type { SourceHead } from './headers.ts';

/** HEADs of one delivery, at most: the source may change after each HEAD, or a server's ETags may never match. */
const MAX_HEADS = 4;

export function createTypedCopy(copier: Copier, copy: Copy): ObjectWriter {
  const { source } = copy;
  const readers: PacedPlace = { bucket: readersOf(source.bucket), key: source.key };
  // Kept from try to try: S3 checks with the copy that the source is still the one of the HEAD.
  let head: SourceHead | undefined;
  let changes = 0;

  function changed(): RefusalMeaning {
    head = undefined;
    changes++;
    if (changes < MAX_HEADS) return { kind: 'try-again' };
    return {
      kind: 'failed',
      code: 'SourceChanged',
      message: `${nameOf(copy)} was another object at each of ${changes} copies than at the HEAD before`,
    };
  }

  /** The version that the HEAD found was deleted: another may be the latest now. */
  const hasLostVersion = ({ code }: Fault) =>
    code === 'NoSuchVersion' && source.versionId === undefined && head?.versionId !== undefined;

  return {
    alsoAsks: () => (head === undefined ? [readers] : []),
    async write(ask, cutOff) {
      head ??= await ask(
        readers,
        () => copier.readSource(copy, cutOff),
        (fault, error) => explained(fault, copy, error),
      );
      return copier.copy(copy, head, cutOff);
    },
    recognise: (cutOff) => copier.recognise(copy, cutOff),
    explain: (fault) =>
      fault.kind === 'source-changed' || hasLostVersion(fault) ? changed() : explainMissing(fault, source),
  };
}

/** Reads have limits apart from writes, so they are paced apart. No bucket's name holds a colon. */
function readersOf(bucket: string): string {
  return `readers:${bucket}`;
}

function nameOf({ source: { bucket, key, versionId } }: Copy): string {
  return `the source s3://${bucket}/${key}${versionId === undefined ? '' : ` (version ${versionId})`}`;
}

/** S3 refuses a HEAD without a body, so without code and message: the row gets those that S3 gives to a copy. */
function explained(fault: Fault, copy: Copy, error: unknown): Fault {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const name = nameOf(copy);
  const permanent = (code: string, message: string): Fault => ({ kind: 'permanent', code, message });
  switch ($metadata?.httpStatusCode) {
    case 403:
      return permanent(
        'AccessDenied',
        `${name} can't be read: that needs s3:GetObject on it, and s3:ListBucket on its bucket to tell a missing object from a forbidden one`,
      );
    case 404:
      return permanent(
        copy.source.versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion',
        `${name} does not exist`,
      );
    case 405:
      return permanent('MethodNotAllowed', `${name} is a delete marker, no object`);
    default:
      return permanent(fault.code, `${name} can't be read: ${fault.message}`);
  }
}
