// What a run would have cost on AWS, from what the meter counted of it.
//
//   destinationWrites   PUT and COPY requests that the destination accepted: the price of the objects themselves
//   s3                  the pipeline's own requests: manifest, outcomes, report
//   sqs                 every request, the event sources' polling included, by 64 KB
//   lambda              invocations and GB-s, with AWS's latencies in place of this machine's
//   dynamodb            on-demand read and write units
//   logs                bytes that the functions logged
//
// Not in it, since it does not grow with the objects: alarms, metrics, stored bytes, one event a job.
import { PRICES as PRICE } from '../../shared/aws/prices.ts';
import type { CloudMeterReading } from '../cloud.ts';
import type { MeterReading, S3Count } from './meter-reading.ts';

// Lambda bills the time in which a function waits for AWS. This machine's latencies say nothing of AWS's, so each request
// counts with what AWS usually takes within a region, and what is left of the handler's time, waiting for S3's pace and
// computing, counts as it was measured here.
/** An object of some KB; AWS speaks of 100-200 ms to the first byte at worst, 20-30 ms are usual for small writes. */
const S3_REQUEST_MS = 25;
const SQS_REQUEST_MS = 8;
/** "Single-digit millisecond". */
const DYNAMODB_REQUEST_MS = 5;
/** Writes of one upload batch are under way side by side (shared/transfer/engine.ts); every other request counts as if alone. */
const WRITES_SIDE_BY_SIDE = 64;
/** Lines that Lambda itself adds to an invocation: START, END and REPORT. */
const PLATFORM_LOG_BYTES = 350;
/** A cold start's init is billed too. Environments live for minutes, so it is left out: a long job has few to each million objects. */

/** Requests that carry no charge, or are the event source's and not the function's. */
const FREE_S3 = /^(Delete|Abort)/;
const S3_WRITES = /^(Put|Copy|Post|List|Create|Upload|Complete)/;
const FUNCTION_SQS = /^(Send|ChangeMessageVisibility)/;

/** What was counted between two readings of the meter. */
export interface Usage {
  /** Objects written to the destination. */
  destination: S3Count;
  s3: { writes: number; reads: number };
  sqs: { billedUnits: number; byFunctions: number; requests: number };
  dynamodb: { requests: number; readUnits: number; writeUnits: number };
  lambda: Record<string, { invocations: number; quietMs: number; memoryMb: number }>;
  logBytes: number;
}

export interface CostUsd {
  destinationWrites: number;
  s3: number;
  sqs: number;
  lambda: number;
  dynamodb: number;
  logs: number;
  total: number;
}

export interface CostReading {
  meter: CloudMeterReading;
  logBytes: number;
}

/** What happened between two readings. Requests of the caller's own must fall outside of them. */
export function usageBetween(before: CostReading, after: CostReading, destinationBucket: string): Usage {
  const destination = destinationCount(after.meter, destinationBucket);
  subtract(destination, destinationCount(before.meter, destinationBucket));
  const s3 = s3Requests(after.meter, destinationBucket);
  subtract(s3, s3Requests(before.meter, destinationBucket));
  const sqs = sqsRequests(after.meter);
  subtract(sqs, sqsRequests(before.meter));
  const dynamodb = dynamodbUnits(after.meter);
  subtract(dynamodb, dynamodbUnits(before.meter));
  const lambda = Object.fromEntries(
    Object.entries(after.meter.lambda).map(([name, usage]) => {
      const earlier = before.meter.lambda[name];
      return [
        name,
        {
          invocations: usage.invocations - (earlier?.invocations ?? 0),
          quietMs: usage.quietMs - (earlier?.quietMs ?? 0),
          memoryMb: usage.memoryMb,
        },
      ];
    }),
  );
  return { destination, s3, sqs, dynamodb, lambda, logBytes: after.logBytes - before.logBytes };
}

