// UPLOAD: takes a batch of items from the upload queue and writes their objects.
//
//   1 parse       what can't be read is left to the dead-letter queue
//   2 look up     jobs and blocks: what has ended is not transferred again, lest a stray duplicate overwrite newer data
//   3 transfer    paced, and retried in place
//   4 account     outcome files, then the ledger; only then is anything acknowledged
//   5 give back   what is unfinished: by visibility delay, or as a new message
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { createTransferClient } from '../shared/aws/clients.ts';
import { readEnvironment } from '../shared/aws/environment.ts';
import { systemClock } from '../shared/job/clock.ts';
import type { BlockId, ItemId, JobId } from '../shared/job/identity.ts';
import { isLive, type Job } from '../shared/job/job.ts';
import { spreadOf } from '../shared/job/options.ts';
import { systemRandom } from '../shared/job/random.ts';
import { blockName, type Ledger } from '../shared/ledger/ledger.ts';
import { hasEnded, isBlockClosed } from '../shared/ledger/tally.ts';
import { objectSource } from '../shared/manifest/columns.ts';
import { createAdaptivePacer } from '../shared/pacing/adaptive-pacer.ts';
import { createTurnstile } from '../shared/pacing/turnstile.ts';
import type { QueueDependencies } from '../shared/queue/batches.ts';
import {
  createReturnShare,
  giveBack,
  type ReturnShare,
  type UnfinishedMessage,
} from '../shared/queue/give-back.ts';
import { messageBody, parseUploadMessage, type UploadMessage } from '../shared/queue/messages.ts';
import { accountFor, type EndedRow } from '../shared/report/account.ts';
import type { OutcomeFiles } from '../shared/report/outcome-files.ts';
import { destinationKey } from '../shared/spread/spread.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';
import {
  type EngineDependencies,
  type TransferItem,
  type TransferReport,
  transferAll,
} from '../shared/transfer/engine.ts';
import { createObjectWriter } from '../shared/transfer/transfer.ts';
import { wireLedger, wireQueue, wireReports } from '../shared/wiring/wiring.ts';

/** Time kept back at the end of an invocation for the account and for giving back. */
const ACCOUNT_MS = 20_000;

export interface UploadDependencies {
  engine: EngineDependencies;
  ledger: Pick<Ledger, 'getJobs' | 'readBlocks' | 'recordEnds'>;
  outcomes: OutcomeFiles;
  queue: QueueDependencies;
  uploadQueueUrl: string;
  returns: ReturnShare;
  telemetry: Telemetry;
}

/** A message of the batch with its item. */
interface Delivery {
  record: SQSRecord;
  message: UploadMessage;
  receiveCount: number;
}

