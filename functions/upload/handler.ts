// UPLOAD: takes a batch of items from the upload queue and writes their objects.
//
//   1 parse     what can't be read is left to the dead-letter queue
//   2 look up   jobs and blocks: what has ended is not transferred again: a stray duplicate must not overwrite newer data
//   3 watch     the jobs, for as long as the batch takes: of what is paused or cancelled meanwhile no more is begun
//   4 part      suspects that came back with other items from these, as new messages
//   5 work      on all but suspects: transfer, paced and retried in place; account, outcome files before the ledger, and only
//               then is anything acknowledged; give back what is unfinished, by visibility delay or as a new message
//   6 suspect   one, alone: before it begins, all else is accounted for and gone from this worker's hands
//   7 answer    what stays in the queue, by its messages' ids: Lambda deletes the rest
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createTransferClient } from '../../shared/aws/clients.ts';
import { itemName } from '../../shared/job/identity.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { addCounts, createReturnShare, untriedReposts } from '../../shared/queue/give-back.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { systemRandom } from '../../shared/time/random.ts';
import { readEnvironment, splitList, wholeNumbers } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { LOG } from '../runtime/log-messages.ts';
import { hideFailed, type RecordSource } from '../runtime/records.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import { parseDeliveries } from './delivery.ts';
import { type FoundItems, lookUp, type OpenItem } from './look-up.ts';
import { type Work, type WorkDependencies, type WorkResult, workOn } from './process-items.ts';
import { partSuspects, releaseOthers, type SetApart, setSuspectsApart } from './suspects.ts';
import { watchJobs } from './watch-jobs.ts';

/** Time kept back at the end of an invocation for the account and for giving back. */
const ACCOUNT_MS = 20_000;

const NO_WORK: Work = {
  results: [],
  late: 0,
  givenBack: untriedReposts(0),
  staying: [],
  returned: [],
  errors: [],
};

export interface UploadDependencies extends WorkDependencies {
  ledger: Pick<Ledger, 'getJobs' | 'readBlocks' | 'recordEnds'>;
  retrySeconds: RecordSource['retrySeconds'];
  telemetry: Telemetry;
}

