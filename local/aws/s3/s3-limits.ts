// S3's request limits as a pure model: a bucket's key space in lexical partitions, each a pair of token buckets.
//
// partition   a range of keys, from its start key to the next partition's; `/` is not special
// token       one request: a write's (PUT, COPY, POST, DELETE) or a read's (GET, HEAD), refilled apart
// split       a partition that was over its limit long enough becomes two, at the median of its recent keys
//
// The lab and the simulator run the same model in virtual time: it keeps no clock, `nowMs` comes with each call.
import { compareKeys } from './key-order.ts';
import { capacityOf, createBucket, halve, refill, setRate, type TokenBucket, take } from './token-bucket.ts';

export interface S3Limit {
  /** Writes a second and partition. S3's own floor is 3,500. */
  limitPerSecond: number;
  /** How many seconds of tokens a partition can save up. Default 1. */
  burstSeconds?: number;
  /** How long a partition must be over its limit before it splits. Default 60; S3 takes 30 to 60 minutes. */
  splitAfterSeconds?: number;
  /** Default 1: no splits. */
  maxPartitions?: number;
  /** Where the first partitions start, without the empty string of the lowest one. Default: one partition. */
  startKeys?: readonly string[];
}

export interface S3LimitsReading {
  limitPerSecond: number;
  burstSeconds: number;
  partitions: {
    /** The first partition's is the empty string. */
    startKey: string;
    /** In the last full second. */
    acceptedPerSecond: number;
    refusedPerSecond: number;
    tokens: number;
  }[];
  accepted: number;
  refused: number;
  /** When the first write came; the buckets were full then. Absent before it. */
  firstWriteAtMs?: number;
  /** When the number of partitions changed, oldest first, the first with `firstWriteAtMs`. */
  growth: { atMs: number; partitions: number }[];
  /** Write tokens that were available from the first write to the reading: the burst and the refill of every partition. */
  mintedTokens: number;
}

export type S3RequestClass = 'write' | 'read';

export interface S3Limits {
  /** Takes a token for the key, or refuses the request. */
  admit(requestClass: S3RequestClass, key: string, nowMs: number): boolean;
  /** Sets every partition's limit from now on: S3 may answer SlowDown below its nominal rate. */
  setLimit(limitPerSecond: number, nowMs: number): void;
  partitionCount(): number;
  read(nowMs: number): S3LimitsReading;
}

/** Reads are allowed in S3's own proportion to writes: 5,500 to 3,500 a second and partition. */
const READS_PER_WRITE = 5500 / 3500;
const DEFAULT_SPLIT_AFTER_SECONDS = 60;
/** Keys a partition remembers to find its median: enough for an even split, few enough to sort at once. */
const RECENT_KEYS = 512;
/** A client with a good pace is seldom refused. So a second in which this share of the limit was taken counts as load, too. */
const LOADED_SHARE = 0.9;

interface Partition {
  startKey: string;
  writes: TokenBucket;
  reads: TokenBucket;
  recentKeys: string[];
  /** Where the next key goes: the ring's oldest place. */
  nextRecent: number;
  overSinceMs: number | undefined;
  lastRefusalMs: number;
  rate: { second: number; accepted: number; refused: number; lastAccepted: number; lastRefused: number };
}

