// Simulates a fleet of workers against S3's partitions in virtual time, by discrete events. Pacer, admission, retry and
// give-back are the production code of shared/pacing. S3's limits are the embedded cloud's. The same seed gives the same run.
//
// item    one object to write; it keeps its key through all its attempts
// worker  takes items while it has places for them. Each item waits for its group's turn, then for the worker's own speed. It
//         is sent, and holds its place until S3 answers and through retries in place
// queue   a million new items at all times; items that were given back are drawn among them
//
// docs/scale.md says what the model leaves out.
import { admit, askForTurn } from '../../shared/pacing/admission.ts';
import {
  afterFault,
  afterShed,
  giveBackDelayMs,
  IN_PLACE_MS,
  type RetryDecision,
  turnWaitMs,
} from '../../shared/pacing/retry.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createEventQueue, type SimulatedEvent } from './event-queue.ts';
import type { FleetOptions, FleetRun } from './fleet-options.ts';
import { createItemQueue } from './item-queue.ts';
import { createSimulatedS3 } from './partitions.ts';
import { createWorker, lineNumber, newBatch, type SimulatedLine, startMs, type Worker } from './worker.ts';

/** A worker that sheds as many items in a row as it has places takes the next ones when those that wait have left. */
const SHED_PAUSE_MS = IN_PLACE_MS;
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