export function createUpload(dependencies: UploadDependencies) {
  const { engine, ledger, outcomes, queue, uploadQueueUrl, returns, telemetry } = dependencies;

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const { deliveries, unreadable } = parseBatch(event);
    const { open, ended, homeless, closed } = await lookUp(ledger, deliveries);

    const stopAtMs = engine.clock.now() + context.getRemainingTimeInMillis() - ACCOUNT_MS;
    const items = open.map(({ delivery, job }) => transferItemOf(delivery, job));
    const reports = await transferAll(engine, items, stopAtMs);
    const results = open.map((opened, index) => ({ ...opened, report: reports[index] as TransferReport }));

    const rows = results
      .map(({ delivery, job, report }) => endedRow(delivery, job, report))
      .filter((row) => row !== undefined);
    const accounted = await accountFor({ outcomes, ledger }, rows, context.awsRequestId);
    // A row that had ended may have been left by a crash before its full block was closed: take that step again.
    const closing = await Promise.allSettled(closed.map((block) => ledger.recordEnds(block, {})));
    const unclosed = closing.filter((step) => step.status === 'rejected').map((step) => step.reason as Error);

    const back = await giveBack(
      queue,
      uploadQueueUrl,
      results.map(unfinishedMessage).filter((m) => m !== undefined),
      returns,
    );

    const unbooked = new Set(accounted.unbooked.map(itemName));
    const failures = [
      ...unreadable.map(({ record }) => record.messageId),
      ...homeless.map(({ record }) => record.messageId),
      ...(unclosed.length > 0 ? ended.map(({ record }) => record.messageId) : []),
      ...results
        .filter(({ delivery }) => unbooked.has(itemName(delivery.message)))
        .map(({ delivery }) => delivery.record.messageId),
      ...back.failures,
    ];
    report(telemetry, event, {
      results,
      late: accounted.late,
      ended,
      unreadable,
      homeless,
      back,
      errors: [...accounted.errors, ...unclosed, ...back.errors],
    });
    return { batchItemFailures: [...new Set(failures)].map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

interface Result {
  delivery: Delivery;
  job: Job;
  report: TransferReport;
}

function parseBatch(event: SQSEvent) {
  const deliveries: Delivery[] = [];
  const unreadable: { record: SQSRecord; reason: string }[] = [];
  for (const record of event.Records) {
    const parsed = parseUploadMessage(record.body);
    if (parsed.kind === 'unreadable') unreadable.push({ record, reason: parsed.reason });
    else
      deliveries.push({
        record,
        message: parsed.message,
        receiveCount: Number(record.attributes.ApproximateReceiveCount),
      });
  }
  return { deliveries, unreadable };
}

/**
 * open      to be transferred; one delivery of each item
 * ended     nothing left to transfer: the row has ended, its job has, or it is in this batch already
 * homeless  of a live job, but without a place in a block to be booked in: left to the dead-letter queue
 * closed    blocks of live jobs' ended items whose rows have all ended
 */
async function lookUp(ledger: Pick<Ledger, 'getJobs' | 'readBlocks'>, deliveries: readonly Delivery[]) {
  const open: { delivery: Delivery; job: Job }[] = [];
  const ended: Delivery[] = [];
  const homeless: Delivery[] = [];
  const closed = new Map<string, BlockId>();
  const messages = deliveries.map(({ message }) => message);
  const [jobs, blocks] = await Promise.all([
    ledger.getJobs([...new Set(messages.map(({ job }) => job))]),
    ledger.readBlocks(blocksOf(deliveries)),
  ]);
  const seen = new Set<string>();
  for (const delivery of deliveries) {
    const { message } = delivery;
    const job = jobs.get(message.job);
    const block = blocks.get(blockName(message));
    if (job === undefined || !isLive(job) || seen.has(itemName(message))) ended.push(delivery);
    else if (block === undefined || message.number >= block.size) homeless.push(delivery);
    else if (hasEnded(block, message.number)) {
      ended.push(delivery);
      if (isBlockClosed(block)) closed.set(blockName(message), message);
    } else open.push({ delivery, job });
    seen.add(itemName(message));
  }
  return { open, ended, homeless, closed: [...closed.values()] };
}

function transferItemOf(delivery: Delivery, job: Job): TransferItem {
  const { message, receiveCount } = delivery;
  const { item } = message;
  const { destination, ifExists, retryForSeconds } = job.options;
  return {
    write: {
      source: objectSource(item),
      destination: {
        bucket: destination.bucket,
        key: destinationKey(item.key, spreadOf(job.options), destination.prefix),
      },
      ifExists,
      ...(item.content_type === undefined ? {} : { contentType: item.content_type }),
    },
    giveUpAtMs: firstSeenAtMs(delivery) + retryForSeconds * 1000,
    givenBack: receiveCount - 1 + message.returned + message.reposted,
    mayBeWritten: receiveCount > 1 || message.attempts > 0,
  };
}

/** An item's age begins when it is first in hand: in a job of days it waits behind others for longer than it may be retried. */
function firstSeenAtMs({ record, message }: Delivery): number {
  return message.reposted > 0
    ? message.firstSentAtMs
    : Number(record.attributes.ApproximateFirstReceiveTimestamp);
}

/** @returns undefined for an item that goes back */
function endedRow(
  delivery: Delivery,
  job: Job,
  { end, attempts, throttled, ms }: TransferReport,
): EndedRow | undefined {
  if (end.kind === 'unfinished') return undefined;
  const { message, receiveCount } = delivery;
  const { item, line } = message;
  const { destination } = transferItemOf(delivery, job).write;
  const history = {
    line,
    attempts: message.attempts + attempts,
    throttled: message.throttled + throttled,
    returned: message.returned + receiveCount - 1,
    reposted: message.reposted,
    ms,
    destination: `s3://${destination.bucket}/${destination.key}`,
  };
  const named = { key: item.key, ...(item.source === undefined ? {} : { source: item.source }) };
  switch (end.kind) {
    case 'stored': {
      const bytes = end.object.bytes ?? item.size;
      return {
        id: message,
        outcome: {
          status: 'stored',
          ...history,
          item: named,
          ...end.object,
          ...(bytes === undefined ? {} : { bytes }),
        },
      };
    }
    case 'skipped':
      return { id: message, outcome: { status: 'skipped', ...history, item: named } };
    case 'failed':
      return {
        id: message,
        outcome: { status: 'failed', ...history, item, code: end.code, message: end.message },
      };
  }
}

function unfinishedMessage({ delivery, report }: Result): UnfinishedMessage | undefined {
  if (report.end.kind !== 'unfinished') return undefined;
  const { record, message, receiveCount } = delivery;
  const next: UploadMessage = {
    ...message,
    firstSentAtMs: firstSeenAtMs(delivery),
    attempts: message.attempts + report.attempts,
    throttled: message.throttled + report.throttled,
    returned: message.returned + receiveCount - 1,
    reposted: message.reposted + 1,
  };
  return {
    messageId: record.messageId,
    receiptHandle: record.receiptHandle,
    receiveCount,
    delayMs: report.end.delayMs,
    reposted: { body: messageBody(next), groupId: message.job },
  };
}

function blocksOf(deliveries: readonly Delivery[]) {
  return [...new Map(deliveries.map(({ message }) => [blockName(message), message])).values()];
}

function itemName({ job, slice, block, number }: ItemId): string {
  return `${job}/${slice}/${block}/${number}`;
}

function report(
  { logger, count }: Telemetry,
  event: SQSEvent,
  batch: {
    results: readonly Result[];
    late: number;
    ended: readonly Delivery[];
    unreadable: readonly { reason: string }[];
    homeless: readonly Delivery[];
    back: { returned: number; reposted: number };
    errors: readonly Error[];
  },
): void {
  const sum = (value: (result: Result) => number) =>
    batch.results.reduce((total, result) => total + value(result), 0);
  const ends = (kind: string) => sum(({ report: { end } }) => (end.kind === kind ? 1 : 0));
  const counts = {
    ObjectsStored: ends('stored'),
    ObjectsSkipped: ends('skipped'),
    ObjectsFailed: ends('failed'),
    Attempts: sum((result) => result.report.attempts),
    Throttled: sum((result) => result.report.throttled),
    TransientFaults: sum((result) => result.report.transient),
    LateOutcomes: batch.late,
    Returned: batch.back.returned,
    Reposted: batch.back.reposted,
    BytesStored: sum(({ delivery, report: { end } }) =>
      end.kind === 'stored' ? (end.object.bytes ?? delivery.message.item.size ?? 0) : 0,
    ),
  };
  count(counts);
  const jobs = [...new Set(batch.results.map(({ job }): JobId => job.id))];
  const slices = [...new Set(batch.results.map(({ delivery }) => delivery.message.slice))];
  const line = { jobs, slices, messages: event.Records.length, endedBefore: batch.ended.length, ...counts };
  const faults = [
    ...batch.errors.map((error) => `${error.name}: ${error.message}`),
    ...batch.unreadable.map(({ reason }) => `unreadable message: ${reason}`),
    ...batch.homeless.map(({ message }) => `no place in the ledger for ${itemName(message)}`),
  ];
  if (faults.length === 0) logger.info('batch uploaded', line);
  else logger.error('batch uploaded, with faults', { ...line, faults });
}

function dependenciesFromEnvironment(telemetry: Telemetry): UploadDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
  ]);
  const clock = systemClock;
  const queue = wireQueue();
  return {
    engine: {
      writer: createObjectWriter(createTransferClient(), clock),
      turnstile: createTurnstile({ pacer: createAdaptivePacer(), clock }),
      clock,
      random: systemRandom,
    },
    ledger: wireLedger(env, queue).ledger,
    outcomes: wireReports(env).outcomes,
    queue,
    uploadQueueUrl: env.SPILLWAY_UPLOAD_QUEUE_URL,
    returns: createReturnShare(clock),
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createUpload(dependenciesFromEnvironment(telemetry)));
