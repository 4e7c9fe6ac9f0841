// The demo's steps: stage, drop, follow, save the report, read back, print.
import type { S3Client } from '@aws-sdk/client-s3';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import type { MetricSums } from '../../local/lambda/logs.ts';
import { type CostReading, usageBetween } from '../../local/meter/cost.ts';
import { USUAL_LATENCIES } from '../../local/meter/latencies.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { destinationOf } from '../../shared/keys/destination-key.ts';
import type { GiveBackCounts } from '../../shared/queue/give-back.ts';
import { steadyClock, systemClock } from '../../shared/time/clock.ts';
import { endOfProcess, type Interrupt } from '../interrupt.ts';
import { createProgress, type Progress } from '../progress.ts';
import { terminal } from '../terminal/terminal.ts';
import { dropManifest } from './drop.ts';
import type { ChosenFiles } from './files.ts';
import { readBack } from './read-back.ts';
import { isSound, resultOf, summaryOf } from './result.ts';
import { saveReport, unstoredKeys } from './save-report.ts';
import { stageFiles } from './stage.ts';
import { untilSettled, watchJob } from './watch.ts';

/** S3's own proportion: 5,500 reads to 3,500 writes a second. A little less, so that reading back is not throttled. */
const READS_PER_WRITE = 1.5;
const SOURCE_BUCKET = 'spillway-demo-source';
const EXAMPLES = 2;

export interface DemoOptions {
  files: number;
  limit: number;
  spread: string;
  json?: true;
}

/** What has been started, for Ctrl-C to end. */
export interface RunningDemo {
  cloud?: Cloud;
  progress?: Progress;
}

export async function runDemo(
  { running, interrupt }: { running: RunningDemo; interrupt: Interrupt },
  files: ChosenFiles,
  options: DemoOptions,
): Promise<void> {
  const say = options.json ? terminal.err : terminal.out;
  let s3: S3Client | undefined;
  try {
    running.cloud = await startCloud({
      params: { sourceBuckets: SOURCE_BUCKET },
      limit: { limitPerSecond: options.limit },
      // Cold starts are in the time that is shown: those of the sources would take as long as a tenth of it.
      bundled: true,
      // So that the functions' time, which Lambda bills, is about what it would be on AWS.
      latencies: USUAL_LATENCIES,
      // The files are put there before the clock starts: S3's limit is shown at the destination.
      buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    });
    s3 = createS3Client(running.cloud.clientConfig());
    const show = (name: string, total: number): Progress => {
      running.progress = createProgress(name, total);
      return running.progress;
    };
    const { result, isGood, failure, summary } = await upload(
      { cloud: running.cloud, s3, show },
      files,
      options,
    );
    if (interrupt.isInterrupted()) return await endOfProcess();
    // Before anything is printed: its reader may be gone.
    if (!isGood) process.exitCode = 1;
    say(summary);
    if (options.json) terminal.json(result);
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (interrupt.isInterrupted()) return await endOfProcess();
    running.progress?.end();
    throw error;
  } finally {
    s3?.destroy();
    await running.cloud?.stop();
  }
}

interface Stage {
  cloud: Cloud;
  s3: S3Client;
  show: (name: string, total: number) => Progress;
}

async function upload({ cloud, s3, show }: Stage, files: ChosenFiles, options: DemoOptions) {
  const clock = steadyClock;
  const { inbox, destination, reports } = cloud.names;
  const to = { destination: { bucket: destination, prefix: '' }, spread: options.spread };

  const staging = show('staging', files.keys.length);
  const staged = await stageFiles(s3, SOURCE_BUCKET, files, (count) => staging.show(count));
  staging.end();

  const before = await read(cloud);
  // Compared with the end that the ledger names.
  const droppedAtMs = systemClock.now();
  const job = await dropManifest(s3, { inbox, source: SOURCE_BUCKET, spread: options.spread }, staged);
  const uploading = show('uploading', staged.length);
  const end = await watchJob({ cloud, clock }, job, uploading);
  uploading.end();
  await untilSettled({ cloud, clock });
  const after = await read(cloud);

  const saved = await saveReport(s3, reports, job);
  const unstored = await unstoredKeys(s3, reports, job);
  const expected = staged.filter(({ key }) => !unstored.has(key));
  const reading = show('reading back', expected.length);
  const checked = await readBack(
    { s3, clock },
    expected,
    { options: to, readsPerSecond: options.limit * READS_PER_WRITE },
    (count) => reading.show(count),
  );
  reading.end();

  const result = resultOf({
    end,
    droppedAtMs,
    usage: usageBetween(before, after, destination),
    givenBack: givenBackBy(cloud.metrics()),
    limitPerSecond: options.limit,
    partitions: after.meter.s3.buckets[destination]?.limits?.partitions.length ?? 1,
    checked,
    report: saved.kind === 'saved' ? saved.manifest : null,
  });
  const examples = expected
    .slice(0, EXAMPLES)
    .map(({ key }) => `s3://${destination}/${destinationOf({ key }, to).key}`);
  const rerun = `npm start -- DIR --limit ${options.limit * 2}`;
  return {
    result,
    isGood: isSound(result, checked),
    failure: saved.kind === 'unsaved' ? saved.failure : undefined,
    summary: summaryOf(result, checked, { examples, rerun }),
  };
}

/** The demo's cloud has done nothing else, so its sums are this job's. */
function givenBackBy(metrics: MetricSums): GiveBackCounts {
  const sum = (name: MetricName) => metrics[name] ?? 0;
  return {
    refused: { returned: sum('RefusedReturned'), reposted: sum('RefusedReposted') },
    untried: { returned: sum('UntriedReturned'), reposted: sum('UntriedReposted') },
  };
}

async function read(cloud: Cloud): Promise<CostReading> {
  return { meter: await cloud.meter(), logBytes: cloud.logBytes() };
}
