// Writes one file of the report while its rows come. A small file takes a single PUT, a larger one is sent part by part, so at
// most one part is in memory.
import { createHash } from 'node:crypto';
import { DeleteObjectsCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { sendProven } from '../../shared/aws/proof.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { createMultipartWriter, type SentPart } from '../../shared/transfer/multipart-writer.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';

/** S3 takes parts of 5 MiB and more, up to 10,000 of them. */
const PART_BYTES = 8 * 1024 * 1024;
const CONTENT_TYPE = 'application/x-ndjson';

export type ReportFileWriter = ReturnType<typeof createReportFile>;

export function createReportFile(
  { s3, bucket }: { s3: S3Client; bucket: string },
  kind: ReportFile['kind'],
  key: string,
) {
  const parted = createMultipartWriter(s3);
  const write: ObjectWrite = {
    destination: { bucket, key },
    attributes: { contentType: CONTENT_TYPE },
    ifExists: 'overwrite',
  };
  // The S3 client's own time limits bound each request.
  const { signal } = new AbortController();
  const hash = createHash('sha256');
  const parts: SentPart[] = [];
  let uploadId: string | undefined;
  let lines: Buffer[] = [];
  let gathered = 0;
  let [rows, bytes] = [0, 0];
  let sending: Promise<void> = Promise.resolve();

  async function sendPart(): Promise<void> {
    const part = Buffer.concat(lines);
    lines = [];
    gathered = 0;
    uploadId ??= await parted.begin(write);
    parts.push(await parted.send(write, uploadId, { number: parts.length + 1, bytes: part }, signal));
  }

  return {
    add(row: Record<string, unknown>): void {
      const line = Buffer.from(`${JSON.stringify(row)}\n`);
      hash.update(line);
      lines.push(line);
      gathered += line.length;
      rows += 1;
      bytes += line.length;
    },

    /** Sends the rows so far if they fill a part. Code that adds rows awaits it now and then. */
    flush(): Promise<void> {
      // One part after another: parts are numbered in the rows' order.
      sending = sending.then(() => (gathered >= PART_BYTES ? sendPart() : undefined));
      return sending;
    },

    /** Sends the rest. @returns undefined where no row came */
    async close(): Promise<ReportFile | undefined> {
      await sending;
      if (rows === 0) return undefined;
      if (uploadId === undefined) {
        const body = Buffer.concat(lines);
        await sendProven(
          s3,
          new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: CONTENT_TYPE }),
        );
      } else {
        if (gathered > 0) await sendPart();
        await parted.complete(write, uploadId, parts, signal);
      }
      return { kind, key, rows, bytes, sha256: hash.digest('hex') };
    },

    /** Aborts a file that was begun and can't be completed. */
    async abort(): Promise<void> {
      if (uploadId !== undefined) await parted.abort(write, uploadId);
    },
  };
}

/** Deletes the files of a result that was not kept: no report names them. */
export async function deleteReportFiles(
  { s3, bucket }: { s3: S3Client; bucket: string },
  files: readonly ReportFile[],
): Promise<void> {
  if (files.length === 0) return;
  const { Errors = [] } = await s3.send(
    new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: files.map(({ key }) => ({ Key: key })), Quiet: true },
    }),
  );
  const [first] = Errors;
  if (first !== undefined)
    throw new Error(
      `${Errors.length} of ${files.length} unused report files not deleted: ${first.Code}: ${first.Message}`,
    );
}
