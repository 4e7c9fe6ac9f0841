// How much of S3's limit each uses, and how many requests it spends: engine, whole pipeline and installed peers put the same
// objects of 1 KB into the same throttling S3, in rotation, and the median of the rounds counts.
//
//   seconds      from the first request to the last answer, as the destination bucket saw them
//   ideal        in which the bucket's tokens, its burst included, came to one an object
//   efficiency   ideal / seconds
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulators } from '../../local/aws/emulators.ts';
import { idealSeconds } from '../../local/aws/s3/s3-limits.ts';
import type { BucketReading } from '../../local/meter/meter-reading.ts';
import { type Contestant, type Course, REGION } from './contestant.ts';
import { ENGINE, findPeers } from './peers.ts';
import { PIPELINE } from './pipeline.ts';

const OBJECT_BYTES = 1024;
/** The emulators' code is hot before anyone is measured; and the machine's own speed becomes known. */
const WARM_UP_BUCKET = 'bench-warm-up';
/** A limit above this share of what the machine does without one measures the machine. */
const ROOM = 0.8;

export interface LimitBenchOptions {
  objects: number;
  limitPerSecond: number;
  burstSeconds: number;
  rounds: number;
  /** Contestants by name; absent: all there are. */
  only?: string[];
  json: boolean;
}

/** Of a contestant that has written nothing. */
const NO_RUN = { seconds: 0, idealSeconds: 0, efficiency: 0, attemptsPerObject: 0, stored: 0 };
type Run = typeof NO_RUN;

export async function runLimitBench(options: LimitBenchOptions): Promise<void> {
  const { objects, limitPerSecond, burstSeconds, rounds } = options;
  const { installed, missing } = await findPeers();
  const contestants = [ENGINE, PIPELINE, ...installed].filter(
    ({ name }) => options.only === undefined || options.only.includes(name),
  );
  if (missing.length > 0) console.error(`not installed, and so not measured: ${missing.join(', ')}`);
  const bucketOf = (round: number, { name }: Contestant) => `bench-${round}-${name}`;
  const buckets = Array.from({ length: rounds }, (_, round) =>
    contestants.map((each) => ({ name: bucketOf(round, each), throttled: true })),
  ).flat();
  const work = await mkdtemp(path.join(tmpdir(), 'spillway-bench-'));
  const emulators = await startEmulators({
    region: REGION,
    accountId: '000000000000',
    buckets: [{ name: WARM_UP_BUCKET }, ...buckets],
    queues: [],
    tables: [],
    limit: { limitPerSecond, burstSeconds },
    seed: 1,
  });
  try {
    const folder = await makeFiles(path.join(work, 'files'), objects);
    const course: Course = { folder, objects, limitPerSecond, burstSeconds };
    const track = (bucket: string) => ({
      ...course,
      endpoint: emulators.endpoints.aws,
      bucket,
      read: async () => (await emulators.meter()).s3.buckets[bucket],
    });
    const machinePerSecond = speedOf(await ENGINE.run(track(WARM_UP_BUCKET)));
    console.error(`without a limit this machine takes ${Math.round(machinePerSecond)} objects/s`);
    if (limitPerSecond > machinePerSecond * ROOM) {
      console.error('that is too near to the limit: the machine is measured as much');
    }
    const runs = new Map<string, Run[]>(contestants.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const contestant of rotated(contestants, round)) {
        const reading = await contestant.run(track(bucketOf(round, contestant)));
        const run = runOf(reading, objects);
        runs.get(contestant.name)?.push(run);
        console.error(
          `round ${round + 1}  ${lineOf(contestant.name, run)}  load ${loadavg()[0]?.toFixed(1)}`,
        );
      }
    }
    const results = contestants.map(({ name }) => ({ name, ...medianRun(runs.get(name) ?? []) }));
    if (options.json) {
      console.log(
        JSON.stringify({ objects, limitPerSecond, burstSeconds, rounds, machinePerSecond, results, missing }),
      );
    } else {
      const about = `${objects} objects of ${OBJECT_BYTES} bytes at ${limitPerSecond}/s, burst ${burstSeconds} s`;
      console.log(
        [`${about}: medians of ${rounds}`, ...results.map((each) => lineOf(each.name, each))].join('\n'),
      );
    }
  } finally {
    await emulators.stop();
    await rm(work, { recursive: true, force: true });
  }
}

async function makeFiles(folder: string, objects: number): Promise<string> {
  await mkdir(folder);
  for (let index = 0; index < objects; index++) {
    const name = String(index).padStart(7, '0');
    await writeFile(path.join(folder, name), Buffer.alloc(OBJECT_BYTES, name));
  }
  return folder;
}

/** The first in one round is the last in the next. */
function rotated<Each>(list: readonly Each[], by: number): Each[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function runOf(reading: BucketReading | undefined, objects: number): Run {
  const { accepted, attempts } = writesOf(reading);
  const { limits, lastWriteAtMs } = reading ?? {};
  if (limits?.firstWriteAtMs === undefined || lastWriteAtMs === undefined) return NO_RUN;
  const stored = Math.min(objects, accepted);
  const seconds = (lastWriteAtMs - limits.firstWriteAtMs) / 1000;
  const ideal = idealSeconds(limits, stored);
  return {
    seconds,
    idealSeconds: ideal,
    efficiency: ideal / seconds,
    attemptsPerObject: attempts / Math.max(1, stored),
    stored,
  };
}

function writesOf(reading: BucketReading | undefined) {
  let accepted = 0;
  let attempts = 0;
  for (const [operation, count] of Object.entries(reading?.operations ?? {})) {
    if (!/^(Put|Copy)/.test(operation)) continue;
    accepted += count.accepted;
    attempts += count.requests;
  }
  return { accepted, attempts };
}

/** The best second: others may have had the machine in the rest. */
function speedOf(reading: BucketReading | undefined): number {
  return Math.max(0, ...(reading?.writesBySecond ?? []).map(({ accepted }) => accepted));
}

function medianRun(runs: readonly Run[]): Run {
  const median = (name: keyof Run) => {
    const sorted = runs.map((run) => run[name]).sort((left, right) => left - right);
    const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
    return (low + high) / 2;
  };
  const names = Object.keys(NO_RUN) as (keyof Run)[];
  return Object.fromEntries(names.map((name) => [name, median(name)])) as Run;
}

function lineOf(
  name: string,
  { seconds, idealSeconds: ideal, efficiency, attemptsPerObject, stored }: Run,
): string {
  const [took, best] = [seconds, ideal].map((each) => each.toFixed(1).padStart(6));
  return `${name.padEnd(10)} ${took} s of ${best} s ideal  efficiency ${efficiency.toFixed(3)}  ${attemptsPerObject.toFixed(3)} attempts/object  ${stored} stored`;
}
