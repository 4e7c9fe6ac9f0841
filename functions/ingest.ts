// INGEST: turns manifests into items on the upload queue.
//
//   a manifest's arrival   opens its job (or fails it, where the manifest can't be read at all), then plans
//   plan                   cuts the manifest into slices, each a row in the ledger and a message to this same queue
//   slice                  reads the slice's rows in blocks; each block's row is in the ledger before its messages are sent
//
// Each may come twice and may be cut short: what is done is remembered, and the rest is done by the next delivery.
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import pMap from 'p-map';
import { readEnvironment, splitList } from '../shared/aws/environment.ts';
import { readRange } from '../shared/aws/object-range.ts';
import { parseNotification } from '../shared/job/arrival.ts';
import {
  type Block,
  type BlockReaderDependencies,
  openBlock,
  readSliceBlocks,
} from '../shared/job/blocks.ts';
import { type Clock, systemClock } from '../shared/job/clock.ts';
import { type EndDependencies, failJob } from '../shared/job/end.ts';
import { jobIdOfManifest, SLICE_BLOCKS, type SliceId } from '../shared/job/identity.ts';
import { isLive, isSettled, type Job } from '../shared/job/job.ts';
import { type ManifestArrival, startJob } from '../shared/job/start.ts';
import type { Ledger } from '../shared/ledger/ledger.ts';
import { hasEnded } from '../shared/ledger/tally.ts';
import { planSlices } from '../shared/manifest/slices.ts';
import { type QueueDependencies, sendMessages } from '../shared/queue/batches.ts';
import {
  type IngestMessage,
  messageBody,
  parseIngestMessage,
  SCHEMA_VERSION,
  type UploadMessage,
} from '../shared/queue/messages.ts';
import type { SettleNotice } from '../shared/queue/settle-notice.ts';
import type { OutcomeFiles } from '../shared/report/outcome-files.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../shared/wiring/wiring.ts';

/** Time kept back at the end of an invocation to remember what is done and to pass on the rest. */
const HANDOVER_MS = 20_000;
/** Blocks sent at once: each is up to 50 SendMessageBatch calls, 16 at a time. */
const BLOCK_CONCURRENCY = 4;
/** Slices after which the plan's cursor is remembered, and blocks after which the sent ones are. */
const REMEMBER_EVERY = 16;

export interface IngestDependencies {
  blocks: BlockReaderDependencies;
  destinationBuckets: readonly string[];
  ledger: Ledger;
  outcomes: OutcomeFiles;
  end: EndDependencies;
  queue: QueueDependencies;
  ingestQueueUrl: string;
  uploadQueueUrl: string;
  notifySettle: SettleNotice;
  clock: Clock;
  telemetry: Telemetry;
  /** How the manifests of jobs that start from now on are cut. */
  cut: Pick<Job, 'sliceBytes' | 'blockRows'>;
}

