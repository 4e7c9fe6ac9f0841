// Strategies of a plain loop around a client that does not retry. They differ in how long they wait and how often they try.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { classifyFault } from '../../shared/aws/classify.ts';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { type Backoff, exponentialMs, fullJitterMs } from '../../shared/pacing/backoff.ts';
import type { Random } from '../../shared/time/random.ts';
import type { Strategy, UploadEnd, UploadTask } from './strategy.ts';

/** Tries of an object: the default of rclone's --low-level-retries and of s5cmd's --retry-count. */
const ATTEMPTS = 10;
/** The fixed delay, and the first of the growing ones: Hadoop S3A's fs.s3a.retry.throttle.interval. */
const BASE_MS = 100;
/** The AWS SDK's longest wait. */
const CAP_MS = 20_000;
const BACKOFF: Backoff = { baseMs: BASE_MS, capMs: CAP_MS };

export const naive: Strategy = {
  name: 'naive',
  what: 'Sends every object once. What S3 refuses is lost.',
  upload: (task) => tryEach(task, 1, () => 0),
};

export const fixedDelay: Strategy = {
  name: 'fixed-delay',
  what: `Waits ${BASE_MS} ms and tries again, ${ATTEMPTS} times at most.`,
  upload: (task) => tryEach(task, ATTEMPTS, () => BASE_MS),
};

export const exponential: Strategy = {
  name: 'exponential',
  what: `Waits ${BASE_MS} ms and twice as long each time, ${ATTEMPTS} times at most.`,
  upload: (task) => tryEach(task, ATTEMPTS, (retries) => exponentialMs(BACKOFF, retries)),
};

export const fullJitter: Strategy = {
  name: 'full-jitter',
  what: `Waits a random part of what exponential would wait, ${ATTEMPTS} times at most.`,
  upload: (task) => tryEach(task, ATTEMPTS, (retries, random) => fullJitterMs(BACKOFF, retries, random)),
};

type WaitMs = (retries: number, random: Random) => number;

/** @param s3 is destroyed at the end; without one, a client that does not retry */
export async function tryEach(
  { clientConfig, clock, random, bucket, objects, workers }: UploadTask,
  attempts: number,
  waitMs: WaitMs,
  s3 = createTransferClient(clientConfig),
): Promise<UploadEnd[]> {
  try {
    return await pMap(
      objects,
      async ({ key, body }): Promise<UploadEnd> => {
        for (let retries = 0; ; retries++) {
          try {
            await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
            return { kind: 'stored' };
          } catch (error) {
            if (retries + 1 >= attempts) return { kind: 'lost', code: classifyFault(error).code };
          }
          await clock.sleep(waitMs(retries, random));
        }
      },
      { concurrency: workers },
    );
  } finally {
    s3.destroy();
  }
}
