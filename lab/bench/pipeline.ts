// The whole pipeline as a contestant: manifest, queue, functions, ledger and report on the embedded cloud. It reads no
// local files: its objects lie in a source bucket, and are copied from there by S3. It has a cloud of its own, with the
// same S3 in front, so that the others do not share the machine with its functions.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { systemClock } from '../../shared/job/clock.ts';
import type { Contestant, Track } from './contestant.ts';

const SOURCE_BUCKET = 'bench-source';
const STAGED_AT_ONCE = 32;
const LOOK_EVERY_MS = 250;
const MOST_MS = 300_000;

export const PIPELINE: Contestant = {
  name: 'pipeline',
  async run(track) {
    const cloud = await startCloud({
      limit: { limitPerSecond: track.limitPerSecond, burstSeconds: track.burstSeconds },
      params: { sourceBuckets: SOURCE_BUCKET },
      buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    });
    const s3 = createS3Client(cloud.clientConfig());
    try {
      const names = await stage(s3, track);
      const rows = names.map((name) => `${name},s3://${SOURCE_BUCKET}/${name}\n`).join('');
      await s3.send(
        new PutObjectCommand({
          Bucket: cloud.names.inbox,
          Key: 'bench.csv',
          Body: `key,source\n${rows}`,
          ContentType: 'text/csv',
        }),
      );
      await untilJobEnds(cloud);
      return (await cloud.meter()).s3.buckets[cloud.names.destination];
    } finally {
      s3.destroy();
      await cloud.stop();
    }
  },
};

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

async function untilJobEnds(cloud: Cloud): Promise<void> {
  const untilMs = systemClock.now() + MOST_MS;
  while (systemClock.now() < untilMs) {
    if (cloud.events().some(({ source }) => source === 'spillway')) return;
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  console.error('  pipeline was ended before it was done');
}