export function createUpload(dependencies: UploadDependencies) {
  const { engine, ledger, queue, uploadQueueUrl, retrySeconds, telemetry } = dependencies;
  const source = { queue, queueUrl: uploadQueueUrl, retrySeconds };

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    try {
      return await upload(event, context);
    } catch (error) {
      await hideFailed(source, telemetry, event.Records);
      throw error;
    }
  };

  async function upload({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> {
    const stopAtMs = engine.clock.now() + context.getRemainingTimeInMillis() - ACCOUNT_MS;
    const { deliveries, unreadable } = parseDeliveries(Records);
    const found = await lookUp(ledger, deliveries);
    const watch = watchJobs({ ledger, clock: engine.clock }, found.jobs, stopAtMs);
    try {
      const work = (open: readonly OpenItem[], writer: string) =>
        workOn(dependencies, open, { watch, stopAtMs, writer });
      const apart = setSuspectsApart(found.open, engine.random);
      const parting = await partSuspects(
        queue,
        uploadQueueUrl,
        apart.parting.map(({ delivery }) => delivery),
      );
      const others = await work(apart.others, context.awsRequestId);
      const unclosed = await closeAgain(found);

      const staying = new Set([
        ...[...unreadable, ...found.unplaced, ...unclosed.deliveries].map(({ messageId }) => messageId),
        ...parting.staying,
        ...others.staying,
      ]);
      const leaving = Records.filter(({ messageId }) => !staying.has(messageId));
      const alone = await workOnSuspect(apart, leaving, (suspect) =>
        work([suspect], `${context.awsRequestId}-suspect`),
      );
      for (const messageId of alone.staying) staying.add(messageId);

      await hideFaulted(Records, staying, [...unreadable, ...found.unplaced], [others, alone]);
      const errors = [...(await watch.end()), ...unclosed.errors];
      report(telemetry, {
        messages: Records.length,
        found,
        unreadable,
        works: [{ ...NO_WORK, ...parting, givenBack: untriedReposts(parting.reposted) }, others, alone],
        errors,
      });
      return { batchItemFailures: [...staying].map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await watch.end();
    }
  }

  /** Of what stays: not what was returned, which has its delay, and not what no retry helps, which its queue hides for longer. */
  async function hideFaulted(
    records: readonly SQSRecord[],
    staying: ReadonlySet<string>,
    hopeless: readonly { messageId: string }[],
    works: readonly Work[],
  ): Promise<void> {
    const others = new Set([
      ...hopeless.map(({ messageId }) => messageId),
      ...works.flatMap(({ returned }) => returned),
    ]);
    const faulted = records.filter(({ messageId }) => staying.has(messageId) && !others.has(messageId));
    await hideFailed(source, telemetry, faulted);
    telemetry.count({ MessagesFailed: faulted.length + hopeless.length });
  }

  /** A row that had ended may have been left by a crash before its full block was closed: that step is taken again. */
  async function closeAgain({ closed, ended }: FoundItems) {
    const steps = await Promise.allSettled(closed.map((block) => ledger.recordEnds(block, {})));
    const errors = steps
      .filter((step) => step.status === 'rejected')
      .map((step): Error => step.reason as Error);
    return { errors, deliveries: errors.length > 0 ? ended : [] };
  }

  /** @param leaving what of the batch does not stay in the queue, the suspects among it */
  async function workOnSuspect(
    { suspect, waiting }: SetApart,
    leaving: readonly SQSRecord[],
    work: (suspect: OpenItem) => Promise<Work>,
  ): Promise<Work> {
    if (suspect === undefined) return NO_WORK;
    const suspects = new Set([suspect, ...waiting].map(({ delivery }) => delivery.messageId));
    const done = leaving.filter(({ messageId }) => !suspects.has(messageId));
    const released = await releaseOthers(
      queue,
      uploadQueueUrl,
      waiting.map(({ delivery }) => delivery),
      done.map(({ receiptHandle }) => receiptHandle),
    );
    if (!released.isClear) return { ...NO_WORK, staying: [...suspects], errors: released.errors };
    const alone = await work(suspect);
    return {
      ...alone,
      givenBack: addCounts(alone.givenBack, untriedReposts(released.reposted)),
      errors: [...released.errors, ...alone.errors],
    };
  }
}

interface Batch {
  messages: number;
  found: FoundItems;
  unreadable: readonly { reason: string }[];
  works: readonly Work[];
  errors: readonly Error[];
}

function report({ logger, count }: Telemetry, { messages, found, unreadable, works, errors }: Batch): void {
  const results = works.flatMap((work) => work.results);
  const sum = (value: (result: WorkResult) => number) =>
    results.reduce((total, result) => total + value(result), 0);
  const ends = (kind: string) => sum(({ report: { end } }) => (end.kind === kind ? 1 : 0));
  const { refused, untried } = works.map(({ givenBack }) => givenBack).reduce(addCounts, untriedReposts(0));
  const counts = {
    ObjectsStored: ends('stored'),
    ObjectsSkipped: ends('skipped'),
    ObjectsFailed: ends('failed'),
    Attempts: sum((result) => result.report.attempts),
    Throttled: sum((result) => result.report.throttled),
    TransientFaults: sum((result) => result.report.transient),
    LateOutcomes: works.reduce((total, { late }) => total + late, 0),
    RefusedReturned: refused.returned,
    RefusedReposted: refused.reposted,
    UntriedReturned: untried.returned,
    UntriedReposted: untried.reposted,
    BytesStored: sum(({ item, report: { end } }) =>
      end.kind === 'stored' ? (end.object.bytes ?? item.delivery.message.item.size ?? 0) : 0,
    ),
  };
  count(counts);
  const line = {
    jobs: [...new Set(results.map(({ item }) => item.job.id))],
    slices: [...new Set(results.map(({ item }) => item.delivery.message.slice))],
    messages,
    endedBefore: found.ended.length,
    cancelled: sum(({ fate }) => (fate.kind === 'row' && fate.row.outcome.status === 'cancelled' ? 1 : 0)),
    dropped: sum(({ fate }) => (fate.kind === 'drop' ? 1 : 0)),
    ...counts,
  };
  const faults = [
    ...[...errors, ...works.flatMap((work) => work.errors)].map((error) => `${error.name}: ${error.message}`),
    ...unreadable.map(({ reason }) => `unreadable message: ${reason}`),
    ...found.unplaced.map(({ message }) => `no place in the ledger for ${itemName(message)}`),
  ];
  if (faults.length === 0) logger.info(LOG.batchUploaded, line);
  else logger.error(LOG.batchUploadedWithFaults, { ...line, faults });
}

function dependenciesFromEnvironment(telemetry: Telemetry): UploadDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_UPLOAD_QUEUE_URL',
    'SPILLWAY_SETTLE_QUEUE_URL',
    'SPILLWAY_SOURCE_BUCKETS',
    'SPILLWAY_DESTINATION_BUCKETS',
    'SPILLWAY_RETRY_SECONDS',
  ]);
  const clock = systemClock;
  const queue = wireQueue(CLIENT_BUDGETS.upload);
  return {
    engine: {
      rateLimiter: createRateLimiter({ pacer: createAdaptivePacer(), clock }),
      clock,
      random: systemRandom,
    },
    writer: createItemWriter({ s3: createTransferClient(), clock }),
    ledger: wireLedger(env, queue, CLIENT_BUDGETS.upload).ledger,
    outcomes: wireReports(env, CLIENT_BUDGETS.upload).outcomes,
    queue,
    uploadQueueUrl: env.SPILLWAY_UPLOAD_QUEUE_URL,
    returns: createReturnShare(clock),
    returnedAttempts: createReturnedAttempts(),
    allowed: {
      sources: { buckets: splitList(env.SPILLWAY_SOURCE_BUCKETS) },
      destinations: splitList(env.SPILLWAY_DESTINATION_BUCKETS),
    },
    retrySeconds: wholeNumbers(env, 'SPILLWAY_RETRY_SECONDS'),
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createUpload(dependenciesFromEnvironment(telemetry)));
