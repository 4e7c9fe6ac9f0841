// Logs and metrics: one line a batch, never one an item; metrics in EMF with the function's name as their only dimension.
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { boundedText } from '../../shared/text/bounded.ts';

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
  DeadLettersFlagged: MetricUnit.Count,
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

/** Bytes of an error's stack in a log line: one of ten calls has about 1,500. */
const MAX_STACK_BYTES = 4 * 1024;
/** Entries of one list in a log line. */
const MAX_FIELD_ENTRIES = 50;

/** A log line may hold others' text, and CloudWatch takes no line of more than 256 KB (PutLogEvents). */
export function boundedField(name: string, value: unknown): unknown {
  if (typeof value === 'string')
    return name === 'stack' ? boundedText(value, MAX_STACK_BYTES) : boundedText(value);
  if (!Array.isArray(value) || value.length <= MAX_FIELD_ENTRIES) return value;
  return [...value.slice(0, MAX_FIELD_ENTRIES), `and ${value.length - MAX_FIELD_ENTRIES} more`];
}

/** Name and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export function createTelemetry(): Telemetry {
  const metrics = new Metrics();
  return {
    logger: new Logger({ jsonReplacerFn: boundedField }),
    metrics,
    count(sums) {
      for (const [name, value] of Object.entries(sums)) {
        metrics.addMetric(name, METRICS[name as MetricName], value);
      }
    },
  };
}
