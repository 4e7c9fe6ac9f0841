// What the functions are made of, from the environment that serverless.yml gives them: each names the variables it needs, so
// that a function reads, and is bundled with, only what it uses. Its clients keep to its budget (shared/aws/budgets.ts).
import type { ClientBudget } from '../../shared/aws/budgets.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import {
  createDynamoDbClient,
  createEventBridgeClient,
  createSqsClient,
} from '../../shared/aws/pipeline-clients.ts';
import { createJobIndex, type JobIndex } from '../../shared/ledger/job-index.ts';
import { createLedger, type Ledger } from '../../shared/ledger/ledger.ts';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import {
  createClosingNotice,
  createSettleNotice,
  type SettleNotice,
} from '../../shared/queue/settle-notice.ts';
import type { UnopenedDependencies } from '../../shared/report/end-job.ts';
import { createJobEvents } from '../../shared/report/job-event.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import type { ReportDependencies } from '../../shared/report/report.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { systemRandom } from '../../shared/time/random.ts';

type Environment<Name extends string> = Readonly<Record<Name, string>>;

export function wireQueue(budget: ClientBudget): QueueDependencies {
  return { sqs: createSqsClient(budget), clock: systemClock, random: systemRandom };
}

export function wireLedger(
  env: Environment<'SPILLWAY_LEDGER_TABLE' | 'SPILLWAY_SETTLE_QUEUE_URL'>,
  queue: QueueDependencies,
  budget: ClientBudget,
): { ledger: Ledger; index: JobIndex; notifySettle: SettleNotice } {
  const dynamodb = createDynamoDbClient({}, budget);
  const table = env.SPILLWAY_LEDGER_TABLE;
  const notifySettle = createSettleNotice(queue, env.SPILLWAY_SETTLE_QUEUE_URL);
  return {
    ledger: createLedger({
      dynamodb,
      table,
      clock: systemClock,
      random: systemRandom,
      sliceClosed: createClosingNotice(notifySettle, systemClock),
    }),
    index: createJobIndex({ dynamodb, table }),
    notifySettle,
  };
}

/** Jobs to look at and to give orders to: nothing here closes a level of the ledger. */
export function wireJobs(
  env: Environment<'SPILLWAY_LEDGER_TABLE'>,
  budget: ClientBudget,
): {
  ledger: Pick<Ledger, 'getJob' | 'getJobs' | 'getSlices' | 'readBlocks' | 'controlJob'>;
  index: JobIndex;
} {
  const dynamodb = createDynamoDbClient({}, budget);
  const table = env.SPILLWAY_LEDGER_TABLE;
  return {
    ledger: createLedger({
      dynamodb,
      table,
      clock: systemClock,
      random: systemRandom,
      sliceClosed: () => Promise.reject(new Error('the API closes no slices')),
    }),
    index: createJobIndex({ dynamodb, table }),
  };
}

export function wireReports(
  env: Environment<'SPILLWAY_REPORT_BUCKET'>,
  budget: ClientBudget,
): ReportDependencies {
  const s3 = createS3Client({}, budget);
  const bucket = env.SPILLWAY_REPORT_BUCKET;
  return { s3, bucket, outcomes: createOutcomeFiles({ s3, bucket }) };
}

export function wireEnd(
  env: Environment<'SPILLWAY_EVENT_BUS'>,
  reports: ReportDependencies,
  ledger: Ledger,
  budget: ClientBudget,
): UnopenedDependencies {
  const events = createJobEvents({
    eventBridge: createEventBridgeClient(budget),
    bus: env.SPILLWAY_EVENT_BUS,
  });
  return { reports, events, ledger };
}
