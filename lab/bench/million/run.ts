// A manifest of a million rows dropped on the embedded cloud, with destination writes answered inside upload
// (local/lambda/write-stub.ts). All else is real: inbox, queues, functions, ledger, outcome files, report.
//
//   peakRssMiB   of the one process that holds the emulators and all functions, each in a thread of its own
//   unaccounted  rows that the job's event leaves out, or that the report does not list

import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type Cloud, startCloud } from '../../../local/cloud.ts';
import { createS3Client } from '../../../shared/aws/clients.ts';
import { type SettledTotals, unaccountedRows } from '../../../shared/job/job.ts';
import { metadataOfOptionTexts } from '../../../shared/job/options.ts';
import { isEndOfJob } from '../../../shared/report/job-event-names.ts';
import { type Clock, steadyClock } from '../../../shared/time/clock.ts';
import { complaintsOf, describeStall } from '../../chaos/stall.ts';
import { countReport, type ReportCount } from './read-report.ts';
import { countFates, manifestOf, REFUSED, SOURCE_BUCKET } from './rows.ts';

export interface MillionBench {
  rows: number;
  state: string;
  stored: number;
  skipped: number;
  failed: number;
  cancelled: number;
  rejected: number;
  unaccounted: number;
  countedTwice: number;
  misreported: number;
  attempts: number;
  manifestMiB: number;
  seconds: number;
  rowsPerSecond: number;
  /** Reading the whole report back; not part of `seconds`. */
  reportSeconds: number;
  peakRssMiB: number;
}

export interface MillionOptions {
  clock?: Clock;
  /** Takes a line of progress now and then. */
  say?: (line: string) => void;
  /** Bytes of a slice; the deployment's own by default. */
  sliceBytes?: number;
}

interface JobEnd extends SettledTotals {
  state: string;
  report: string;
}

const MANIFEST = 'million.csv';
const LOOK_EVERY_MS = 500;
const SAY_EVERY_MS = 10_000;
/** Longer than the upload queue hides the messages of a dead worker. */
const STALLED_MS = 20 * 60_000;
const BYTES_PER_KIB = 1024;
const BYTES_PER_MIB = 1024 ** 2;

/** Ends with 0 only if every row ended as it must, and is reported once. */
export async function runMillionBench({ rows, json }: { rows: number; json: boolean }): Promise<void> {
  const result = await benchMillion(rows, { say: (line) => console.error(line) });
  if (json) console.log(JSON.stringify(result));
  else
    for (const [name, value] of Object.entries(result))
      console.log(`${name.padEnd(16)}${JSON.stringify(value)}`);
  if (!isExact(result)) process.exitCode = 1;
}

function isExact(result: MillionBench): boolean {
  const fates = countFates(result.rows);
  const counts = [result.unaccounted, result.countedTwice, result.misreported];
  return (
    result.state === 'completed' &&
    counts.every((count) => count === 0) &&
    Object.entries(fates).every(([fate, count]) => result[fate as keyof typeof fates] === count)
  );
}

export async function benchMillion(
  rows: number,
  { clock = steadyClock, say, sliceBytes }: MillionOptions = {},
): Promise<MillionBench> {
  const stub = { buckets: [] as string[], refuses: REFUSED };
  const cloud = await startCloud({
    params: {
      sourceBuckets: SOURCE_BUCKET,
      ...(sliceBytes === undefined ? {} : { sliceBytes: String(sliceBytes) }),
    },
    buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    adjust: (service) => {
      const destination = service.buckets['DestinationBucket']?.name;
      if (destination === undefined) throw new Error('serverless.yml has no DestinationBucket');
      stub.buckets.push(destination);
    },
    writes: stub,
  });
  const s3 = createS3Client(cloud.clientConfig());
  try {
    const startedAtMs = clock.now();
    const sizeBytes = await drop(cloud, s3, rows);
    const end = await ended(cloud, { clock, rows, say });
    const endedAtMs = clock.now();
    const reported = await countReport(s3, end.report, rows);
    return resultOf(rows, end, reported, {
      manifestMiB: Math.round(sizeBytes / BYTES_PER_MIB),
      seconds: seconds(endedAtMs - startedAtMs),
      rowsPerSecond: Math.round(rows / ((endedAtMs - startedAtMs) / 1000)),
      reportSeconds: seconds(clock.now() - endedAtMs),
      peakRssMiB: Math.round((process.resourceUsage().maxRSS * BYTES_PER_KIB) / BYTES_PER_MIB),
    });
  } finally {
    s3.destroy();
    await cloud.stop();
  }
}

async function drop(cloud: Cloud, s3: S3Client, rows: number): Promise<number> {
  const { body, sizeBytes } = manifestOf(rows);
  await s3.send(
    new PutObjectCommand({
      Bucket: cloud.names.inbox,
      Key: MANIFEST,
      Body: body,
      ContentLength: sizeBytes,
      ContentType: 'text/csv',
      Metadata: metadataOfOptionTexts({ 'max-failed-percent': '100' }),
    }),
  );
  return sizeBytes;
}

interface Watch {
  clock: Clock;
  rows: number;
  say: ((line: string) => void) | undefined;
}

async function ended(cloud: Cloud, { clock, rows, say }: Watch): Promise<JobEnd> {
  let movedAtMs = clock.now();
  let sayAtMs = movedAtMs + SAY_EVERY_MS;
  let last = '';
  let told: string | undefined;
  for (;;) {
    const [end] = cloud.events().filter(isEndOfJob);
    if (end !== undefined) return end.detail as unknown as JobEnd;
    const line = progressOf(cloud, rows);
    if (line !== last) movedAtMs = clock.now();
    last = line;
    if (clock.now() >= sayAtMs) {
      say?.(line);
      // A machine that does much else makes requests late: what failed comes again, and the counts must still be exact.
      const [complaint] = complaintsOf(cloud, 1);
      if (complaint !== undefined && complaint !== told) say?.(complaint);
      told = complaint;
      sayAtMs += SAY_EVERY_MS;
    }
    if (clock.now() - movedAtMs > STALLED_MS) {
      throw new Error(
        `the job has not moved for ${STALLED_MS / 60_000} minutes\n${await describeStall(cloud)}`,
      );
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function progressOf(cloud: Cloud, rows: number): string {
  const {
    RowsAccepted = 0,
    ObjectsStored = 0,
    SlicesSettled = 0,
    SlicesReplayed = 0,
    MessagesFailed = 0,
  } = cloud.metrics();
  const rssMiB = Math.round(process.memoryUsage.rss() / BYTES_PER_MIB);
  return (
    `${rows} rows: ${RowsAccepted} accepted, ${ObjectsStored} stored, ${SlicesSettled} slices settled, ` +
    `${SlicesReplayed} replayed, ${MessagesFailed} messages failed; ${rssMiB} MiB`
  );
}

function resultOf(
  rows: number,
  end: JobEnd,
  reported: ReportCount,
  measured: Pick<MillionBench, 'manifestMiB' | 'seconds' | 'rowsPerSecond' | 'reportSeconds' | 'peakRssMiB'>,
): MillionBench {
  const { state, stored, skipped, failed, cancelled, rejected, attempts } = end;
  return {
    rows: end.rows,
    ...{ state, stored, skipped, failed, cancelled, rejected },
    unaccounted: unaccountedRows(end) + Math.max(0, rows - end.rows) + reported.unreported,
    countedTwice: reported.countedTwice,
    misreported: reported.misreported,
    attempts,
    ...measured,
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
