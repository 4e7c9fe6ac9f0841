// Saves a report to a folder, laid out as in its bucket, and holds every file to the rows and the checksum that manifest.json
// gives it.
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { Failure } from '../failure.ts';
import { writeWhole } from '../files.ts';
import { openObject, type Report } from './read.ts';

const CONCURRENCY = 8;
const LINE_FEED = 0x0a;
const ELSEWHERE = 'name another folder with --out';

export async function downloadReport(
  s3: S3Client,
  report: Report,
  folder: string,
  onSaved: (files: number) => void,
): Promise<void> {
  let saved = 0;
  await pMap(
    report.files,
    async (file) => {
      await saveFile(s3, report.bucket, file, path.join(folder, placeIn(report, file)));
      saved += 1;
      onSaved(saved);
    },
    { concurrency: CONCURRENCY },
  );
  // Last: where it stands, the report is whole.
  await writeWhole(path.join(folder, path.posix.basename(report.key)), report.text, ELSEWHERE);
}

/** Where a file lies beside manifest.json. The name came over the network: it may not lead elsewhere. */
function placeIn({ key }: Report, file: ReportFile): string {
  const place = path.posix.relative(path.posix.dirname(key), file.key);
  if (place.startsWith('..') || path.posix.isAbsolute(place) || place.includes('\\')) {
    throw new Failure(`the report names a file outside of its folder: ${file.key}`);
  }
  return place;
}

async function saveFile(s3: S3Client, bucket: string, file: ReportFile, to: string): Promise<void> {
  const body = await openObject(s3, bucket, file.key);
  try {
    await writeWhole(to, checked(body, bucket, file), ELSEWHERE);
  } finally {
    // It may not have been read at all: its connection would stay open.
    body.destroy();
  }
}

/** Passes the bytes on. @throws Failure at their end, if they differ from what manifest.json says */
async function* checked(
  body: AsyncIterable<Buffer>,
  bucket: string,
  file: ReportFile,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let [rows, bytes] = [0, 0];
  for await (const chunk of body) {
    bytes += chunk.length;
    // At once: an endless answer would fill the disk.
    if (bytes > file.bytes) break;
    hash.update(chunk);
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) rows += 1;
    yield chunk;
  }
  const faults = [
    ...(bytes <= file.bytes ? [] : [`more bytes than the ${file.bytes} that manifest.json says`]),
    ...(rows === file.rows ? [] : [`${rows} rows where manifest.json says ${file.rows}`]),
    ...(hash.digest('hex') === file.sha256 ? [] : ['another SHA-256 than manifest.json says']),
  ];
  if (faults.length > 0) {
    throw new Failure(
      `s3://${bucket}/${file.key} is not as it was written: it has ${faults.join(', and ')}. It was not saved`,
    );
  }
}
