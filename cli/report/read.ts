// Reads a job's completion report where it lies: its manifest.json, and rows of its files.
import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { MAX_REPORT_BYTES } from '../../shared/report/report.ts';
import { reportText } from '../../shared/report/report-text.ts';
import { boundedText } from '../../shared/text/bounded.ts';
import { parseJson } from '../../shared/text/parse-json.ts';
import { describeError, Failure } from '../failure.ts';

/** Of a file's line: a row has 256 KB at most in its message, and JSON writes a character as six. */
const MAX_LINE_CHARACTERS = 2 * 1024 * 1024;

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

const UNREADABLE = 'this line of the report is no row of it: another program changed the file';
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
  const text = await readText(body, place);
  const parsed = reportText.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new Failure(`${place} is no report that this version of spillway reads: take a newer one`);
  }
  return { bucket, key, text, files: parsed.data.files };
}

async function readText(body: Readable, place: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop closes the stream.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_REPORT_BYTES)
      throw new Failure(`${place} is no report: it has more than ${MAX_REPORT_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

/** The first rows that failed, and then of those that were rejected: as many as asked for. */
export async function* unstoredRows(s3: S3Client, report: Report, most: number): AsyncGenerator<ReportedRow> {
  let left = most;
  for (const kind of ['failed', 'rejected'] as const) {
    for (const file of report.files.filter((each) => each.kind === kind)) {
      if (left <= 0) return;
      const body = await openObject(s3, report.bucket, file.key);
      try {
        for await (const line of linesOf(body, `s3://${report.bucket}/${file.key}`)) {
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
    // Its reader sees the error. Before it is read, an answer that is cut off would end the process.
    return (Body as Readable).on('error', () => undefined);
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

/** Lines that hold anything. @throws Failure where one is longer than any row's */
async function* linesOf(body: Readable, place: string): AsyncGenerator<string> {
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n');
    pieces.push(first);
    length += first.length;
    for (const next of others) {
      if (length > 0) yield pieces.join('');
      pieces = [next];
      length = next.length;
    }
    if (length > MAX_LINE_CHARACTERS) {
      throw new Failure(
        `${place} is no file of a report: a line has more than ${MAX_LINE_CHARACTERS} characters. Look at it with another tool`,
      );
    }
  }
  if (length > 0) yield pieces.join('');
}

function reportedRow(kind: ReportedRow['kind'], line: string): ReportedRow {
  const parsed = unstoredRow.safeParse(parseJson(line));
  if (!parsed.success) return { kind, code: 'NoReportRow', message: UNREADABLE, place: '' };
  const row = parsed.data;
  return {
    kind,
    ...(row.key === undefined ? {} : { key: row.key }),
    code: boundedText(row.spillway_code ?? ''),
    message: boundedText(row.spillway_message ?? ''),
    place: boundedText(row.spillway_place ?? ''),
  };
}
