// INGEST: turns manifests into items on the upload queue.
//
//   a manifest's arrival   opens its job (or fails it, where the manifest can't be read at all), then plans
//   plan                   cuts the manifest into slices, each a row in the ledger and a message to this same queue
//   slice                  sends the slice's rows, as far as they have not ended
//   resume                 sends the slices of a job that was paused again
//
// Each may come twice and may be cut short: what is done is remembered, and the rest is done by the next delivery.
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { jobIdOfManifest, type ManifestArrival, type SliceId } from '../../shared/job/identity.ts';
import { isEnding, isLive, isRunning, type Job } from '../../shared/job/job.ts';
import { isManifestOf, takenJob } from '../../shared/job/unopened-job.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { canReadRowsOf, otherParserFault } from '../../shared/manifest/parser-version.ts';
import { sendMessages } from '../../shared/queue/batches.ts';
import {
  type IngestMessage,
  messageBody,
  parseIngestMessage,
  SCHEMA_VERSION,
} from '../../shared/queue/messages.ts';
import { parseNotification } from '../../shared/queue/s3-notification.ts';
import type { SettleNotice } from '../../shared/queue/settle-notice.ts';
import { cutOff, failJob, failUnopenedJob, type UnopenedDependencies } from '../../shared/report/end-job.ts';
import { boundedNames } from '../../shared/text/bounded.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { readEnvironment, splitList, wholeNumber, wholeNumbers } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { eachRecord, type RecordSource } from '../runtime/records.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import { startJob } from './open-job.ts';
import { resumeSlices } from './resume-job.ts';
import { type SendSliceDependencies, sendSlice } from './send-slice.ts';
import { planJob } from './split-manifest.ts';

/** Time kept back at the end of an invocation to remember what is done and to pass on the rest. */
const HANDOVER_MS = 20_000;

export interface IngestDependencies extends SendSliceDependencies {
  /** The only bucket whose objects are manifests. */
  inbox: string;
  destinationBuckets: readonly string[];
  end: UnopenedDependencies;
  ingestQueueUrl: string;
  retrySeconds: RecordSource['retrySeconds'];
  notifySettle: SettleNotice;
  telemetry: Telemetry;
  /** How the manifests of jobs that start from now on are cut. */
  cut: Pick<Job, 'sliceBytes' | 'blockRows'>;
}