export function simulateFleet(options: FleetOptions): FleetRun {
  const random = createRandom(options.seed);
  const s3 = createSimulatedS3(options);
  const events = createEventQueue();
  const queue = createItemQueue(options, random);
  const endMs = options.seconds * 1000;
  const steadyFromMs = endMs / 2;
  const workers = Array.from({ length: options.workers }, (_, index) => createWorker(options, index));
  const run = emptyRun(options);
  const latencyMs = () => options.latency.baseMs - options.latency.restMs * Math.log(1 - random());
  const count = (series: number[], nowMs: number) => {
    const second = Math.floor(nowMs / 1000);
    series[second] = (series[second] ?? 0) + 1;
  };

  function planIntake(atMs: number, index: number, worker: Worker): void {
    if (worker.isIntakePlanned) return;
    worker.isIntakePlanned = true;
    events.add(atMs, EVENT.intake, index, 0);
  }

  function takeItems(nowMs: number, index: number, worker: Worker): void {
    let shed = 0;
    while (worker.inHand < options.places && worker.leftOfBatch > 0 && !worker.isIntakePlanned) {
      const number = queue.take(nowMs);
      worker.leftOfBatch--;
      worker.inHand++;
      if (!joinLine(nowMs, index, worker, number) && ++shed >= options.places) {
        planIntake(nowMs + SHED_PAUSE_MS, index, worker);
      }
    }
  }

  /** @returns false where the item was shed */
  function joinLine(nowMs: number, index: number, worker: Worker, number: number): boolean {
    const item = queue.at(number);
    item.group = worker.pacer.groupOf(BUCKET, s3.pathOf(item.key), nowMs);
    const lineAt = lineNumber(worker, item.group);
    const line = worker.lines[lineAt] as SimulatedLine;
    const admission = admit(worker.pacer, line, turnWaitMs(worker.bounds, nowMs), nowMs);
    if (admission.kind === 'shed') {
      follow(afterShed(item, admission.turnInMs, nowMs), nowMs, index, worker, number);
      return false;
    }
    item.untilMs = admission.untilMs;
    line.items.push(number);
    if (!line.isPlanned) serve(nowMs, index, worker, lineAt);
    return true;
  }

  /** Sends the items that are due, as far as the worker's speed allows, and plans the next time. */
  function serve(nowMs: number, index: number, worker: Worker, lineAt: number): void {
    const line = worker.lines[lineAt] as SimulatedLine;
    while (line.waiting > 0) {
      const number = line.items.first() as number;
      const item = queue.at(number);
      const turn =
        worker.nextSendAtMs > nowMs
          ? { kind: 'wait' as const, delayMs: worker.nextSendAtMs - nowMs }
          : askForTurn(worker.pacer, line, item.untilMs, nowMs);
      if (turn.kind === 'wait') {
        line.isPlanned = true;
        events.add(nowMs + turn.delayMs, EVENT.turn, index, lineAt);
        return;
      }
      line.items.shift();
      if (turn.kind === 'shed') {
        follow(afterShed(item, turn.turnInMs, nowMs), nowMs, index, worker, number);
        planIntake(nowMs, index, worker);
      } else {
        worker.nextSendAtMs = nowMs + worker.sendIntervalMs;
        item.sentAtMs = nowMs;
        item.attempts++;
        events.add(nowMs + latencyMs() / 2, EVENT.arrival, index, number);
      }
    }
  }

  function reachS3(nowMs: number, index: number, worker: Worker, number: number): void {
    const item = queue.at(number);
    item.isThrottled = !s3.admits(item.key, nowMs);
    count(item.isThrottled ? run.throttled : run.accepted, nowMs);
    if (!item.isThrottled && nowMs >= steadyFromMs) worker.stored++;
    events.add(nowMs + latencyMs() / 2, EVENT.answer, index, number);
  }

  function readAnswer(nowMs: number, index: number, worker: Worker, number: number): void {
    const item = queue.at(number);
    const { isThrottled: throttled, sentAtMs } = item;
    worker.pacer.observe(item.group, { key: s3.pathOf(item.key), throttled, sentAtMs }, nowMs);
    if (throttled) {
      const decision = afterFault(item, 'throttle', worker.bounds, nowMs, random);
      follow(decision, nowMs, index, worker, number);
      if (decision.kind === 'retry') return;
    } else {
      end(nowMs, index, worker, number);
    }
    takeItems(nowMs, index, worker);
  }

  /** Does what a step decided of an item. */
  function follow(
    decision: RetryDecision,
    nowMs: number,
    index: number,
    worker: Worker,
    number: number,
  ): void {
    const item = queue.at(number);
    switch (decision.kind) {
      case 'retry':
        worker.bounds.budget.retries--;
        item.backedOffMs = decision.backedOffMs;
        events.add(nowMs + decision.delayMs, EVENT.retry, index, number);
        return;
      case 'give-back':
        count(run.givenBack, nowMs);
        events.add(
          nowMs + giveBackDelayMs(decision.cause, item.givenBack, random),
          EVENT.comeBack,
          0,
          number,
        );
        queue.giveBack(number);
        release(nowMs, index, worker);
        return;
      case 'give-up':
        end(nowMs, index, worker, number);
    }
  }

  function end(nowMs: number, index: number, worker: Worker, number: number): void {
    queue.forget(number);
    release(nowMs, index, worker);
  }

  /** One place is free. The last one of a batch asks for the next batch. */
  function release(nowMs: number, index: number, worker: Worker): void {
    worker.inHand--;
    if (worker.inHand > 0 || worker.leftOfBatch > 0) return;
    Object.assign(worker, newBatch(options));
    planIntake(nowMs + (options.batches?.pauseMs ?? 0), index, worker);
  }

  workers.forEach((_, index) => {
    events.add(startMs(options, index, random), EVENT.start, index, 0);
  });
  options.limitChanges.forEach(({ atSecond }, index) => {
    events.add(atSecond * 1000, EVENT.limit, 0, index);
  });

  let workersPerSecond = 0;
  let recordedSeconds = 0;
  const recordUntil = (second: number) => {
    for (; recordedSeconds < second; recordedSeconds++) {
      run.partitions[recordedSeconds] = s3.partitionCount();
      run.allowedPerSecond[recordedSeconds] = Math.min(
        s3.allowedPerSecond(recordedSeconds * 1000),
        workersPerSecond,
      );
    }
  };
  const event: SimulatedEvent = { atMs: 0, kind: 0, subject: 0, object: 0 };
  while (events.take(event) && event.atMs < endMs) {
    const { atMs, kind, subject, object } = event;
    recordUntil(Math.floor(atMs / 1000));
    const worker = workers[subject] as Worker;
    switch (kind) {
      case EVENT.start:
        workersPerSecond += 1000 / worker.sendIntervalMs;
        takeItems(atMs, subject, worker);
        break;
      case EVENT.intake:
        worker.isIntakePlanned = false;
        takeItems(atMs, subject, worker);
        break;
      case EVENT.turn:
        (worker.lines[object] as SimulatedLine).isPlanned = false;
        serve(atMs, subject, worker, object);
        break;
      case EVENT.arrival:
        reachS3(atMs, subject, worker, object);
        break;
      case EVENT.answer:
        readAnswer(atMs, subject, worker, object);
        break;
      case EVENT.retry:
        if (!joinLine(atMs, subject, worker, object)) takeItems(atMs, subject, worker);
        break;
      case EVENT.comeBack:
        queue.comeBack(object);
        break;
      default:
        s3.setLimit((options.limitChanges[object]?.factor ?? 1) * options.limitPerSecond, atMs);
    }
  }
  recordUntil(options.seconds);
  return { ...run, storedByWorker: workers.map(({ stored }) => stored) };
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
