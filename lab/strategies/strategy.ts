// The interface of a strategy: a way to store objects in a bucket that refuses requests which come too fast.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';

export const STRATEGY_NAMES = [
  'naive',
  'fixed-delay',
  'exponential',
  'full-jitter',
  'sdk-standard',
  'sdk-adaptive',
  'spillway',
  'spillway-spread',
] as const;

export type StrategyName = (typeof STRATEGY_NAMES)[number];

export interface Strategy {
  name: StrategyName;
  /** One sentence: what it does when S3 says SlowDown. */
  what: string;
  upload(task: UploadTask): Promise<UploadEnd[]>;
}

/** The same for every strategy, except for the bucket. */
export interface UploadTask {
  clientConfig: S3ClientConfig;
  clock: Clock;
  random: Random;
  bucket: string;
  objects: readonly LabObject[];
  /** Objects in transfer at once. */
  workers: number;
}

export interface LabObject {
  key: string;
  body: Uint8Array;
}

/** What the uploader reports of an object: stored, or the error with which it gave up. */
export type UploadEnd = { kind: 'stored' } | { kind: 'lost'; code: string };
