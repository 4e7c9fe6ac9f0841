// Saves a job's report to a folder: the embedded cloud forgets everything when it stops.
import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { listKeys } from '../../shared/aws/list-keys.ts';
import { type Failure, failureOf } from '../failure.ts';
import { writeWhole } from '../files.ts';
import { openObject } from '../report/read.ts';

/** Under the folder in which the command runs. */
const REPORTS_FOLDER = path.join('.spillway', 'demo');
const ELSEWHERE = 'run the demo in another folder';

/** The demo's result is printed either way. */
export type SavedReport =
  /** Where manifest.json lies now, relative to the working folder. */
  { kind: 'saved'; manifest: string } | { kind: 'unsaved'; failure: Failure };

export async function saveReport(s3: S3Client, bucket: string, job: string): Promise<SavedReport> {
  const folder = path.join(REPORTS_FOLDER, job);
  const prefix = prefixOf(job);
  try {
    for await (const key of listKeys(s3, bucket, prefix)) {
      const body = await openObject(s3, bucket, key);
      try {
        await writeWhole(path.join(folder, key.slice(prefix.length)), body, ELSEWHERE);
      } finally {
        // It may not have been read at all: its connection would stay open.
        body.destroy();
      }
    }
  } catch (error) {
    return { kind: 'unsaved', failure: failureOf(error) };
  }
  return { kind: 'saved', manifest: path.join(folder, 'manifest.json') };
}

/** Keys of the rows that ended otherwise than as stored: from the bucket, since the folder may lack them. */
export async function unstoredKeys(s3: S3Client, bucket: string, job: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const kind of ['failed', 'rejected']) {
    for await (const key of listKeys(s3, bucket, `${prefixOf(job)}${kind}/`)) {
      const text = Buffer.concat(await (await openObject(s3, bucket, key)).toArray()).toString();
      const lines = text.split('\n').filter((line) => line !== '');
      for (const line of lines) keys.add((JSON.parse(line) as { key: string }).key);
    }
  }
  return keys;
}

function prefixOf(job: string): string {
  return `jobs/${job}/`;
}
