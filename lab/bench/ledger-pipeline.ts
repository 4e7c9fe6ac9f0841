// Ingest, upload and settle over queues in memory, for the bench of the ledger: nothing is transferred.
import { inspect } from 'node:util';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createIngest } from '../../functions/ingest/handler.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import { createSettle } from '../../functions/settle/handler.ts';
import { createUpload } from '../../functions/upload/handler.ts';
import { BLOCK_ROWS, SLICE_BYTES } from '../../shared/job/identity.ts';
import type { ReportedJob } from '../../shared/job/job.ts';
import { createLedger } from '../../shared/ledger/ledger.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import { createClosingNotice, createSettleNotice } from '../../shared/queue/settle-notice.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import type { ItemWriter } from '../../shared/sources/source.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import type { MemoryS3 } from '../memory/s3.ts';
import { createMemorySqs, type MemorySqs } from '../memory/sqs.ts';

export const INBOX = 'inbox';
export const REPORTS = 'reports';
export const DESTINATION = 'destination';
export const ARRIVAL = { bucket: INBOX, key: 'ledger.csv', versionId: 'v1' };

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

interface Places {
  dynamodb: DynamoDBClient;
  table: string;
  outcomeTable: string;
  s3: MemoryS3;
}

/** Runs the functions over the queues until the job has ended. */
export function startPipeline({ dynamodb, table, outcomeTable, s3 }: Places) {
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
  begin: async () => ({
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