export function createIngest(dependencies: IngestDependencies) {
  const { blocks, destinationBuckets, ledger, outcomes, end, queue, clock, telemetry } = dependencies;
  const { logger, count } = telemetry;

  const tellIngest = (message: IngestMessage) =>
    sendMessages(queue, dependencies.ingestQueueUrl, [
      { body: JSON.stringify(message), groupId: message.job },
    ]);

  async function ingestArrival(arrival: ManifestArrival, deadlineMs: number): Promise<void> {
    const known = await ledger.getJob(jobIdOfManifest(arrival));
    if (known !== undefined && known.manifest.versionId !== arrival.versionId) {
      logger.warn('manifest not taken: its key names a job that has another one', {
        job: known.id,
        manifest: known.manifest,
        arrival,
      });
    }
    await goOn(known ?? (await openJob(arrival)), deadlineMs);
  }

  async function goOn(job: Job, deadlineMs: number): Promise<void> {
    if (job.state === 'planning') await planJob(job, deadlineMs);
    // The same message again: the step behind the plan may be still to take.
    else if (isLive(job)) await tellIfSettled(job);
  }

  async function openJob(arrival: ManifestArrival): Promise<Job> {
    const job = await startJob({ s3: blocks.s3, destinationBuckets, nowMs: clock.now() }, arrival);
    if (job.fault !== undefined) {
      logger.error('manifest can not be read', { job: job.id, manifest: job.manifest, fault: job.fault });
      return failJob(end, job, job.fault);
    }
    return ledger.createJob({ ...job, ...dependencies.cut });
  }

  async function planJob(job: Job, deadlineMs: number): Promise<void> {
    if (job.head === undefined) throw new Error(`job ${job.id} has no manifest head: it was never opened`);
    const { manifest, id } = job;
    const sliceLimits = { sliceBytes: job.sliceBytes, rows: SLICE_BLOCKS * job.blockRows };
    let plan = job.plan;
    const bytes = readRange(blocks.s3, manifest, plan.offset, manifest.sizeBytes);
    for await (const { start, end: sliceEnd, rows } of planSlices(job.head, plan, bytes, sliceLimits)) {
      // Blank lines behind the last slice, met by a plan that carries on from there.
      if (rows === 0 && plan.slices > 0) continue;
      const slice = { job: id, slice: plan.slices };
      await ledger.recordSlice(slice, {
        startOffset: start.offset,
        startLine: start.line,
        endOffset: sliceEnd.offset,
        rows,
        blocks: Math.ceil(rows / job.blockRows),
      });
      await tellIngest({ v: SCHEMA_VERSION, kind: 'slice', ...slice });
      plan = {
        slices: plan.slices + 1,
        rows: plan.rows + rows,
        offset: sliceEnd.offset,
        line: sliceEnd.line,
      };
      if (clock.now() >= deadlineMs) {
        await ledger.movePlan(id, plan);
        await tellIngest({ v: SCHEMA_VERSION, kind: 'plan', job: id });
        return;
      }
      if (plan.slices % REMEMBER_EVERY === 0) await ledger.movePlan(id, plan);
    }
    const planned = await ledger.finishPlan(id, plan);
    logger.info('manifest planned', { job: id, manifest, slices: plan.slices, rows: plan.rows });
    if (planned !== undefined) await tellIfSettled(planned);
  }

  /** Every slice may have settled before their number was known. */
  async function tellIfSettled(job: Job): Promise<void> {
    if (isSettled(job)) await dependencies.notifySettle({ job: job.id });
  }

  async function ingestSlice(id: SliceId, job: Job, deadlineMs: number): Promise<void> {
    const slice = await ledger.getSlice(id);
    if (slice === undefined) throw new Error(`slice ${id.job}/${id.slice} has no row in the ledger`);
    const sums = { RowsAccepted: 0, RowsRejected: 0 };
    let read = 0;
    let unmarked: number[] = [];

    const remember = async () => {
      const marking = unmarked;
      unmarked = [];
      await ledger.markSent(id, marking);
    };
    const sendBlock = async (block: Block): Promise<boolean> => {
      if (clock.now() >= deadlineMs) return false;
      read += block.size;
      if (slice.sentBlocks.has(block.block)) return true;
      const row = await openBlock({ ledger, outcomes }, id, block);
      const missing = block.accepted.filter(({ number }) => !hasEnded(row, number));
      await sendMessages(
        queue,
        dependencies.uploadQueueUrl,
        missing.map((accepted) => ({
          body: messageBody(uploadMessage(id, block.block, accepted, clock.now())),
          groupId: id.job,
        })),
      );
      sums.RowsAccepted += block.accepted.length;
      sums.RowsRejected += block.rejected.length;
      unmarked.push(block.block);
      if (unmarked.length >= REMEMBER_EVERY) await remember();
      return true;
    };
    // A fault ends the slice, but not before the blocks under way have ended and are remembered: Lambda freezes what runs on.
    const faults: unknown[] = [];
    const trySending = async (block: Block): Promise<boolean> => {
      if (faults.length > 0) return false;
      try {
        return await sendBlock(block);
      } catch (error) {
        faults.push(error);
        return false;
      }
    };
    const sent = await pMap(readSliceBlocks(blocks, job, slice), trySending, {
      concurrency: BLOCK_CONCURRENCY,
    });
    await remember();
    if (faults.length > 0) throw faults[0];
    count({ ...sums, SlicesIngested: sent.includes(false) ? 0 : 1 });

    if (sent.includes(false)) {
      await tellIngest({ v: SCHEMA_VERSION, kind: 'slice', ...id });
      logger.info('slice goes on in another invocation', { job: id.job, slice: id.slice, ...sums });
      return;
    }
    if (read !== slice.rows) {
      throw new Error(
        `slice ${id.job}/${id.slice} was planned with ${slice.rows} rows, and ${read} were read`,
      );
    }
    await ledger.closeSlice(id);
    logger.info('slice ingested', { job: id.job, slice: id.slice, rows: slice.rows, ...sums });
  }

  async function ingestMessage(message: IngestMessage, deadlineMs: number): Promise<void> {
    const job = await ledger.getJob(message.job);
    if (job === undefined || !isLive(job)) {
      logger.info('message of an ended job', { job: message.job, kind: message.kind });
      return;
    }
    if (message.kind === 'slice')
      await ingestSlice({ job: message.job, slice: message.slice }, job, deadlineMs);
    else await goOn(job, deadlineMs);
  }

  async function ingestBody(body: string, deadlineMs: number): Promise<void> {
    const own = parseIngestMessage(body);
    if (own.kind === 'message') return ingestMessage(own.message, deadlineMs);
    const notification = parseNotification(parseJson(body));
    if (notification.kind === 'not-a-notification') {
      throw new Error(
        `neither a message of ours (${own.reason}) nor S3's notification (${notification.reason})`,
      );
    }
    for (const arrival of notification.arrivals) await ingestArrival(arrival, deadlineMs);
  }

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const deadlineMs = clock.now() + context.getRemainingTimeInMillis() - HANDOVER_MS;
    const failures: string[] = [];
    for (const record of event.Records) {
      try {
        await ingestBody(record.body, deadlineMs);
      } catch (error) {
        logger.error('message not ingested', { messageId: record.messageId, error: error as Error });
        failures.push(record.messageId);
      }
    }
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function uploadMessage(
  slice: SliceId,
  block: number,
  { number, line, item }: Block['accepted'][number],
  firstSentAtMs: number,
): UploadMessage {
  return {
    v: SCHEMA_VERSION,
    ...slice,
    block,
    number,
    line,
    item,
    firstSentAtMs,
    attempts: 0,
    throttled: 0,
    returned: 0,
    reposted: 0,
  };
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
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_DESTINATION_BUCKETS',
    'SPILLWAY_SOURCE_BUCKETS',
    'SPILLWAY_SLICE_BYTES',
    'SPILLWAY_BLOCK_ROWS',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_EVENT_BUS',
  ]);
  const queue = wireQueue();
  const { ledger, notifySettle } = wireLedger(env, queue);
  const reports = wireReports(env);
  return {
    blocks: { s3: reports.s3, sourceBuckets: splitList(env.SPILLWAY_SOURCE_BUCKETS) },
    destinationBuckets: splitList(env.SPILLWAY_DESTINATION_BUCKETS),
    cut: { sliceBytes: Number(env.SPILLWAY_SLICE_BYTES), blockRows: Number(env.SPILLWAY_BLOCK_ROWS) },
    ledger,
    outcomes: reports.outcomes,
    end: wireEnd(env, reports, ledger),
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
