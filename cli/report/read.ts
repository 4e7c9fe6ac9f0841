// Reads a job's completion report where it lies: its manifest.json, and rows of its files.
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { describeError, Failure } from '../failure.ts';

export interface Report {
  bucket: string;
  /** Of manifest.json. */
  key: string;
  /** manifest.json as it stands. */
  text: string;
  files: ReportFile[];
}

/** A row that was not stored, as its report shows it. */
export interface ReportedRow {
  kind: 'failed' | 'rejected';
  /** Absent where the row could not be read. */
  key?: string;
  code: string;
  message: string;
  /** Where it stands in the manifest. */
  place: string;
}

const count = z.int().check(z.nonnegative());
const reportText = z.looseObject({
  version: z.literal(1),
  files: z.array(
    z.looseObject({
      kind: z.enum(['succeeded', 'failed', 'rejected']),
      key: z.string(),
      rows: count,
      bytes: count,
      sha256: z.string(),
    }),
  ),
});
const unstoredRow = z.looseObject({
  key: z.optional(z.string()),
  spillway_code: z.optional(z.string()),
  spillway_message: z.optional(z.string()),
  spillway_place: z.optional(z.string()),
});

/** @param place s3://bucket/key of manifest.json, as the job names it */
export async function readReport(s3: S3Client, place: string): Promise<Report> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(place) ?? [];
  const body = await openObject(s3, bucket, key);
  const text = Buffer.concat(await body.toArray()).toString();
  const parsed = reportText.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new Failure(`${place} is no report that this version of spillway reads: take a newer one`);
  }
  return { bucket, key, text, files: parsed.data.files };
}

/** The first rows that failed, and then of those that were rejected: as many as asked for. */
export async function* unstoredRows(s3: S3Client, report: Report, most: number): AsyncGenerator<ReportedRow> {
  let left = most;
  for (const kind of ['failed', 'rejected'] as const) {
    for (const file of report.files.filter((each) => each.kind === kind)) {
      if (left <= 0) return;
      const body = await openObject(s3, report.bucket, file.key);
      try {
        for await (const line of linesOf(body)) {
          yield reportedRow(kind, line);
          left -= 1;
          if (left <= 0) break;
        }
      } finally {
        body.destroy();
      }
    }
  }
}

/** @throws Failure that names the place, what is wrong with it and what to do */
export async function openObject(s3: S3Client, bucket: string, key: string): Promise<Readable> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return Body as Readable;
  } catch (cause) {
    throw new Failure(`s3://${bucket}/${key} can't be read: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(error: unknown): string {
  const { code } = classifyFault(error);
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (code === 'NoSuchBucket' || code === 'NoSuchKey') {
    return `it is not there (${code}): is --endpoint-url, or AWS_ENDPOINT_URL, that of the API's own S3?`;
  }
  if (status === 403) {
    return `these credentials may not (${code}): they need s3:GetObject on the report bucket. Of an API on this machine the endpoint has to be named, too: --endpoint-url, or AWS_ENDPOINT_URL`;
  }
  if (status === 301) return 'its bucket is in another region: set AWS_REGION';
  if (code === 'ECONNREFUSED') {
    return 'nothing answers at the S3 endpoint: look at --endpoint-url, or AWS_ENDPOINT_URL';
  }
  return describeError(error);
}

/** Lines that hold anything. */
async function* linesOf(body: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}

function reportedRow(kind: ReportedRow['kind'], line: string): ReportedRow {
  const parsed = unstoredRow.safeParse(parseJson(line));
  const row = parsed.success ? parsed.data : {};
  return {
    kind,
    ...(row.key === undefined ? {} : { key: row.key }),
    code: row.spillway_code ?? '',
    message: row.spillway_message ?? '',
    place: row.spillway_place ?? '',
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema reports it, as any other wrong value.
    return undefined;
  }
}
