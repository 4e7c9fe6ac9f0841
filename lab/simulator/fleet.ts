// A fleet of workers against S3's partitions, in virtual time: discrete events, the production pacer and the model of S3's
// limits that the embedded cloud runs. Seeded: the same seed gives the same run.
//
// A worker always has an item to send, sends at the pacer's turns, never more than its connections and its own speed allow,
// and hears S3's answer a latency later. What the model leaves out is told in docs/scale.md.
import { createS3Limits, type S3Limits } from '../../local/emulators/s3-limits.ts';
import { createRandom, type Random } from '../../shared/job/random.ts';
import { createAdaptivePacer, type Pacer } from '../../shared/pacing/adaptive-pacer.ts';
import type { AdaptiveRateOptions } from '../../shared/pacing/adaptive-rate.ts';
import { createEventQueue, type SimulatedEvent } from './event-queue.ts';

export interface FleetOptions {
  workers: number;
  partitions: number;
  /** Writes a second of one partition. */
  limitPerSecond: number;
  burstSeconds: number;
  /** Requests a second that one worker can send at most: what one Lambda can. */
  workerRatePerSecond: number;
  /** Requests that one worker has under way at most. */
  connections: number;
  seconds: number;
  seed: number;
  /** How workers appear: all at once, or as Lambda's event source starts them: some, then so many a second. */
  start: { kind: 'at-once' } | { kind: 'ramp'; first: number; perSecond: number };
  /** Milliseconds from a request to its answer: a base, and an exponentially distributed rest of this mean. */
  latency: { baseMs: number; restMs: number };
  /** Changes of every partition's limit: factors of limitPerSecond from a second on. */
  limitChanges: readonly { atSecond: number; factor: number }[];
  /** A partition that answers 503 to all it gets, from a second to another. */
  outage?: { partition: number; fromSecond: number; toSecond: number };
  /** Splits under load; absent: the partitions stay as they are. */
  splits?: { afterSeconds: number; maxPartitions: number };
  pacing?: AdaptiveRateOptions;
}

export interface FleetRun {
  /** By second of virtual time. */
  accepted: number[];
  throttled: number[];
  partitions: number[];
  /** Objects stored by each worker in steady state, the run's second half. */
  storedByWorker: number[];
}

export const FLEET_DEFAULTS: Omit<FleetOptions, 'workers' | 'partitions' | 'seed'> = {
  limitPerSecond: 3_500,
  burstSeconds: 1,
  workerRatePerSecond: 2_000,
  connections: 128,
  seconds: 120,
  start: { kind: 'at-once' },
  latency: { baseMs: 20, restMs: 15 },
  limitChanges: [],
};

const EVENT = { turn: 0, arrival: 1, answer: 2, limit: 3 } as const;
/** Every path of this many leading bits is sent alike: what a hash of endless keys comes to. */
const KEY_BITS = 16;
/** Warm workers start within this many milliseconds of each other. */
const AT_ONCE_MS = 100;
const REFUSED = -1;

interface Worker {
  pacer: Pacer;
  inFlight: number;
  /** Whether a turn is in the event queue. */
  isWaiting: boolean;
  lastSentAtMs: number;
  stored: number;
}