export function createS3Limits(limit: S3Limit): S3Limits {
  const { burstSeconds = 1, maxPartitions = 1, startKeys = [] } = limit;
  let { limitPerSecond } = limit;
  const splitAfterMs = (limit.splitAfterSeconds ?? DEFAULT_SPLIT_AFTER_SECONDS) * 1000;
  const partitions: Partition[] = [];
  const growth: S3LimitsReading['growth'] = [];
  let accepted = 0;
  let refused = 0;

  function firstPartitions(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    for (const startKey of ['', ...startKeys.toSorted(compareKeys)]) {
      partitions.push({
        startKey,
        writes: createBucket(limitPerSecond, burstSeconds, nowMs),
        reads: createBucket(limitPerSecond * READS_PER_WRITE, burstSeconds, nowMs),
        recentKeys: [],
        nextRecent: 0,
        overSinceMs: undefined,
        lastRefusalMs: 0,
        rate: { second, accepted: 0, refused: 0, lastAccepted: 0, lastRefused: 0 },
      });
    }
  }

  function holder(key: string): number {
    let low = 0;
    let high = partitions.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareKeys(partitions[middle]?.startKey ?? '', key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  function splitIfDue(index: number, nowMs: number): void {
    const partition = partitions[index];
    if (partition === undefined || partitions.length >= maxPartitions) return;
    if (partition.overSinceMs === undefined || nowMs - partition.overSinceMs < splitAfterMs) return;
    partition.overSinceMs = undefined;
    const cut = medianAbove(partition.recentKeys, partition.startKey);
    if (cut === undefined) return; // one hot key: no cut helps it
    partitions.splice(index + 1, 0, {
      ...partition,
      startKey: cut,
      writes: halve(partition.writes, nowMs),
      reads: halve(partition.reads, nowMs),
      recentKeys: partition.recentKeys.filter((key) => compareKeys(key, cut) >= 0),
      nextRecent: 0,
      rate: { ...partition.rate, accepted: 0, refused: 0, lastAccepted: 0, lastRefused: 0 },
    });
    partition.recentKeys = partition.recentKeys.filter((key) => compareKeys(key, cut) < 0);
    partition.nextRecent = 0;
    growth.push({ atMs: nowMs, partitions: partitions.length });
  }

  return {
    admit(requestClass, key, nowMs) {
      if (partitions.length === 0) firstPartitions(nowMs);
      if (requestClass === 'write' && growth.length === 0) {
        // Reads may have come long before: the buckets count as full at the first write, since nothing drew on them.
        growth.push({ atMs: nowMs, partitions: partitions.length });
      }
      const index = holder(key);
      const partition = partitions[index];
      if (partition === undefined) return false;
      remember(partition, key);
      const admitted = take(requestClass === 'write' ? partition.writes : partition.reads, nowMs);
      count(partition, nowMs, admitted);
      if (admitted) accepted += 1;
      else {
        refused += 1;
        noteRefusal(partition, nowMs);
        splitIfDue(index, nowMs);
      }
      return admitted;
    },

    setLimit(newLimitPerSecond, nowMs) {
      limitPerSecond = newLimitPerSecond;
      for (const { writes, reads } of partitions) {
        setRate(writes, limitPerSecond, burstSeconds, nowMs);
        setRate(reads, limitPerSecond * READS_PER_WRITE, burstSeconds, nowMs);
      }
    },

    partitionCount: () => partitions.length,

    read(nowMs) {
      const first = growth[0];
      return {
        limitPerSecond,
        burstSeconds,
        partitions: partitions.map((partition) => {
          turnSecond(partition, nowMs);
          const { lastAccepted, lastRefused } = partition.rate;
          refill(partition.writes, nowMs);
          return {
            startKey: partition.startKey,
            acceptedPerSecond: lastAccepted,
            refusedPerSecond: lastRefused,
            tokens: partition.writes.tokens,
          };
        }),
        accepted,
        refused,
        ...(first === undefined ? {} : { firstWriteAtMs: first.atMs }),
        growth: growth.map((step) => ({ ...step })),
        mintedTokens: mintedTokens({ limitPerSecond, burstSeconds, growth }, nowMs),
      };
    },
  };
}

type Minting = Pick<S3LimitsReading, 'limitPerSecond' | 'burstSeconds' | 'growth'>;

/** Write tokens that were available between the first write and `nowMs`: one burst, then each partition's refill. */
export function mintedTokens({ limitPerSecond, burstSeconds, growth }: Minting, nowMs: number): number {
  if (growth.length === 0) return 0;
  return growth.reduce(
    (sum, step, index) => {
      const untilMs = Math.min(nowMs, growth[index + 1]?.atMs ?? nowMs);
      return sum + (step.partitions * limitPerSecond * Math.max(0, untilMs - step.atMs)) / 1000;
    },
    (growth[0]?.partitions ?? 1) * capacityOf(limitPerSecond, burstSeconds),
  );
}

/** Seconds from the first write until the partitions, as they split in this run, had minted a token for each object. */
export function idealSeconds({ limitPerSecond, burstSeconds, growth }: Minting, objects: number): number {
  let missing = objects - (growth[0]?.partitions ?? 1) * capacityOf(limitPerSecond, burstSeconds);
  if (missing <= 0) return 0;
  let elapsedMs = 0;
  for (const [index, step] of growth.entries()) {
    const perMs = (step.partitions * limitPerSecond) / 1000;
    const next = growth[index + 1];
    const lastsMs = next === undefined ? Number.POSITIVE_INFINITY : next.atMs - step.atMs;
    if (missing <= perMs * lastsMs) return (elapsedMs + missing / perMs) / 1000;
    missing -= perMs * lastsMs;
    elapsedMs += lastsMs;
  }
  return missing / limitPerSecond;
}

function remember(partition: Partition, key: string): void {
  partition.recentKeys[partition.nextRecent] = key;
  partition.nextRecent = (partition.nextRecent + 1) % RECENT_KEYS;
}

/** A second with no refusal and without load ends a time over the limit. */
function noteRefusal(partition: Partition, nowMs: number): void {
  const { writes, reads, rate } = partition;
  const isLoaded = rate.lastAccepted >= LOADED_SHARE * Math.min(writes.ratePerSecond, reads.ratePerSecond);
  if (partition.overSinceMs === undefined || (nowMs - partition.lastRefusalMs > 1000 && !isLoaded)) {
    partition.overSinceMs = nowMs;
  }
  partition.lastRefusalMs = nowMs;
}

function medianAbove(keys: string[], startKey: string): string | undefined {
  const sorted = keys.toSorted(compareKeys);
  const lowest = sorted[0];
  if (lowest === undefined) return undefined;
  const middle = sorted[sorted.length >> 1];
  if (middle !== undefined && middle !== lowest && middle !== startKey) return middle;
  return sorted.find((key) => key !== lowest && key !== startKey);
}

function turnSecond(partition: Partition, nowMs: number): void {
  const second = Math.floor(nowMs / 1000);
  const { rate } = partition;
  if (second <= rate.second) return;
  const adjoins = second === rate.second + 1;
  rate.lastAccepted = adjoins ? rate.accepted : 0;
  rate.lastRefused = adjoins ? rate.refused : 0;
  rate.second = second;
  rate.accepted = 0;
  rate.refused = 0;
}

function count(partition: Partition, nowMs: number, admitted: boolean): void {
  turnSecond(partition, nowMs);
  if (admitted) partition.rate.accepted += 1;
  else partition.rate.refused += 1;
}
