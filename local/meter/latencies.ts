// How long AWS usually takes to answer within a region, so that functions on this machine can wait as long as on AWS.

/** Milliseconds from a request to its answer. */
export interface Latencies {
  s3: number;
  sqs: number;
  dynamodb: number;
}

/**
 * What a small request usually takes from a function in the same region. AWS gives no guarantee and few figures:
 *
 *   s3        "roughly 100-200 milliseconds" for small objects at worst (S3 user guide, "Performance design patterns"); writes of
 *             some KB usually take a quarter of that
 *   sqs       "in the tens of milliseconds" or less for most requests (SQS developer guide, "Increasing throughput")
 *   dynamodb  "single-digit millisecond" (DynamoDB developer guide, "What is Amazon DynamoDB?")
 */
export const USUAL_LATENCIES: Latencies = { s3: 25, sqs: 8, dynamodb: 5 };