export function simulateFleet(options: FleetOptions): FleetRun {
  const random = createRandom(options.seed);
  const limits = limitsOf(options);
  const keys = Array.from({ length: 2 ** KEY_BITS }, (_, index) => binaryPath(index, KEY_BITS));
  const events = createEventQueue();
  const workers = Array.from(
    { length: options.workers },
    (): Worker => ({
      pacer: createAdaptivePacer(options.pacing),
      inFlight: 0,
      isWaiting: true,
      lastSentAtMs: Number.NEGATIVE_INFINITY,
      stored: 0,
    }),
  );
  workers.forEach((_, index) => {
    events.add(startMs(options.start, index, random), EVENT.turn, index, 0);
  });
  for (const { atSecond, factor } of options.limitChanges) {
    events.add(atSecond * 1000, EVENT.limit, 0, factor * options.limitPerSecond);
  }
  const run: FleetRun = {
    accepted: new Array<number>(options.seconds).fill(0),
    throttled: new Array<number>(options.seconds).fill(0),
    partitions: new Array<number>(options.seconds).fill(0),
    storedByWorker: [],
  };
  const latencyMs = () => options.latency.baseMs - options.latency.restMs * Math.log(1 - random());
  const endMs = options.seconds * 1000;
  const steadyFromMs = endMs / 2;
  const sendIntervalMs = 1000 / options.workerRatePerSecond;

  const turnAt = (atMs: number, index: number, worker: Worker) => {
    worker.isWaiting = true;
    events.add(atMs, EVENT.turn, index, 0);
  };
  const send = (nowMs: number, index: number, worker: Worker): void => {
    worker.isWaiting = false;
    while (worker.inFlight < options.connections) {
      const readyAtMs = worker.lastSentAtMs + sendIntervalMs;
      if (readyAtMs > nowMs) return turnAt(readyAtMs, index, worker);
      const waitMs = worker.pacer.take(GROUP, nowMs);
      if (waitMs > 0) return turnAt(nowMs + waitMs, index, worker);
      worker.lastSentAtMs = nowMs;
      worker.inFlight++;
      events.add(nowMs + latencyMs() / 2, EVENT.arrival, index, nowMs);
    }
  };
  const admits = (nowMs: number): boolean => {
    const key = keys[Math.floor(random() * keys.length)] ?? '';
    return !isOut(options, key, nowMs) && limits.admit('write', key, nowMs);
  };

  const event: SimulatedEvent = { atMs: 0, kind: 0, subject: 0, value: 0 };
  while (events.take(event) && event.atMs < endMs) {
    const { atMs, kind, subject, value } = event;
    const worker = workers[subject] as Worker;
    const second = Math.floor(atMs / 1000);
    if (kind === EVENT.turn) send(atMs, subject, worker);
    else if (kind === EVENT.arrival) {
      const admitted = admits(atMs);
      const series = admitted ? run.accepted : run.throttled;
      series[second] = (series[second] ?? 0) + 1;
      if (admitted && atMs >= steadyFromMs) worker.stored++;
      // The sign carries the answer: a time is never negative.
      events.add(atMs + latencyMs() / 2, EVENT.answer, subject, admitted ? value : REFUSED - value);
    } else if (kind === EVENT.answer) {
      const throttled = value < 0;
      worker.inFlight--;
      worker.pacer.observe(GROUP, { throttled, sentAtMs: throttled ? REFUSED - value : value }, atMs);
      if (!worker.isWaiting) send(atMs, subject, worker);
    } else limits.setLimit(value, atMs);
    run.partitions[second] = limits.partitionCount();
  }
  return { ...run, storedByWorker: workers.map(({ stored }) => stored) };
}

const GROUP = 'destination';

function startMs(start: FleetOptions['start'], index: number, random: Random): number {
  if (start.kind === 'at-once') return random() * AT_ONCE_MS;
  return index < start.first ? random() * AT_ONCE_MS : ((index - start.first + 1) / start.perSecond) * 1000;
}

/** The leading bits of a binary spread key, `bbbb/bbbb/…`. */
function binaryPath(value: number, bits: number): string {
  return value
    .toString(2)
    .padStart(bits, '0')
    .replace(/(.{4})(?=.)/g, '$1/');
}

/** Where n even partitions of the hashed key space start. */
function evenStartKeys(partitions: number): string[] {
  return Array.from({ length: partitions - 1 }, (_, index) =>
    binaryPath(Math.round(((index + 1) * 2 ** KEY_BITS) / partitions), KEY_BITS),
  );
}

function limitsOf({ partitions, limitPerSecond, burstSeconds, splits }: FleetOptions): S3Limits {
  return createS3Limits({
    limitPerSecond,
    burstSeconds,
    startKeys: evenStartKeys(partitions),
    ...(splits === undefined
      ? {}
      : { splitAfterSeconds: splits.afterSeconds, maxPartitions: splits.maxPartitions }),
  });
}

function isOut({ outage, partitions }: FleetOptions, key: string, nowMs: number): boolean {
  if (outage === undefined || nowMs < outage.fromSecond * 1000 || nowMs >= outage.toSecond * 1000)
    return false;
  const starts = ['', ...evenStartKeys(partitions)];
  const [from = '', to] = [starts[outage.partition], starts[outage.partition + 1]];
  return key >= from && (to === undefined || key < to);
}
