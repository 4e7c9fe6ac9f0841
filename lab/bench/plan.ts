// How long `POST /plans` takes for the largest manifest that it reads: the handler's own code, with an S3 in memory.
//
//   cpuSeconds      of all threads, on this machine: a busy machine makes a run longer, and not these
//   lambdaSeconds   the same at the function's share of a CPU: Lambda gives a whole one with 1,769 MB (Lambda guide, "Memory")

import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { createPlanJob, MAX_PLANNED_BYTES, MAX_PLANNED_TEXT_BYTES } from '../../functions/api/plan-job.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { BLOCK_ROWS, SLICE_BYTES } from '../../shared/job/identity.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { createMemoryS3 } from '../memory/s3.ts';

const MEBIBYTE = 1024 ** 2;
const MB_OF_ONE_CPU = 1_769;
/** More than any of these takes: it is the whole time that is measured. */
const UNLIMITED_MS = 3_600_000;
const BUCKET = 'lists';

const short = (number: number) => number.toString(36);
const wide = ['cache_control', ...Array.from({ length: 10 }, (_, at) => `tag.${short(at)}`)];

/** Short rows are the most rows, and these are what a plan spends its time on. */
const KINDS: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  'short.csv': () => textOf('key,text\n', (at) => `${short(at)},x\n`),
  'usual.csv': () => textOf('key,source\n', (at) => `images/2026/${at}.jpg,s3://lists/images/${at}.jpg\n`),
  'wide.csv': () => textOf(`key,text,${wide}\n`, (at) => `${short(at)},x${',x'.repeat(wide.length)}\n`),
  'bad.csv': () => textOf('key,text\n', (at) => `${short(at)},\n`),
  'short.ndjson': () => textOf('', (at) => `{"key":"${short(at)}","text":""}\n`),
  'short.json': () => textOf('[', (at) => `{"key":"${short(at)}","text":""},\n`, '{"key":"~","text":""}]'),
  'short.csv.gz': () => gzipOf(textOf('key,text\n', (at) => `${short(at)},x\n`, '', MAX_PLANNED_TEXT_BYTES)),
  'bad.csv.gz': () => gzipOf(textOf('key,text\n', (at) => `${short(at)},\n`, '', MAX_PLANNED_TEXT_BYTES)),
  'short.parquet': parquetOf,
};

interface PlanResult {
  name: string;
  manifestBytes: number;
  rows: number;
  cpuSeconds: number;
  lambdaSeconds: number;
}

export async function runPlanBench({
  only = Object.keys(KINDS),
  json,
}: {
  only?: readonly string[];
  json: boolean;
}): Promise<void> {
  const { functions } = await readService(SERVICE_FILE);
  const { memoryMb = MB_OF_ONE_CPU, timeoutSeconds = 0 } = functions['api'] ?? {};
  const results: PlanResult[] = [];
  for (const name of only) {
    const make = KINDS[name];
    if (make === undefined) throw new Error(`--only takes ${Object.keys(KINDS).join(', ')}, not ${name}`);
    const manifest = await make();
    const { rows, cpuSeconds } = await measure(name, manifest);
    const lambdaSeconds = cpuSeconds / Math.min(1, memoryMb / MB_OF_ONE_CPU);
    const result = { name, manifestBytes: manifest.length, rows, cpuSeconds, lambdaSeconds };
    results.push(result);
    if (!json) console.log(lineOf(result));
  }
  if (json) console.log(JSON.stringify({ memoryMb, timeoutSeconds, results }));
  else console.log(`The function has ${memoryMb} MB and ${timeoutSeconds} s.`);
}

function lineOf({ name, manifestBytes, rows, cpuSeconds, lambdaSeconds }: PlanResult): string {
  const size = `${(manifestBytes / MEBIBYTE).toFixed(1).padStart(5)} MiB`;
  const times = `${cpuSeconds.toFixed(1)} s of one core, ${lambdaSeconds.toFixed(1)} s on Lambda`;
  return `${name.padEnd(14)} ${size} ${String(rows).padStart(8)} rows  ${times}`;
}

async function measure(name: string, manifest: Buffer): Promise<{ rows: number; cpuSeconds: number }> {
  const { client: s3, write } = createMemoryS3();
  write(BUCKET, name, manifest);
  const plan = createPlanJob({
    ...{ s3, clock: systemClock, random: Math.random, inbox: 'inbox', reportBucket: 'reports' },
    ...{ manifestBuckets: [BUCKET], destinationBuckets: ['destination'], keepDays: 100, kmsKeys: [] },
    sources: { buckets: [BUCKET] },
    cut: { sliceBytes: SLICE_BYTES, blockRows: BLOCK_ROWS },
  });
  const value = { manifest: { bucket: BUCKET, key: name } };
  const event = { json: { value, text: JSON.stringify(value) } } as Parameters<typeof plan>[0]['event'];
  const started = process.cpuUsage();
  const answer: APIGatewayProxyResult = await plan({
    ...{ event, query: {}, parameters: {}, basePath: '' },
    remainingMs: () => UNLIMITED_MS,
  });
  const { user, system } = process.cpuUsage(started);
  return { rows: (JSON.parse(answer.body) as { rows: number }).rows, cpuSeconds: (user + system) / 1e6 };
}

/** Rows up to so many bytes, none above. */
function textOf(
  first: string,
  row: (at: number) => string,
  last = '',
  mostBytes = MAX_PLANNED_BYTES,
): Buffer {
  const text = Buffer.alloc(mostBytes);
  let bytes = text.write(first);
  for (let at = 0; ; at++) {
    const line = row(at);
    if (bytes + line.length + last.length > mostBytes) break;
    bytes += text.write(line, bytes);
  }
  bytes += text.write(last, bytes);
  return text.subarray(0, bytes);
}

async function gzipOf(text: Buffer): Promise<Buffer> {
  return Buffer.concat(await Readable.from([text]).pipe(createGzip()).toArray());
}

/** As many rows as make the text that a plan reads of it. */
function parquetOf(): Buffer {
  const rows = Math.floor(MAX_PLANNED_TEXT_BYTES / '{"key":"00000","text":""}\n'.length);
  const key = Array.from({ length: rows }, (_, at) => short(at));
  const columnData = [
    { name: 'key', data: key },
    { name: 'text', data: Array<string>(rows).fill('') },
  ];
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 500_000 }));
}
