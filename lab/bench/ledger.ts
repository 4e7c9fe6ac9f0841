// A job of many rows through ingest, upload, ledger and settle, with nothing transferred: the production functions on DynamoDB,
// with S3 and SQS in memory. What it shows is the account: each row reported once, and what the ledger was asked for.
//
//   units         as DynamoDB bills them, by the table's meter (local/aws/dynamodb/dynamodb-meter.ts)
//   hottestKey    the partition key that was written to most within one second; DynamoDB takes 1,000 units there
//   peakHeapMiB   JavaScript heap of the functions; the objects in memory, which are S3's, lie outside of it

import { inspect } from 'node:util';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createIngest } from '../../functions/ingest/handler.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import { createSettle } from '../../functions/settle/handler.ts';
import { createUpload } from '../../functions/upload/handler.ts';
import { startEmulators } from '../../local/aws/emulators.ts';
import type { DynamodbReading } from '../../local/meter/meter-reading.ts';
import { emulatorsOptions } from '../../local/service/emulated.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import { createDynamoDbClient } from '../../shared/aws/pipeline-clients.ts';
import { BLOCK_ROWS, SLICE_BYTES } from '../../shared/job/identity.ts';
import { type ReportedJob, unaccountedRows } from '../../shared/job/job.ts';
import { createLedger } from '../../shared/ledger/ledger.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import { createClosingNotice, createSettleNotice } from '../../shared/queue/settle-notice.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import { steadyClock, systemClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createMemoryS3, type MemoryS3 } from '../memory/s3.ts';
import { createMemorySqs, type MemorySqs } from '../memory/sqs.ts';
import { CREDENTIALS } from './contestant.ts';

const INBOX = 'inbox';
const REPORTS = 'reports';
const DESTINATION = 'destination';
const ARRIVAL = { bucket: INBOX, key: 'ledger.csv', versionId: 'v1' };
const UPLOAD_BATCH = 100;
const UPLOADERS = 4;
/** A bound of the upload queue, at which ingest waits: otherwise the memory of the bench would grow with its rows. */
const MOST_WAITING = 5_000;
const SENDER_WAITS_MS = 5;
/** As the embedded cloud's receives are drawn. */
const SHUFFLE_WINDOW = 500;
const INVOCATION_MS = 900_000;
const LOOK_EVERY_MS = 5;
const HEAP_EVERY_MS = 100;

export interface LedgerBench {
  rows: number;
  seconds: number;
  rowsPerSecond: number;
  slices: number;
  stored: number;
  unaccounted: number;
  /** Rows of the report beyond the first of each manifest row. */
  countedTwice: number;
  writeUnitsPerThousandRows: number;
  readUnitsPerThousandRows: number;
  hottestKey: { key: string; writeUnitsPerSecond: number };
  peakHeapMiB: number;
}

/** Ends with 0 only if each row was stored, and reported once. */
export async function runLedgerBench({ rows, json }: { rows: number; json: boolean }): Promise<void> {
  const result = await benchLedger(rows);
  if (json) console.log(JSON.stringify(result));
  else
    for (const [name, value] of Object.entries(result))
      console.log(`${name.padEnd(28)}${JSON.stringify(value)}`);
  if (result.unaccounted !== 0 || result.countedTwice !== 0 || result.stored !== rows) process.exitCode = 1;
}

