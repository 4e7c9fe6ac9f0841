// What AWS charges, for the dashboard's estimate, for plans and for the embedded cloud's meter.

/** US dollars, us-east-1, from the AWS price list of September 2026 (aws.amazon.com/s3/pricing and its sisters). */
export const PRICES = /** @type {const} */ ({
  /** PUT, COPY, POST, LIST */
  s3Write: 5 / 1e6,
  /** GET and everything else */
  s3Read: 0.4 / 1e6,
  /** Standard queues, each 64 KB. */
  sqsRequest: 0.4 / 1e6,
  lambdaRequest: 0.2 / 1e6,
  /** arm64 */
  lambdaGbSecond: 0.0000133334,
  dynamodbWriteUnit: 0.625 / 1e6,
  dynamodbReadUnit: 0.125 / 1e6,
  logGb: 0.5,
  /** Of standard resolution; an alarm on metric math has several metrics. */
  alarmMetricMonth: 0.1,
  /** The first 10,000. */
  metricMonth: 0.3,
  dashboardMonth: 3,
  /** Continuous backups of a DynamoDB table. */
  recoveryGbMonth: 0.2,
});

/**
 * Of a row beside the requests that write it: queues, functions, ledger, outcomes and logs, as the embedded cloud's meter counts
 * them in full batches (docs/cost.md).
 */
export const PIPELINE_USD_PER_ROW = 0.3 / 1e6;
