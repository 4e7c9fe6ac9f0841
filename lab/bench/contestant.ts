// One contestant of a benchmark: a process that puts the files of a folder into a bucket, or the whole pipeline.
import type { BucketReading } from '../../local/meter/meter-reading.ts';

export interface Course {
  /** Holds nothing but the files. */
  folder: string;
  objects: number;
  limitPerSecond: number;
  burstSeconds: number;
}

export interface Track extends Course {
  endpoint: string;
  /** Fresh: nothing has been written to it. */
  bucket: string;
  /** What the meter has read of the bucket. */
  read(): Promise<BucketReading | undefined>;
}

export interface Contestant {
  name: string;
  /** @returns the destination bucket's reading once the last object was put, or nothing more came */
  run(track: Track): Promise<BucketReading | undefined>;
}

export const REGION = 'us-east-1';
export const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
