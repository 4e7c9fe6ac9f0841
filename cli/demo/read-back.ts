// Reads back what a job wrote: every object that should be there, byte for byte by its hash, and no other.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { listKeys } from '../../shared/aws/list-keys.ts';
import { type DestinationOptions, destinationOf } from '../../shared/keys/destination-key.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { StagedFile } from './stage.ts';

const CONCURRENCY = 32;

export interface ReadBack {
  /** Objects whose bytes are right. */
  right: number;
  faults: ReadBackFault[];
}

export type ReadBackFault =
  | { kind: 'missing' | 'different'; key: string; destination: string; detail: string }
  /** An object that no row explains. */
  | { kind: 'extra'; destination: string };

export interface ReadBackOptions {
  /** As the job has them. */
  options: DestinationOptions;
  /** The destination throttles reads too: no faster than this. */
  readsPerSecond: number;
}

/** @param files those that are to be in the bucket, whole */
export async function readBack(
  { s3, clock }: { s3: S3Client; clock: Clock },
  files: readonly StagedFile[],
  { options, readsPerSecond }: ReadBackOptions,
  onRead: (files: number) => void,
): Promise<ReadBack> {
  const { bucket } = options.destination;
  const faults: ReadBackFault[] = [];
  const expected = new Set<string>();
  let read = 0;
  const startedAtMs = clock.now();
  await pMap(
    files.entries(),
    async ([index, { key, sha256 }]) => {
      const { key: destination } = destinationOf({ key }, options);
      expected.add(destination);
      // Nothing was read for a second: S3 takes that second's reads at once.
      const turnMs = (Math.max(0, index - readsPerSecond) / readsPerSecond) * 1000;
      await clock.sleep(Math.max(0, startedAtMs + turnMs - clock.now()));
      const found = await hashOf(s3, bucket, destination);
      if (found.kind === 'missing') faults.push({ kind: 'missing', key, destination, detail: found.detail });
      else if (found.sha256 !== sha256) {
        faults.push({ kind: 'different', key, destination, detail: `sha256 ${found.sha256}, not ${sha256}` });
      }
      read += 1;
      onRead(read);
    },
    { concurrency: CONCURRENCY },
  );
  const right = files.length - faults.length;
  for await (const destination of listKeys(s3, bucket)) {
    if (!expected.has(destination)) faults.push({ kind: 'extra', destination });
  }
  return { right, faults };
}

async function hashOf(
  s3: S3Client,
  bucket: string,
  key: string,
): Promise<{ kind: 'found'; sha256: string } | { kind: 'missing'; detail: string }> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const hash = createHash('sha256');
    for await (const chunk of Body as Readable as AsyncIterable<Uint8Array>) hash.update(chunk);
    return { kind: 'found', sha256: hash.digest('hex') };
  } catch (error) {
    if (error instanceof Error) return { kind: 'missing', detail: error.name };
    throw error;
  }
}
