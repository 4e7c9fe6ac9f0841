// One chaos run: the real pipeline on the embedded cloud, under seeded faults, and then everything read back.
//
//   start    the cloud; the sources that rows copy
//   trouble  manifests dropped, faults armed, services gone for a while, sweeps
//   calm     every job has ended: no more faults; what is left on the queues drains
//   check    each row, each object, each count
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import type { Cloud } from '../../local/cloud.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { metadataOfOptionTexts } from '../../shared/job/options.ts';
import { type Clock, steadyClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { type AccountCheck, checkAccount } from './check-account.ts';
import {
  CHAOS_FAULTS,
  type ChaosFaultName,
  chaosFaults,
  countsByName,
  OUTAGES,
  outageName,
} from './faults.ts';
import { type ChaosJob, planJobs } from './manifests.ts';
import { createPatience, MOST_STRETCHES, type PatienceOptions, type Standing } from './patience.ts';
import { endsOf, messagesLeft, readAll, viewOf } from './read-back.ts';
import { placesOf, SOURCE_BUCKET, startChaosCloud, stretchTimes } from './setting.ts';
import { describeStall } from './stall.ts';
import { startTrouble } from './trouble.ts';

export interface ChaosOptions {
  items: number;
  seed: number;
  /** The faults of this run. */
  faults: readonly ChaosFaultName[];
  /** Multiplies the faults' rates: a smaller run meets each more often, for its size. */
  intensity: number;
  outageMs: number;
  /** How often each service is gone. */
  outagesEach: number;
  /** Seconds in which nothing gets on, after which the run is given up. */
  limitSeconds: number;
  say?: (line: string) => void;
}

export interface ChaosRun extends AccountCheck {
  seconds: number;
  faults: Record<string, number>;
  /** How often the functions were given twice the time, since nothing got on for a minute: a sign of a busy machine. */
  stretched: number;
  /** What stands still, where the run was given up. */
  stall?: string;
}

const LIVE_STATES = ['planning', 'running'];
const SWEEP_EVERY_MS = 2_000;
const LOOK_EVERY_MS = 500;
const SHOW_EVERY_MS = 10_000;
const STAGED_AT_ONCE = 32;

export async function runChaos(options: ChaosOptions): Promise<ChaosRun> {
  const clock = steadyClock;
  const startedAtMs = clock.now();
  const cloud = await startChaosCloud(options.seed);
  const s3 = createS3Client(cloud.clientConfig());
  try {
    const places = { destination: cloud.names.destination, source: SOURCE_BUCKET };
    const jobs = planJobs(options.items, createRandom(options.seed), places);
    await stage(s3, jobs);
    const { stall, stretched } = await endure({ cloud, s3, clock }, jobs, options);
    const check = checkAccount(
      jobs,
      await readAll(
        cloud,
        s3,
        jobs.map(({ key }) => key),
      ),
    );
    return {
      ...check,
      isSound: check.isSound && stall === undefined,
      seconds: Math.round((clock.now() - startedAtMs) / 100) / 10,
      faults: countsByName(options.faults, await cloud.faultCounts()),
      stretched,
      ...(stall === undefined ? {} : { stall }),
    };
  } finally {
    s3.destroy();
    await cloud.stop();
  }
}

interface Scene {
  cloud: Cloud;
  s3: S3Client;
  clock: Clock;
}

async function stage(s3: S3Client, jobs: readonly ChaosJob[]): Promise<void> {
  const sources = jobs.flatMap(({ rows }) => rows.flatMap(({ source }) => (source ? [source] : [])));
  await pMap(
    sources,
    ({ key, bytes }) => s3.send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key: key, Body: bytes })),
    { concurrency: STAGED_AT_ONCE },
  );
}

