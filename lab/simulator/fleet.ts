// A fleet of workers against S3's partitions, in virtual time: discrete events, the production pacer and the model of S3's
// limits that the embedded cloud runs. Seeded: the same seed gives the same run.
//
// item    one object to write; it keeps its key through all its attempts
// worker  takes items while it has places for them. Each waits for its group's turn, then for the worker's own speed, is
//         sent, and holds its place until S3's answer. A refused item backs off in its place and is tried again, or goes
//         back to the queue, by the rules of shared/pacing/waits.ts; so does one whose group would wait too long
// queue   a million new items at all times; what was given back is drawn among them
//
// What the model leaves out is told in docs/scale.md.
import { createAdaptivePacer, type Pacer, type PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import { fullJitterMs } from '../../shared/pacing/backoff.ts';
import {
  type GiveBackCause,
  giveBackDelayMs,
  IN_PLACE_MS,
  THROTTLE_BACKOFF,
} from '../../shared/pacing/waits.ts';
import { createRandom, type Random } from '../../shared/time/random.ts';
import { createEventQueue, type SimulatedEvent } from './event-queue.ts';
import { createFifo, type Fifo } from './fifo.ts';
import type { FleetOptions, FleetRun } from './fleet-options.ts';
import { createItemQueue } from './item-queue.ts';
import { createSimulatedS3 } from './partitions.ts';

/** A worker that sheds as many items in a row as it has places gets the next ones when those that wait are through. */
const SHED_PAUSE_MS = IN_PLACE_MS;
/** Warm workers start within this many milliseconds of each other. */
const AT_ONCE_MS = 100;
const BUCKET = 'destination';

const EVENT = {
  intake: 0,
  turn: 1,
  arrival: 2,
  answer: 3,
  retry: 4,
  comeBack: 5,
  limit: 6,
  start: 7,
} as const;

/** Who waits for a group's turns in one worker, in the order of their coming. */
interface Line {
  group: PacingGroup;
  waiting: Fifo;
  isPlanned: boolean;
}

interface Worker {
  pacer: Pacer;
  lines: Line[];
  inHand: number;
  leftOfBatch: number;
  isIntakePlanned: boolean;
  sendIntervalMs: number;
  nextSendAtMs: number;
  stored: number;
}

export function simulateFleet(options: FleetOptions): FleetRun {
  const random = createRandom(options.seed);
  const s3 = createSimulatedS3(options);
  const events = createEventQueue();
  const queue = createItemQueue(options, random);
  const endMs = options.seconds * 1000;
  const steadyFromMs = endMs / 2;
  const batchItems = options.batches?.items ?? Number.POSITIVE_INFINITY;
  const workers = Array.from({ length: options.workers }, (_, index) => createWorker(options, index));
  const run = emptyRun(options);
  const latencyMs = () => options.latency.baseMs - options.latency.restMs * Math.log(1 - random());
  const tally = (series: number[], nowMs: number) => {
    const second = Math.floor(nowMs / 1000);
    series[second] = (series[second] ?? 0) + 1;
  };

  function planIntake(atMs: number, index: number, worker: Worker): void {
    if (worker.isIntakePlanned) return;
    worker.isIntakePlanned = true;
    events.add(atMs, EVENT.intake, index, 0);
  }

  function takeIn(nowMs: number, index: number, worker: Worker): void {
    let shed = 0;
    while (worker.inHand < options.places && worker.leftOfBatch > 0 && !worker.isIntakePlanned) {
      const number = queue.take(nowMs);
      worker.leftOfBatch--;
      worker.inHand++;
      if (!lineUp(nowMs, index, worker, number) && ++shed >= options.places) {
        planIntake(nowMs + SHED_PAUSE_MS, index, worker);
      }
    }
  }

  /** @returns false where the wait would be too long: the item went back */
  function lineUp(nowMs: number, index: number, worker: Worker, number: number): boolean {
    const item = queue.at(number);
    item.group = worker.pacer.groupOf(BUCKET, s3.pathOf(item.key), nowMs);
    const lineAt = lineOf(worker, item.group);
    const line = worker.lines[lineAt] as Line;
    const waitMs = (line.waiting.size * 1000) / worker.pacer.ratePerSecond(item.group, nowMs);
    if (waitMs > Math.min(IN_PLACE_MS, worker.pacer.mostWaitMs(item.group, nowMs))) {
      const turnInMs = worker.pacer.book(item.group, line.waiting.size, nowMs);
      giveBack(nowMs, index, worker, number, { cause: 'shed', turnInMs });
      return false;
    }
    line.waiting.push(number);
    if (!line.isPlanned) serve(nowMs, index, worker, lineAt);
    return true;
  }

  function giveBack(
    nowMs: number,
    index: number,
    worker: Worker,
    number: number,
    given: GiveBackCause,
  ): void {
    const item = queue.at(number);
    const delayMs = giveBackDelayMs(given, item.givenBack, random);
    item.givenBack++;
    item.retries = 0;
    item.backedOffMs = 0;
    tally(run.givenBack, nowMs);
    events.add(nowMs + delayMs, EVENT.comeBack, 0, number);
    letGo(nowMs, index, worker);
  }

  function letGo(nowMs: number, index: number, worker: Worker): void {
    worker.inHand--;
    if (worker.inHand > 0 || worker.leftOfBatch > 0) return;
    worker.leftOfBatch = batchItems;
    planIntake(nowMs + (options.batches?.pauseMs ?? 0), index, worker);
  }

  function planTurn(atMs: number, index: number, line: Line, lineAt: number): void {
    line.isPlanned = true;
    events.add(atMs, EVENT.turn, index, lineAt);
  }

  /** Sends what the line's turns and the worker's speed allow now. */
  function serve(nowMs: number, index: number, worker: Worker, lineAt: number): void {
    const line = worker.lines[lineAt] as Line;
    while (line.waiting.size > 0) {
      const waitMs =
        worker.nextSendAtMs > nowMs ? worker.nextSendAtMs - nowMs : worker.pacer.take(line.group, nowMs);
      if (waitMs > 0) {
        planTurn(nowMs + waitMs, index, line, lineAt);
        break;
      }
      const number = line.waiting.shift() as number;
      worker.nextSendAtMs = nowMs + worker.sendIntervalMs;
      queue.at(number).sentAtMs = nowMs;
      events.add(nowMs + latencyMs() / 2, EVENT.arrival, index, number);
    }
  }

  function arrive(nowMs: number, index: number, worker: Worker, number: number): void {
    const item = queue.at(number);
    item.isThrottled = !s3.admits(item.key, nowMs);
    tally(item.isThrottled ? run.throttled : run.accepted, nowMs);
    if (!item.isThrottled && nowMs >= steadyFromMs) worker.stored++;
    events.add(nowMs + latencyMs() / 2, EVENT.answer, index, number);
  }

  function hear(nowMs: number, index: number, worker: Worker, number: number): void {
    const item = queue.at(number);
    const { isThrottled: throttled, sentAtMs } = item;
    worker.pacer.observe(item.group, { key: s3.pathOf(item.key), throttled, sentAtMs }, nowMs);
    if (throttled) {
      const backoffMs = fullJitterMs(THROTTLE_BACKOFF, item.retries++, random);
      item.backedOffMs += backoffMs;
      if (item.backedOffMs <= IN_PLACE_MS) {
        events.add(nowMs + backoffMs, EVENT.retry, index, number);
        return;
      }
      giveBack(nowMs, index, worker, number, { cause: 'refused' });
    } else {
      queue.forget(number);
      letGo(nowMs, index, worker);
    }
    takeIn(nowMs, index, worker);
  }

  workers.forEach((_, index) => {
    events.add(startMs(options, index, random), EVENT.start, index, 0);
  });
  options.limitChanges.forEach(({ atSecond }, index) => {
    events.add(atSecond * 1000, EVENT.limit, 0, index);
  });

  let workersPerSecond = 0;
  let toldSeconds = 0;
  const tellUntil = (second: number) => {
    for (; toldSeconds < second; toldSeconds++) {
      run.partitions[toldSeconds] = s3.partitionCount();
      run.allowedPerSecond[toldSeconds] = Math.min(s3.allowedPerSecond(toldSeconds * 1000), workersPerSecond);
    }
  };
  const event: SimulatedEvent = { atMs: 0, kind: 0, subject: 0, object: 0 };
  while (events.take(event) && event.atMs < endMs) {
    const { atMs, kind, subject, object } = event;
    tellUntil(Math.floor(atMs / 1000));
    const worker = workers[subject] as Worker;
    switch (kind) {
      case EVENT.start:
        workersPerSecond += 1000 / worker.sendIntervalMs;
        takeIn(atMs, subject, worker);
        break;
      case EVENT.intake:
        worker.isIntakePlanned = false;
        takeIn(atMs, subject, worker);
        break;
      case EVENT.turn:
        (worker.lines[object] as Line).isPlanned = false;
        serve(atMs, subject, worker, object);
        break;
      case EVENT.arrival:
        arrive(atMs, subject, worker, object);
        break;
      case EVENT.answer:
        hear(atMs, subject, worker, object);
        break;
      case EVENT.retry:
        if (!lineUp(atMs, subject, worker, object)) takeIn(atMs, subject, worker);
        break;
      case EVENT.comeBack:
        queue.comeBack(object);
        break;
      default:
        s3.setLimit((options.limitChanges[object]?.factor ?? 1) * options.limitPerSecond, atMs);
    }
  }
  tellUntil(options.seconds);
  return { ...run, storedByWorker: workers.map(({ stored }) => stored) };
}

function createWorker(options: FleetOptions, index: number): Worker {
  const { workers, workerRatePerSecond, slowestWorkerShare, batches } = options;
  const share = workers === 1 ? 1 : slowestWorkerShare + ((1 - slowestWorkerShare) * index) / (workers - 1);
  return {
    pacer: createAdaptivePacer(options.pacing, options.refines),
    lines: [],
    inHand: 0,
    leftOfBatch: batches?.items ?? Number.POSITIVE_INFINITY,
    isIntakePlanned: false,
    sendIntervalMs: 1000 / (workerRatePerSecond * share),
    nextSendAtMs: Number.NEGATIVE_INFINITY,
    stored: 0,
  };
}

function lineOf(worker: Worker, group: PacingGroup): number {
  const lineAt = worker.lines.findIndex((line) => line.group === group);
  if (lineAt >= 0) return lineAt;
  return worker.lines.push({ group, waiting: createFifo(), isPlanned: false }) - 1;
}

function emptyRun({ seconds }: FleetOptions): FleetRun {
  const series = () => new Array<number>(seconds).fill(0);
  return {
    accepted: series(),
    throttled: series(),
    givenBack: series(),
    partitions: series(),
    allowedPerSecond: series(),
    storedByWorker: [],
  };
}

function startMs({ start, workers }: FleetOptions, index: number, random: Random): number {
  const atOnceMs = random() * AT_ONCE_MS;
  switch (start.kind) {
    case 'at-once':
      return atOnceMs;
    case 'ramp':
      return (Math.max(0, index - start.first + 1) / start.perSecond) * 1000 + start.initMs + atOnceMs;
    case 'one-late':
      return index === workers - 1 ? start.atSecond * 1000 : atOnceMs;
  }
}
