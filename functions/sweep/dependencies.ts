// What sweep works with, and how it is made from the configuration.
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createJobIndex, type JobIndex } from '../../shared/ledger/job-index.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { QueueDependencies } from '../../shared/queue/batches.ts';
import type { AnnounceDependencies } from '../../shared/report/announce.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireEvents, wireLedger, wireQueue } from '../runtime/wiring.ts';
import type { SweepConfiguration } from './configuration.ts';
import type { Backlog, ReconcileLimits } from './job-needs.ts';
import type { ReconcileDependencies } from './reconcile-job.ts';

export interface SweepDependencies extends Pick<ReconcileDependencies, 'notifySettle' | 'clock'> {
  index: Pick<JobIndex, 'live'>;
  ledger: ReconcileDependencies['ledger'] &
    AnnounceDependencies['ledger'] &
    Pick<Ledger, 'getJob' | 'controlJob'>;
  events: AnnounceDependencies['events'];
  queue: QueueDependencies;
  queueUrls: Readonly<Record<keyof Backlog, string>>;
  limits: ReconcileLimits;
  telemetry: Telemetry;
}

export function sweepDependencies(
  configuration: SweepConfiguration,
  telemetry: Telemetry,
): SweepDependencies {
  const queue = wireQueue(CLIENT_BUDGETS.sweep);
  const { ledger, notifySettle, dynamodb } = wireLedger(configuration, queue, CLIENT_BUDGETS.sweep);
  return {
    ledger,
    index: createJobIndex({ dynamodb, table: configuration.SPILLWAY_LEDGER_TABLE }),
    notifySettle,
    events: wireEvents(configuration, CLIENT_BUDGETS.sweep),
    queue,
    queueUrls: {
      ingest: configuration.SPILLWAY_INGEST_QUEUE_URL,
      upload: configuration.SPILLWAY_UPLOAD_QUEUE_URL,
      settle: configuration.SPILLWAY_SETTLE_QUEUE_URL,
    },
    clock: systemClock,
    limits: {
      idleMs: configuration.SPILLWAY_REPLAY_IDLE_SECONDS * 1000,
      busyMs: configuration.SPILLWAY_REPLAY_BUSY_SECONDS * 1000,
      uploadMs: configuration.SPILLWAY_UPLOAD_SECONDS * 1000,
    },
    telemetry,
  };
}
