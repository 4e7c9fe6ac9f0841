// What settle works with, and how it is made from the configuration.
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { EndDependencies } from '../../shared/report/end-job.ts';
import type { ReportDependencies } from '../../shared/report/report.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import type { RecordSource } from '../runtime/records.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireEnd, wireLedger, wireQueue, wireReports } from '../runtime/wiring.ts';
import type { SettleConfiguration } from './configuration.ts';

export interface SettleDependencies {
  ledger: Ledger;
  reports: ReportDependencies;
  end: EndDependencies;
  clock: Clock;
  /** Upload's timeout in milliseconds. */
  uploadMs: number;
  source: RecordSource;
  telemetry: Telemetry;
}

export function settleDependencies(
  configuration: SettleConfiguration,
  telemetry: Telemetry,
): SettleDependencies {
  const queue = wireQueue(CLIENT_BUDGETS.settle);
  const { ledger, dynamodb } = wireLedger(configuration, queue, CLIENT_BUDGETS.settle);
  const reports = wireReports(configuration, dynamodb, CLIENT_BUDGETS.settle);
  return {
    ledger,
    reports,
    end: wireEnd(configuration, reports, ledger, CLIENT_BUDGETS.settle, telemetry),
    clock: systemClock,
    uploadMs: configuration.SPILLWAY_UPLOAD_SECONDS * 1000,
    source: {
      queue,
      queueUrl: configuration.SPILLWAY_SETTLE_QUEUE_URL,
      retrySeconds: configuration.SPILLWAY_RETRY_SECONDS,
    },
    telemetry,
  };
}
