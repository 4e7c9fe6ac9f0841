// Paces the groups of one worker, each at its own adaptive rate: it says when the next request may leave. It waits for nothing:
// its caller asks again, the rate limiter by a clock and the simulator in virtual time.
//
// A bucket is one group at first. Refusals may cluster in a stretch of its keys, as when one of S3's partitions fails or is
// busy with others' writes. Then that stretch becomes a group of its own, and the rest returns to its earlier rate. A stretch
// splits again in the same way, until it is close to the keys that S3 refuses. After a quiet time it is merged back.
// Groups are few, since each of them probes for a limit of its own, and probing costs refusals.
//
// While KMS refuses, it is one more gate before all groups of its bucket: a request needs a turn of both. KMS's refusals alone
// cut that gate's rate. A partition's refusals say nothing of KMS's limit, and KMS's nothing of a partition's.
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

/** How long a missed turn stays valid: timers are late by milliseconds, and a busy event loop by more. */
const CATCH_UP_MS = 20;
/** Stretches of a bucket that are paced alone at a time. */
const MAX_STRETCHES = 8;
/** Milliseconds without a refusal after which a stretch is merged back, and KMS's gate is removed. */
const QUIET_MS = 30_000;
/** A stretch may recover at once, as an outage ends: its patience is this share of a bucket's. */
const STRETCH_PATIENCE = 1 / 3;
/** Milliseconds that an item of a stretch may wait in place: items of a slow one would hold the places of all others. */
const STRETCH_WAIT_MS = 250;
/** A turn is promised at most so far ahead, by the current rate: SQS's longest delay. */
const MAX_BOOKED_MS = 900_000;
/** Milliseconds in which the remembered peak halves. */
const PEAK_HALVES_MS = 20_000;
/** Bucket names hold no space: a stretch is named by its bucket, a space and a number. */
const SEPARATOR = ' ';

const WHOLE: KeyRange = { from: '', to: undefined };

export interface GroupAnswer {
  throttled: boolean;
  /** Which limit refused it, if one did. Default: the key's partition. */
  scope?: 'partition' | 'kms';
  /** When the request left. */
  sentAtMs: number;
  /** The key that was written. Without it the answer counts for the bucket as a whole. */
  key?: string;
}

export interface Pacer {
  /** The group that a write of this key is paced in now. */
  groupOf(bucket: string, key: string, nowMs: number): PacingGroup;
  /** Takes the group's next turn if it has come. @returns 0 where it was taken, else the milliseconds until it comes */
  take(group: PacingGroup, nowMs: number): number;
  /** What S3 answered to a request of the group. */
  observe(group: PacingGroup, answer: GroupAnswer, nowMs: number): void;
  /** Milliseconds that a request of the group may wait in place for its turn. Its sender may set a lower limit. */
  mostWaitMs(group: PacingGroup, nowMs: number): number;
  /**
   * Promises a turn to a request that leaves and comes back for it.
   * @param waiting requests that wait for their turns now: theirs come first
   * @param tenant whose request it is: tenants share the turns, however many of them one was promised
   * @returns milliseconds until a turn of the group that was not promised before
   */
  book(group: PacingGroup, waiting: number, nowMs: number, tenant?: string): number;
  /** Requests a second that the group may send now. */
  ratePerSecond(group: PacingGroup, nowMs: number): number;
  /** The queue is empty: until then (epoch ms) all rates grow fast, as other workers may have nothing left to send. */
  drain(untilMs: number): void;
}

interface PacedGroup {
  name: PacingGroup;
  options: AdaptiveRateOptions;
  range: KeyRange;
  rate: AdaptiveRate;
  nextTurnAtMs: number;
  /** By tenant: promised turns that had not come yet at `bookedAtMs`. */
  bookedTurns: Map<string, number>;
  bookedAtMs: number;
  sections: Sections;
  /** The highest recent rate: a split returns the rest of the group to it. */
  peakPerSecond: number;
  peakAtMs: number;
  refusedAtMs: number;
}

interface PacedBucket {
  /** All keys that are in no stretch. */
  whole: PacedGroup;
  /** Groups of their own. A later one may lie within an earlier one. */
  stretches: PacedGroup[];
  /** The gate of all requests that pass through KMS, while KMS refuses. */
  kms?: PacedGroup;
}

