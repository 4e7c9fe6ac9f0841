// Logs and metrics: one line a batch, never one an item; metrics in EMF with the function's name as their only dimension.
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** The metrics that the functions emit. The dashboard and the alarms in serverless.yml name these. */
export const METRICS = {
  RowsAccepted: MetricUnit.Count,
  RowsRejected: MetricUnit.Count,
  SlicesIngested: MetricUnit.Count,
  SlicesReplayed: MetricUnit.Count,
  ObjectsStored: MetricUnit.Count,
  ObjectsSkipped: MetricUnit.Count,
  ObjectsFailed: MetricUnit.Count,
  Attempts: MetricUnit.Count,
  Throttled: MetricUnit.Count,
  TransientFaults: MetricUnit.Count,
  /** Given back to the queue, by visibility (returned) or as a new message (reposted), after S3 refused them or untried. */
  RefusedReturned: MetricUnit.Count,
  RefusedReposted: MetricUnit.Count,
  UntriedReturned: MetricUnit.Count,
  UntriedReposted: MetricUnit.Count,
  BytesStored: MetricUnit.Bytes,
  SlicesSettled: MetricUnit.Count,
  JobsCompleted: MetricUnit.Count,
  JobsFailed: MetricUnit.Count,
  LateOutcomes: MetricUnit.Count,
  LiveJobs: MetricUnit.Count,
  RowsOutstanding: MetricUnit.Count,
  ItemsBuried: MetricUnit.Count,
  /** Messages whose handling failed: they stay in their queue. */
  MessagesFailed: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof METRICS;

export interface Telemetry {
  logger: Logger;
  /** Sums of this invocation; the handler's middleware puts them out at its end. */
  count(sums: Partial<Record<MetricName, number>>): void;
  metrics: Metrics;
}

/** Name and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export function createTelemetry(): Telemetry {
  const metrics = new Metrics();
  return {
    logger: new Logger(),
    metrics,
    count(sums) {
      for (const [name, value] of Object.entries(sums)) {
        metrics.addMetric(name, METRICS[name as MetricName], value);
      }
    },
  };
}
