// The completion report, in the report bucket under jobs/<job>/:
//
//   manifest.json                      the job, its options, counts and files
//   succeeded/<slice>-<writer>.ndjson  stored and skipped rows
//   failed/<slice>-<writer>.ndjson     failed and cancelled rows: the manifest's own columns and spillway_* ones, so that the
//   rejected/<slice>-<writer>.ndjson   file is itself a manifest; rejected rows likewise
import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { SliceId } from '../job/identity.ts';
import { addTotals, emptyTotals, type Job, type SettledTotals } from '../job/job.ts';
import type { ReportFile, SliceResult, SliceRow } from '../ledger/rows.ts';
import { createOutcomeMerge, type OutcomePlace } from './merge.ts';
import type { Outcome, OutcomeStatus } from './outcome.ts';
import type { OutcomeFiles } from './outcome-files.ts';

const FILE_OF: Readonly<Record<OutcomeStatus, ReportFile['kind']>> = {
  stored: 'succeeded',
  skipped: 'succeeded',
  failed: 'failed',
  cancelled: 'failed',
  rejected: 'rejected',
};

/** Outcome files read at once; each holds one invocation's outcomes. */
const READ_CONCURRENCY = 16;

export interface ReportDependencies {
  s3: S3Client;
  bucket: string;
  outcomes: OutcomeFiles;
}

/**
 * Merges a slice's outcome files into its three files of the report.
 * @param writer makes the files' names unique: of two settles at once only one's result is frozen, with its own files
 */
export async function writeSliceReport(
  { s3, bucket, outcomes }: ReportDependencies,
  id: SliceId,
  job: Pick<Job, 'blockRows'>,
  slice: Pick<SliceRow, 'rows'>,
  writer: string,
): Promise<SliceResult> {
  const keys = await outcomes.list(id);
  const merge = createOutcomeMerge(slice.rows, job.blockRows);
  await eachOutcome(outcomes, keys, (outcome, at) => merge.consider(outcome, at));

  const totals: SettledTotals = { ...emptyTotals(), rows: slice.rows };
  const files = new Map<ReportFile['kind'], Buffer[]>();
  const rows = new Map<ReportFile['kind'], number>();
  const add = (outcome: Outcome) => {
    const kind = FILE_OF[outcome.status];
    const lines = files.get(kind) ?? [];
    lines.push(Buffer.from(`${JSON.stringify(reportRow(outcome))}\n`));
    files.set(kind, lines);
    rows.set(kind, (rows.get(kind) ?? 0) + 1);
    countOutcome(totals, outcome);
  };
  await eachOutcome(outcomes, keys, (outcome, at) => {
    if (merge.isChosen(outcome, at)) add(outcome);
  });
  for (const row of merge.missing()) add(lostOutcome(row, job.blockRows));

  const written: ReportFile[] = [];
  for (const [kind, lines] of files) {
    const body = Buffer.concat(lines);
    const key = `jobs/${id.job}/${kind}/${String(id.slice).padStart(6, '0')}-${writer}.ndjson`;
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: 'application/x-ndjson' }),
    );
    written.push({
      kind,
      key,
      rows: rows.get(kind) ?? 0,
      bytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
  }
  return { totals, files: written };
}

/**
 * Writes the job's manifest.json. Writing it again writes the same.
 * @returns where it lies: s3://bucket/key
 */
export async function writeJobReport(
  { s3, bucket }: Pick<ReportDependencies, 's3' | 'bucket'>,
  job: Job,
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

/** Files are read side by side, so in no order; each outcome keeps its place. */
async function eachOutcome(
  outcomes: OutcomeFiles,
  keys: readonly string[],
  visit: (outcome: Outcome, at: OutcomePlace) => void,
): Promise<void> {
  const readFile = async (key: string, file: number) => {
    (await outcomes.read(key)).forEach((outcome, line) => {
      visit(outcome, { file, line });
    });
  };
  await pMap(keys, readFile, { concurrency: READ_CONCURRENCY });
}

function reportRow(outcome: Outcome): Record<string, unknown> {
  const { item, line, code, message, raw } = outcome;
  if (outcome.status === 'stored' || outcome.status === 'skipped') {
    const { destination, bytes, etag, versionId, checksum, attempts, ms } = outcome;
    return {
      key: item?.key,
      source: item?.['source'],
      status: outcome.status,
      destination,
      bytes,
      etag,
      versionId,
      checksum,
      attempts,
      ms,
      line,
    };
  }
  return {
    ...item,
    spillway_code: code,
    spillway_message: message,
    spillway_place: `line ${line}`,
    spillway_raw: raw,
  };
}

function countOutcome(totals: SettledTotals, outcome: Outcome): void {
  totals[outcome.status]++;
  totals.attempts += outcome.attempts ?? 0;
  totals.throttled += outcome.throttled ?? 0;
  totals.returned += outcome.returned ?? 0;
  totals.reposted += outcome.reposted ?? 0;
  if (outcome.status === 'stored') totals.bytes += outcome.bytes ?? 0;
}

/** The ledger says that every row has ended, yet none of the files tells of this one: an outcome file was deleted. */
function lostOutcome(row: number, blockRows: number): Outcome {
  return {
    block: Math.floor(row / blockRows),
    number: row % blockRows,
    status: 'failed',
    line: 0,
    code: 'Lost',
    message: `row ${row + 1} of its slice ended, but its outcome is missing from the report bucket`,
  };
}
