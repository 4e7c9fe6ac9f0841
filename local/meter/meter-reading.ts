// What the request meter reads: the bill's quantities, and the load that each bucket and partition key bore.
import type { S3LimitsReading } from '../aws/s3/s3-limits.ts';

export interface MeterReading {
  s3: { operations: Record<string, S3Count>; buckets: Record<string, BucketReading> };
  sqs: { actions: Record<string, SqsCount>; queues: Record<string, Record<string, SqsCount>> };
  eventBridge: { requests: number; entries: number };
  dynamodb: DynamodbReading;
}

export interface S3Count {
  requests: number;
  accepted: number;
  /** Answered 503, by a limit or a fault. */
  throttled: number;
  /** Every other answer of 400 and above, and dropped connections. */
  failed: number;
  bytesIn: number;
  bytesOut: number;
}

export interface BucketReading {
  operations: Record<string, S3Count>;
  /** Writes of objects a second, the last 15 minutes at most; seconds without writes are left out. */
  writesBySecond: { second: number /* epoch */; accepted: number; throttled: number }[];
  /** When the last write of an object was answered, whatever the answer. */
  lastWriteAtMs?: number;
  /** Only where the bucket is throttled. */
  limits?: S3LimitsReading;
}

export interface SqsCount {
  requests: number;
  failed: number;
  /** As AWS bills: one for each 64 KB of a request's payload, at least one. */
  billedUnits: number;
  /** Messages sent, received, deleted or changed. */
  messages: number;
}

export interface DynamodbReading {
  operations: Record<string, { requests: number; failed: number; readUnits: number; writeUnits: number }>;
  readUnits: number;
  writeUnits: number;
  /** The partition keys that peaked highest, writes first; at most 50. */
  hottest: KeyReading[];
}

export interface KeyReading {
  table: string;
  key: string;
  readUnits: number;
  writeUnits: number;
  peakReadUnitsPerSecond: number;
  peakWriteUnitsPerSecond: number;
}
