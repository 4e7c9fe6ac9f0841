// How fast a manifest is converted into text on one core, and how much memory that takes: ingest's own steps, with an S3 that
// takes parts and keeps nothing. On Lambda the network and TLS come on top.
//
//   cpuSeconds             of all threads: a busy machine makes `seconds` longer, and not these
//   expandedPerCpuSecond   bytes of text for each of them
//   peakRssMiB             of the whole process, which converts this one manifest alone
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { markInOnePause } from '../../functions/runtime/garbage-collection.ts';
import { steadyClock } from '../../shared/time/clock.ts';
import { openConvertible } from './convertible.ts';
import { runProgram } from './process.ts';

const KINDS = {
  'csv.gz': { row: (key: string) => `${key},s3://legacy-images/${key}\n`, first: 'key,source\n', last: '' },
  'csv.zst': { row: (key: string) => `${key},s3://legacy-images/${key}\n`, first: 'key,source\n', last: '' },
  json: {
    row: (key: string) => `{"key":"${key}","source":"s3://legacy-images/${key}"},\n`,
    first: '[',
    last: '{"key":"z","text":""}]',
  },
} as const;
type Kind = keyof typeof KINDS;

const ROWS_AT_ONCE = 2_000;
const MEBIBYTE = 1024 ** 2;

interface ConvertResult {
  name: Kind;
  manifestBytes: number;
  expandedBytes: number;
  seconds: number;
  cpuSeconds: number;
  expandedPerCpuSecond: number;
  peakRssMiB: number;
}

/** Each kind is converted in a process of its own, so that its memory is its own. */
export async function runConvertBench({
  megabytes,
  json,
}: {
  megabytes: number;
  json: boolean;
}): Promise<void> {
  const results: ConvertResult[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'spillway-convert-'));
  try {
    for (const name of Object.keys(KINDS).filter(isKind)) {
      const file = join(folder, `manifest.${name}`);
      await pipeline(
        Readable.from(textOf(name, megabytes * MEBIBYTE)),
        packerOf(name),
        createWriteStream(file),
      );
      const args = [...process.execArgv, process.argv[1] ?? '', 'convert', name, file];
      const { code, said } = await runProgram(process.execPath, args);
      if (code !== 0) throw new Error(`${name}: ${said}`);
      results.push(JSON.parse(said) as ConvertResult);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  if (json) console.log(JSON.stringify({ results }));
  else for (const result of results) console.log(lineOf(result));
}

function lineOf({
  name,
  manifestBytes,
  expandedBytes,
  cpuSeconds,
  expandedPerCpuSecond,
  peakRssMiB,
}: ConvertResult): string {
  const sizes = `${mebibytes(manifestBytes)} MiB to ${mebibytes(expandedBytes)} MiB`;
  return `${name.padEnd(8)} ${sizes} in ${cpuSeconds.toFixed(1)} s of one core: ${mebibytes(expandedPerCpuSecond)} MiB/s, ${peakRssMiB} MiB of memory`;
}

/** Converts one manifest in this process. */
export async function convertOne(kind: string, file: string): Promise<void> {
  if (!isKind(kind)) throw new Error(`convert takes ${Object.keys(KINDS).join(', ')}`);
  markInOnePause();
  console.log(JSON.stringify(await convertFile(kind, file)));
}

async function convertFile(name: Kind, file: string): Promise<ConvertResult> {
  const { sizeBytes, units, convert } = await openConvertible(file);
  let expandedBytes = 0;
  const startedMs = steadyClock.now();
  const startedCpu = process.cpuUsage();
  for (const unit of units)
    await convert(unit, async (part) => {
      expandedBytes += part.length;
    });
  const seconds = (steadyClock.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  const cpuSeconds = (user + system) / 1_000_000;
  return {
    name,
    manifestBytes: sizeBytes,
    expandedBytes,
    seconds,
    cpuSeconds,
    expandedPerCpuSecond: expandedBytes / cpuSeconds,
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function packerOf(kind: Kind) {
  if (kind === 'csv.gz') return createGzip();
  return kind === 'csv.zst' ? createZstdCompress() : new PassThrough();
}

function* textOf(kind: Kind, mostBytes: number): Generator<Buffer> {
  const { row, first, last } = KINDS[kind];
  yield Buffer.from(first);
  let number = 0;
  for (let bytes = 0; bytes < mostBytes; ) {
    const rows = Array.from({ length: ROWS_AT_ONCE }, () => row(keyOf(number++)));
    const chunk = Buffer.from(rows.join(''));
    bytes += chunk.length;
    yield chunk;
  }
  yield Buffer.from(last);
}

/** Names as exports have them: a folder, a date, and an id that does not compress. */
function keyOf(number: number): string {
  const id = (Math.imul(number, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  return `images/2026/${String(number % 365).padStart(3, '0')}/${id}-${number}.jpg`;
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}
