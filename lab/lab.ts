// The lab: the same objects by eight strategies, one after the other, to an S3 that refuses what comes too fast.
//
// Every strategy has a fresh bucket with the same limits and the same partitions. S3 splits a partition after 30 to 60
// minutes of load; the lab does not wait for that, its buckets are split already where the hash's first bits part.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { startEmulators } from '../local/aws/emulators.ts';
import { createS3Client } from '../shared/aws/clients.ts';
import { steadyClock } from '../shared/time/clock.ts';
import { createRandom } from '../shared/time/random.ts';
import { type Lesson, teach } from './lesson.ts';
import { STRATEGIES } from './strategies/all.ts';
import { measure, type StrategyResult } from './strategies/measure.ts';
import type { LabObject, Strategy } from './strategies/strategy.ts';

/** Objects under way at once, for every strategy. */
const WORKERS = 64;
/** Powers of two of the hash's leading bits. */
const PARTITION_BITS = 2;
/** A partition saves up a quarter of a second's tokens: less than the workers, so that a herd is seen to be one. */
const BURST_SECONDS = 0.25;
const OBJECT_BYTES = 1024;
const REGION = 'us-east-1';
const ACCOUNT = '111122223333';
const LESSON_BUCKET = 'lab-lesson';
const NAIVE_BUCKET = 'lab-first-try';

export interface LabOptions {
  objects: number;
  limitPerSecond: number;
  seed: number;
}

export interface LabResult {
  limitPerSecond: number;
  burstSeconds: number;
  partitions: number;
  objects: number;
  objectBytes: number;
  workers: number;
  lesson: Lesson;
  strategies: StrategyResult[];
}

export interface LabEvents {
  lesson?(lesson: Lesson): void;
  /** A strategy has ended. */
  end?(result: StrategyResult): void;
}

export interface Lab {
  run(events?: LabEvents): Promise<LabResult>;
  stop(): Promise<void>;
}

export async function startLab({ objects: count, limitPerSecond, seed }: LabOptions): Promise<Lab> {
  const clock = steadyClock;
  const emulators = await startEmulators({
    region: REGION,
    accountId: ACCOUNT,
    seed,
    buckets: [NAIVE_BUCKET, ...STRATEGIES.map(bucketOf)].map((name) => ({ name, throttled: true })),
    queues: [],
    tables: [],
    limit: { limitPerSecond, burstSeconds: BURST_SECONDS, startKeys: startKeys(PARTITION_BITS) },
  });
  const clientConfig: S3ClientConfig = {
    endpoint: emulators.endpoints.aws,
    region: REGION,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  };
  const s3 = createS3Client(clientConfig);
  const objects = labObjects(count);

  return {
    async run(events = {}) {
      const lesson = await teach({ s3, clientConfig, clock }, objects, {
        plainBucket: LESSON_BUCKET,
        throttledBucket: NAIVE_BUCKET,
      });
      events.lesson?.(lesson);
      const strategies: StrategyResult[] = [];
      for (const [index, strategy] of STRATEGIES.entries()) {
        const random = createRandom(seed + index);
        const task = { clientConfig, clock, random, bucket: bucketOf(strategy), objects, workers: WORKERS };
        const result = await measure({ emulators, s3 }, strategy, task);
        strategies.push(result);
        events.end?.(result);
      }
      return {
        limitPerSecond,
        burstSeconds: BURST_SECONDS,
        partitions: 2 ** PARTITION_BITS,
        objects: count,
        objectBytes: OBJECT_BYTES,
        workers: WORKERS,
        lesson,
        strategies,
      };
    },
    async stop() {
      s3.destroy();
      await emulators.stop();
    },
  };
}

function bucketOf({ name }: Strategy): string {
  return `lab-${name}`;
}

/** Where a namespace parts that was split by the leading bits of spread keys: 01, 10, 11 for two bits. */
function startKeys(bits: number): string[] {
  return Array.from({ length: 2 ** bits - 1 }, (_, index) => (index + 1).toString(2).padStart(bits, '0'));
}

/** Keys as a daily export has them: a date and a number, one after the other. */
function labObjects(count: number): LabObject[] {
  const body = new Uint8Array(OBJECT_BYTES).fill(0x2e);
  return Array.from({ length: count }, (_, index) => ({
    key: `2026-11-23/${String(index + 1).padStart(7, '0')}.json`,
    body,
  }));
}
