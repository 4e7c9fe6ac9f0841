// Makes the parts that several functions use, from their configuration. Each part is a function of its own, so that a bundle
// holds only what its function uses. Clients keep to the time budget of their function (shared/aws/budgets.ts).
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { expectOwners } from '../../shared/aws/bucket-owners.ts';
import type { ClientBudget } from '../../shared/aws/budgets.ts';
import { createS3Client, limitsOf } from '../../shared/aws/clients.ts';
import { createDynamoDbClient, createEventBridgeClient } from '../../shared/aws/pipeline-clients.ts';
import type { SqsSender } from '../../shared/aws/sqs.ts';
import { createOwnerOf, type OwnedBucket } from '../../shared/keys/owned-bucket.ts';
import { createJobIndex, type JobIndex } from '../../shared/ledger/job-index.ts';
import { createItemLedger, createLedger, type ItemLedger, type Ledger } from '../../shared/ledger/ledger.ts';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import {
  createClosingNotice,
  createSettleNotice,
  type SettleNotice,
} from '../../shared/queue/settle-notice.ts';
import type { UnopenedDependencies } from '../../shared/report/end-job.ts';
import { createJobEvents, type JobEvents } from '../../shared/report/job-event.ts';
import { createOutcomeFiles, createOutcomeFileWriter } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows, createOutcomeRowWriter } from '../../shared/report/outcome-rows.ts';
import {
  createOutcomeStore,
  createOutcomeWriter,
  type OutcomeWriter,
} from '../../shared/report/outcome-store.ts';
import type { ReportDependencies } from '../../shared/report/report.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { onFirstUse } from '../../shared/time/on-first-use.ts';
import { systemRandom } from '../../shared/time/random.ts';
import { countedEnds } from './counted-ends.ts';
import type { Telemetry } from './telemetry.ts';

type Variables<Name extends string> = Readonly<Record<Name, string>>;

/** Its client is loaded and made with its first request: a batch of upload whose items all end in time sends none. */
export function wireQueue(budget: ClientBudget): QueueDependencies {
  const sqs = onFirstUse(async () =>
    (await import('../../shared/aws/sqs.ts')).createSqsClient(limitsOf(budget), systemClock),
  );
  const send = async (...args: Parameters<SqsSender['send']>) => (await sqs()).send(...args);
  return { sqs: { send: send as SqsSender['send'] }, clock: systemClock, random: systemRandom };
}

type LedgerVariables = Variables<'SPILLWAY_LEDGER_TABLE' | 'SPILLWAY_SETTLE_QUEUE_URL'>;

function ledgerParts(configuration: LedgerVariables, queue: QueueDependencies, budget: ClientBudget) {
  const notifySettle = createSettleNotice(queue, configuration.SPILLWAY_SETTLE_QUEUE_URL);
  return {
    dynamodb: createDynamoDbClient({}, budget),
    table: configuration.SPILLWAY_LEDGER_TABLE,
    clock: systemClock,
    random: systemRandom,
    notifySettle,
    sliceClosed: createClosingNotice(notifySettle, systemClock),
  };
}

export function wireLedger(
  configuration: LedgerVariables,
  queue: QueueDependencies,
  budget: ClientBudget,
): { ledger: Ledger; notifySettle: SettleNotice; dynamodb: DynamoDBClient } {
  const { notifySettle, ...parts } = ledgerParts(configuration, queue, budget);
  return { ledger: createLedger(parts), notifySettle, dynamodb: parts.dynamodb };
}

export function wireItemLedger(
  configuration: LedgerVariables,
  queue: QueueDependencies,
  budget: ClientBudget,
): { ledger: ItemLedger; dynamodb: DynamoDBClient } {
  const { notifySettle: _, ...parts } = ledgerParts(configuration, queue, budget);
  return { ledger: createItemLedger(parts), dynamodb: parts.dynamodb };
}

/** The ledger for the API, which reads jobs and gives orders to them, but records no rows. */
export function wireJobs(
  configuration: Variables<'SPILLWAY_LEDGER_TABLE'>,
  budget: ClientBudget,
): {
  ledger: Pick<Ledger, 'getJob' | 'getJobs' | 'getSlices' | 'readBlocks' | 'controlJob' | 'changeRate'>;
  index: JobIndex;
} {
  const parts = {
    dynamodb: createDynamoDbClient({}, budget),
    table: configuration.SPILLWAY_LEDGER_TABLE,
    clock: systemClock,
    random: systemRandom,
    sliceClosed: () => Promise.reject(new Error('the API closes no slices')),
  };
  return { ledger: createLedger(parts), index: createJobIndex(parts) };
}

type OutcomeVariables = Variables<
  'SPILLWAY_REPORT_BUCKET' | 'SPILLWAY_OUTCOMES_TABLE' | 'SPILLWAY_ACCOUNT_ID'
> & { SPILLWAY_REPORT_DAYS: number };

function rowParts(configuration: OutcomeVariables, dynamodb: DynamoDBClient) {
  return {
    dynamodb,
    table: configuration.SPILLWAY_OUTCOMES_TABLE,
    clock: systemClock,
    keepDays: configuration.SPILLWAY_REPORT_DAYS,
  };
}

/** Where upload writes outcomes. Few batches need a file: the client for it is made with the first one. */
export function wireOutcomeWriter(
  configuration: OutcomeVariables,
  dynamodb: DynamoDBClient,
  budget: ClientBudget,
): OutcomeWriter {
  const bucket = configuration.SPILLWAY_REPORT_BUCKET;
  const files = onFirstUse(() =>
    createOutcomeFileWriter({ s3: reportClient(configuration, budget, []), bucket }),
  );
  return createOutcomeWriter({
    rows: createOutcomeRowWriter(rowParts(configuration, dynamodb)),
    files: { write: (...file) => files().write(...file) },
  });
}

function reportClient(
  configuration: OutcomeVariables,
  budget: ClientBudget,
  listed: readonly OwnedBucket[],
): S3Client {
  return expectOwners(createS3Client({}, budget), createOwnerOf(configuration.SPILLWAY_ACCOUNT_ID, listed));
}

export function wireReports(
  configuration: OutcomeVariables,
  dynamodb: DynamoDBClient,
  budget: ClientBudget,
  /** Further buckets that the client reads. */
  listed: readonly OwnedBucket[] = [],
): ReportDependencies {
  const s3 = reportClient(configuration, budget, listed);
  const bucket = configuration.SPILLWAY_REPORT_BUCKET;
  const rows = createOutcomeRows(rowParts(configuration, dynamodb));
  return { s3, bucket, outcomes: createOutcomeStore({ files: createOutcomeFiles({ s3, bucket }), rows }) };
}

export function wireEnd(
  configuration: Variables<'SPILLWAY_EVENT_BUS'>,
  reports: ReportDependencies,
  ledger: Ledger,
  budget: ClientBudget,
  telemetry: Telemetry,
): UnopenedDependencies {
  return { reports, events: wireEvents(configuration, budget), ledger: countedEnds(ledger, telemetry) };
}

export function wireEvents(configuration: Variables<'SPILLWAY_EVENT_BUS'>, budget: ClientBudget): JobEvents {
  return createJobEvents({
    eventBridge: createEventBridgeClient(budget),
    bus: configuration.SPILLWAY_EVENT_BUS,
  });
}