/** The price of `usage`, for each million of `objects`. */
export function costPerMillion(usage: Usage, objects: number): CostUsd {
  const { destination, s3, sqs, dynamodb } = usage;
  const invocations = Object.values(usage.lambda).reduce((sum, each) => sum + each.invocations, 0);
  const parts = {
    // S3 bills 2xx and 4xx answers; 5xx, and so SlowDown, are free (S3 user guide, "Billing for Amazon S3 error responses").
    destinationWrites: (destination.accepted + destination.failed) * PRICE.s3Write,
    s3: s3.writes * PRICE.s3Write + s3.reads * PRICE.s3Read,
    sqs: sqs.billedUnits * PRICE.sqsRequest,
    lambda: invocations * PRICE.lambdaRequest + lambdaGbSeconds(usage) * PRICE.lambdaGbSecond,
    dynamodb: dynamodb.writeUnits * PRICE.dynamodbWriteUnit + dynamodb.readUnits * PRICE.dynamodbReadUnit,
    logs: ((usage.logBytes + invocations * PLATFORM_LOG_BYTES) / 1e9) * PRICE.logGb,
  };
  const scale = objects === 0 ? 0 : 1e6 / objects;
  const scaled = Object.fromEntries(
    Object.entries(parts).map(([name, usd]) => [name, cents(usd * scale)]),
  ) as typeof parts;
  return { ...scaled, total: cents(Object.values(parts).reduce((sum, usd) => sum + usd, 0) * scale) };
}

function lambdaGbSeconds({ destination, s3, sqs, dynamodb, lambda }: Usage): number {
  const functions = Object.values(lambda);
  const quiet = functions.reduce((sum, { quietMs, memoryMb }) => sum + quietMs * memoryMb, 0) / 1024;
  const requestMs =
    (destination.requests / WRITES_SIDE_BY_SIDE + s3.writes + s3.reads) * S3_REQUEST_MS +
    sqs.byFunctions * SQS_REQUEST_MS +
    dynamodb.requests * DYNAMODB_REQUEST_MS;
  const memoryGb =
    Math.max(0, ...functions.filter((each) => each.invocations > 0).map((each) => each.memoryMb)) / 1024;
  return (quiet + requestMs * memoryGb) / 1000;
}

function destinationCount({ s3 }: MeterReading, bucket: string): S3Count {
  const sum = { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 };
  for (const [operation, count] of Object.entries(s3.buckets[bucket]?.operations ?? {})) {
    if (S3_WRITES.test(operation) && !operation.startsWith('List')) add(sum, count);
  }
  return sum;
}

/** All but the destination's writes. Reads of the destination (HEAD after a lost answer) are the pipeline's own. */
function s3Requests({ s3 }: MeterReading, destinationBucket: string): Usage['s3'] {
  const sum = { writes: 0, reads: 0 };
  for (const [bucket, { operations }] of Object.entries(s3.buckets)) {
    for (const [operation, { accepted, failed }] of Object.entries(operations)) {
      if (FREE_S3.test(operation)) continue;
      const isWrite = S3_WRITES.test(operation);
      if (bucket === destinationBucket && isWrite && !operation.startsWith('List')) continue;
      sum[isWrite ? 'writes' : 'reads'] += accepted + failed;
    }
  }
  return sum;
}

function sqsRequests({ sqs }: MeterReading): Usage['sqs'] {
  const sum = { billedUnits: 0, byFunctions: 0, requests: 0 };
  for (const [action, { requests, billedUnits }] of Object.entries(sqs.actions)) {
    sum.billedUnits += billedUnits;
    sum.requests += requests;
    if (FUNCTION_SQS.test(action)) sum.byFunctions += requests;
  }
  return sum;
}

function dynamodbUnits({ dynamodb }: MeterReading): Usage['dynamodb'] {
  const { operations, readUnits, writeUnits } = dynamodb;
  const requests = Object.values(operations).reduce((sum, operation) => sum + operation.requests, 0);
  return { requests, readUnits, writeUnits };
}

function add<Counts extends { [Name in keyof Counts]: number }>(sum: Counts, more: Counts): void {
  for (const name of Object.keys(sum) as (keyof Counts)[])
    sum[name] = (sum[name] + more[name]) as Counts[keyof Counts];
}

function subtract<Counts extends { [Name in keyof Counts]: number }>(from: Counts, less: Counts): void {
  for (const name of Object.keys(from) as (keyof Counts)[])
    from[name] = (from[name] - less[name]) as Counts[keyof Counts];
}

/** A hundredth of a cent is as fine as the model is. */
function cents(usd: number): number {
  return Math.round(usd * 1e4) / 1e4;
}
