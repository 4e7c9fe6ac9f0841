// What AWS bills, for estimates before a job and for what a run has cost.

/** US dollars, us-east-1, from the AWS price list of September 2026 (aws.amazon.com/s3/pricing and its sisters). */
export const PRICES = {
  s3Write: 5 / 1e6, // PUT, COPY, POST, LIST
  s3Read: 0.4 / 1e6, // GET and everything else
  sqsRequest: 0.4 / 1e6, // standard queues, each 64 KB
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334, // arm64
  dynamodbWriteUnit: 0.625 / 1e6,
  dynamodbReadUnit: 0.125 / 1e6,
  logGb: 0.5,
} as const;

/**
 * Of a row beside the requests that write it: queues, functions, ledger, outcomes and logs. The meter of the embedded cloud
 * measured 0.70 dollars for a million small objects (README).
 */
export const PIPELINE_USD_PER_ROW = 0.7 / 1e6;
