// The scenarios of `spillway simulate`: what happens to the fleet, at times in shares of the run's length.
import type { FleetOptions } from './fleet-options.ts';

/** Lambda developer guide, "Scaling behavior for SQS event source mappings": five invocations at first, 300 more a minute. */
const RAMP = { kind: 'ramp', first: 5, perSecond: 300 / 60, initMs: 300 } as const;

export interface Scenario {
  name: string;
  says: string;
  change(options: FleetOptions): Partial<FleetOptions>;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'steady', says: 'all workers together, warm; nothing happens', change: () => ({}) },
  {
    name: 'cold-starts',
    says: "Lambda's event source starts the workers: 5, then 300 more a minute, each with 0.3 s of init",
    change: () => ({ start: RAMP }),
  },
  {
    name: 'half-limit',
    says: "every partition's limit halves at a quarter of the run, and is back at half of it",
    change: ({ seconds }) => ({
      limitChanges: [
        { atSecond: Math.floor(seconds / 4), factor: 0.5 },
        { atSecond: Math.floor(seconds / 2), factor: 1 },
      ],
    }),
  },
  {
    name: 'outage',
    says: 'one partition refuses all from a quarter of the run to half of it',
    change: ({ seconds, partitions }) => ({
      weakPartition: {
        partition: Math.floor(partitions / 3),
        factor: 0,
        fromSecond: Math.floor(seconds / 4),
        toSecond: Math.floor(seconds / 2),
      },
    }),
  },
  {
    name: 'weak-partition',
    says: 'one partition has a quarter of its limit from a quarter of the run on',
    change: ({ seconds, partitions }) => ({
      weakPartition: {
        partition: Math.floor(partitions / 3),
        factor: 0.25,
        fromSecond: Math.floor(seconds / 4),
        toSecond: seconds,
      },
    }),
  },
  {
    name: 'splits',
    says: 'one partition splits again and again under load, after 5 s each (S3 takes 30 to 60 minutes), up to --partitions',
    change: ({ partitions }) => ({
      partitions: 1,
      splits: { afterSeconds: 5, maxPartitions: partitions },
    }),
  },
  {
    name: 'late-worker',
    says: 'one worker comes at a quarter of the run',
    change: ({ seconds }) => ({ start: { kind: 'one-late', atSecond: Math.floor(seconds / 4) } }),
  },
  {
    name: 'unequal-workers',
    says: 'the slowest worker can send a tenth of what the fastest can',
    change: () => ({ slowestWorkerShare: 0.1 }),
  },
  {
    name: 'batches',
    says: "Lambda's batches of 100 items, 80 ms for the account after each: workers send in bursts, and wait",
    change: () => ({ batches: { items: 100, pauseMs: 80 } }),
  },
  {
    name: 'slow-answers',
    says: 'S3 answers in 200 ms and more, not 35',
    change: () => ({ latency: { baseMs: 150, restMs: 50 } }),
  },
  {
    name: 'sequential-keys',
    says: 'keys in order: all load at one point, which wanders through the partitions once',
    change: () => ({ keys: 'sequential' }),
  },
];
