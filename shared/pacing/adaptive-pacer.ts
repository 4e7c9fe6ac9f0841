// Paces the groups of one worker, each at its own adaptive rate: when the next request may leave. It waits for nothing;
// the sender, the engine over a clock or the simulator in virtual time, asks again when told to.
//
// A bucket is one group at first. Where refusals stand together in a stretch of its keys, as when one of S3's partitions
// fails or is busy with others' writes, that stretch becomes a group of its own, and the rest goes back to the rate that
// it had before. A part splits again in the same way, so that it closes in on what refuses. After a quiet time it is
// merged back. Groups are few: each of them probes for a limit of its own, which costs refusals.
//
// KMS, where it refuses, is one more gate before all of its bucket's groups, with a rate of its own that KMS's refusals alone
// cut: a request leaves at a turn of both. Partitions say nothing of KMS's limit, nor KMS of theirs.
import {
  ADAPTIVE_RATE,
  type AdaptiveRate,
  type AdaptiveRateOptions,
  afterAnswer,
  afterSending,
  coldRate,
  settledRate,
} from './adaptive-rate.ts';
import { createSections, isWithin, type KeyRange, type Sections, type Stretch } from './sections.ts';

/** What is paced together: a destination bucket, or a stretch of its keys. */
export type PacingGroup = string;

/** A turn that was not taken in time is kept this long: timers are late by milliseconds, and a busy event loop by more. */
const CATCH_UP_MS = 20;
/** Parts of a bucket that are paced alone at a time. */
const MOST_PARTS = 8;
/** Milliseconds without a refusal after which a part is merged back, and KMS's gate stands open. */
const QUIET_MS = 30_000;
/** A part's limit may be back at a stroke, as an outage ends: its patience is this share of a bucket's. */
const PART_PATIENCE = 1 / 3;
/** Milliseconds that an item of a part may wait in place: those of a slow part would hold the places of all others. */
const PART_WAIT_MS = 250;
/** Turns are told at most this far ahead by the rate of now: SQS's longest delay. */
const MOST_BOOKED_MS = 900_000;
/** Milliseconds in which the peak that is remembered halves. */
const PEAK_HALVES_MS = 20_000;
/** Bucket names hold no space: what stands before it in a part's name is its bucket. */
const SEPARATOR = ' ';

const WHOLE: KeyRange = { from: '', to: undefined };

export interface GroupAnswer {
  throttled: boolean;
  /** What refused, where it was refused: by default the key's partition. */
  scope?: 'partition' | 'kms';
  /** When the request left. */
  sentAtMs: number;
  /** The key that was written; without it the answer counts for the bucket as a whole. */
  key?: string;
}

export interface Pacer {
  /** The group that a write of this key is paced in. */
  groupOf(bucket: string, key: string, nowMs: number): PacingGroup;
  /** Takes the group's next turn if it has come. @returns 0 where it was taken, else the milliseconds until it comes */
  take(group: PacingGroup, nowMs: number): number;
  /** What S3 answered to a request of the group. */
  observe(group: PacingGroup, answer: GroupAnswer, nowMs: number): void;
  /** Milliseconds that an item of the group may wait in place for its turn, whatever the sender would allow. */
  mostWaitMs(group: PacingGroup, nowMs: number): number;
  /**
   * Milliseconds until a turn of the group that nobody waits for or was told of yet: for who goes away and comes back for it.
   * @param waiting how many wait for their turns now
   */
  book(group: PacingGroup, waiting: number, nowMs: number): number;
  /** Requests a second that the group may send now. */
  ratePerSecond(group: PacingGroup, nowMs: number): number;
}

interface PacedGroup {
  name: PacingGroup;
  options: AdaptiveRateOptions;
  range: KeyRange;
  rate: AdaptiveRate;
  nextTurnAtMs: number;
  /** Turns that were told to those who went away and have not come yet, as of when. */
  bookedTurns: number;
  bookedAtMs: number;
  sections: Sections;
  /** The highest rate of late: what a split gives back to the rest. */
  peakPerSecond: number;
  peakAtMs: number;
  refusedAtMs: number;
}

