// The cloud of a chaos run: the project's own service, with waits short enough that what a fault leaves behind comes back
// within the run, and with slices and blocks so small that every level of the ledger is closed many times.
import { SetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import type { ChaosPlaces } from './faults.ts';

export const SOURCE_BUCKET = 'chaos-source';

/** Bytes above which an object is copied in parts: the least that a deployment takes. */
export const COPIED_IN_PARTS_ABOVE = 5 * 1024 ** 2;

const SLICE_BYTES = 30_000;
const BLOCK_ROWS = 20;
const UPLOAD_BATCH = 60;
/** Upload keeps 20 s at its end to account and to give back; with less than that it would transfer nothing. */
const UPLOAD_TIMEOUT_SECONDS = 26;
const REPLAY_IDLE_SECONDS = 5;
const REPLAY_BUSY_SECONDS = 120;
/** Faults are waited for more than worked on: many environments wait side by side. */
const ENVIRONMENTS = 32;
/** What is beyond it is refused as S3 refuses, shed untried, and given back by visibility. */
const LIMIT = { limitPerSecond: 100, burstSeconds: 1 };
/** Invocations at once: together fewer than environments, so that none waits until another's queue is empty. */
const CONCURRENCY: Readonly<Record<string, number>> = { ingest: 5, upload: 16, settle: 6, deadLetters: 3 };
/**
 * Less than the functions' own timeouts, which Lambda would refuse: what a dead worker held comes back sooner, and now and then
 * a message comes back while its worker still lives. Upload hands over after 6 s, 20 s before its end.
 */
const VISIBILITY_SECONDS = 20;
const INGEST_TIMEOUT_SECONDS = 35;
const SETTLE_TIMEOUT_SECONDS = 30;
const SWEEP_TIMEOUT_SECONDS = 25;
const DEAD_LETTERS_TIMEOUT_SECONDS = 45;
/** Lambda's own. */
const LONGEST_TIMEOUT_SECONDS = 900;
const WINDOW_SECONDS = 0.2;
/** In place of up to 15 minutes: so what stands still is known within minutes, and a run waits for all that is delayed. */
const MOST_DELAY_MS = 60_000;
/** Of what failed: within the run, as all waits here. */
const RETRY_SECONDS = '2,5,10,20';
/** Workers die far more often here than any real ones. */
const RECEIVES_MOST: Readonly<Record<string, number>> = { IngestQueue: 12, UploadQueue: 8, SettleQueue: 40 };

export function startChaosCloud(seed: number): Promise<Cloud> {
  return startCloud({
    seed,
    fidelity: { mostDelayMs: MOST_DELAY_MS },
    params: { sourceBuckets: SOURCE_BUCKET, multipartCopyBytes: String(COPIED_IN_PARTS_ABOVE) },
    buckets: [{ name: SOURCE_BUCKET, throttled: false }],
    environments: ENVIRONMENTS,
    // Each death is a cold start, and hundreds of environments die: those of the sources would take most of the processor's time.
    bundled: true,
    limit: LIMIT,
    adjust: quicken,
  });
}

export function placesOf({ service }: Cloud): ChaosPlaces {
  const nameOf = (logicalId: string) => service.queues[logicalId]?.name ?? '';
  return { ingest: nameOf('IngestQueue'), upload: nameOf('UploadQueue'), settle: nameOf('SettleQueue') };
}

/** Doubles the functions' timeouts, and the time for which what they hold is hidden. */
export async function stretchTimes(cloud: Cloud, sqs: SQSClient): Promise<void> {
  const { queues } = cloud.service;
  const stretched = new Set<string>();
  await cloud.redeploy((functions) => {
    for (const model of Object.values(functions)) {
      model.timeoutSeconds = Math.min(model.timeoutSeconds * 2, LONGEST_TIMEOUT_SECONDS);
      for (const { queueArn } of model.sqsSources) stretched.add(queueArn);
    }
    const { upload, sweep } = functions;
    if (upload && sweep) sweep.environment['SPILLWAY_UPLOAD_SECONDS'] = String(upload.timeoutSeconds);
  });
  for (const { arn, url, attributes } of Object.values(queues)) {
    if (!stretched.has(arn)) continue;
    attributes['VisibilityTimeout'] = String(Number(attributes['VisibilityTimeout']) * 2);
    await sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: url,
        Attributes: { VisibilityTimeout: attributes['VisibilityTimeout'] },
      }),
    );
  }
}

function quicken(service: ServiceModel): void {
  const { ingest, upload, settle, sweep, deadLetters } = service.functions;
  if (!ingest || !upload || !settle || !sweep || !deadLetters) {
    throw new Error('serverless.yml lacks a function of ingest, upload, settle, sweep and deadLetters');
  }
  ingest.timeoutSeconds = INGEST_TIMEOUT_SECONDS;
  upload.timeoutSeconds = UPLOAD_TIMEOUT_SECONDS;
  settle.timeoutSeconds = SETTLE_TIMEOUT_SECONDS;
  sweep.timeoutSeconds = SWEEP_TIMEOUT_SECONDS;
  deadLetters.timeoutSeconds = DEAD_LETTERS_TIMEOUT_SECONDS;
  ingest.environment['SPILLWAY_SLICE_BYTES'] = String(SLICE_BYTES);
  ingest.environment['SPILLWAY_BLOCK_ROWS'] = String(BLOCK_ROWS);
  sweep.environment['SPILLWAY_UPLOAD_SECONDS'] = String(UPLOAD_TIMEOUT_SECONDS);
  sweep.environment['SPILLWAY_REPLAY_IDLE_SECONDS'] = String(REPLAY_IDLE_SECONDS);
  sweep.environment['SPILLWAY_REPLAY_BUSY_SECONDS'] = String(REPLAY_BUSY_SECONDS);
  // The runner sweeps itself, and more often.
  for (const schedule of sweep.schedules) schedule.enabled = false;
  for (const { name, sqsSources, environment } of Object.values(service.functions)) {
    if (environment['SPILLWAY_RETRY_SECONDS'] !== undefined)
      environment['SPILLWAY_RETRY_SECONDS'] = RETRY_SECONDS;
    for (const source of sqsSources) {
      const atOnce = CONCURRENCY[name];
      if (atOnce !== undefined) source.maximumConcurrency = atOnce;
      source.windowSeconds = Math.min(source.windowSeconds, WINDOW_SECONDS);
      const queue = Object.values(service.queues).find(({ arn }) => arn === source.queueArn);
      if (queue !== undefined) queue.attributes['VisibilityTimeout'] = String(VISIBILITY_SECONDS);
    }
  }
  for (const source of upload.sqsSources) source.batchSize = UPLOAD_BATCH;
  for (const [logicalId, maxReceiveCount] of Object.entries(RECEIVES_MOST)) {
    const attributes = service.queues[logicalId]?.attributes;
    if (attributes?.['RedrivePolicy'] === undefined) continue;
    const policy = JSON.parse(attributes['RedrivePolicy']) as object;
    attributes['RedrivePolicy'] = JSON.stringify({ ...policy, maxReceiveCount });
  }
}
