// The speed of ingest on this machine: each measurement in a fresh process, so that its peak of memory is its own.
//
//   rowsPerSecond           parsed, validated and packed into batches, to a sink that only counts; Parquet and gzip are
//                           converted into text before, as ingest does it
//   parserRowsPerSecond     parsed and validated; converted before, too
//   sentRowsPerSecond       sent, as ingest does it, to an SQS that answers at once, in a process of its own
//   bareSentRowsPerSecond   the same messages by a bare loop of the SDK's SendMessageBatch, with as many requests at once
//   peakRssMiB              of the process of rowsPerSecond
//   rowsPerCpuSecond        as rowsPerSecond, by the time that all its threads had a core: on a busy machine the better figure
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { FunctionModel } from '../../../local/service/model.ts';
import { readService, SERVICE_FILE } from '../../../local/service/read-service.ts';
import { CREDENTIALS, REGION } from '../contestant.ts';
import { type BenchFormat, type Input, USUAL_FORMATS, writeManifest } from './formats.ts';
import type { Order } from './measure-process.ts';
import type { Measured, Sending } from './parts.ts';

const BYTES_PER_MIB = 1024 * 1024;
/** Rows of one round of sending: some seconds. Rounds are summed. */
const MAX_SENT_ROWS = 100_000;
const SENT_ROUNDS = 3;

interface FormatFigures {
  rowsPerSecond: number;
  parserRowsPerSecond: number;
  sentRowsPerSecond: number;
  bareSentRowsPerSecond: number;
  peakRssMiB: number;
  rowsPerCpuSecond: number;
  parserRowsPerCpuSecond: number;
}

/** The figures of the first format, and those of every one. */
type IngestBench = { rows: number } & FormatFigures & {
    formats: ({ format: BenchFormat } & FormatFigures)[];
  };

export async function runIngestBench({
  rows,
  format,
  json,
}: {
  rows: number;
  format?: BenchFormat;
  json: boolean;
}): Promise<void> {
  const result = await benchIngest(rows, format === undefined ? USUAL_FORMATS : [format]);
  if (json) console.log(JSON.stringify(result));
  else for (const figures of result.formats) console.table(figures);
}

async function benchIngest(rows: number, names: readonly BenchFormat[]): Promise<IngestBench> {
  const model = (await readService(SERVICE_FILE)).functions['ingest'];
  if (model === undefined) throw new Error(`${SERVICE_FILE} has no function ingest`);
  const sqs = await startStubSqs();
  const folder = await mkdtemp(join(tmpdir(), 'spillway-ingest-'));
  try {
    const formats = [];
    for (const format of names) {
      const input = { format, rows, folder };
      formats.push({ format, ...(await figuresOf(input, model, sqs.endpoint)) });
    }
    const [{ format: _, ...first }] = formats as [IngestBench['formats'][number]];
    return { rows, ...first, formats };
  } finally {
    await rm(folder, { recursive: true });
    await sqs.stop();
  }
}

async function figuresOf(input: Input, model: FunctionModel, endpoint: string): Promise<FormatFigures> {
  await writeManifest(input);
  const parser = await measure<Measured>({ part: 'parser', input }, model);
  const ingest = await measure<Measured>({ part: 'ingest', input }, model);
  const fewer = { ...input, rows: Math.min(input.rows, MAX_SENT_ROWS) };
  await writeManifest(fewer);
  const { sent, bare } = await measure<Sending>(
    { part: 'sending', input: fewer, rounds: SENT_ROUNDS, endpoint },
    model,
  );
  return {
    rowsPerSecond: perSecond(ingest),
    parserRowsPerSecond: perSecond(parser),
    sentRowsPerSecond: perSecond(sent),
    bareSentRowsPerSecond: perSecond(bare),
    peakRssMiB: Math.round(ingest.peakRssBytes / BYTES_PER_MIB),
    rowsPerCpuSecond: Math.round(ingest.rows / ingest.cpuSeconds),
    parserRowsPerCpuSecond: Math.round(parser.rows / parser.cpuSeconds),
  };
}

function perSecond({ rows, seconds }: Measured): number {
  return Math.round(rows / seconds);
}

/** As Lambda's start script (/var/runtime/bootstrap) sets V8's heap: a twentieth of the memory for each half of the young part. */
function heapFlags(memoryMb: number): string[] {
  const youngMb = Math.floor(memoryMb / 10);
  return [`--max-semi-space-size=${Math.floor(youngMb / 2)}`, `--max-old-space-size=${memoryMb - youngMb}`];
}

/** What of the function's environment is for the C library's memory: the rest is for its handler. */
function memoryVariables({ environment }: FunctionModel): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith('MALLOC_')));
}

/** Runs a measurement with the memory of the function: V8's and the C library's. */
async function measure<Result>(
  order: Order,
  model: FunctionModel,
): Promise<Result & { peakRssBytes: number }> {
  const flags = heapFlags(model.memoryMb);
  const child = startProcess('measure-process.ts', [JSON.stringify(order)], flags, memoryVariables(model));
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`the measurement ${JSON.stringify(order)} ended with ${code}`);
  return JSON.parse(printed) as Result & { peakRssBytes: number };
}

async function startStubSqs(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const child = startProcess('stub-sqs-process.ts', [], [], {});
  const lines = createInterface({ input: child.stdout });
  const [endpoint] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'close').then(() => Promise.reject(new Error('the stub of SQS did not start'))),
  ])) as [string];
  return {
    endpoint,
    async stop() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}

function startProcess(
  file: string,
  args: readonly string[],
  flags: readonly string[],
  variables: Record<string, string>,
) {
  const child = spawn(process.execPath, [...flags, fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...variables,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
    },
  });
  return child satisfies ChildProcess;
}
