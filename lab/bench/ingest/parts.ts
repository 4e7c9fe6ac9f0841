// What is measured of ingest, a function each. Each runs in a process of its own, so that its peak of memory is its own.
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type SendSliceDependencies, sendSlice } from '../../../functions/ingest/send-slice.ts';
import { type PlanDependencies, planJob } from '../../../functions/ingest/split-manifest.ts';
import { CLIENT_BUDGETS } from '../../../shared/aws/budgets.ts';
import { limitsOf } from '../../../shared/aws/clients.ts';
import { readRange } from '../../../shared/aws/object-range.ts';
import { createSqsClient } from '../../../shared/aws/sqs.ts';
import { completeOptions } from '../../../shared/job/frozen-options.ts';
import { BLOCK_ROWS, type JobId, SLICE_BYTES, type SliceId } from '../../../shared/job/identity.ts';
import type { PlanningJob } from '../../../shared/job/job.ts';
import type { SliceRow, StoredBlockRow } from '../../../shared/ledger/rows.ts';
import type { SliceStart } from '../../../shared/ledger/slice-rows.ts';
import { PARSER_VERSION } from '../../../shared/manifest/columns.ts';
import { formatOf } from '../../../shared/manifest/formats/all.ts';
import { steadyClock, systemClock } from '../../../shared/time/clock.ts';
import { createRandom } from '../../../shared/time/random.ts';
import { benchManifests, type Input } from './formats.ts';
import { type BenchManifest, SOURCE_BUCKET, s3Of } from './manifests.ts';

const QUEUE_URL_PATH = '/000000000000/bench';

/** Rows, the seconds that they took, and the seconds of a core that all threads took, garbage collection's too. */
export interface Measured {
  rows: number;
  seconds: number;
  cpuSeconds: number;
}

/** A sink for messages. `bytes` and `inFlight` are what went through it. */
interface Sink {
  sqs: SQSClient;
  messages(): number;
  bytes(): number;
  mostInFlight(): number;
}

/** Rows parsed, validated and packed into batches, for a sink that only counts. */
export async function measureIngest(input: Input): Promise<Measured> {
  return measureSlices(
    input,
    createSink(async () => ({})),
  );
}

/** Rows parsed and validated: what a format itself takes. */
export async function measureParser(input: Input): Promise<Measured> {
  return timed(input.rows, async () => {
    let good = 0;
    for await (const each of benchManifests(input)) {
      const { job, reader } = prepare(each);
      const { head, manifest } = job;
      const body = { startOffset: head.bodyOffset, startLine: head.bodyLine, endOffset: manifest.sizeBytes };
      const read = (start: number, end: number) => readRange(reader, manifest, start, end);
      for await (const batch of formatOf(head).read(head, body, read))
        for (const row of batch) if (row.kind === 'good') good++;
    }
    return good;
  });
}

export interface Sending {
  sent: Measured;
  bare: Measured;
}

/**
 * Rows sent by ingest, and as many messages of the same size by a bare loop of the SDK's calls with as many requests at once. They
 * take turns, so that both meet the same machine.
 */
export async function measureSending(
  input: Input,
  { rounds, endpoint }: { rounds: number; endpoint: string },
): Promise<Sending> {
  const { rows } = input;
  process.env['AWS_ENDPOINT_URL_SQS'] = endpoint;
  const limits = limitsOf(CLIENT_BUDGETS.ingest);
  const client = createSqsClient(limits, systemClock);
  // The SDK as it comes, but for the check that ingest's client does without, too.
  const plain = new SQSClient({ ...limits, md5: false });
  const queueUrl = endpoint + QUEUE_URL_PATH;
  const sent: Measured[] = [];
  const bare: Measured[] = [];
  // The first round opens the connections and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const sink = createSink((command) => client.send(command));
    sent.push(await measureSlices(input, sink, queueUrl));
    const size = Math.round(sink.bytes() / sink.messages());
    bare.push(await measureBareLoop(plain, queueUrl, { rows, size, inFlight: sink.mostInFlight() }));
  }
  client.destroy();
  plain.destroy();
  return { sent: sumOf(sent.slice(1)), bare: sumOf(bare.slice(1)) };
}

async function measureBareLoop(
  client: SQSClient,
  queueUrl: string,
  { rows, size, inFlight }: { rows: number; size: number; inFlight: number },
): Promise<Measured> {
  const body = 'x'.repeat(size);
  let left = rows;
  const send = async () => {
    while (left > 0) {
      const entries = Math.min(10, left);
      left -= entries;
      await client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: Array.from({ length: entries }, (_, index) => ({
            Id: String(index),
            MessageBody: body,
            MessageGroupId: 'bench',
          })),
        }),
      );
    }
  };
  return timed(rows, async () => {
    await Promise.all(Array.from({ length: inFlight }, send));
    return rows;
  });
}

async function measureSlices(input: Input, sink: Sink, queueUrl = 'bench'): Promise<Measured> {
  return timed(input.rows, async () => {
    const before = sink.messages();
    for await (const manifest of benchManifests(input)) await sendSlices(manifest, sink, queueUrl);
    return sink.messages() - before;
  });
}

