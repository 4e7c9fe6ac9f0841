// What a million objects cost on AWS beside S3's own writes, by the size of upload's batches, with one slice and with several.
// A job copies an object of 1 KB under many names on the embedded cloud, which answers the functions as late as AWS usually
// does. What it counted, at AWS's prices, is the cost. Nothing throttles, but where fleets are compared: their workers wait for
// their turns, which Lambda bills.
import { loadavg } from 'node:os';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import {
  type CostReading,
  type CostUsd,
  costPerMillion,
  type Usage,
  usageBetween,
} from '../../local/meter/cost.ts';
import { type FixedCostUsd, fixedUsdPerMonth } from '../../local/meter/fixed-cost.ts';
import { USUAL_LATENCIES } from '../../local/meter/latencies.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { messagesLeft } from '../chaos/read-back.ts';
import { holdsWithin, runJob } from './run-job.ts';

const SOURCE_BUCKET = 'bench-source';
const SOURCE_KEY = 'object';
const OBJECT_BYTES = 1024;
const BATCH_SIZES = [100, 20, 5];
const FULL_BATCH = 100;
/** One slice holds all rows; several are at work at once, as many as ingest takes at a time. */
const SLICES_AT_ONCE = 4;
const WARM_UP_ROWS = 500;
/** Bytes that a row takes in the ledger, of its block's 1 KB and of what stands beside it (docs/ledger.md). */
const LEDGER_BYTES_PER_ROW = 1;
const SETTLING_MS = 3_000;
const MOST_MS = 1_800_000;

export interface CostBenchOptions {
  objects: number;
  /** Fleets of these sizes, in full batches and one slice, into an S3 with a limit. Absent: batches and slices are compared. */
  fleets?: { workers: readonly number[]; limitPerSecond: number };
  json: boolean;
}

interface Setting {
  batch: number;
  slices: number;
  fleet?: { workers: number; limitPerSecond: number };
}

interface CostResult {
  /** Most messages of a batch, and how many it had on average. */
  batch: number;
  meanBatch: number;
  slices: number;
  workers?: number;
  /** Beside the destination's writes. */
  costPerMillionUsd: number;
  parts: CostUsd;
  usage: Usage;
}

export async function runCostBench({ objects, fleets, json }: CostBenchOptions): Promise<void> {
  const results: CostResult[] = [];
  let fixed: FixedCostUsd | undefined;
  for (const setting of settingsOf(fleets)) {
    const run = await measure(objects, setting);
    fixed ??= run.fixed;
    results.push(run.result);
    console.error(`${lineOf(run.result)}  load ${loadavg()[0]?.toFixed(1)}`);
  }
  if (json) {
    console.log(JSON.stringify({ objects, objectBytes: OBJECT_BYTES, results, fixedUsdPerMonth: fixed }));
  } else {
    console.log(
      [`$ per million objects, beside S3's writes, from ${objects}`, ...results.map(lineOf)].join('\n'),
    );
    console.log(`fixed, $ a month: ${JSON.stringify(fixed)}`);
  }
}

function settingsOf(fleets: CostBenchOptions['fleets']): Setting[] {
  if (fleets === undefined) {
    return BATCH_SIZES.flatMap((batch) => [1, SLICES_AT_ONCE].map((slices) => ({ batch, slices })));
  }
  const { workers, limitPerSecond } = fleets;
  return workers.map((each) => ({
    ...{ batch: FULL_BATCH, slices: 1 },
    fleet: { workers: each, limitPerSecond },
  }));
}

async function measure(objects: number, { batch, slices, fleet }: Setting) {
  const rows = Array.from({ length: objects }, (_, index) => rowOf(index)).join('');
  const cloud = await startCloud({
    params: {
      sourceBuckets: SOURCE_BUCKET,
      batchSize: String(batch),
      sliceBytes: String(Math.max(65_536, Math.ceil((rows.length * 1.01) / slices))),
    },
    buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    latencies: USUAL_LATENCIES,
    ...(fleet === undefined
      ? {}
      : { environments: fleet.workers, limit: { limitPerSecond: fleet.limitPerSecond, burstSeconds: 1 } }),
  });
  const s3 = createS3Client(cloud.clientConfig());
  try {
    await s3.send(
      new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: SOURCE_KEY, Body: Buffer.alloc(OBJECT_BYTES) }),
    );
    // Starts the functions: a long job has few cold starts.
    await finishJob(cloud, s3, 'warm-up', rows.slice(0, rowOf(0).length * WARM_UP_ROWS));
    const before = await read(cloud);
    await finishJob(cloud, s3, 'job', rows);
    const usage = usageBetween(before, await read(cloud), cloud.names.destination);
    if (usage.destination.accepted < objects) {
      throw new Error(`${usage.destination.accepted} of ${objects} objects were stored`);
    }
    const parts = costPerMillion(usage, objects);
    const invocations = usage.lambda['upload']?.invocations ?? 0;
    const result: CostResult = {
      batch,
      meanBatch: Math.round((objects / Math.max(1, invocations)) * 10) / 10,
      slices,
      ...(fleet === undefined ? {} : { workers: fleet.workers }),
      costPerMillionUsd: Math.round((parts.total - parts.destinationWrites) * 1e4) / 1e4,
      parts,
      usage,
    };
    return { result, fixed: fixedUsdPerMonth(cloud.service, objects * LEDGER_BYTES_PER_ROW) };
  } finally {
    s3.destroy();
    await cloud.stop();
  }
}

function rowOf(index: number): string {
  return `copies/${String(index).padStart(9, '0')}.bin,s3://${SOURCE_BUCKET}/${SOURCE_KEY}\n`;
}

async function finishJob(cloud: Cloud, s3: S3Client, name: string, rows: string): Promise<void> {
  const hasEnded = await runJob(cloud, s3, { name, rows, mostMs: MOST_MS });
  if (!hasEnded) throw new Error(`the job ${name} did not end`);
  // What follows the end: acknowledgements, the last log lines.
  await holdsWithin(async () => Object.keys(await messagesLeft(cloud)).length === 0, SETTLING_MS);
}

async function read(cloud: Cloud): Promise<CostReading> {
  return { meter: await cloud.meter(), logBytes: cloud.logBytes() };
}

function lineOf({ batch, meanBatch, slices, workers, costPerMillionUsd, parts }: CostResult): string {
  const { destinationWrites: _writes, total: _total, ...beside } = parts;
  const services = Object.entries(beside).map(([name, usd]) => `${name} ${usd.toFixed(3)}`);
  const of = workers === undefined ? `${slices} slices at once` : `${workers} workers`;
  return `batches of ${String(batch).padStart(3)} (${meanBatch.toFixed(1)})  ${of}  $${costPerMillionUsd.toFixed(3)}  ${services.join('  ')}`;
}
