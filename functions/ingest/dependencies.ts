// What ingest works with, and how it is made from the configuration.
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import type { NewJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Inboxes } from '../../shared/queue/arrivals.ts';
import type { SettleNotice } from '../../shared/queue/settle-notice.ts';
import type { UnopenedDependencies } from '../../shared/report/end-job.ts';
import type { OutcomeStore } from '../../shared/report/outcome-store.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { RecordSource } from '../runtime/records.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import type { IngestConfiguration } from './configuration.ts';
import type { SendSliceDependencies } from './send-slice.ts';

export interface IngestDependencies extends SendSliceDependencies, Inboxes {
  ledger: Ledger;
  outcomes: OutcomeStore;
  destinationBuckets: readonly string[];
  /** Buckets that the API may name manifests in, beside the inbox and the report bucket. */
  manifestBuckets: readonly string[];
  end: UnopenedDependencies;
  ingestQueueUrl: string;
  retrySeconds: RecordSource['retrySeconds'];
  notifySettle: SettleNotice;
  telemetry: Telemetry;
  /** Sizes of the slices and blocks of new jobs. */
  cut: Pick<NewJob, 'sliceBytes' | 'blockRows'>;
  /** Days for which outcomes and converted text are kept. */
  keepDays: number;
}

export function ingestDependencies(
  configuration: IngestConfiguration,
  telemetry: Telemetry,
): IngestDependencies {
  const queue = wireQueue(CLIENT_BUDGETS.ingest);
  const { ledger, notifySettle, dynamodb } = wireLedger(configuration, queue, CLIENT_BUDGETS.ingest);
  const sources = configuration.SPILLWAY_SOURCE_BUCKETS;
  const reports = wireReports(configuration, dynamodb, CLIENT_BUDGETS.ingest, sources);
  return {
    blocks: {
      ...{ s3: reports.s3, clock: systemClock, random: queue.random },
      sources: {
        buckets: sources.map(({ bucket }) => bucket),
        hosts: configuration.SPILLWAY_SOURCE_HOSTS,
      },
      kmsKeys: configuration.SPILLWAY_KMS_KEYS,
    },
    inbox: configuration.SPILLWAY_INBOX_BUCKET,
    inboxBuckets: configuration.SPILLWAY_INBOX_BUCKETS.map(({ bucket }) => bucket),
    destinationBuckets: configuration.SPILLWAY_DESTINATION_BUCKETS.map(({ bucket }) => bucket),
    manifestBuckets: configuration.SPILLWAY_MANIFEST_BUCKETS.map(({ bucket }) => bucket),
    retrySeconds: configuration.SPILLWAY_RETRY_SECONDS,
    cut: {
      sliceBytes: configuration.SPILLWAY_SLICE_BYTES,
      blockRows: configuration.SPILLWAY_BLOCK_ROWS,
    },
    keepDays: configuration.SPILLWAY_REPORT_DAYS,
    ledger,
    outcomes: reports.outcomes,
    end: wireEnd(configuration, reports, ledger, CLIENT_BUDGETS.ingest, telemetry),
    queue,
    ingestQueueUrl: configuration.SPILLWAY_INGEST_QUEUE_URL,
    uploadQueueUrl: configuration.SPILLWAY_UPLOAD_QUEUE_URL,
    notifySettle,
    clock: systemClock,
    telemetry,
  };
}