/** @param refines false: a bucket stays one group, whatever it answers */
export function createAdaptivePacer(options: AdaptiveRateOptions = ADAPTIVE_RATE, refines = true): Pacer {
  const buckets = new Map<string, PacedBucket>();
  let drainsUntilMs = 0;
  const stretchOptions = { ...options, patienceMs: options.patienceMs * STRETCH_PATIENCE };

  function bucketOf(name: string, nowMs: number): PacedBucket {
    const known = buckets.get(name);
    if (known !== undefined) return known;
    const whole = createGroup(name, WHOLE, coldRate(options, nowMs), options, nowMs);
    const bucket: PacedBucket = { whole, stretches: [] };
    buckets.set(name, bucket);
    return bucket;
  }

  const bucketOfGroup = (name: PacingGroup, nowMs: number) =>
    buckets.get(name) ?? bucketOf(name.split(SEPARATOR, 1)[0] ?? name, nowMs);

  /** The group of this name. The name of a stretch that was merged back stands for its bucket. */
  function named(name: PacingGroup, nowMs: number): PacedGroup {
    const bucket = bucketOfGroup(name, nowMs);
    return bucket.stretches.find((stretch) => stretch.name === name) ?? bucket.whole;
  }

  /** The gates that a request of the group has to pass. */
  function gatesOf(name: PacingGroup, nowMs: number): PacedGroup[] {
    const bucket = bucketOfGroup(name, nowMs);
    if (bucket.kms !== undefined && nowMs - bucket.kms.refusedAtMs >= QUIET_MS) delete bucket.kms;
    const group = named(name, nowMs);
    return bucket.kms === undefined ? [group] : [group, bucket.kms];
  }

  function rateOf(name: PacingGroup, nowMs: number): number {
    return Math.min(...gatesOf(name, nowMs).map(({ rate }) => rate.ratePerSecond));
  }

  /** The search for KMS's limit starts from the rate at which KMS first refused. */
  function observeKms(bucket: PacedBucket, answer: GroupAnswer, nowMs: number): void {
    if (bucket.kms === undefined) {
      const rate = settledRate(options, totalPerSecond(bucket), nowMs);
      bucket.kms = createGroup(bucket.whole.name, WHOLE, rate, options, nowMs);
    }
    if (answer.throttled) bucket.kms.refusedAtMs = nowMs;
    bucket.kms.rate = afterAnswer(bucket.kms.rate, options, answer, nowMs, nowMs < drainsUntilMs);
  }

  function split(bucket: PacedBucket, group: PacedGroup, { range, share }: Stretch, nowMs: number): void {
    if (bucket.stretches.length >= MAX_STRETCHES) return;
    const peakPerSecond = peakAt(group, nowMs);
    const name = freeName(bucket);
    bucket.stretches.push(
      createGroup(name, range, settledRate(options, peakPerSecond * share, nowMs), stretchOptions, nowMs),
    );
    group.rate = settledRate(options, peakPerSecond * (1 - share), nowMs);
  }

  return {
    groupOf(name, key, nowMs) {
      const bucket = bucketOf(name, nowMs);
      if (bucket.stretches.length === 0) return name;
      bucket.stretches = bucket.stretches.filter(({ refusedAtMs }) => nowMs - refusedAtMs < QUIET_MS);
      return (innermost(bucket, key) ?? bucket.whole).name;
    },
    take(name, nowMs) {
      const gates = gatesOf(name, nowMs);
      let waitMs = 0;
      for (const gate of gates) {
        // A clock that was set back must not move a turn further ahead than the rate puts it.
        gate.nextTurnAtMs = Math.min(gate.nextTurnAtMs, nowMs + 1000 / gate.rate.ratePerSecond);
        waitMs = Math.max(waitMs, gate.nextTurnAtMs - nowMs);
      }
      if (waitMs > 0) return waitMs;
      for (const gate of gates) {
        gate.rate = afterSending(gate.rate, gate.options, nowMs, nowMs < drainsUntilMs);
        gate.nextTurnAtMs = Math.max(gate.nextTurnAtMs, nowMs - CATCH_UP_MS) + 1000 / gate.rate.ratePerSecond;
      }
      return 0;
    },
    observe(name, answer, nowMs) {
      const bucket = bucketOfGroup(name, nowMs);
      const isOfKms = answer.throttled && answer.scope === 'kms';
      // A request that the partition refused never reached KMS.
      if (isOfKms || (bucket.kms !== undefined && !answer.throttled)) observeKms(bucket, answer, nowMs);
      if (isOfKms) return;
      let group = named(name, nowMs);
      if (refines && answer.key !== undefined) {
        // The answer to a request from before a split counts for the group that its key is in now.
        group = innermost(bucket, answer.key) ?? bucket.whole;
        if (answer.throttled) group.refusedAtMs = nowMs;
        const stretch = group.sections.count(answer.key, answer.throttled);
        if (stretch !== undefined) {
          split(bucket, group, stretch, nowMs);
          return;
        }
      }
      group.rate = afterAnswer(group.rate, group.options, answer, nowMs, nowMs < drainsUntilMs);
      if (group.rate.ratePerSecond >= peakAt(group, nowMs)) {
        group.peakPerSecond = group.rate.ratePerSecond;
        group.peakAtMs = nowMs;
      }
    },
    mostWaitMs: (name, nowMs) =>
      named(name, nowMs).range === WHOLE ? Number.POSITIVE_INFINITY : STRETCH_WAIT_MS,
    book(name, waiting, nowMs, tenant = '') {
      const group = named(name, nowMs);
      const rate = rateOf(name, nowMs);
      const { bookedTurns } = group;
      const passed = (Math.max(0, nowMs - group.bookedAtMs) * rate) / 1000 / Math.max(1, bookedTurns.size);
      for (const [each, turns] of bookedTurns) {
        if (turns > passed) bookedTurns.set(each, turns - passed);
        else bookedTurns.delete(each);
      }
      const tenants = bookedTurns.size + (bookedTurns.has(tenant) ? 0 : 1);
      // Every so many turns one is the tenant's.
      const turns = Math.max(bookedTurns.get(tenant) ?? 0, waiting / tenants) + 1;
      const own = Math.min(turns, (rate * MAX_BOOKED_MS) / 1000 / tenants);
      bookedTurns.set(tenant, own);
      group.bookedAtMs = nowMs;
      return turnInMs(own * tenants, rate, options.growth);
    },
    ratePerSecond: rateOf,
    drain(untilMs) {
      drainsUntilMs = untilMs;
    },
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
    bookedTurns: new Map(),
    bookedAtMs: nowMs,
    sections: createSections(range),
    peakPerSecond: rate.ratePerSecond,
    peakAtMs: nowMs,
    refusedAtMs: nowMs,
  };
}