export function createIngest(dependencies: IngestDependencies) {
  const { blocks, inbox, destinationBuckets, cut, ledger, end, queue, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;

  const tellIngest = (message: IngestMessage) =>
    sendMessages(queue, dependencies.ingestQueueUrl, [{ body: messageBody(message), groupId: message.job }]);
  const requestSlice = (slice: SliceId) => tellIngest({ v: SCHEMA_VERSION, kind: 'slice', ...slice });

  async function ingestArrival(arrival: ManifestArrival, deadlineMs: number): Promise<void> {
    const known = await ledger.getJob(jobIdOfManifest(arrival));
    if (known === undefined) await goOn(await openJob(arrival), deadlineMs);
    else if (isManifestOf(known, arrival)) await goOn(known, deadlineMs);
    else await refuseJob(takenJob(arrival, known.id, clock.now()));
  }

  async function goOn(job: Job, deadlineMs: number): Promise<void> {
    // An earlier delivery began to end it, and may have died before all was told.
    if (job.state === 'planning' && job.ending === 'abandoned') await refuseJob(job);
    else if (job.state === 'planning' && !canReadRowsOf(job)) await endUnreadable(job);
    else if (job.state === 'planning') await plan(job, deadlineMs);
    // The same message again: the step behind the plan may be still to take.
    else if (isLive(job)) await tellIfSettled(job);
  }

  async function openJob(arrival: ManifestArrival): Promise<Job> {
    const reportBucket = end.reports.bucket;
    const job = await startJob(
      { reader: blocks, destinationBuckets, reportBucket, cut, nowMs: clock.now() },
      arrival,
    );
    return job.fault === undefined ? ledger.createJob(job) : refuseJob(job);
  }

  /** @param job failed before it was opened, with its fault */
  async function refuseJob(job: Job): Promise<Job> {
    const fault = job.fault ?? { code: 'ManifestUnreadable', message: 'the manifest can not be read' };
    const ended = await failUnopenedJob(end, job, fault);
    if (ended.state === 'failed') {
      count({ JobsFailed: 1 });
      logger.error(LOG.manifestRefused, { job: job.id, manifest: job.manifest, fault });
    }
    return ended;
  }

  /** Its rows can't be found again by this parser: those that have not ended are booked with that reason. */
  async function endUnreadable(job: Job): Promise<void> {
    const fault = otherParserFault(job);
    const how = await cutOff(end, job, fault);
    logger.error(LOG.otherParser, { job: job.id, fault, how });
  }

  async function plan(job: Job, deadlineMs: number): Promise<void> {
    const planned = await planJob({ reader: blocks, ledger, requestSlice, clock }, job, deadlineMs);
    switch (planned.kind) {
      case 'halted':
        logger.info(LOG.planHalted, { job: job.id });
        return;
      case 'out of time':
        return tellIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
      case 'unreadable':
        logger.error(LOG.manifestNotCut, {
          job: job.id,
          manifest: job.manifest,
          fault: planned.fault,
        });
        await failJob(end, job, planned.fault);
        count({ JobsFailed: 1 });
        return;
      case 'finished': {
        const { slices, rows } = planned.plan;
        logger.info(LOG.planFinished, { job: job.id, manifest: job.manifest, slices, rows });
        if (planned.job !== undefined) await tellIfSettled(planned.job);
      }
    }
  }

  /** Every slice may have settled before their number was known. */
  async function tellIfSettled(job: Job): Promise<void> {
    if (isSettled(job)) await dependencies.notifySettle({ job: job.id });
  }

  async function ingestSlice(job: Job, number: number, deadlineMs: number): Promise<void> {
    const id = { job: job.id, slice: number };
    const slice = await ledger.getSlice(id);
    if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);
    const { end, accepted, rejected, fault } = await sendSlice(dependencies, job, slice, deadlineMs);
    count({ RowsAccepted: accepted, RowsRejected: rejected, SlicesIngested: end === 'sent' ? 1 : 0 });
    if (end === 'sent') await ledger.closeSlice(id);
    if (end === 'out of time') await requestSlice(id);
    if (fault !== undefined) logger.error(LOG.jobStopped, { ...id, control: 'cancelling', fault });
    logger.info(LOG.sliceIngested, {
      ...id,
      rows: slice.rows,
      replays: slice.replays,
      end,
      accepted,
      rejected,
    });
  }

  async function resume(job: Job, from: number, deadlineMs: number): Promise<void> {
    if (job.state === 'planning' && from === 0)
      await tellIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
    const next = await resumeSlices({ ledger, requestSlice, clock }, job, from, deadlineMs);
    if (next !== undefined) await tellIngest({ v: SCHEMA_VERSION, kind: 'resume', job: job.id, from: next });
    logger.info(LOG.jobResumed, { job: job.id, from, next });
  }

  async function ingestMessage(message: IngestMessage, deadlineMs: number): Promise<void> {
    const job = await ledger.getJob(message.job);
    // The plan of a job that is being ended goes on, so that its rows are known; a paused job rests.
    const isDue = job !== undefined && (isRunning(job) || (isEnding(job) && message.kind === 'plan'));
    if (!isDue) {
      logger.info(LOG.messageNotDue, {
        job: message.job,
        kind: message.kind,
        state: job?.state,
        control: job?.control,
      });
      return;
    }
    if (!canReadRowsOf(job)) return endUnreadable(job);
    switch (message.kind) {
      case 'slice':
        return ingestSlice(job, message.slice, deadlineMs);
      case 'plan':
        return goOn(job, deadlineMs);
      case 'resume':
        return resume(job, message.from ?? 0, deadlineMs);
    }
  }

  async function ingestBody(body: string, deadlineMs: number): Promise<void> {
    const own = parseIngestMessage(body);
    if (own.kind === 'message') return ingestMessage(own.message, deadlineMs);
    const notification = parseNotification(parseJson(body), inbox);
    if (notification.kind === 'not-a-notification') {
      throw new Error(
        `neither a message of ours (${own.reason}) nor S3's notification (${notification.reason})`,
      );
    }
    if (notification.passedOver.length > 0) {
      logger.info(LOG.manifestsPassedOver, {
        keys: boundedNames(notification.passedOver),
      });
    }
    for (const arrival of notification.arrivals) await ingestArrival(arrival, deadlineMs);
  }

  const source = {
    queue,
    queueUrl: dependencies.ingestQueueUrl,
    retrySeconds: dependencies.retrySeconds,
  };
  return eachRecord(source, telemetry, LOG.messageNotIngested, async ({ body }, context) => {
    await ingestBody(body, clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said by parseIngestMessage already, with the reason.
    return undefined;
  }
}

function dependenciesFromEnvironment(telemetry: Telemetry): IngestDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INBOX_BUCKET',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_DESTINATION_BUCKETS',
    'SPILLWAY_SOURCE_BUCKETS',
    'SPILLWAY_SLICE_BYTES',
    'SPILLWAY_BLOCK_ROWS',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
    'SPILLWAY_RETRY_SECONDS',
  ]);
  const queue = wireQueue(CLIENT_BUDGETS.ingest);
  const { ledger, notifySettle } = wireLedger(env, queue, CLIENT_BUDGETS.ingest);
  const reports = wireReports(env, CLIENT_BUDGETS.ingest);
  return {
    blocks: {
      ...{ s3: reports.s3, clock: systemClock, random: queue.random },
      sources: { buckets: splitList(env.SPILLWAY_SOURCE_BUCKETS) },
    },
    inbox: env.SPILLWAY_INBOX_BUCKET,
    destinationBuckets: splitList(env.SPILLWAY_DESTINATION_BUCKETS),
    retrySeconds: wholeNumbers(env, 'SPILLWAY_RETRY_SECONDS'),
    cut: {
      sliceBytes: wholeNumber(env, 'SPILLWAY_SLICE_BYTES'),
      blockRows: wholeNumber(env, 'SPILLWAY_BLOCK_ROWS'),
    },
    ledger,
    outcomes: reports.outcomes,
    end: wireEnd(env, reports, ledger, CLIENT_BUDGETS.ingest),
    queue,
    ingestQueueUrl: env.SPILLWAY_INGEST_QUEUE_URL,
    uploadQueueUrl: env.SPILLWAY_UPLOAD_QUEUE_URL,
    notifySettle,
    clock: systemClock,
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createIngest(dependenciesFromEnvironment(telemetry)));
