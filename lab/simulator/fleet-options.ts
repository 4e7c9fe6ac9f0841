// The options of a simulated fleet, and the record of a run.
import type { AdaptiveRateOptions } from '../../shared/pacing/adaptive-rate.ts';

export interface FleetOptions {
  workers: number;
  partitions: number;
  /** Writes a second of one partition. */
  limitPerSecond: number;
  burstSeconds: number;
  /** Requests a second that one worker can send at most: what one Lambda can. */
  workerRatePerSecond: number;
  /** The slowest worker's speed as a share of the fastest's; the others are spread evenly between. 1: all equal. */
  slowestWorkerShare: number;
  /** Items that one worker has in hand at most, including those that wait. */
  places: number;
  seconds: number;
  seed: number;
  start: FleetStart;
  keys: FleetKeys;
  /** Milliseconds from a request to its answer: a base, and an exponentially distributed rest with this mean. */
  latency: { baseMs: number; restMs: number };
  /** Changes of every partition's limit: factors of limitPerSecond from a second on. */
  limitChanges: readonly { atSecond: number; factor: number }[];
  /** A partition with only this share of its limit from one second to another; 0 for a dead one. */
  weakPartition?: { partition: number; factor: number; fromSecond: number; toSecond: number };
  /** Splits under load; absent: the partitions stay as they are. */
  splits?: { afterSeconds: number; maxPartitions: number };
  /** Lambda's batches: the next items come when the last of these has ended, and a pause for the ledger is over. */
  batches?: { items: number; pauseMs: number };
  pacing?: AdaptiveRateOptions;
  /** false: the bucket stays one group whatever happens, to show what finer groups are worth. */
  refines?: boolean;
}

/**
 * at-once   all together
 * ramp      as Lambda's event source starts them: some, then so many a second, each after its environment's init
 * one-late  all but one together, and one later
 */
export type FleetStart =
  | { kind: 'at-once' }
  | { kind: 'ramp'; first: number; perSecond: number; initMs: number }
  | { kind: 'one-late'; atSecond: number };

/**
 * even        every path equally often, as hashed keys are
 * sequential  all keys at one point, which moves through the key space once
 */
export type FleetKeys = 'even' | 'sequential';

export interface FleetRun {
  /** By second of virtual time. */
  accepted: number[];
  throttled: number[];
  /** Items that went back to the queue. */
  givenBack: number[];
  partitions: number[];
  /** Writes a second that the partitions and the started workers allowed. */
  allowedPerSecond: number[];
  /** Objects stored by each worker in steady state, the run's second half. */
  storedByWorker: number[];
}

export const FLEET_DEFAULTS: Omit<FleetOptions, 'workers' | 'partitions' | 'seed'> = {
  limitPerSecond: 3_500,
  burstSeconds: 1,
  workerRatePerSecond: 2_000,
  slowestWorkerShare: 1,
  places: 100,
  seconds: 120,
  start: { kind: 'at-once' },
  keys: 'even',
  latency: { baseMs: 20, restMs: 15 },
  limitChanges: [],
};