interface PacedBucket {
  /** All keys that are in no part. */
  whole: PacedGroup;
  /** A later one may lie within an earlier one. */
  parts: PacedGroup[];
  /** All that passes through KMS, while that refuses. */
  kms?: PacedGroup;
}

/** @param refines false: a bucket stays one group, whatever it answers */
export function createAdaptivePacer(options: AdaptiveRateOptions = ADAPTIVE_RATE, refines = true): Pacer {
  const buckets = new Map<string, PacedBucket>();
  const partOptions = { ...options, patienceMs: options.patienceMs * PART_PATIENCE };

  function bucketOf(name: string, nowMs: number): PacedBucket {
    let bucket = buckets.get(name);
    if (bucket === undefined) {
      bucket = {
        whole: createGroup(name, WHOLE, coldRate(options, nowMs), options, nowMs),
        parts: [],
      };
      buckets.set(name, bucket);
    }
    return bucket;
  }

  const bucketOfGroup = (name: PacingGroup, nowMs: number) =>
    buckets.get(name) ?? bucketOf(name.split(SEPARATOR, 1)[0] ?? name, nowMs);

  /** The group of this name; a part that was merged back leaves its name to its bucket. */
  function named(name: PacingGroup, nowMs: number): PacedGroup {
    const bucket = bucketOfGroup(name, nowMs);
    return bucket.parts.find((part) => part.name === name) ?? bucket.whole;
  }

  /** What a request of the group has to pass. */
  function gatesOf(name: PacingGroup, nowMs: number): PacedGroup[] {
    const bucket = bucketOfGroup(name, nowMs);
    if (bucket.kms !== undefined && nowMs - bucket.kms.refusedAtMs >= QUIET_MS) delete bucket.kms;
    const group = named(name, nowMs);
    return bucket.kms === undefined ? [group] : [group, bucket.kms];
  }

  function rateOf(name: PacingGroup, nowMs: number): number {
    return Math.min(...gatesOf(name, nowMs).map(({ rate }) => rate.ratePerSecond));
  }

  /** Its limit is looked for from the rate at which it first refused. */
  function observeKms(bucket: PacedBucket, answer: GroupAnswer, nowMs: number): void {
    if (bucket.kms === undefined) {
      const sentPerSecond = [bucket.whole, ...bucket.parts].reduce(
        (sum, { rate }) => sum + rate.ratePerSecond,
        0,
      );
      bucket.kms = createGroup(
        bucket.whole.name,
        WHOLE,
        settledRate(options, sentPerSecond, nowMs),
        options,
        nowMs,
      );
    }
    if (answer.throttled) bucket.kms.refusedAtMs = nowMs;
    bucket.kms.rate = afterAnswer(bucket.kms.rate, options, answer, nowMs);
  }

  function split(bucket: PacedBucket, group: PacedGroup, { range, share }: Stretch, nowMs: number): void {
    if (bucket.parts.length >= MOST_PARTS) return;
    const unhurtPerSecond = peakAt(group, nowMs);
    const name = freeName(bucket);
    bucket.parts.push(
      createGroup(name, range, settledRate(options, unhurtPerSecond * share, nowMs), partOptions, nowMs),
    );
    group.rate = settledRate(options, unhurtPerSecond * (1 - share), nowMs);
  }

  return {
    groupOf(name, key, nowMs) {
      const bucket = bucketOf(name, nowMs);
      if (bucket.parts.length === 0) return name;
      bucket.parts = bucket.parts.filter(({ refusedAtMs }) => nowMs - refusedAtMs < QUIET_MS);
      return (innermost(bucket, key) ?? bucket.whole).name;
    },
    take(name, nowMs) {
      const gates = gatesOf(name, nowMs);
      let waitMs = 0;
      for (const gate of gates) {
        // No turn lies further ahead than the rate puts it, even where the clock was set back.
        gate.nextTurnAtMs = Math.min(gate.nextTurnAtMs, nowMs + 1000 / gate.rate.ratePerSecond);
        waitMs = Math.max(waitMs, gate.nextTurnAtMs - nowMs);
      }
      if (waitMs > 0) return waitMs;
      for (const gate of gates) {
        gate.rate = afterSending(gate.rate, gate.options, nowMs);
        gate.nextTurnAtMs = Math.max(gate.nextTurnAtMs, nowMs - CATCH_UP_MS) + 1000 / gate.rate.ratePerSecond;
      }
      return 0;
    },
    observe(name, answer, nowMs) {
      const bucket = bucketOfGroup(name, nowMs);
      const isOfKms = answer.throttled && answer.scope === 'kms';
      // What the partition refused did not come to KMS.
      if (isOfKms || (bucket.kms !== undefined && !answer.throttled)) observeKms(bucket, answer, nowMs);
      if (isOfKms) return;
      let group = named(name, nowMs);
      if (refines && answer.key !== undefined) {
        // What left before a split tells of the part that its key is in now.
        group = innermost(bucket, answer.key) ?? bucket.whole;
        if (answer.throttled) group.refusedAtMs = nowMs;
        const stretch = group.sections.count(answer.key, answer.throttled);
        if (stretch !== undefined) {
          split(bucket, group, stretch, nowMs);
          return;
        }
      }
      group.rate = afterAnswer(group.rate, group.options, answer, nowMs);
      if (group.rate.ratePerSecond >= peakAt(group, nowMs)) {
        group.peakPerSecond = group.rate.ratePerSecond;
        group.peakAtMs = nowMs;
      }
    },
    mostWaitMs: (name, nowMs) =>
      named(name, nowMs).range === WHOLE ? Number.POSITIVE_INFINITY : PART_WAIT_MS,
    book(name, waiting, nowMs) {
      const group = named(name, nowMs);
      const rate = rateOf(name, nowMs);
      const passed = (Math.max(0, nowMs - group.bookedAtMs) * rate) / 1000;
      const turns = Math.max(group.bookedTurns - passed, waiting) + 1;
      group.bookedTurns = Math.min(turns, (rate * MOST_BOOKED_MS) / 1000);
      group.bookedAtMs = nowMs;
      return turnInMs(group.bookedTurns, rate, options.growth);
    },
    ratePerSecond: rateOf,
  };
}