/**
 * Milliseconds until so many turns have come, if the rate grows meanwhile as it does without refusals. By the current rate
 * alone, items that met an outage would come back long after it. An item that comes too early gets a new time, at no cost.
 */
function turnInMs(turns: number, ratePerSecond: number, growth: number): number {
  // The integral of (sqrt(rate) + growth / 2 x t)^2 over t comes to the number of turns.
  const root = Math.sqrt(ratePerSecond);
  return (1000 * (Math.cbrt(root ** 3 + 1.5 * growth * turns) - root)) / (growth / 2);
}

/** The name of a stretch that was merged back is used again: there are as few names as stretches. */
function freeName({ whole, stretches }: PacedBucket): PacingGroup {
  const names = Array.from({ length: MAX_STRETCHES }, (_, index) => `${whole.name}${SEPARATOR}${index + 1}`);
  return names.find((name) => stretches.every((stretch) => stretch.name !== name)) ?? whole.name;
}

/** The latest stretch that holds the key: one within another comes later. */
function innermost({ stretches }: PacedBucket, key: string): PacedGroup | undefined {
  return stretches.findLast(({ range }) => isWithin(range, key));
}

function totalPerSecond({ whole, stretches }: PacedBucket): number {
  return [whole, ...stretches].reduce((sum, { rate }) => sum + rate.ratePerSecond, 0);
}

function peakAt({ peakPerSecond, peakAtMs }: PacedGroup, nowMs: number): number {
  return peakPerSecond * 2 ** (-Math.max(0, nowMs - peakAtMs) / PEAK_HALVES_MS);
}
