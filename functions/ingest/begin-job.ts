// Takes a new job from its manifest to the plan of its slices, or to its end where the manifest can't be read. Each step may be
// repeated: an invocation can end between any two of them, and SQS may deliver a message twice.

import { jobIdOfManifest, type ManifestArrival } from '../../shared/job/identity.ts';
import { isEnded, type Job, type LiveJob, type PlanningJob, type UnopenedJob } from '../../shared/job/job.ts';
import { isManifestOf, takenJob } from '../../shared/job/unopened-job.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { canReadRowsOf, otherParserFault } from '../../shared/manifest/parser-version.ts';
import type { IngestRequest, SliceRequest } from '../../shared/queue/ingest-request.ts';
import { SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import type { Announcer } from '../../shared/report/announce.ts';
import { failJob, failUnopenedJob, stopPlanning } from '../../shared/report/end-job.ts';
import { LOG } from '../runtime/log-messages.ts';
import { type ConvertTime, convertManifest } from './convert-manifest.ts';
import type { IngestDependencies } from './dependencies.ts';
import { startJob } from './open-job.ts';
import { planJob } from './split-manifest.ts';

export interface BeginJobDependencies
  extends Pick<
    IngestDependencies,
    | 'blocks'
    | 'ledger'
    | 'end'
    | 'destinationBuckets'
    | 'manifestBuckets'
    | 'cut'
    | 'keepDays'
    | 'notifySettle'
    | 'clock'
    | 'telemetry'
  > {
  requestIngest: IngestRequest;
  requestSlice: SliceRequest;
  announcer: Announcer;
}

/** A manifest that has arrived in the inbox: its job is opened, or continued where an earlier delivery opened it. */
export async function ingestArrival(
  dependencies: BeginJobDependencies,
  arrival: ManifestArrival,
  deadlineMs: number,
): Promise<void> {
  const { ledger, clock } = dependencies;
  const known = await ledger.getJob(jobIdOfManifest(arrival));
  const time = { deadlineMs, isWhole: false };
  if (known === undefined) await continueJob(dependencies, await openJob(dependencies, arrival), time);
  else if (isManifestOf(known, arrival)) await continueJob(dependencies, known, time);
  else await refuseJob(dependencies, takenJob(arrival, known.id, clock.now()));
}

/** Plans a job that is not planned yet. */
export async function continueJob(
  dependencies: BeginJobDependencies,
  job: Job,
  time: ConvertTime,
): Promise<void> {
  if (isEnded(job)) return;
  // A repeated message: the notice after the plan may be missing.
  if (job.state === 'running') await notifyIfSettled(dependencies, job);
  // An earlier delivery started to end the job, and may have stopped before its event was sent.
  else if (job.ending === 'abandoned')
    reportRefusal(dependencies, job, await failJob(dependencies.end, job, job.fault));
  else if (!canReadRowsOf(job)) await endUnreadable(dependencies, job);
  else {
    await dependencies.announcer.start(job);
    await plan(dependencies, job, time);
  }
}

/** Ends a job whose rows this version of the parser can't find again: the rows that are left fail with that reason. */
export async function endUnreadable(
  { end, telemetry: { logger } }: BeginJobDependencies,
  job: LiveJob,
): Promise<void> {
  const fault = otherParserFault(job);
  const how = await stopPlanning(end, job, fault);
  logger.error(LOG.otherParser, { job: job.id, fault, how });
}

async function openJob(dependencies: BeginJobDependencies, arrival: ManifestArrival): Promise<Job> {
  const { blocks, ledger, end, clock } = dependencies;
  const { bucket: reportBucket } = end.reports;
  const sourceBuckets = bucketsOf(blocks);
  const stage = { ...dependencies, reader: blocks, sourceBuckets, reportBucket, nowMs: clock.now() };
  const job = await startJob(stage, arrival);
  return job.state === 'planning' ? ledger.createJob(job) : refuseJob(dependencies, job);
}

function bucketsOf({ sources }: IngestDependencies['blocks']): readonly string[] {
  return sources === 'unchecked' ? [] : sources.buckets;
}

async function refuseJob(dependencies: BeginJobDependencies, job: UnopenedJob): Promise<Job> {
  const current = await failUnopenedJob(dependencies.end, job);
  reportRefusal(dependencies, job, current);
  return current;
}

/** @param current the job as it is now: another delivery may have opened it meanwhile */
function reportRefusal(
  { telemetry: { logger } }: BeginJobDependencies,
  { id, manifest, fault }: Pick<UnopenedJob, 'id' | 'manifest' | 'fault'>,
  current: Job,
): void {
  if (current.state !== 'failed') return;
  logger.error(LOG.manifestRefused, { job: id, manifest, fault });
}

async function plan(dependencies: BeginJobDependencies, job: PlanningJob, time: ConvertTime): Promise<void> {
  const { blocks, end, telemetry } = dependencies;
  const { logger } = telemetry;
  const stage = { ...dependencies, reader: blocks, sourceBuckets: bucketsOf(blocks) };
  const converted = await convertManifest(stage, job, time);
  const planned = converted.kind === 'converted' ? await planJob(stage, job, time.deadlineMs) : converted;
  switch (planned.kind) {
    case 'halted':
      logger.info(LOG.planHalted, { job: job.id });
      return;
    case 'out of time':
      return dependencies.requestIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
    case 'unreadable':
      logger.error(LOG.manifestNotCut, {
        job: job.id,
        manifest: job.manifest,
        fault: planned.fault,
      });
      await failJob(end, job, planned.fault);
      return;
    case 'finished': {
      const { slices, rows } = planned.plan;
      logger.info(LOG.planFinished, { job: job.id, manifest: job.manifest, slices, rows });
      if (planned.job !== undefined) await notifyIfSettled(dependencies, planned.job);
    }
  }
}

/** All slices may have settled before ingest knew how many there are. */
async function notifyIfSettled({ notifySettle }: BeginJobDependencies, job: Job): Promise<void> {
  if (isSettled(job)) await notifySettle({ job: job.id });
}
