// A function's logs and metrics: one log line a batch, never one an item. Metrics are EMF, with the function as only dimension. CloudWatch
// bills each byte, so a log line carries the metrics that were counted before it, and says nothing that its log group says.
import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type {
  LogAttributes,
  LogItemExtraInput,
  UnformattedAttributes,
} from '@aws-lambda-powertools/logger/types';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { boundedText } from '../../shared/text/bounded.ts';
import type { LogMessage } from './log-messages.ts';
import { METRIC_UNITS } from './metric-units.js';
import type { METRICS } from './metrics.js';

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
   * Adds to the metrics of this invocation. The next log line carries them, or a line of their own at the invocation's end. A list
   * holds values that CloudWatch makes percentiles of.
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

/** `_aws`, the dimension `service`, and the values of metrics by their names. */
type EmbeddedMetrics = ReturnType<Metrics['serializeMetrics']>;

class LineFormatter extends LogFormatter {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    super();
    this.#metrics = metrics;
  }

  override formatAttributes(known: UnformattedAttributes, fields: LogAttributes): LogItem {
    const { logLevel, message, timestamp, serviceName, lambdaContext, xRayTraceId } = known;
    const metrics = this.#takeMetrics();
    const isTraced = process.env['_X_AMZN_TRACE_ID']?.includes('Sampled=1') === true;
    return new LogItem({
      attributes: {
        level: logLevel,
        message,
        // EMF has its own.
        ...(metrics === undefined ? { timestamp: this.formatTimestamp(timestamp) } : {}),
        service: serviceName,
        ...(lambdaContext?.coldStart === true ? { cold_start: true } : {}),
        function_request_id: lambdaContext?.awsRequestId,
        ...(isTraced ? { xray_trace_id: xRayTraceId } : {}),
        ...fields,
        ...metrics,
      },
    });
  }

  #takeMetrics(): EmbeddedMetrics | undefined {
    if (!this.#metrics.hasStoredMetrics()) return undefined;
    const metrics = this.#metrics.serializeMetrics();
    // A log line cuts longer lists, so these get a line of their own.
    if (Object.values(metrics).some((value) => Array.isArray(value) && value.length > MAX_FIELD_ENTRIES)) {
      this.#metrics.publishStoredMetrics();
      return undefined;
    }
    this.#metrics.clearMetrics();
    return metrics;
  }
}

/** Name and namespace come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_METRICS_NAMESPACE. */
export function createTelemetry(): LambdaTelemetry {
  const metrics = new Metrics();
  return {
    logger: new Logger({ jsonReplacerFn: boundedField, logFormatter: new LineFormatter(metrics) }),
    metrics,
    count(values) {
      for (const [name, value] of Object.entries(values)) {
        const unit = METRIC_UNITS[name] ?? 'Count';
        // Powertools writes a line whenever a metric has its 100 values, the most of an EMF line.
        for (const each of typeof value === 'number' ? [value] : value) metrics.addMetric(name, unit, each);
      }
    },
  };
}
