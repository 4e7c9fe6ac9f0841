// Simulates a herd: many clients wake at once, each with one object, and each backs off by itself until S3 takes its object.
// It is the scenario of "Exponential Backoff And Jitter" (AWS Architecture blog, M. Brooker), on this project's model of S3.
import { createS3Limits } from '../../local/aws/s3/s3-limits.ts';
import {
  type Backoff,
  decorrelatedJitterMs,
  equalJitterMs,
  exponentialMs,
  fullJitterMs,
} from '../../shared/pacing/backoff.ts';
import { createRandom, type Random } from '../../shared/time/random.ts';

const BACKOFF: Backoff = { baseMs: 100, capMs: 20_000 };
const LIMIT = { limitPerSecond: 100, burstSeconds: 0.25 };
/** Milliseconds of each way, to S3 and back: drawn evenly from this range. */
const LATENCY_MS = { least: 5, most: 15 };
const RUNS = 10;

export const HERD_SIZES = [25, 50, 100, 200, 400, 800] as const;

/** Milliseconds before the next try. @param previousMs the previous wait; undefined before the first */
type Step = (retries: number, previousMs: number | undefined, random: Random) => number;

export const HERD_STEPS: Record<string, Step> = {
  'no jitter': (retries) => exponentialMs(BACKOFF, retries),
  'equal jitter': (retries, _, random) => equalJitterMs(BACKOFF, retries, random),
  'decorrelated jitter': (_, previousMs = BACKOFF.baseMs, random) =>
    decorrelatedJitterMs(BACKOFF, previousMs, random),
  'full jitter': (retries, _, random) => fullJitterMs(BACKOFF, retries, random),
};

export interface HerdResult {
  /** Means over the runs. */
  requestsPerObject: number;
  seconds: number;
}

export function runHerd(clients: number, step: Step, seed: number): HerdResult {
  const runs = Array.from({ length: RUNS }, (_, run) => runOnce(clients, step, createRandom(seed + run)));
  const mean = (value: (run: { requests: number; endMs: number }) => number) =>
    runs.reduce((sum, run) => sum + value(run), 0) / RUNS;
  return {
    requestsPerObject: mean(({ requests }) => requests) / clients,
    seconds: mean(({ endMs }) => endMs) / 1000,
  };
}

interface Arrival {
  atMs: number;
  retries: number;
  waitedMs: number | undefined;
}

function runOnce(clients: number, step: Step, random: Random): { requests: number; endMs: number } {
  const limits = createS3Limits(LIMIT);
  const latencyMs = () => LATENCY_MS.least + random() * (LATENCY_MS.most - LATENCY_MS.least);
  let arrivals = Array.from({ length: clients }, (): Arrival => {
    return { atMs: latencyMs(), retries: 0, waitedMs: undefined };
  });
  let requests = 0;
  let endMs = 0;
  while (arrivals.length > 0) {
    // A wave: every retry comes at least two latencies after its request, so none of these requests is a retry of another.
    const waveEndMs = Math.min(...arrivals.map(({ atMs }) => atMs)) + 2 * LATENCY_MS.least;
    const wave = arrivals
      .filter(({ atMs }) => atMs < waveEndMs)
      .sort((left, right) => left.atMs - right.atMs);
    arrivals = arrivals.filter(({ atMs }) => atMs >= waveEndMs);
    for (const { atMs, retries, waitedMs } of wave) {
      requests++;
      const answeredAtMs = atMs + latencyMs();
      endMs = Math.max(endMs, answeredAtMs);
      if (limits.admit('write', 'object', atMs)) continue;
      const waitMs = step(retries, waitedMs, random);
      arrivals.push({ atMs: answeredAtMs + waitMs + latencyMs(), retries: retries + 1, waitedMs: waitMs });
    }
  }
  return { requests, endMs };
}
