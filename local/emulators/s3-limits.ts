// S3's request limits as a pure model: a bucket's key space in lexical partitions, each a pair of token buckets.
//
// partition   a range of keys, from its start key to the next partition's; `/` is not special
// token       one request: a write's (PUT, COPY, POST, DELETE) or a read's (GET, HEAD), refilled apart
// split       a partition that was over its limit long enough becomes two, at the median of its recent keys
//
// The lab and the simulator run the same model in virtual time: it keeps no clock, `nowMs` comes with each call.
import { compareKeys } from './key-order.ts';

export interface S3Limit {
  /** Writes a second and partition. S3's own floor is 3,500. */
  limitPerSecond: number;
  /** How many seconds of tokens a partition can save up. Default 1. */
  burstSeconds?: number;
  /** How long a partition must be over its limit before it splits. Default 60; S3 takes 30 to 60 minutes. */
  splitAfterSeconds?: number;
  /** Default 1: no splits. */
  maxPartitions?: number;
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
  /** Write tokens there were from the first write to the reading: the burst and the refill of every partition. */
  mintedTokens: number;
}

export type S3RequestClass = 'write' | 'read';

export interface S3Limits {
  /** Takes a token for the key, or refuses the request. */
  admit(requestClass: S3RequestClass, key: string, nowMs: number): boolean;
  read(nowMs: number): S3LimitsReading;
}