function createGroup(
  name: PacingGroup,
  range: KeyRange,
  rate: AdaptiveRate,
  options: AdaptiveRateOptions,
  nowMs: number,
): PacedGroup {
  return {
    name,
    options,
    range,
    rate,
    nextTurnAtMs: nowMs,
    bookedTurns: 0,
    bookedAtMs: nowMs,
    sections: createSections(range),
    peakPerSecond: rate.ratePerSecond,
    peakAtMs: nowMs,
    refusedAtMs: nowMs,
  };
}

/**
 * Milliseconds until so many turns have come, if the rate grows meanwhile as it does where nothing is refused: told by the rate
 * of now, those who met an outage would come back long after it. One that comes too early is told a new time, at no cost to S3.
 */
function turnInMs(turns: number, ratePerSecond: number, growth: number): number {
  // The integral of (sqrt(rate) + growth / 2 x t)^2 over t comes to the number of turns.
  const root = Math.sqrt(ratePerSecond);
  return (1000 * (Math.cbrt(root ** 3 + 1.5 * growth * turns) - root)) / (growth / 2);
}

/** A name of a part that was merged back is given again: names are as few as parts. */
function freeName({ whole, parts }: PacedBucket): PacingGroup {
  const names = Array.from({ length: MOST_PARTS }, (_, index) => `${whole.name}${SEPARATOR}${index + 1}`);
  return names.find((name) => parts.every((part) => part.name !== name)) ?? whole.name;
}

/** The latest part that holds the key: parts within parts come later. */
function innermost({ parts }: PacedBucket, key: string): PacedGroup | undefined {
  return parts.findLast(({ range }) => isWithin(range, key));
}

function peakAt({ peakPerSecond, peakAtMs }: PacedGroup, nowMs: number): number {
  return peakPerSecond * 2 ** (-Math.max(0, nowMs - peakAtMs) / PEAK_HALVES_MS);
}
