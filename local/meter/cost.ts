// What a run would have cost on AWS, from what the meter counted of it.
//
//   destinationWrites   PUT and COPY requests that the destination accepted: the price of the objects themselves
//   s3                  the pipeline's own requests: manifest, outcomes, report
//   sqs                 every request, the event sources' polling included, by 64 KB
//   lambda              invocations, and each function's CPU time and waiting at its own memory
//   dynamodb            on-demand read and write units, those of indexes and of failed conditional writes included
//   logs                bytes that the functions logged
//
// A function's waiting is as measured, so the cloud has to answer it as late as AWS does (latencies.ts). Its CPU time counts by
// the share of a CPU that its memory gives it; time in which others had this machine's CPUs does not count. Not in the cost:
// what does not grow with the objects (fixed-cost.ts), stored bytes, one event a job.
import { PRICES } from '../../shared/aws/prices.js';
import type { CloudMeterReading } from '../cloud.ts';
import type { MeterReading, S3Count } from './meter-reading.ts';

/** Memory with which a function has one CPU; with less it has that share of it (Lambda guide, "Configure function memory"). */
const MB_OF_A_CPU = 1_769;
/** Lambda bills whole milliseconds. */
const ROUNDED_UP_MS = 0.5;
/** Lines that Lambda itself adds to an invocation: START, END and REPORT. */
const PLATFORM_LOG_BYTES = 350;

/** Requests that carry no charge. */
const FREE_S3 = /^(Delete|Abort)/;
const S3_WRITES = /^(Put|Copy|Post|List|Create|Upload|Complete)/;

/** What was counted between two readings of the meter. */
export interface Usage {
  /** Objects written to the destination. */
  destination: S3Count;
  s3: { writes: number; reads: number };
  sqs: { billedUnits: number; requests: number };
  dynamodb: { requests: number; readUnits: number; writeUnits: number };
  /** Without cold starts: environments live for minutes, so a long job has few to each million objects. */
  lambda: Record<string, { invocations: number; cpuMs: number; waitMs: number; memoryMb: number }>;
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
  const between = <Counts extends Numbers<Counts>>(count: (meter: MeterReading, bucket: string) => Counts) =>
    difference(count(after.meter, destinationBucket), count(before.meter, destinationBucket));
  const lambda = Object.entries(after.meter.lambda).map(
    ([name, { invocations, cpuMs, waitMs, memoryMb }]) => {
      const spent = difference({ invocations, cpuMs, waitMs }, before.meter.lambda[name]);
      return [name, { ...spent, memoryMb }] as const;
    },
  );
  return {
    destination: between(destinationCount),
    s3: between(s3Requests),
    sqs: between(sqsRequests),
    dynamodb: between(dynamodbUnits),
    lambda: Object.fromEntries(lambda),
    logBytes: after.logBytes - before.logBytes,
  };
}

/** The price of `usage`, for each million of `objects`. */
export function costPerMillion(usage: Usage, objects: number): CostUsd {
  const { destination, s3, sqs, dynamodb } = usage;
  const invocations = Object.values(usage.lambda).reduce((sum, each) => sum + each.invocations, 0);
  const parts = {
    // S3 bills 2xx and 4xx answers; 5xx, and so SlowDown, are free (S3 user guide, "Billing for Amazon S3 error responses").
    destinationWrites: (destination.accepted + destination.failed) * PRICES.s3Write,
    s3: s3.writes * PRICES.s3Write + s3.reads * PRICES.s3Read,
    sqs: sqs.billedUnits * PRICES.sqsRequest,
    lambda: invocations * PRICES.lambdaRequest + lambdaGbSeconds(usage) * PRICES.lambdaGbSecond,
    dynamodb: dynamodb.writeUnits * PRICES.dynamodbWriteUnit + dynamodb.readUnits * PRICES.dynamodbReadUnit,
    logs: ((usage.logBytes + invocations * PLATFORM_LOG_BYTES) / 1e9) * PRICES.logGb,
  };
  // A hundredth of a cent is as fine as the model is.
  return billOf(parts, 1e4, objects === 0 ? 0 : 1e6 / objects);
}

/**
 * The parts, and their total, which is rounded once.
 * @param steps of a dollar, to which each is rounded
 * @param scale by which each is multiplied
 */
export function billOf<Parts extends Numbers<Parts>>(
  parts: Parts,
  steps: number,
  scale = 1,
): Parts & { total: number } {
  const rounded = (usd: number) => Math.round(usd * scale * steps) / steps;
  const total = Object.values<number>(parts).reduce((sum, usd) => sum + usd, 0);
  const all = Object.entries<number>({ ...parts, total });
  return Object.fromEntries(all.map(([name, usd]) => [name, rounded(usd)])) as Parts & { total: number };
}

function lambdaGbSeconds({ lambda }: Usage): number {
  return Object.values(lambda).reduce((sum, { invocations, cpuMs, waitMs, memoryMb }) => {
    const ms = cpuMs / Math.min(1, memoryMb / MB_OF_A_CPU) + waitMs + invocations * ROUNDED_UP_MS;
    return sum + (ms / 1000) * (memoryMb / 1024);
  }, 0);
}

function destinationCount({ s3 }: MeterReading, bucket: string): S3Count {
  const sum = { requests: 0, accepted: 0, throttled: 0, failed: 0, bytesIn: 0, bytesOut: 0 };
  for (const [operation, count] of Object.entries(s3.buckets[bucket]?.operations ?? {})) {
    if (!S3_WRITES.test(operation) || operation.startsWith('List')) continue;
    for (const name of Object.keys(sum) as (keyof S3Count)[]) sum[name] += count[name];
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
  const sum = { billedUnits: 0, requests: 0 };
  for (const { requests, billedUnits } of Object.values(sqs.actions)) {
    sum.billedUnits += billedUnits;
    sum.requests += requests;
  }
  return sum;
}

function dynamodbUnits({ dynamodb }: MeterReading): Usage['dynamodb'] {
  const { operations, readUnits, writeUnits } = dynamodb;
  const requests = Object.values(operations).reduce((sum, operation) => sum + operation.requests, 0);
  return { requests, readUnits, writeUnits };
}

type Numbers<Counts> = { [Name in keyof Counts]: number };

/** @param earlier absent: zeros */
function difference<Counts extends Numbers<Counts>>(
  later: Counts,
  earlier: NoInfer<Counts> | undefined,
): Counts {
  const left = Object.entries<number>(later).map(([name, count]) => [
    name,
    count - (earlier?.[name as keyof Counts] ?? 0),
  ]);
  return Object.fromEntries(left) as Counts;
}
