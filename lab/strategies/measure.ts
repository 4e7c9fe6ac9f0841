// Runs a strategy on a bucket of its own, and measures it by what S3 saw, not by what the uploader reports.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Emulators } from '../../local/aws/emulators.ts';
import { compareKeys } from '../../local/aws/s3/key-order.ts';
import { idealSeconds, type S3LimitsReading } from '../../local/aws/s3/s3-limits.ts';
import { listKeys } from '../../shared/aws/list-keys.ts';
import type { Strategy, StrategyName, UploadEnd, UploadTask } from './strategy.ts';

export interface StrategyResult {
  name: StrategyName;
  /** Objects that are in the bucket at the end, by its listing. */
  stored: number;
  lost: number;
  /** Writes that reached S3, and those of them that it refused. */
  attempts: number;
  throttled: number;
  /** From the first request to the last answer. */
  seconds: number;
  /**
   * How well the strategy uses the limit that it met: the seconds in which the partitions of its keys could have taken the
   * stored objects, divided by `seconds`.
   */
  efficiency: number;
  partitionsMet: number;
  objectsPerSecond: number;
  /** Objects a second in units of one partition's limit. */
  ofOnePartition: number;
  /** Requests for each object stored. */
  attemptsPerObject: number;
  partitions: number;
  /** The errors that objects were given up with. */
  lostTo: Record<string, number>;
  perSecond: { second: number /* since the first request */; accepted: number; refused: number }[];
}

export interface MeasureDependencies {
  emulators: Emulators;
  /** For the listing: it retries, and is not measured. */
  s3: S3Client;
}

export async function measure(
  { emulators, s3 }: MeasureDependencies,
  strategy: Strategy,
  task: UploadTask,
): Promise<StrategyResult> {
  const startedAtMs = task.clock.now();
  const ends = await strategy.upload(task);
  const seconds = Math.max(0.001, (task.clock.now() - startedAtMs) / 1000);

  const keys = await Array.fromAsync(listKeys(s3, task.bucket));
  const stored = keys.length;
  const bucket = (await emulators.meter()).s3.buckets[task.bucket];
  const writes = bucket?.operations['PutObject'] ?? { requests: 0, throttled: 0 };
  const limits = bucket?.limits;
  return {
    name: strategy.name,
    stored,
    lost: task.objects.length - stored,
    attempts: writes.requests,
    throttled: writes.throttled,
    seconds: rounded(seconds, 3),
    objectsPerSecond: rounded(stored / seconds, 1),
    ...ratios(limits, keys, seconds),
    attemptsPerObject: rounded(writes.requests / Math.max(1, stored), 3),
    partitions: limits?.partitions.length ?? 1,
    lostTo: lostTo(ends),
    perSecond: secondsFrom(bucket?.writesBySecond ?? []),
  };
}

function ratios(limits: S3LimitsReading | undefined, keys: string[], seconds: number) {
  if (limits === undefined) return { efficiency: 0, partitionsMet: 0, ofOnePartition: 0 };
  const starts = limits.partitions.map(({ startKey }) => startKey);
  const partitionsMet = new Set(
    keys.map((key) => starts.findLastIndex((start) => compareKeys(start, key) <= 0)),
  ).size;
  const met = limits.growth.slice(0, 1).map(({ atMs }) => ({ atMs, partitions: partitionsMet }));
  return {
    efficiency: rounded(idealSeconds({ ...limits, growth: met }, keys.length) / seconds, 3),
    partitionsMet,
    ofOnePartition: rounded(keys.length / seconds / limits.limitPerSecond, 2),
  };
}

function lostTo(ends: UploadEnd[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const end of ends) if (end.kind === 'lost') counts[end.code] = (counts[end.code] ?? 0) + 1;
  return counts;
}

/** Seconds without writes stand as zeros: a pause is part of the picture. */
function secondsFrom(
  seconds: { second: number; accepted: number; throttled: number }[],
): StrategyResult['perSecond'] {
  const first = seconds[0]?.second ?? 0;
  const last = seconds.at(-1)?.second ?? -1;
  const bySecond = new Map(seconds.map((each) => [each.second, each]));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, second) => {
    const { accepted = 0, throttled = 0 } = bySecond.get(first + second) ?? {};
    return { second, accepted, refused: throttled };
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