/** Until every job has ended, and the queues are empty: what dead workers held comes back, is found ended, and goes. */
async function endure(
  scene: Scene,
  jobs: readonly ChaosJob[],
  { items, faults, intensity, outageMs, outagesEach, limitSeconds, say }: ChaosOptions,
): Promise<Pick<ChaosRun, 'stall' | 'stretched'>> {
  const { cloud, s3, clock } = scene;
  // Before the faults: a put that is tried again makes two versions, and so two jobs.
  for (const { key, body, contentType, options } of jobs) {
    await s3.send(
      new PutObjectCommand({
        Bucket: cloud.names.inbox,
        Key: key,
        Body: body,
        ContentType: contentType,
        Metadata: metadataOfOptionTexts(options),
      }),
    );
  }
  await cloud.setFaults(chaosFaults(faults, placesOf(cloud), intensity));
  const gone = OUTAGES.filter((service) => faults.some((name) => name === outageName(service)));
  const trouble = startTrouble(
    { cloud, clock },
    {
      outages: Array.from({ length: outagesEach }, () => gone).flat(),
      outageMs,
      objects: items,
      sweepEveryMs: SWEEP_EVERY_MS,
    },
  );
  const sqs = new SQSClient(cloud.clientConfig());
  let stretched = 0;
  const stretch = async () => {
    if (stretched >= MOST_STRETCHES) return;
    stretched += 1;
    say?.('nothing gets on: the functions have twice the time from here on');
    await stretchTimes(cloud, sqs);
  };
  const waits = { limitMs: limitSeconds * 1000, sweeps: trouble.sweeps, stretch };
  const givenUp = async (what: string) => ({
    stretched,
    stall: `${what}, and nothing has got on for ${limitSeconds} s\n${await describeStall(cloud)}`,
  });
  try {
    const show = () => showProgress(cloud, jobs, say);
    const haveEnded = await until(scene, waits, show, () => progressOf(cloud, jobs, items));
    trouble.calm();
    await cloud.setFaults([]);
    if (!haveEnded) return await givenUp('not every job has ended');
    say?.('every job has ended; the queues drain');
    const hasDrained = await until(scene, waits, show, () => drainOf(cloud, jobs));
    return hasDrained ? { stretched } : await givenUp('messages or jobs are left after the last job’s event');
  } finally {
    sqs.destroy();
    await trouble.end();
  }
}

/** Metrics that grow as the work gets on. */
const GROWS = ['RowsAccepted', 'RowsRejected', 'ObjectsStored', 'SlicesIngested', 'SlicesSettled'] as const;

function progressOf(cloud: Cloud, jobs: readonly ChaosJob[], items: number): Standing {
  const metrics = cloud.metrics();
  const ended = jobs.filter(({ key }) => endsOf(cloud, key).length > 0).length;
  const counted = GROWS.reduce((sum, name) => sum + Math.min(items, metrics[name] ?? 0), 0);
  return { isDone: ended === jobs.length, progress: ended + counted };
}

async function drainOf(cloud: Cloud, jobs: readonly ChaosJob[]): Promise<Standing> {
  const depths = Object.values(await messagesLeft(cloud));
  const messages = depths.reduce(
    (sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed,
    0,
  );
  const ids = new Set(jobs.flatMap(({ key }) => endsOf(cloud, key).map(({ job }) => job)));
  const views = await Promise.all([...ids].map((id) => viewOf(cloud, id)));
  const isLive = (view: (typeof views)[number]) => view === undefined || LIVE_STATES.includes(view.state);
  const left = messages + views.filter(isLive).length;
  return { isDone: left === 0, progress: -left };
}

/** @returns whether it was done before the run is to be given up */
async function until(
  { clock }: Scene,
  waits: PatienceOptions,
  show: () => Promise<void>,
  look: () => Standing | Promise<Standing>,
): Promise<boolean> {
  const patience = createPatience({ clock }, waits);
  let showAtMs = clock.now() + SHOW_EVERY_MS;
  for (;;) {
    const standing = await look();
    if (standing.isDone) return true;
    if (await patience.isOver(standing.progress)) return false;
    if (clock.now() >= showAtMs) {
      await show();
      showAtMs = clock.now() + SHOW_EVERY_MS;
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

async function showProgress(
  cloud: Cloud,
  jobs: readonly ChaosJob[],
  say: ((line: string) => void) | undefined,
): Promise<void> {
  if (say === undefined) return;
  const ended = jobs.filter(({ key }) => endsOf(cloud, key).length > 0).length;
  const struck = Object.values(countsByName(CHAOS_FAULTS, await cloud.faultCounts()));
  const {
    ObjectsStored = 0,
    SlicesSettled = 0,
    SlicesReplayed = 0,
    DeadLettersFlagged = 0,
  } = cloud.metrics();
  say(
    `${ended} of ${jobs.length} jobs ended · ${ObjectsStored} stored · ${SlicesSettled} slices settled, ${SlicesReplayed} replayed · ` +
      `${DeadLettersFlagged} dead letters flagged · ${struck.reduce((sum, count) => sum + count, 0)} faults · queues ${JSON.stringify(await messagesLeft(cloud))}`,
  );
}