/** Plans the manifest's job and sends its slices one after the other, as ingest's invocations do. */
async function sendSlices(manifest: BenchManifest, sink: Sink, queueUrl: string): Promise<void> {
  const { job, reader, random } = prepare(manifest);
  const ledger = createLedgerOfSlices(job);
  const deadlineMs = Number.POSITIVE_INFINITY;
  const dependencies: SendSliceDependencies = {
    blocks: { ...reader, sources: { buckets: [SOURCE_BUCKET] } },
    ledger,
    outcomes: { write: refuse },
    queue: { sqs: sink.sqs, clock: systemClock, random },
    uploadQueueUrl: queueUrl,
    clock: systemClock,
  };
  const planning = { reader, ledger, requestSlice: async () => undefined, clock: systemClock };
  await planJob(planning, job, deadlineMs);
  for (const slice of ledger.slices) await sendSlice(dependencies, job, slice, deadlineMs);
}

function prepare(manifest: BenchManifest) {
  const { key, sizeBytes, head } = manifest;
  // As a new job has it: `completeOptions` gives what jobs of older versions have.
  const duplicateKeys = 'reject';
  const options = completeOptions({
    destination: { bucket: 'bench-destination', prefix: '' },
    duplicateKeys,
  });
  const job: PlanningJob = {
    id: 'bench-ingest-0000' as JobId,
    state: 'planning',
    manifest: { bucket: 'bench-inbox', key, versionId: 'v1', sizeBytes, etag: '"e"' },
    head,
    options,
    parserVersion: PARSER_VERSION,
    sliceBytes: SLICE_BYTES,
    blockRows: BLOCK_ROWS,
    control: 'run',
    startedAtMs: systemClock.now(),
    deadlineMs: systemClock.now() + options.deadlineSeconds * 1000,
    plan: { slices: 0, rows: 0, offset: head.bodyOffset, line: head.bodyLine },
    settledGroups: new Set(),
  };
  const random = createRandom(1);
  return { job, random, reader: { s3: s3Of(manifest), clock: systemClock, random } };
}

type BenchLedger = SendSliceDependencies['ledger'] & PlanDependencies['ledger'] & { slices: SliceRow[] };

/** A ledger that keeps the slices of the plan, and answers at once. Each slice leads: they are sent one after the other. */
function createLedgerOfSlices(job: PlanningJob): BenchLedger {
  const slices: SliceRow[] = [];
  const none: ReadonlySet<number> = new Set();
  return {
    slices,
    getJob: async () => job,
    getSlices: async () => slices,
    lead: async () => 0,
    feed: refuse,
    endFeeding: async () => undefined,
    controlJob: refuse,
    recordSlice: async ({ slice }: SliceId, { place, rows, blocks }: SliceStart) => {
      const sets = { sentBlocks: none, closedBlocks: none, counts: new Map() };
      slices.push({ slice, place, rows, blocks, ...sets, movedAtMs: 0, replays: 0, replayedAtMs: 0 });
    },
    movePlan: async () => undefined,
    finishPlan: async () => undefined,
    markSent: async () => undefined,
    openBlock: async (_id: unknown, size: number): Promise<StoredBlockRow> => ({
      ...{ size, movedAtMs: 0, openings: 1 },
      ...{ done: none, failed: none, cancelled: none, rejected: none },
    }),
  };
}

async function refuse(): Promise<never> {
  throw new Error('no row here is bad, and the job has no rate');
}

function createSink(send: (command: SendMessageBatchCommand) => Promise<object>): Sink {
  let [messages, bytes, inFlight, mostInFlight] = [0, 0, 0, 0];
  const count = async (command: SendMessageBatchCommand) => {
    for (const { MessageBody = '' } of command.input.Entries ?? []) {
      messages++;
      bytes += MessageBody.length;
    }
    inFlight++;
    mostInFlight = Math.max(mostInFlight, inFlight);
    try {
      return await send(command);
    } finally {
      inFlight--;
    }
  };
  return {
    sqs: { send: count } as unknown as SQSClient,
    messages: () => messages,
    bytes: () => bytes,
    mostInFlight: () => mostInFlight,
  };
}

/** @param run returns the rows that came out of it: a benchmark of rows that are lost on the way measures nothing */
async function timed(rows: number, run: () => Promise<number>): Promise<Measured> {
  const [startedAtMs, cpuBefore] = [steadyClock.now(), process.cpuUsage()];
  const seen = await run();
  if (seen !== rows) throw new Error(`${rows} rows are in the manifest, and ${seen} came out as good ones`);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { rows, seconds: (steadyClock.now() - startedAtMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function sumOf(measured: readonly Measured[]): Measured {
  const sum = { rows: 0, seconds: 0, cpuSeconds: 0 };
  for (const { rows, seconds, cpuSeconds } of measured) {
    sum.rows += rows;
    sum.seconds += seconds;
    sum.cpuSeconds += cpuSeconds;
  }
  return sum;
}
