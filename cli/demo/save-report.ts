// Saves a job's report to a folder: the embedded cloud forgets everything when it stops.
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { listKeys } from '../../shared/aws/list-keys.ts';

/** Under the folder in which the command runs. */
const REPORTS_FOLDER = path.join('.spillway', 'demo');

/** @returns where manifest.json lies now, relative to the working folder */
export async function saveReport(s3: S3Client, bucket: string, job: string): Promise<string> {
  const folder = path.join(REPORTS_FOLDER, job);
  const prefix = `jobs/${job}/`;
  for await (const key of listKeys(s3, bucket, prefix)) {
    const file = path.join(folder, key.slice(prefix.length));
    await mkdir(path.dirname(file), { recursive: true });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    await pipeline(Body as Readable, createWriteStream(file));
  }
  return path.join(folder, 'manifest.json');
}

/** Keys of the rows that ended otherwise than as stored. */
export async function unstoredKeys(report: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const kind of ['failed', 'rejected']) {
    const folder = path.join(path.dirname(report), kind);
    for (const file of await readdir(folder).catch(() => [])) {
      const lines = (await readFile(path.join(folder, file), 'utf8'))
        .split('\n')
        .filter((line) => line !== '');
      for (const line of lines) keys.add((JSON.parse(line) as { key: string }).key);
    }
  }
  return keys;
}
