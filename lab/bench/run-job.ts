// Drops a manifest on the embedded cloud and waits for the end of its job.
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Cloud } from '../../local/cloud.ts';
import { isEndOfJob } from '../../shared/report/job-event-names.ts';
import { steadyClock } from '../../shared/time/clock.ts';

const LOOK_EVERY_MS = 250;

export interface JobDrop {
  name: string;
  /** Lines of CSV: key, source. */
  rows: string;
  metadata?: Record<string, string>;
  mostMs: number;
}

/** Nothing else may run on the cloud. @returns whether the job has ended in time */
export async function runJob(cloud: Cloud, s3: S3Client, { name, rows, metadata = {}, mostMs }: JobDrop) {
  const endsOf = () => cloud.events().filter(isEndOfJob).length;
  const endsBefore = endsOf();
  await s3.send(
    new PutObjectCommand({
      Bucket: cloud.names.inbox,
      Key: `${name}.csv`,
      Body: `key,source\n${rows}`,
      ContentType: 'text/csv',
      Metadata: metadata,
    }),
  );
  return await holdsWithin(() => endsOf() > endsBefore, mostMs);
}

/** @returns whether it came to hold in time */
export async function holdsWithin(holds: () => boolean | Promise<boolean>, mostMs: number): Promise<boolean> {
  const untilMs = steadyClock.now() + mostMs;
  while (!(await holds())) {
    if (steadyClock.now() > untilMs) return false;
    await steadyClock.sleep(LOOK_EVERY_MS);
  }
  return true;
}
