// A copy with a content type, from its HEAD to its end. The HEAD is a request to the source's bucket: it has a turn of that
// bucket's readers, and what is refused to it says nothing of the destination's rate.
import { classifyFault, type Fault } from '../aws/classify.ts';
import type { PacingGroup } from '../pacing/adaptive-pacer.ts';
import type { EngineDependencies, TransferEnd } from './engine.ts';
import type { PacedPlace, RequestTally } from './paced-request.ts';
import type { SourceHead } from './source-copy.ts';
import { SourceRefusal } from './source-refusal.ts';
import type { StoredObject, TypedCopy } from './transfer.ts';

/** HEADs of one delivery, at most: a source that changes so often between HEAD and copy, or a server whose ETags never match. */
const MOST_HEADS = 4;

export interface TypedCopySteps {
  /** Where the next try asks beside the destination. */
  alsoAsks(): PacedPlace[];
  /** @throws SourceRefusal, or whatever the client throws at the copy */
  send(cutOff: AbortSignal): Promise<StoredObject>;
  /** @returns undefined where the copy is tried again, with another HEAD */
  changed(): TransferEnd | undefined;
  /** Whether the fault says no more than that the version that the HEAD told is gone: another may be the latest now. */
  hasLostVersion(fault: Fault): boolean;
}

export function createTypedCopy(
  { writer, rateLimiter, clock }: Pick<EngineDependencies, 'writer' | 'rateLimiter' | 'clock'>,
  copy: TypedCopy,
  tally: RequestTally,
): TypedCopySteps {
  const { source } = copy;
  const readers: PacedPlace = { bucket: readersOf(source.bucket), key: source.key };
  // A try after a refused copy has the HEAD already: the copy holds only while that is true.
  let head: SourceHead | undefined;
  let changes = 0;

  async function look(cutOff: AbortSignal): Promise<SourceHead> {
    const group = rateLimiter.groupOf(readers.bucket, readers.key);
    const sentAtMs = clock.now();
    const observe = (throttled: boolean) =>
      rateLimiter.observe(group, { throttled, sentAtMs, key: readers.key });
    try {
      const found = await writer.readSource(copy, cutOff);
      observe(false);
      tally.attempts++;
      return found;
    } catch (error) {
      const fault = classifyFault(error);
      if (fault.kind === 'throttle' || fault.kind === 'permanent') observe(fault.kind === 'throttle');
      throw new SourceRefusal(fault.kind === 'permanent' ? explained(fault, copy, error) : fault, error);
    }
  }

  return {
    alsoAsks: () => (head === undefined ? [readers] : []),
    async send(cutOff) {
      head ??= await look(cutOff);
      return writer.write({ ...copy, sourceHead: head }, cutOff);
    },
    changed() {
      head = undefined;
      changes++;
      if (changes < MOST_HEADS) return undefined;
      return {
        kind: 'failed',
        code: 'SourceChanged',
        message: `${nameOf(copy)} was another object at each of ${changes} copies than at the HEAD before`,
      };
    },
    hasLostVersion: ({ code }) =>
      code === 'NoSuchVersion' && source.versionId === undefined && head?.versionId !== undefined,
  };
}

/** Reads have limits apart from writes, so that they are paced apart. No bucket's name holds a colon. */
function readersOf(bucket: string): PacingGroup {
  return `readers:${bucket}`;
}

function nameOf({ source: { bucket, key, versionId } }: TypedCopy): string {
  return `the source s3://${bucket}/${key}${versionId === undefined ? '' : ` (version ${versionId})`}`;
}

/** A HEAD is refused without a body, so without S3's code and sentence: the row gets those that S3 gives to a copy. */
function explained(fault: Fault, copy: TypedCopy, error: unknown): Fault {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const name = nameOf(copy);
  const told = (code: string, message: string): Fault => ({ kind: 'permanent', code, message });
  switch ($metadata?.httpStatusCode) {
    case 403:
      return told(
        'AccessDenied',
        `${name} can't be read: that needs s3:GetObject on it, and s3:ListBucket on its bucket to tell a missing object from a forbidden one`,
      );
    case 404:
      return copy.source.versionId === undefined
        ? told('NoSuchKey', `${name} does not exist`)
        : told('NoSuchVersion', `${name} does not exist`);
    case 405:
      return told('MethodNotAllowed', `${name} is a delete marker, no object`);
    default:
      return told(fault.code, `${name} can't be read: ${fault.message}`);
  }
}
