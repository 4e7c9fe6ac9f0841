// What a deployed stack costs a month while nothing is uploaded.

import { METRICS } from '../../functions/runtime/metrics.js';
import { alarmTable } from '../../infrastructure/alarms.js';
import { PRICES } from '../../shared/aws/prices.js';
import type { ServiceModel } from '../service/model.ts';
import { billOf } from './cost.ts';

/** US dollars a month of 30 days. Free tiers are not taken off. */
export interface FixedCostUsd {
  /** Lambda's pollers ask the queues all the time, by long polling. */
  polling: number;
  /** Sweep, once a minute. */
  schedules: number;
  alarms: number;
  metrics: number;
  dashboard: number;
  /** Of the ledger: it grows with the rows that it holds. */
  pointInTimeRecovery: number;
  total: number;
}

const MONTH_SECONDS = 30 * 24 * 3600;
/** Pollers of an event source; those with a maximum concurrency do not scale down when idle (Lambda guide, "SQS scaling"). */
const IDLE_POLLERS = 5;
const LONG_POLL_SECONDS = 20;
/** Of a scheduled function that finds nothing to do: a query and its answer. */
const IDLE_RUN_SECONDS = 0.1;

/** @param ledgerBytes size of the ledger's table */
export function fixedUsdPerMonth(service: ServiceModel, ledgerBytes: number): FixedCostUsd {
  const functions = Object.values(service.functions);
  const sources = functions.flatMap(({ sqsSources }) => sqsSources.filter(({ enabled }) => enabled));
  const polls = sources.length * IDLE_POLLERS * (MONTH_SECONDS / LONG_POLL_SECONDS);
  const runs = functions.flatMap(({ memoryMb, schedules }) =>
    schedules
      .filter(({ enabled }) => enabled)
      .map(({ everyMs }) => ({ count: (MONTH_SECONDS * 1000) / everyMs, memoryMb })),
  );
  // An alarm on metric math is billed for each metric that it reads.
  const alarms = Object.values(alarmTable(service.stackName, { oldestMessageSeconds: 3600 }));
  const alarmMetrics = alarms.reduce((sum, { of }) => sum + Object.keys(of).length, 0);
  // Each function that counts a metric makes a metric of its own.
  const metrics = Object.values(METRICS).reduce((sum, { functions: of }) => sum + of.length, 0);
  const parts = {
    polling: polls * PRICES.sqsRequest,
    schedules: runs.reduce(
      (sum, { count, memoryMb }) =>
        sum + count * (PRICES.lambdaRequest + IDLE_RUN_SECONDS * (memoryMb / 1024) * PRICES.lambdaGbSecond),
      0,
    ),
    alarms: alarmMetrics * PRICES.alarmMetricMonth,
    metrics: metrics * PRICES.metricMonth,
    dashboard: PRICES.dashboardMonth,
    pointInTimeRecovery: (ledgerBytes / 1e9) * PRICES.recoveryGbMonth,
  };
  return billOf(parts, 100);
}
