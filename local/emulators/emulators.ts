// AWS's services on one machine, off the caller's event loop: S3, SQS and EventBridge on one port, DynamoDB on another.
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { EventBridgeEntry } from './event-bus.ts';
import type { Fault } from './faults.ts';
import type { MeterReading } from './meter-reading.ts';
import type { S3Limit } from './s3-limits.ts';

export interface EmulatorsOptions {
  /** 0, the default: any free port. */
  ports?: { aws?: number; dynamodb?: number };
  region: string;
  accountId: string;
  buckets: BucketOptions[];
  queues: QueueOptions[];
  tables: CreateTableCommandInput[];
  /** The limit of the buckets marked `throttled`; absent: none is throttled. */
  limit?: S3Limit;
  seed: number;
  fidelity?: Fidelity;
  /** An emulator's own failure, which no answer could carry. Default: stderr. */
  onFailure?: (message: string) => void;
}

export interface BucketOptions {
  name: string;
  versioned?: boolean;
  notifications?: { queueArn: string }[];
  throttled?: boolean;
}

export interface QueueOptions {
  name: string;
  /** As CloudFormation gives them: numbers, booleans and objects are allowed. */
  attributes: Record<string, unknown>;
  /** Messages in flight above which a receive returns nothing. Default 120,000, SQS's quota. */
  inFlightLimit?: number;
}

/** How far the services go in being as awkward as AWS's. All off by default. */
export interface Fidelity {
  /** A receive draws from this many of the oldest visible messages in random order. Default 0: in order. */
  shuffleWindow?: number;
  /** Share of S3 notifications sent twice, and of SQS messages that are received twice. Default 0. */
  duplicateShare?: number;
}

export interface Emulators {
  /** http://127.0.0.1:PORT */
  endpoints: { aws: string; dynamodb: string };
  queueUrl(name: string): string;
  meter(): Promise<MeterReading>;
  events(): Promise<EventBridgeEntry[]>;
  /** Calls the listener for every event put on a bus from now on; returns how to end that. */
  onEvent(listener: (entry: EventBridgeEntry) => void): () => void;
  queueDepths(): Promise<Record<string, QueueDepth>>;
  /** Replaces the armed faults. */
  setFaults(faults: Fault[]): Promise<void>;
  stop(): Promise<void>;
}

export interface QueueDepth {
  visible: number;
  inFlight: number;
  delayed: number;
}

export declare function startEmulators(options: EmulatorsOptions): Promise<Emulators>;
