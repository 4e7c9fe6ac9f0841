// Uploads items of a batch: transfers them, accounts for those that ended, and gives the unfinished ones back to the queue.
import { type ItemId, itemName } from '../../shared/job/identity.ts';
import { createLocator } from '../../shared/keys/destination-key.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import {
  type GiveBackCounts,
  giveBack,
  planGiveBack,
  type ReturnShare,
  type UnfinishedMessage,
  untriedReposts,
} from '../../shared/queue/give-back.ts';
import { readQueueDepth } from '../../shared/queue/queue-depth.ts';
import { accountFor, type EndedRow } from '../../shared/report/account.ts';
import type { OutcomeWriter } from '../../shared/report/outcome-store.ts';
import type { ReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import type { ItemWriter, Refusal, SourceConfiguration } from '../../shared/sources/source.ts';
import { checkSource } from '../../shared/sources/table.ts';
import { type TransferReport, transferAll } from '../../shared/transfer/engine.ts';
import type { PacingDependencies } from '../../shared/transfer/paced-request.ts';
import { abandonUploads } from './abandon-uploads.ts';
import { repostOf } from './delivery.ts';
import { agesFromMs, cancelledRow, endedRow, transferItemOf } from './item-transfer.ts';
import { createJobRates, inFairOrder, type JobTurnLedger } from './job-rates.ts';
import type { OpenItem } from './look-up.ts';
import type { JobWatch } from './watch-jobs.ts';
import { type QueueWatchDependencies, watchQueue } from './watch-queue.ts';

export interface WorkDependencies extends Pick<QueueWatchDependencies, 'pacer'> {
  engine: PacingDependencies;
  writer: ItemWriter;
  ledger: Pick<Ledger, 'recordEnds'> & JobTurnLedger;
  outcomes: OutcomeWriter;
  queue: QueueDependencies;
  uploadQueueUrl: string;
  returns: ReturnShare;
  returnedAttempts: ReturnedAttempts;
  /** The deployment's configuration: it may have changed since ingest checked the rows. */
  allowed: { sources: SourceConfiguration; destinations: readonly string[] };
}

/**
 * What becomes of an item after its transfer.
 *
 *   row    it ended, or its job is being cancelled: it is accounted for
 *   back   it goes back to the queue
 *   drop   it is acknowledged without an account: its job is paused, accounts for missing rows itself, or has ended
 */
type Fate = { kind: 'row'; row: EndedRow } | { kind: 'back'; message: UnfinishedItem } | { kind: 'drop' };

interface UnfinishedItem extends UnfinishedMessage {
  id: ItemId;
  sent: { attempts: number; throttled: number };
}

export interface WorkResult {
  item: OpenItem;
  report: TransferReport;
  fate: Fate;
  /** Whether its row was accounted for. If not, the message stays in the queue, and the row ends again in its next delivery. */
  isAccounted: boolean;
}

export interface Work {
  results: WorkResult[];
  /** Rows that ended after their slice's result was frozen. */
  late: number;
  givenBack: GiveBackCounts;
  /** Ids of the messages that stay in the queue: what was returned, and what could not be accounted for or reposted. */
  staying: string[];
  /** Those of them whose visibility delay is set already. */
  returned: string[];
  errors: Error[];
}

export const NO_WORK: Work = {
  results: [],
  late: 0,
  givenBack: untriedReposts(0),
  staying: [],
  returned: [],
  errors: [],
};

export interface WorkBounds {
  watch: JobWatch;
  /** Epoch ms: no request begins after it. */
  stopAtMs: number;
  /** Names the outcome files; unique to this work. */
  writer: string;
}

export async function workOn(
  dependencies: WorkDependencies,
  open: readonly OpenItem[],
  { watch, stopAtMs, writer }: WorkBounds,
): Promise<Work> {
  const { engine, ledger, queue, uploadQueueUrl, returns, returnedAttempts } = dependencies;
  const refused = open.flatMap((item) => {
    const refusal = refusalOf(item, dependencies.allowed);
    return refusal === undefined ? [] : [{ item, report: refusedReport(refusal) }];
  });
  const refusedItems = new Set(refused.map(({ item }) => item));
  const permitted = inFairOrder(open.filter((item) => !refusedItems.has(item)));
  const rates = createJobRates({ ledger, clock: engine.clock }, permitted, watch, stopAtMs);
  const nowMs = engine.clock.now();
  const transfers = await Promise.all(
    permitted.map(async (item) => ({
      ...(await transferItemOf(
        item,
        dependencies.writer,
        nowMs,
        () => watch.instructionFor(item.job.id) !== 'go-on',
      )),
      ...rates.turnsOf(item),
    })),
  );
  const queueWatch = await watchQueue(
    {
      pacer: dependencies.pacer,
      clock: engine.clock,
      visibleMessages: async () => (await readQueueDepth(queue, uploadQueueUrl)).visible,
    },
    permitted.map(({ job }) => job.options.destination.bucket),
  );
  const reports = await transferAll(engine, transfers, stopAtMs, queueWatch.inPlaceMs);
  const watchErrors = [...(await queueWatch.end()), ...(await rates.end())];
  const transferred = permitted.map((item, index) => ({ item, report: reports[index] as TransferReport }));
  const results = [...refused, ...transferred].map(({ item, report }) => ({
    item,
    report,
    fate: fateOf(item, report, watch, engine.clock.now()),
  }));

  const rows = results.flatMap(({ fate }) => (fate.kind === 'row' ? [fate.row] : []));
  const unfinished = results.flatMap(({ fate }) => (fate.kind === 'back' ? [fate.message] : []));
  const plan = planGiveBack(unfinished, returns);
  // A repost carries its item's requests; a returned message can't.
  for (const { message } of plan.returns)
    if (message.wasTried) returnedAttempts.add(message.id, message.sent);
  const { unbooked, late, errors } = await accountFor(dependencies, rows, writer);
  const back = await giveBack(queue, uploadQueueUrl, plan);
  // Last: where the time is not enough, the rows are accounted for all the same.
  const notStored = new Set(
    results.flatMap(({ item, fate }) => (fate.kind === 'row' && hasNoObject(fate.row) ? [item] : [])),
  );
  const leftOpen = await abandonUploads(
    transfers.filter((_, index) => notStored.has(permitted[index] as OpenItem)),
  );

  const unbookedNames = new Set(unbooked.map(itemName));
  const staying = results
    .filter(({ item }) => unbookedNames.has(itemName(item.delivery.message)))
    .map(({ item }) => item.delivery.messageId);
  return {
    results: results.map((result) => ({
      ...result,
      isAccounted: result.fate.kind === 'row' && !unbookedNames.has(itemName(result.item.delivery.message)),
    })),
    late,
    givenBack: back.counts,
    staying: [...staying, ...back.failures],
    returned: plan.returns.map(({ message }) => message.messageId),
    errors: [...watchErrors, ...errors, ...back.errors, ...leftOpen],
  };
}

function hasNoObject({ outcome: { status } }: EndedRow): boolean {
  return status === 'failed' || status === 'cancelled';
}

function refusalOf(
  { delivery, job }: OpenItem,
  { sources, destinations }: WorkDependencies['allowed'],
): Refusal | undefined {
  const { item } = delivery.message;
  // Ingest has checked the key by the same options, so only a message from elsewhere has another.
  const located = createLocator(job.options)(item);
  if (located.kind === 'fault') return located.fault;
  const refusal = checkSource(item, sources);
  const { bucket } = job.options.destination;
  if (refusal !== undefined || destinations.includes(bucket)) return refusal;
  return {
    code: 'DestinationNotAllowed',
    message: `destination bucket "${bucket}" is not allowed: add it to the deployment's parameter destinationBuckets`,
  };
}

function refusedReport({ code, message }: Refusal): TransferReport {
  return { end: { kind: 'failed', code, message }, attempts: 0, throttled: 0, transient: 0, ms: 0 };
}

/** An item that is under way when its job is halted keeps its end. An unfinished item of a halted job does not go back. */
function fateOf(item: OpenItem, { end, ...sent }: TransferReport, watch: JobWatch, nowMs: number): Fate {
  if (end.kind !== 'unfinished') return { kind: 'row', row: endedRow(item, end, sent) };
  switch (watch.instructionFor(item.job.id)) {
    case 'cancel':
      return { kind: 'row', row: cancelledRow(item, watch.jobOf(item.job.id), sent) };
    case 'drop':
      return { kind: 'drop' };
    case 'go-on': {
      const { messageId, receiptHandle, receiveCount } = item.delivery;
      return {
        kind: 'back',
        message: {
          id: item.delivery.message,
          sent,
          messageId,
          receiptHandle,
          receiveCount,
          wasTried: sent.attempts > 0,
          delayMs: end.delayMs,
          reposted: repostOf(item.delivery, sent, { firstSentAtMs: agesFromMs(item, nowMs) }),
        },
      };
    }
  }
}
