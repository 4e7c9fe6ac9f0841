// Counts what the gateway answers: requests by service and operation, S3's by bucket, SQS's by queue, all bounded.
import type { Clock } from '../../shared/time/clock.ts';
import type { BucketReading, MeterReading, S3Count, SqsCount } from './meter-reading.ts';

/** Seconds of a bucket's writes that are kept: 15 minutes, for a chart of a run. */
const SECONDS_KEPT = 900;
/** Names counted apart (buckets, queues, operations); what comes after is counted together under `other`. */
const NAMES_KEPT = 200;
/** SQS bills a request for each 64 KB of its payload. */
const SQS_BILLED_BYTES = 64 * 1024;

export interface S3Answer {
  bucket: string;
  operation: string;
  isWrite: boolean;
  outcome: 'accepted' | 'throttled' | 'failed';
  bytesIn: number;
  bytesOut: number;
}

export interface SqsAnswer {
  action: string;
  queue: string;
  failed: boolean;
  payloadBytes: number;
  messages: number;
}

export interface Meter {
  s3(answer: S3Answer): void;
  sqs(answer: SqsAnswer): void;
  eventBridge(entries: number): void;
  read(): Omit<MeterReading, 'dynamodb'>;
}

export function createMeter({ clock }: { clock: Clock }): Meter {
  const operations = new Map<string, S3Count>();
  const buckets = new Map<string, BucketCount>();
  const actions = new Map<string, SqsCount>();
  const queues = new Map<string, Map<string, SqsCount>>();
  const eventBridge = { requests: 0, entries: 0 };

  return {
    s3(answer) {
      const bucket = at(buckets, answer.bucket, noAnswers);
      addS3(at(operations, answer.operation, noS3Requests), answer);
      addS3(at(bucket.operations, answer.operation, noS3Requests), answer);
      if (!answer.isWrite) return;
      bucket.lastWriteAtMs = clock.now();
      addSecond(bucket.seconds, Math.floor(bucket.lastWriteAtMs / 1000), answer.outcome);
    },

    sqs(answer) {
      addSqs(at(actions, answer.action, noSqsRequests), answer);
      const queue = at(queues, answer.queue, () => new Map<string, SqsCount>());
      addSqs(at(queue, answer.action, noSqsRequests), answer);
    },

    eventBridge(entries) {
      eventBridge.requests += 1;
      eventBridge.entries += entries;
    },

    read: () => ({
      s3: {
        operations: Object.fromEntries(operations),
        buckets: Object.fromEntries(
          [...buckets].map(([name, bucket]): [string, BucketReading] => [
            name,
            {
              operations: Object.fromEntries(bucket.operations),
              writesBySecond: [...bucket.seconds].map(([second, count]) => ({ second, ...count })),
              ...(bucket.lastWriteAtMs === undefined ? {} : { lastWriteAtMs: bucket.lastWriteAtMs }),
            },
          ]),
        ),
      },
      sqs: {
        actions: Object.fromEntries(actions),
        queues: Object.fromEntries([...queues].map(([name, counts]) => [name, Object.fromEntries(counts)])),
      },
      eventBridge: { ...eventBridge },
    }),
  };
}

interface BucketCount {
  operations: Map<string, S3Count>;
  seconds: Map<number, SecondCount>;
  lastWriteAtMs?: number;
}

interface SecondCount {
  accepted: number;
  throttled: number;
}

function at<Value>(map: Map<string, Value>, wanted: string, make: () => Value): Value {
  const name = map.has(wanted) || map.size < NAMES_KEPT ? wanted : 'other';
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make();
  map.set(name, made);
  return made;
}

function noAnswers(): BucketCount {
  return { operations: new Map(), seconds: new Map() };
}

function noS3Requests(): S3Count {
  return { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 };
}

function noSqsRequests(): SqsCount {
  return { requests: 0, failed: 0, billedUnits: 0, messages: 0 };
}

function addS3(count: S3Count, answer: S3Answer): void {
  count.requests += 1;
  count[answer.outcome] += 1;
  count.bytesOut += answer.bytesOut;
  if (answer.outcome === 'accepted') count.bytesIn += answer.bytesIn;
}

function addSqs(count: SqsCount, answer: SqsAnswer): void {
  count.requests += 1;
  if (answer.failed) count.failed += 1;
  count.billedUnits += Math.max(1, Math.ceil(answer.payloadBytes / SQS_BILLED_BYTES));
  count.messages += answer.messages;
}

function addSecond(seconds: Map<number, SecondCount>, second: number, outcome: S3Answer['outcome']): void {
  let count = seconds.get(second);
  if (count === undefined) {
    count = { accepted: 0, throttled: 0 };
    seconds.set(second, count);
    const oldest = seconds.keys().next().value;
    if (seconds.size > SECONDS_KEPT && oldest !== undefined) seconds.delete(oldest);
  }
  if (outcome === 'accepted') count.accepted += 1;
  if (outcome === 'throttled') count.throttled += 1;
}
