// The completion report, in the report bucket under jobs/<job>/:
//
//   manifest.json                      the job, its options (where they could be read), counts and files
//   succeeded/<slice>-<writer>.ndjson  stored and skipped rows (slice-report.ts; the columns: report-rows.ts)
//   failed/<slice>-<writer>.ndjson     failed and cancelled rows, rejected rows: with the manifest's own columns, so that the
//   rejected/<slice>-<writer>.ndjson   file is itself a manifest
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { sendProven } from '../aws/proof.ts';
import { putIfAbsent } from '../aws/put-if-absent.ts';
import { hashedJobId, type JobId } from '../job/identity.ts';
import { addTotals, emptyTotals, jobFault, type SettledTotals, type UnreportedJob } from '../job/job.ts';
import { REPORT_METADATA } from '../job/options.ts';
import type { StoredObject } from '../keys/stored-object.ts';
import type { SliceResult } from '../ledger/rows.ts';
import type { OutcomeStore } from './outcome-store.ts';

export interface ReportDependencies {
  s3: S3Client;
  bucket: string;
  outcomes: OutcomeStore;
}

/** Of a manifest.json that is read: twice those of 32,768 slices with three files each, at 330 bytes a file. */
export const MAX_REPORT_BYTES = 64 * 1024 * 1024;

/** The text of a manifest.json. @returns undefined where it is too long */
export async function readReportText(
  s3: S3Client,
  { bucket, key }: StoredObject,
): Promise<string | undefined> {
  const { Body, ContentLength = 0 } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return ContentLength > MAX_REPORT_BYTES ? undefined : ((await Body?.transformToString()) ?? '');
}

/** Where a job's report lies in the report bucket. */
export function jobReportKey(job: JobId): string {
  return `jobs/${job}/manifest.json`;
}

/**
 * Writes the job's manifest.json. Writing it again writes the same. Another drop's report may lie there, of a job that had this id
 * long ago: then this one is written beside it.
 * @returns where it lies: s3://bucket/key
 */
export async function writeJobReport(
  { s3, bucket }: Pick<ReportDependencies, 's3' | 'bucket'>,
  job: UnreportedJob,
  results: readonly SliceResult[],
): Promise<{ report: string; totals: SettledTotals }> {
  const totals = results.reduce((sum, result) => addTotals(sum, result.totals), emptyTotals());
  const report = {
    version: 1,
    job: job.id,
    state: job.state,
    manifest: job.manifest,
    options: job.options,
    parserVersion: job.parserVersion,
    startedAt: new Date(job.startedAtMs).toISOString(),
    ...(job.redriveOf === undefined ? {} : { redriveOf: job.redriveOf }),
    ...(job.state === 'failed' ? { fault: jobFault(job.fault.code, job.fault.message) } : {}),
    totals,
    files: results.flatMap((result) => result.files),
  };
  const key = await putReport(s3, job, {
    Bucket: bucket,
    Body: Buffer.from(`${JSON.stringify(report, null, 2)}\n`),
    ContentType: 'application/json',
  });
  return { report: `s3://${bucket}/${key}`, totals };
}

/** @returns its key */
async function putReport(
  s3: S3Client,
  { id, manifest, startedAtMs }: Pick<UnreportedJob, 'id' | 'manifest' | 'startedAtMs'>,
  put: Omit<PutObjectCommandInput, 'Key' | 'Bucket'> & { Bucket: string },
): Promise<string> {
  const drop = hashedJobId(manifest.bucket, manifest.key, manifest.versionId ?? manifest.sequencer ?? '');
  const named = { ...put, Metadata: { [REPORT_METADATA]: drop } };
  const key = jobReportKey(id);
  if ((await putIfAbsent(s3, { ...named, Key: key })) === 'created') return key;
  const earlier = await s3.send(new HeadObjectCommand({ Bucket: put.Bucket, Key: key }));
  // A report of an earlier version of Spillway names no drop: it is one of this id's only job.
  const isOwn = (earlier.Metadata?.[REPORT_METADATA] ?? drop) === drop;
  const own = isOwn ? key : `jobs/${id}/manifest-${startedAtMs}.json`;
  await sendProven(s3, new PutObjectCommand({ ...named, Key: own }));
  return own;
}
