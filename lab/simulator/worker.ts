// One simulated worker: its pacer, its lines of waiting requests, and the batch that it works on.
import { createAdaptivePacer, type Pacer, type PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import type { Line } from '../../shared/pacing/admission.ts';
import { batchBounds, type RetryBounds } from '../../shared/pacing/retry.ts';
import type { Random } from '../../shared/time/random.ts';
import { createFifo, type Fifo } from './fifo.ts';
import type { FleetOptions } from './fleet-options.ts';

/** Warm workers start within this many milliseconds of each other. */
const AT_ONCE_MS = 100;

export interface SimulatedLine extends Line {
  /** The numbers of the items that wait, in the order of arrival. */
  items: Fifo;
  /** Whether the event is planned that serves the line next. */
  isPlanned: boolean;
}

export interface Worker {
  pacer: Pacer;
  lines: SimulatedLine[];
  /** Items of the batch that have not ended, and those that were not taken yet. */
  inHand: number;
  leftOfBatch: number;
  bounds: RetryBounds;
  /** Whether the event is planned at which it takes its next items. */
  isIntakePlanned: boolean;
  sendIntervalMs: number;
  nextSendAtMs: number;
  /** Objects stored in steady state. */
  stored: number;
}

export function createWorker(options: FleetOptions, index: number): Worker {
  const { workers, workerRatePerSecond, slowestWorkerShare } = options;
  const share = workers === 1 ? 1 : slowestWorkerShare + ((1 - slowestWorkerShare) * index) / (workers - 1);
  return {
    pacer: createAdaptivePacer(options.pacing, options.refines),
    lines: [],
    inHand: 0,
    ...newBatch(options),
    isIntakePlanned: false,
    sendIntervalMs: 1000 / (workerRatePerSecond * share),
    nextSendAtMs: Number.NEGATIVE_INFINITY,
    stored: 0,
  };
}

/** Without batches a worker has one that never ends, with a budget to match. */
export function newBatch({ batches }: FleetOptions): Pick<Worker, 'leftOfBatch' | 'bounds'> {
  const items = batches?.items ?? Number.POSITIVE_INFINITY;
  return { leftOfBatch: items, bounds: batchBounds(items, Number.POSITIVE_INFINITY) };
}

/** The line's number in the worker: events carry numbers. */
export function lineNumber({ lines }: Worker, group: PacingGroup): number {
  const number = lines.findIndex((line) => line.group === group);
  if (number >= 0) return number;
  return lines.push({ group, waiting: 0, items: createFifo(), isPlanned: false }) - 1;
}

/** Milliseconds from the run's start to the worker's. */
export function startMs({ start, workers }: FleetOptions, index: number, random: Random): number {
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
