// Every fault that the embedded cloud can be set to have, as one table of data. Which request one strikes is drawn by
// fault-points.ts; what it does there stands in the file of its service.
//
//   sender  ──▶ call refused (error), broken before (drop) ──▶ service ──▶ answer broken, late or never given ──▶ sender
//   queue       its messages vanish, come late, come twice; its receipts expire
//   Lambda      an invocation dies at one of its requests; an environment's clock is off

export type Fault = S3Fault | SqsFault | DynamodbFault | LambdaFault;

/** What faults are armed with. */
export interface FaultTiming {
  /** 0 to 1; default 1. Drawn for each request that it matches: for each entry of an SQS batch, each key of a DynamoDB one. */
  probability?: number;
  /** How often it strikes at most; absent: no end. */
  count?: number;
  /** What it is counted under; absent: its kind. */
  name?: string;
}

export type S3Fault = FaultTiming &
  S3Match &
  (
    | { kind: 's3-error'; status: 500 | 503; code: 'InternalError' | 'ServiceUnavailable' | 'SlowDown' }
    /** A status and no XML, as a load balancer in front of S3 answers. */
    | { kind: 's3-bodiless'; status: 500 | 503 }
    /** The connection breaks: before the request, after it was done and its answer is lost, or half way through its answer. */
    | { kind: 's3-drop'; when: 'before' | 'after' | 'midway' }
    /** No answer comes, done or not; the connection breaks in the end. Default 16 s: a second beyond the clients' patience. */
    | { kind: 's3-timeout'; when: 'before' | 'after'; heldMs?: number }
    /** The answer comes late; the write itself is done at once. */
    | { kind: 's3-delay'; delayMs: number }
    /** KMS behind the bucket is over its own limit: a SlowDown that only its message tells from the partition's. */
    | { kind: 's3-kms-throttled' }
    /** One object is written too often: more than `perSecond` requests for a key within a second are answered with SlowDown. */
    | { kind: 's3-same-object'; perSecond: number }
    /** The status says 200 and the body holds an error, as CopyObject and CompleteMultipartUpload may answer; nothing is done. */
    | { kind: 's3-error-in-200'; code: 'InternalError' | 'SlowDown' }
  );

interface S3Match {
  bucket?: string;
  /** Keys that hold this text; absent: every key. */
  keyIncludes?: string;
  /** S3's operation names (PutObject, HeadObject, ListObjectsV2 …); absent: every write of an object. */
  operations?: string[];
}

export type SqsFault = FaultTiming & { queue?: string } & (
    | { kind: 'sqs-error'; status: 500 | 503; actions?: string[] }
    /** The connection breaks: before the call, or after it was done and its answer is lost. */
    | { kind: 'sqs-drop'; when: 'before' | 'after'; actions?: string[] }
    /** Entries of a batch call come back in `Failed` and are not carried out. */
    | { kind: 'sqs-entries-failed'; action: SqsBatchAction; code?: string; senderFault?: boolean }
    /** Deletes and changes of visibility are answered with an invalid receipt; the message keeps its time. */
    | { kind: 'sqs-receipt-expired' }
    /** A send is said to be done, and its message is gone. */
    | { kind: 'sqs-message-lost' }
    /** A sent message comes up to so much later than asked: behind what was sent after it. */
    | { kind: 'sqs-message-late'; mostMs: number }
    /** A received message is visible still: somebody else receives it too. */
    | { kind: 'sqs-message-twice' }
  );

export type SqsBatchAction = 'SendMessageBatch' | 'DeleteMessageBatch' | 'ChangeMessageVisibilityBatch';

export type DynamodbFault = FaultTiming & {
  /** DynamoDB's operation names; absent: every operation. */
  operations?: string[];
} & (
    | { kind: 'dynamodb-throttled'; code: 'ProvisionedThroughputExceededException' | 'ThrottlingException' }
    | { kind: 'dynamodb-error'; status: 500 | 503 }
    /** The connection breaks: before the call, or after it was done and its answer is lost. */
    | { kind: 'dynamodb-drop'; when: 'before' | 'after' }
    /** Keys of a BatchGetItem, and items of a BatchWriteItem, come back unprocessed. */
    | { kind: 'dynamodb-unprocessed' }
  );

export type LambdaFault = FaultTiming &
  /**
   * The invocation dies at a random one of its requests, before or after it; counted as lambda-death-<function>. With
   * `pathIncludes` it dies at its first request with this text in its path; counted as lambda-death-<function>-at-<text>.
   */
  (
    | { kind: 'lambda-death'; function: string; pathIncludes?: string }
    /** The clock of an environment that starts now is off by up to so much, either way; each of its invocations counts. */
    | { kind: 'lambda-clock-skew'; function?: string; mostMs: number }
  );

export const isS3Fault = (fault: Fault): fault is S3Fault => fault.kind.startsWith('s3-');
export const isSqsFault = (fault: Fault): fault is SqsFault => fault.kind.startsWith('sqs-');
export const isDynamodbFault = (fault: Fault): fault is DynamodbFault => fault.kind.startsWith('dynamodb-');
export const isLambdaFault = (fault: Fault): fault is LambdaFault => fault.kind.startsWith('lambda-');
