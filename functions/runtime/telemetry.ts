// A function's logs and metrics: one log line a batch, never one an item. Metrics are EMF, with the function as only dimension.
import { Logger } from '@aws-lambda-powertools/logger';
import type { LogItemExtraInput } from '@aws-lambda-powertools/logger/types';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { boundedText } from '../../shared/text/bounded.ts';
import type { LogMessage } from './log-messages.ts';
import { METRICS } from './metrics.js';

export type MetricName = keyof typeof METRICS;

/** Takes the messages of the catalogue alone. */
type EventLog = Record<
  'info' | 'warn' | 'error',
  (message: LogMessage, ...fields: LogItemExtraInput) => void
>;

/** What the steps of a function see. */
export interface Telemetry {
  logger: EventLog;
  /**
   * Adds to the metrics of this invocation, which the handler's middleware writes at its end. A list holds values that CloudWatch
   * makes percentiles of.
   */
  count(values: Partial<Record<MetricName, number | readonly number[]>>): void;
}

export interface LambdaTelemetry extends Telemetry {
  logger: Logger;
  metrics: Metrics;
}

/** Most bytes of an error's stack in a log line: a stack of ten calls has about 1,500. */
const MAX_STACK_BYTES = 4 * 1024;
/** Most entries of a list in a log line. */
const MAX_FIELD_ENTRIES = 50;

/** Log lines hold text from outside, and CloudWatch takes at most 256 KB a line (PutLogEvents). */
export function boundedField(name: string, value: unknown): unknown {
  if (typeof value === 'string')
    return name === 'stack' ? boundedText(value, MAX_STACK_BYTES) : boundedText(value);
  if (!Array.isArray(value) || value.length <= MAX_FIELD_ENTRIES) return value;
  return [...value.slice(0, MAX_FIELD_ENTRIES), `and ${value.length - MAX_FIELD_ENTRIES} more`];
}

/** Name and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export function createTelemetry(): LambdaTelemetry {
  const metrics = new Metrics();
  return {
    logger: new Logger({ jsonReplacerFn: boundedField }),
    metrics,
    count(values) {
      for (const [name, value] of Object.entries(values)) {
        const { unit } = METRICS[name as MetricName];
        // Powertools writes a line whenever a metric has its 100 values, the most of an EMF line.
        for (const each of typeof value === 'number' ? [value] : value) metrics.addMetric(name, unit, each);
      }
    },
  };
}