export async function benchLedger(rows: number): Promise<LedgerBench> {
  const service = await readService(SERVICE_FILE);
  const emulators = await startEmulators({
    ...emulatorsOptions(service, { seed: 1, fidelity: {} }),
    buckets: [],
    queues: [],
  });
  const { region } = service;
  const dynamodb = createDynamoDbClient({
    endpoint: emulators.endpoints.dynamodb,
    region,
    credentials: CREDENTIALS,
  });
  try {
    const s3 = createMemoryS3({ versioned: [INBOX] });
    s3.write(INBOX, ARRIVAL.key, manifestOf(rows), {
      metadata: { 'spillway-destination': `s3://${DESTINATION}`, 'spillway-spread': 'off' },
    });
    const nameOf = (id: string) => service.tables[id]?.name ?? '';
    const [table, outcomeTable] = [nameOf('LedgerTable'), nameOf('OutcomesTable')];
    const run = startPipeline({ dynamodb, table, outcomeTable, s3 });
    const startedAtMs = steadyClock.now();
    const job = await run.ended;
    const seconds = (steadyClock.now() - startedAtMs) / 1000;
    const reported = rowsReported(s3, job);
    const { dynamodb: reading } = await emulators.meter();
    const perThousand = (units: number) => Math.round((units * 10_000) / rows) / 10;
    return {
      rows,
      seconds: Math.round(seconds * 10) / 10,
      rowsPerSecond: Math.round(rows / seconds),
      // All rows are stored, so each slice has one file.
      slices: reported.files,
      stored: job.totals.stored,
      unaccounted: unaccountedRows(job.totals) + (rows - reported.distinct),
      countedTwice: reported.all - reported.distinct,
      writeUnitsPerThousandRows: perThousand(reading.writeUnits),
      readUnitsPerThousandRows: perThousand(reading.readUnits),
      hottestKey: hottestOf(reading),
      peakHeapMiB: Math.round(run.peakHeapBytes() / 1024 ** 2),
    };
  } finally {
    dynamodb.destroy();
    await emulators.stop();
  }
}

interface Places {
  dynamodb: DynamoDBClient;
  table: string;
  outcomeTable: string;
  s3: MemoryS3;
}

/** Runs the functions over the queues until the job has ended. */
function startPipeline({ dynamodb, table, outcomeTable, s3 }: Places) {
  const clock = systemClock;
  const random = createRandom(1);
  const attributes = { VisibilityTimeout: INVOCATION_MS / 1000 };
  const sqs = createMemorySqs(
    { clock, random },
    { queues: { ingest: attributes, upload: attributes, settle: attributes }, shuffleWindow: SHUFFLE_WINDOW },
  );
  const queue = { sqs: boundedSqs(sqs), clock, random };
  const notifySettle = createSettleNotice(queue, 'settle');
  const ledger = createLedger({
    dynamodb,
    table,
    clock,
    random,
    sliceClosed: createClosingNotice(notifySettle, clock),
  });
  const outcomes = createOutcomeStore({
    files: createOutcomeFiles({ s3: s3.client, bucket: REPORTS }),
    rows: createOutcomeRows({ dynamodb, table: outcomeTable, clock, keepDays: 100 }),
  });
  const reports = { s3: s3.client, bucket: REPORTS, outcomes };
  const ended = Promise.withResolvers<ReportedJob>();
  const events = {
    started: async () => undefined,
    progressed: async () => undefined,
    ended: async (job: ReportedJob) => ended.resolve(job),
  };
  const end = { reports, ledger, events };
  const telemetry = {
    logger: {
      info: () => undefined,
      warn: (...line: unknown[]) => console.error(...line),
      // Nothing is to fail here: the first fault ends the run.
      error: (...line: unknown[]) => ended.reject(new Error(inspect(line))),
    },
    count: () => undefined,
  } as unknown as Telemetry;
  const ingest = createIngest({
    blocks: { s3: s3.client, clock, random, sources: { buckets: [] } },
    destinationBuckets: [DESTINATION],
    manifestBuckets: [],
    keepDays: 100,
    cut: { sliceBytes: SLICE_BYTES, blockRows: BLOCK_ROWS },
    ...{ ledger, outcomes, end, queue, notifySettle, clock },
    ingestQueueUrl: 'ingest',
    inbox: INBOX,
    retrySeconds: [1],
    uploadQueueUrl: 'upload',
    telemetry,
  });
  const upload = createUpload({
    engine: { rateLimiter: NO_PACE, clock, random },
    writer: NO_TRANSFER,
    ...{ ledger, outcomes, queue },
    uploadQueueUrl: 'upload',
    returns: createReturnShare(clock),
    returnedAttempts: createReturnedAttempts(),
    pacer: { ratePerSecond: () => 1_000, drain: () => undefined },
    allowed: { sources: { buckets: [] }, destinations: [DESTINATION] },
    retrySeconds: [1],
    telemetry,
  });
  const settle = createSettle({
    ...{ ledger, reports, end, clock, telemetry },
    uploadMs: INVOCATION_MS,
    source: { queue, queueUrl: 'settle', retrySeconds: [1] },
  });

  let [isOver, invocations, peakHeapBytes] = [false, 0, 0];
  const watch = setInterval(() => {
    peakHeapBytes = Math.max(peakHeapBytes, process.memoryUsage().heapUsed);
  }, HEAP_EVERY_MS);
  async function poll(name: string, batch: number, handle: Handler): Promise<void> {
    const polled = sqs.queue(name);
    while (!isOver) {
      const Records = await polled.receive(batch);
      if (Records.length === 0) await clock.sleep(LOOK_EVERY_MS);
      else polled.settle(Records, await handle({ Records }, contextOf(invocations++)));
    }
  }
  const pollers = [
    poll('ingest', 1, ingest),
    ...Array.from({ length: UPLOADERS }, () => poll('upload', UPLOAD_BATCH, upload)),
    poll('settle', 1, settle),
  ];
  sqs.queue('ingest').put(JSON.stringify(NOTIFICATION));
  const finished = Promise.race([ended.promise, Promise.all(pollers)])
    .then(() => ended.promise)
    .finally(() => {
      isOver = true;
      clearInterval(watch);
    });
  return {
    /** Rejects with what a function threw. */
    ended: finished.then(async (job) => {
      await Promise.all(pollers);
      return job;
    }),
    peakHeapBytes: () => peakHeapBytes,
  };
}

