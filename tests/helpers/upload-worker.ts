// One worker of the production upload function, in virtual time: its own pacer and chance, on a queue in memory.
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { UploadDependencies } from '../../functions/upload/dependencies.ts';
import { createUpload } from '../../functions/upload/handler.ts';
import type { MemorySqs } from '../../lab/memory/sqs.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { aJob, NO_TURNS } from './records.ts';

/** As in serverless.yml. */
const UPLOAD_TIMEOUT_MS = 180_000;

export interface WorkerWorld {
  clock: Clock;
  /** With a queue `upload`. */
  sqs: MemorySqs;
  write: () => Promise<{ etag: string; bytes?: number }>;
  /** Of jobs without turns, where it has none. */
  ledger: Partial<UploadDependencies['ledger']>;
  keepOutcomes?: OutcomeStore['write'] | undefined;
  count?: (sums: Record<string, number>) => void;
  /** Hears what the function logs as an error. */
  error?: (...line: unknown[]) => void;
}

/** @returns an invocation with these records */
export function createWorker(world: WorkerWorld, seed: number) {
  const { clock, sqs, write, ledger } = world;
  const { keepOutcomes = async () => undefined, count = () => undefined, error = () => undefined } = world;
  const pacer = createAdaptivePacer();
  const random = createRandom(seed);
  const upload = createUpload({
    engine: { rateLimiter: createRateLimiter({ pacer, clock }), clock, random },
    writer: { begin: () => ({ write, recognise: async () => undefined }) },
    ledger: { ...NO_TURNS, ...ledger },
    outcomes: { write: keepOutcomes, list: async () => [], read: async () => new Uint8Array() },
    queue: { sqs: sqs.client, clock, random: createRandom(seed) },
    uploadQueueUrl: sqs.queue('upload').url,
    returns: createReturnShare(clock),
    returnedAttempts: createReturnedAttempts(),
    pacer,
    allowed: { sources: { buckets: ['source'] }, destinations: [aJob().options.destination.bucket] },
    retrySeconds: [10, 60, 300, 720],
    telemetry: { logger: { info: () => undefined, error }, count },
  } as unknown as UploadDependencies);
  let invocations = 0;
  return (Records: SQSRecord[]): Promise<SQSBatchResponse> => {
    const endsAtMs = clock.now() + UPLOAD_TIMEOUT_MS;
    const getRemainingTimeInMillis = () => endsAtMs - clock.now();
    return upload({ Records }, {
      awsRequestId: `r${seed}-${invocations++}`,
      getRemainingTimeInMillis,
    } as Context);
  };
}

const SLOW_DOWN = Object.assign(new Error('Please reduce your request rate.'), {
  name: 'SlowDown',
  $metadata: { httpStatusCode: 503 },
  $fault: 'server',
});

/** Has no stack of its own: a run of hours throws a hundred thousand, and a stack takes longer than all else of a refusal. */
export const slowDown = (): Error => Object.create(SLOW_DOWN) as Error;
