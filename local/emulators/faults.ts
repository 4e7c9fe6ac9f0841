// Fault points: what the emulated services can be told to do wrong, and the seeded choice of when.
//
// A fault strikes with its probability among the requests that it matches, until its count is used up.
import type { Random } from '../../shared/job/random.ts';

export type Fault = FaultTiming &
  (
    | S3Fault
    /** Entries of an SQS batch call come back in `Failed` and are not carried out. */
    | {
        kind: 'sqs-entries-failed';
        action: SqsBatchAction;
        queue?: string;
        code?: string;
        senderFault?: boolean;
      }
  );

export type S3Fault = S3Match &
  (
    | { kind: 's3-error'; status: 500 | 503; code: 'InternalError' | 'ServiceUnavailable' | 'SlowDown' }
    /** A status and no XML, as a load balancer in front of S3 answers. */
    | { kind: 's3-bodiless'; status: 500 | 503 }
    /** The connection breaks: before the write, or after it was done and its answer is lost. */
    | { kind: 's3-drop'; when: 'before' | 'after' }
    /** The answer comes late; the write itself is done at once. */
    | { kind: 's3-delay'; delayMs: number }
    /** KMS behind the bucket is over its own limit: a SlowDown whose message alone tells it from the partition's. */
    | { kind: 's3-kms-throttled' }
    /** One object is written too often: more than `perSecond` requests for a key within a second are told to slow down. */
    | { kind: 's3-same-object'; perSecond: number }
    /** The status says 200 and the body holds an error, as CopyObject and CompleteMultipartUpload may answer; nothing is done. */
    | { kind: 's3-error-in-200'; code: 'InternalError' | 'SlowDown' }
  );

export type SqsBatchAction = 'SendMessageBatch' | 'DeleteMessageBatch' | 'ChangeMessageVisibilityBatch';

interface S3Match {
  bucket?: string;
  /** Keys that hold this text; absent: every key. */
  keyIncludes?: string;
  /** S3's operation names (PutObject, CopyObject, HeadObject …); absent: every write of an object. */
  operations?: string[];
}

interface FaultTiming {
  /** 0 to 1; default 1. For an SQS batch it is drawn for each entry. */
  probability?: number;
  /** How often it strikes at most; absent: no end. */
  count?: number;
}

export interface S3FaultRequest {
  bucket: string;
  key: string;
  operation: string;
  isWrite: boolean;
}

/** Keys whose requests a same-object fault remembers: the oldest is forgotten. */
const KEYS_REMEMBERED = 10_000;
const SECOND_MS = 1000;

export interface FaultPoints {
  set(faults: Fault[]): void;
  forS3(request: S3FaultRequest, nowMs: number): S3Fault | undefined;
  /** Asked once for each entry of a batch. */
  forSqsEntry(action: string, queue: string): Extract<Fault, { kind: 'sqs-entries-failed' }> | undefined;
}

export function createFaultPoints(random: Random): FaultPoints {
  let armed: { fault: Fault; left: number }[] = [];
  /** By bucket and key: when its latest requests came that were not refused, oldest first. */
  const keyTimes = new Map<string, number[]>();

  /** Whether the key had as many requests as it may have in the second up to now; if not, this one counts. */
  function isHot({ bucket, key }: S3FaultRequest, perSecond: number, nowMs: number): boolean {
    const name = `${bucket}/${key}`;
    const recent = (keyTimes.get(name) ?? []).filter((atMs) => nowMs - atMs < SECOND_MS);
    if (recent.length >= perSecond) return true;
    keyTimes.delete(name);
    keyTimes.set(name, [...recent, nowMs]);
    const oldest = keyTimes.keys().next().value;
    if (keyTimes.size > KEYS_REMEMBERED && oldest !== undefined) keyTimes.delete(oldest);
    return false;
  }

  function strikes(candidate: { fault: Fault; left: number }): boolean {
    if (candidate.left <= 0) return false;
    const probability = candidate.fault.probability ?? 1;
    if (probability < 1 && random() >= probability) return false;
    candidate.left -= 1;
    return true;
  }

  return {
    set(faults) {
      keyTimes.clear();
      armed = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }));
    },

    forS3(request, nowMs) {
      for (const candidate of armed) {
        const { fault } = candidate;
        if (fault.kind === 'sqs-entries-failed') continue;
        if (fault.bucket !== undefined && fault.bucket !== request.bucket) continue;
        if (fault.keyIncludes !== undefined && !request.key.includes(fault.keyIncludes)) continue;
        const named =
          fault.operations === undefined ? request.isWrite : fault.operations.includes(request.operation);
        if (!named) continue;
        if (fault.kind === 's3-same-object' && !isHot(request, fault.perSecond, nowMs)) continue;
        if (strikes(candidate)) return fault;
      }
      return undefined;
    },

    forSqsEntry(action, queue) {
      for (const candidate of armed) {
        const { fault } = candidate;
        if (fault.kind !== 'sqs-entries-failed' || fault.action !== action) continue;
        if (fault.queue !== undefined && fault.queue !== queue) continue;
        if (strikes(candidate)) return fault;
      }
      return undefined;
    },
  };
}
