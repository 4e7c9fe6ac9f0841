// The lesson before the strategies: a bucket, one file plainly; then the same for many at once, and S3's true refusal.
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { createTransferClient } from '../shared/aws/clients.ts';
import type { Clock } from '../shared/time/clock.ts';
import type { LabObject } from './strategies/strategy.ts';

/** Uploads at once, and in all at most: enough to pass any limit that two cores can pass. */
const AT_ONCE = 64;
const MOST_UPLOADS = 400;

export interface Lesson {
  plain: { bucket: string; key: string; status: number; milliseconds: number; readBackBytes: number };
  burst: { sent: number; stored: number; refused: number; error?: RefusalShown };
}

/** The error as the SDK throws it. */
export interface RefusalShown {
  name: string;
  status: number;
  message: string;
  requestId: string;
}

export interface LessonDependencies {
  s3: S3Client;
  clientConfig: S3ClientConfig;
  clock: Clock;
}

export async function teach(
  { s3, clientConfig, clock }: LessonDependencies,
  objects: readonly LabObject[],
  { plainBucket, throttledBucket }: { plainBucket: string; throttledBucket: string },
): Promise<Lesson> {
  const [first] = objects;
  if (first === undefined) throw new RangeError('the lesson needs an object');
  await s3.send(new CreateBucketCommand({ Bucket: plainBucket }));
  const startedAtMs = clock.now();
  const put = await s3.send(new PutObjectCommand({ Bucket: plainBucket, Key: first.key, Body: first.body }));
  const milliseconds = clock.now() - startedAtMs;
  const got = await s3.send(new GetObjectCommand({ Bucket: plainBucket, Key: first.key }));
  const bytes = await got.Body?.transformToByteArray();
  return {
    plain: {
      bucket: plainBucket,
      key: first.key,
      status: put.$metadata.httpStatusCode ?? 0,
      milliseconds,
      readBackBytes: bytes?.length ?? 0,
    },
    burst: await burst(createTransferClient(clientConfig), objects.slice(0, MOST_UPLOADS), throttledBucket),
  };
}

async function burst(s3: S3Client, objects: readonly LabObject[], bucket: string): Promise<Lesson['burst']> {
  const refusals: RefusalShown[] = [];
  await pMap(
    objects,
    async ({ key, body }) => {
      try {
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
      } catch (error) {
        refusals.push(refusalOf(error));
      }
    },
    { concurrency: AT_ONCE },
  );
  s3.destroy();
  const [error] = refusals;
  return {
    sent: objects.length,
    stored: objects.length - refusals.length,
    refused: refusals.length,
    ...(error === undefined ? {} : { error }),
  };
}

function refusalOf(thrown: unknown): RefusalShown {
  const { name, message, $metadata } = thrown as Error & {
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  return { name, message, status: $metadata?.httpStatusCode ?? 0, requestId: $metadata?.requestId ?? '' };
}
