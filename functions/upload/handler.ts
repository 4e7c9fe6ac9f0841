// UPLOAD: takes a batch of items from the upload queue and writes their objects.
//
//   1 configure  dependencies from the environment, at the first invocation
//   2 parse      what can't be read is left to the dead-letter queue
//   3 look up    jobs and blocks. What has ended is not transferred again: a duplicate must not overwrite newer data
//   4 watch      the jobs, while the batch is in hand: items of a job that is paused or cancelled meanwhile are not started
//   5 separate   suspects that came back together with other items, as new messages (suspects.ts)
//   6 work       on all items but suspects (process-items.ts): transfer, account, and give back what is unfinished. Outcome
//                files come before the ledger, and a message is acknowledged only after both
//   7 suspect    work on one suspect alone, after everything else is accounted for and out of hand
//   8 report     log and count (report-batch.ts); answer with the messages that stay in the queue: Lambda deletes the rest
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import { createHandler } from '../runtime/instrument.ts';
import { hideFailed } from '../runtime/records.ts';
import { closeBlocks } from './close-blocks.ts';
import { uploadConfiguration } from './configuration.ts';
import { parseDeliveries } from './delivery.ts';
import { type UploadDependencies, uploadDependencies } from './dependencies.ts';
import { lookUp, type OpenItem } from './look-up.ts';
import { NO_WORK, type Work, workOn } from './process-items.ts';
import { reportBatch } from './report-batch.ts';
import { createRequestLog } from './request-log.ts';
import { type SetApart, separateSuspects, setSuspectsApart, workOnSuspect } from './suspects.ts';
import { watchJobs } from './watch-jobs.ts';

/** Milliseconds kept back at the end of an invocation to account for items and to give them back. */
const ACCOUNT_MS = 20_000;

export function createUpload(dependencies: UploadDependencies) {
  const { engine, pacer, ledger, queue, uploadQueueUrl, retrySeconds, telemetry } = dependencies;
  const source = { queue, queueUrl: uploadQueueUrl, retrySeconds };
  const paceOf = (group: PacingGroup) => pacer.ratePerSecond(group, engine.clock.now());

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
    const requests = createRequestLog(
      engine.random,
      [...found.jobs.values()].map(({ options }) => options.destination),
    );
    const heard = { ...dependencies, engine: { ...engine, onRequest: requests.hear } };
    const watch = watchJobs({ ledger, clock: engine.clock }, found.jobs, stopAtMs);
    try {
      const work = (open: readonly OpenItem[], writer: string) =>
        workOn(heard, open, { watch, stopAtMs, writer });
      const apart = setSuspectsApart(found.open, engine.random);
      const separated = await separateSuspects(
        queue,
        uploadQueueUrl,
        apart.separate.map(({ delivery }) => delivery),
      );
      const others = await work(apart.others, context.awsRequestId);
      const closed = await closeBlocks(ledger, found);

      const staying = new Set([
        ...[...unreadable, ...found.unplaced, ...closed.staying].map(({ messageId }) => messageId),
        ...separated.staying,
        ...others.staying,
      ]);
      const alone = await workOnSuspect(
        queue,
        uploadQueueUrl,
        apart,
        doneBefore(Records, staying, apart),
        (suspect) => work([suspect], `${context.awsRequestId}-suspect`),
      );
      for (const messageId of alone.staying) staying.add(messageId);

      await hideFaulted(Records, staying, [...unreadable, ...found.unplaced], [others, alone]);
      const batch = {
        messages: Records.length,
        found,
        unreadable,
        works: [{ ...NO_WORK, ...separated }, others, alone],
        requests: requests.summary(),
        errors: [...(await watch.end()), ...closed.errors],
      };
      reportBatch({ telemetry, paceOf }, batch);
      return { batchItemFailures: [...staying].map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await watch.end();
    }
  }

  /**
   * Hides messages that stay for a retry delay. A returned message has its delay already, and no retry helps a hopeless one: the
   * longer visibility timeout of the queue hides it.
   */
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
    const failed = faulted.length + hopeless.length;
    if (failed > 0) telemetry.count({ MessagesFailed: failed });
  }
}

/** @returns receipts of the messages that neither stay in the queue nor belong to suspects that are still in hand */
function doneBefore(
  records: readonly SQSRecord[],
  staying: ReadonlySet<string>,
  { suspect, waiting }: Pick<SetApart, 'suspect' | 'waiting'>,
): string[] {
  const inHand = [...(suspect === undefined ? [] : [suspect]), ...waiting];
  const others = new Set(inHand.map(({ delivery }) => delivery.messageId));
  return records
    .filter(({ messageId }) => !staying.has(messageId) && !others.has(messageId))
    .map(({ receiptHandle }) => receiptHandle);
}

export const handler = createHandler(uploadConfiguration, uploadDependencies, createUpload);
