// Reads the report of the million-row run line by line, and compares how each row ended with how it must end.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { type Fate, fateOf, rowOfLine } from './rows.ts';

export interface ReportCount {
  stored: number;
  failed: number;
  rejected: number;
  /** Rows that no line of the report is about. */
  unreported: number;
  /** Lines about a row beyond the first. */
  countedTwice: number;
  /** Lines about no row of the manifest, and rows that ended in another way than they must. */
  misreported: number;
}

const manifestSchema = z.looseObject({
  files: z.array(z.looseObject({ kind: z.enum(['succeeded', 'failed', 'rejected']), key: z.string() })),
});
const FATE_OF = { succeeded: 'stored', failed: 'failed', rejected: 'rejected' } as const satisfies Record<
  string,
  Fate
>;

/** @param report where its manifest.json lies: s3://bucket/key */
export async function countReport(s3: S3Client, report: string, rows: number): Promise<ReportCount> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(report) ?? [];
  const read = async (Key: string): Promise<Readable> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Body as Readable;
  };
  const { files } = manifestSchema.parse(await json(await read(key)));

  const count = { stored: 0, failed: 0, rejected: 0, unreported: rows, countedTwice: 0, misreported: 0 };
  const isReported = new Uint8Array(rows);
  for (const file of files) {
    const fate = FATE_OF[file.kind];
    for await (const text of createInterface({ input: await read(file.key), crlfDelay: Infinity })) {
      const row = rowOfLine(lineIn(text), rows);
      count[fate] += 1;
      if (row === undefined || fateOf(row) !== fate) count.misreported += 1;
      if (row === undefined) continue;
      if (isReported[row] === 1) count.countedTwice += 1;
      else count.unreported -= 1;
      isReported[row] = 1;
    }
  }
  return count;
}

/** Line of the manifest that a row of the report is about; NaN where it names none. */
function lineIn(text: string): number {
  const { line, spillway_place: place } = JSON.parse(text) as { line?: unknown; spillway_place?: unknown };
  return typeof line === 'number' ? line : Number(/^line (\d+)$/.exec(String(place))?.[1]);
}
