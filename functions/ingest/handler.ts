// INGEST: turns manifests into messages on the upload queue.
//
//   1 configure  dependencies from the environment, at the first invocation
//   2 validate   a record is an announcement of manifests, or one of ingest's own messages (read-record.ts)
//   3 load       its job, which must be due
//   4 act        by what the record asks for:
//        manifest  open its job, or fail it where the manifest can't be read; then plan (begin-job.ts)
//        plan      split the manifest into slices: each a row in the ledger and a message to this queue (split-manifest.ts)
//        slice     send the rows of the slice that have not ended (ingest-slice.ts)
//        resume    send the slices of a paused job again (resume-job.ts)
//   5 report     log and count; a record that failed stays in the queue (runtime/records.ts)
//
// A record may come twice, and an invocation may end early. What is done is recorded, and the next delivery does the rest.

import { isEnding, isLive, type LiveJob, mayTransfer } from '../../shared/job/job.ts';
import { canReadRowsOf } from '../../shared/manifest/parser-version.ts';
import { createIngestRequest, type SliceRequest } from '../../shared/queue/ingest-request.ts';
import { type IngestMessage, SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import { createAnnouncer } from '../../shared/report/announce.ts';
import { boundedList, boundedNames } from '../../shared/text/bounded.ts';
import { markInOnePause } from '../runtime/garbage-collection.ts';
import { createHandler } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { eachRecord } from '../runtime/records.ts';
import { continueJob, endUnreadable, ingestArrival } from './begin-job.ts';
import { ingestConfiguration } from './configuration.ts';
import { type IngestDependencies, ingestDependencies } from './dependencies.ts';
import { ingestSlice } from './ingest-slice.ts';
import { readRecord } from './read-record.ts';
import { resumeJob } from './resume-job.ts';

/** Milliseconds kept back at the end of an invocation to record what is done and to request the rest. */
const HANDOVER_MS = 20_000;

export function createIngest(dependencies: IngestDependencies) {
  const { ledger, end, queue, ingestQueueUrl, retrySeconds, clock, telemetry } = dependencies;
  const { logger } = telemetry;
  const requestIngest = createIngestRequest(queue, ingestQueueUrl);
  const requestSlice: SliceRequest = (slice, delaySeconds) =>
    requestIngest({ v: SCHEMA_VERSION, kind: 'slice', ...slice }, delaySeconds);
  const announcer = createAnnouncer({
    ...{ events: end.events, ledger },
    failed: (error) => logger.warn(LOG.eventNotSent, { error }),
  });
  const stage = { ...dependencies, requestIngest, requestSlice, announcer };

  async function ingestRecord(body: string, deadlineMs: number): Promise<void> {
    const record = readRecord(body, dependencies);
    if (record.kind === 'message') return ingestMessage(record.message, deadlineMs);
    if (record.passedOver.length > 0) {
      logger.info(LOG.manifestsPassedOver, {
        keys: boundedNames(record.passedOver),
      });
    }
    // One job that can't be opened or read must not keep the others of the same notification waiting.
    const faults: unknown[] = [];
    for (const arrival of record.arrivals) {
      try {
        await ingestArrival(stage, arrival, deadlineMs);
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length === 1) throw faults[0];
    if (faults.length > 1) throw new AggregateError(faults, boundedList(faults.map(String)));
  }

  async function ingestMessage(message: IngestMessage, deadlineMs: number): Promise<void> {
    const job = await loadDueJob(message);
    if (job === undefined) return;
    if (!canReadRowsOf(job)) return endUnreadable(stage, job);
    switch (message.kind) {
      case 'slice':
        return ingestSlice(stage, job, message, deadlineMs);
      case 'plan':
        return continueJob(stage, job, { deadlineMs, isWhole: true });
      case 'resume':
        return resumeJob(stage, job, message.from ?? 0, deadlineMs);
    }
  }

  /** A job that is being ended is still planned, so that its rows are known. A paused job waits for its resume. */
  async function loadDueJob(message: IngestMessage): Promise<LiveJob | undefined> {
    const job = await ledger.getJob(message.job);
    if (job !== undefined && (mayTransfer(job) || (isEnding(job) && message.kind === 'plan'))) return job;
    logger.info(LOG.messageNotDue, {
      job: message.job,
      kind: message.kind,
      state: job?.state,
      control: job !== undefined && isLive(job) ? job.control : undefined,
    });
    return undefined;
  }

  const source = { queue, queueUrl: ingestQueueUrl, retrySeconds };
  return eachRecord(source, telemetry, LOG.messageNotIngested, ({ body }, context) =>
    ingestRecord(body, clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS),
  );
}

export const handler = createHandler(ingestConfiguration, ingestDependencies, (dependencies) => {
  const ingest = createIngest(dependencies);
  // Last: where the configuration is wrong, each invocation comes here again.
  markInOnePause();
  return ingest;
});
