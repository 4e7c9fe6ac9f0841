// The completion report, in the report bucket under jobs/<job>/:
//
//   manifest.json                      the job, its options, counts and files
//   succeeded/<slice>-<writer>.ndjson  stored and skipped rows (slice-report.ts; the columns: report-rows.ts)
//   failed/<slice>-<writer>.ndjson     failed and cancelled rows, rejected rows: with the manifest's own columns, so that the
//   rejected/<slice>-<writer>.ndjson   file is itself a manifest
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { addTotals, type EndedJob, emptyTotals, type SettledTotals } from '../job/job.ts';
import type { SliceResult } from '../ledger/rows.ts';
import type { OutcomeFiles } from './outcome-files.ts';

export interface ReportDependencies {
  s3: S3Client;
  bucket: string;
  outcomes: OutcomeFiles;
}

/**
 * Writes the job's manifest.json. Writing it again writes the same.
 * @returns where it lies: s3://bucket/key
 */
export async function writeJobReport(
  { s3, bucket }: Pick<ReportDependencies, 's3' | 'bucket'>,
  job: EndedJob,
  results: readonly SliceResult[],
): Promise<{ report: string; totals: SettledTotals }> {
  const totals = results.reduce((sum, result) => addTotals(sum, result.totals), emptyTotals());
  const key = `jobs/${job.id}/manifest.json`;
  const report = {
    version: 1,
    job: job.id,
    state: job.state,
    manifest: job.manifest,
    options: job.options,
    parserVersion: job.parserVersion,
    startedAt: new Date(job.startedAtMs).toISOString(),
    ...(job.redriveOf === undefined ? {} : { redriveOf: job.redriveOf }),
    ...(job.fault === undefined ? {} : { fault: job.fault }),
    totals,
    files: results.flatMap((result) => result.files),
  };
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: Buffer.from(`${JSON.stringify(report, null, 2)}\n`),
      ContentType: 'application/json',
    }),
  );
  return { report: `s3://${bucket}/${key}`, totals };
}