/** Senders to a queue that is full wait: the memory of a bench must not grow with its rows. */
function boundedSqs({ client, queue }: MemorySqs): SQSClient {
  const send = async (command: SendMessageBatchCommand) => {
    if (command instanceof SendMessageBatchCommand) {
      const { standard } = queue(command.input.QueueUrl ?? '');
      while (standard.depth().visible > MOST_WAITING) await systemClock.sleep(SENDER_WAITS_MS);
    }
    return client.send(command);
  };
  return { send } as unknown as SQSClient;
}

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

const NOTIFICATION = {
  Records: [
    {
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: INBOX }, object: { key: ARRIVAL.key, versionId: ARRIVAL.versionId } },
    },
  ],
};

const NO_TRANSFER: ItemWriter = {
  begin: () => ({
    write: async () => ({ etag: '"0"', bytes: 4 }),
    recognise: () => Promise.reject(new Error('no write here is conditional')),
  }),
};

const NO_PACE: RateLimiter = {
  groupOf: (bucket) => bucket,
  pass: async () => ({ kind: 'passed' }),
  observe: () => undefined,
};

function contextOf(invocation: number): Context {
  return { awsRequestId: `bench-${invocation}`, getRemainingTimeInMillis: () => INVOCATION_MS } as Context;
}

function manifestOf(rows: number): Buffer {
  const lines = Array.from(
    { length: rows },
    (_, row) => `some/folder/${String(row).padStart(10, '0')},text\n`,
  );
  return Buffer.from(`key,text\n${lines.join('')}`);
}

/** Files of the report, and their rows: all of them and without repeats. */
function rowsReported(
  s3: MemoryS3,
  { report }: ReportedJob,
): { files: number; all: number; distinct: number } {
  const manifest = JSON.parse(String(s3.read(REPORTS, report.slice(`s3://${REPORTS}/`.length)))) as {
    files: ReportFile[];
  };
  const lines = new Set<number>();
  let all = 0;
  for (const { key } of manifest.files) {
    for (const text of String(s3.read(REPORTS, key)).trimEnd().split('\n')) {
      lines.add((JSON.parse(text) as { line: number }).line);
      all++;
    }
  }
  return { files: manifest.files.length, all, distinct: lines.size };
}

function hottestOf({ hottest }: DynamodbReading): LedgerBench['hottestKey'] {
  const [first] = hottest;
  return { key: first?.key ?? '', writeUnitsPerSecond: first?.peakWriteUnitsPerSecond ?? 0 };
}
