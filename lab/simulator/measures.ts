// Measures a simulated run: goodput, refusals, speed of the start, fairness.
import type { FleetOptions, FleetRun } from './fleet-options.ts';

export interface FleetMeasures {
  workers: number;
  partitions: number;
  /** Of all partitions together. */
  limitPerSecond: number;
  /** Objects stored a second in steady state, as a share of what the limits and the fleet allow. */
  goodput: number;
  /** Share of all requests of the run that S3 refused, including the cold start. */
  throttledShare: number;
  /** Seconds until nine tenths of the allowed writes were stored in one second; null if that never happened. */
  secondsToNinetyPercent: number | null;
  /** Jain's index over the workers' objects in steady state: 1 is even, 1/n is one worker with all objects. */
  fairness: number;
  /** In steady state. */
  objectsPerSecond: number;
  /** How often items went back to the queue, per object stored. */
  givenBackPerObject: number;
}

/** Steady state is the second half of the run. */
export function measureFleet(options: FleetOptions, run: FleetRun): FleetMeasures {
  const { workers, partitions, limitPerSecond, workerRatePerSecond, seconds } = options;
  const steadyFrom = Math.floor(seconds / 2);
  const accepted = sum(run.accepted);
  const throttled = sum(run.throttled);
  const allowed = Math.min(partitions * limitPerSecond, workers * workerRatePerSecond);
  const nine = run.accepted.findIndex((stored) => stored >= 0.9 * allowed);
  return {
    workers,
    partitions,
    limitPerSecond: partitions * limitPerSecond,
    objectsPerSecond: sum(run.accepted.slice(steadyFrom)) / (seconds - steadyFrom),
    goodput: sum(run.accepted.slice(steadyFrom)) / sum(run.allowedPerSecond.slice(steadyFrom)),
    throttledShare: throttled / Math.max(1, accepted + throttled),
    secondsToNinetyPercent: nine < 0 ? null : nine + 1,
    fairness: jainIndex(run.storedByWorker),
    givenBackPerObject: sum(run.givenBack) / Math.max(1, accepted),
  };
}

/** Share of the requests from one second up to another that S3 refused. */
export function throttledShareBetween(run: FleetRun, fromSecond: number, toSecond: number): number {
  const accepted = sum(run.accepted.slice(fromSecond, toSecond));
  const throttled = sum(run.throttled.slice(fromSecond, toSecond));
  return throttled / Math.max(1, accepted + throttled);
}

/** (sum x)^2 / (n x sum x^2) */
export function jainIndex(values: readonly number[]): number {
  const squares = sum(values.map((value) => value * value));
  return squares === 0 ? 1 : sum(values) ** 2 / (values.length * squares);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
