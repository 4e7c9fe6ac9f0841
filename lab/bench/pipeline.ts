// The whole pipeline as a contestant: manifest, queue, functions, ledger and report on the embedded cloud. It reads no
// local files: its objects lie in a source bucket, and are copied from there by S3. It has a cloud of its own, with the
// same S3 in front, so that the others do not share the machine with its functions, which run as they are packaged. As the
// others' S3, that cloud has been in use before: a job into another bucket has started its functions. On AWS a cold start takes
// no time from the workers that run; here all share two or a few cores. Its pace begins cold, for a bucket begins with a pace of
// its own.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import type { Contestant, Track } from './contestant.ts';
import { runJob } from './run-job.ts';

const SOURCE_BUCKET = 'bench-source';
const WARM_UP_BUCKET = 'bench-warm-up';
/**
 * For each worker. On AWS each has a processor share of its own, and works for minutes; here, where they share two or a few cores,
 * V8 would still compile most of their code during the measured job.
 */
const WARM_UP_ROWS_A_WORKER = 3_000;
/**
 * Writes a second for each worker: those of the 10 workers that `maximumConcurrency` allows by default, for the 3,500 of one partition.
 * With a third of it, the same work took a sixth more processor time here: each worker compiles the same code for itself.
 */
const WRITES_A_WORKER = 350;
/** As few as `maximumConcurrency` may be. */
const FEWEST_WORKERS = 2;
const STAGED_AT_ONCE = 32;
const MOST_MS = 300_000;

export const PIPELINE: Contestant = {
  name: 'pipeline',
  async run(track) {
    const cloud = await startCloud({
      bundled: true,
      environments: workersFor(track.limitPerSecond),
      limit: { limitPerSecond: track.limitPerSecond, burstSeconds: track.burstSeconds },
      params: { sourceBuckets: SOURCE_BUCKET, destinationBuckets: WARM_UP_BUCKET },
      buckets: [SOURCE_BUCKET, WARM_UP_BUCKET].map((name) => ({ name, throttled: false })),
    });
    const s3 = createS3Client(cloud.clientConfig());
    try {
      const names = await stage(s3, track);
      const warmUpRows = WARM_UP_ROWS_A_WORKER * workersFor(track.limitPerSecond);
      await copyAll(cloud, s3, names.slice(0, warmUpRows), WARM_UP_BUCKET);
      await copyAll(cloud, s3, names, cloud.names.destination);
      return (await cloud.meter()).s3.buckets[cloud.names.destination];
    } finally {
      s3.destroy();
      await cloud.stop();
    }
  },
};

function workersFor(limitPerSecond: number): number {
  return Math.max(FEWEST_WORKERS, Math.ceil(limitPerSecond / WRITES_A_WORKER));
}

async function stage(s3: S3Client, { folder }: Track): Promise<string[]> {
  const names = await readdir(folder);
  await pMap(
    names,
    async (name) => {
      const Body = await readFile(path.join(folder, name));
      await s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: name, Body }));
    },
    { concurrency: STAGED_AT_ONCE },
  );
  return names;
}

async function copyAll(cloud: Cloud, s3: S3Client, names: readonly string[], bucket: string): Promise<void> {
  const rows = names.map((name) => `${name},s3://${SOURCE_BUCKET}/${name}\n`).join('');
  const metadata = { 'spillway-destination': `s3://${bucket}` };
  const hasEnded = await runJob(cloud, s3, { name: bucket, rows, metadata, mostMs: MOST_MS });
  if (!hasEnded) console.error('  pipeline was ended before it was done');
}
