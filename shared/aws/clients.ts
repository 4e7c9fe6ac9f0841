// The AWS clients, made in one place so that retries, timeouts and sockets are chosen once.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';

/** Sockets of one client. The SDK's default is 50; an upload environment runs up to 64 transfers beside its report's writes. */
const MAX_SOCKETS = 128;
const CONNECTION_TIMEOUT_MS = 2_000;
/** A request that has not been answered by then is given up. The SDK only warns unless told to throw (facts: sockets). */
const REQUEST_TIMEOUT_MS = 15_000;
/** Attempts of the SDK for calls whose pace is not ours to govern: reports, queues, ledger. */
const SDK_ATTEMPTS = 6;

const requestHandler = {
  connectionTimeout: CONNECTION_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  throwOnRequestTimeout: true,
  httpAgent: { maxSockets: MAX_SOCKETS, keepAlive: true },
  httpsAgent: { maxSockets: MAX_SOCKETS, keepAlive: true },
};

/**
 * The client that writes destination objects. `maxAttempts: 1`: the project owns retry and pace. The SDK's own retries
 * share one token bucket of 500; once it is empty every call fails at once without backoff (measured; see docs of
 * aws-sdk-js-v3 retry behaviour, changed 2026-11).
 */
export function createTransferClient(config: S3ClientConfig = {}): S3Client {
  return new S3Client({ requestHandler, ...config, maxAttempts: 1 });
}

/** An answer may take long behind a slow line that many files share; a connection on which nothing moves is broken. */
const IDLE_TIMEOUT_MS = 60_000;

/** As the transfer client, for a machine outside of AWS: its line is slow, and its requests at once are the user's choice. */
export function createUplinkClient(config: S3ClientConfig, sockets: number): S3Client {
  return new S3Client({
    ...config,
    requestHandler: {
      connectionTimeout: REQUEST_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      httpAgent: { maxSockets: sockets, keepAlive: true },
      httpsAgent: { maxSockets: sockets, keepAlive: true },
    },
    maxAttempts: 1,
  });
}

export function createS3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({ requestHandler, maxAttempts: SDK_ATTEMPTS, ...config });
}

export function createSqsClient(): SQSClient {
  return new SQSClient({ requestHandler, maxAttempts: SDK_ATTEMPTS });
}

export function createDynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({ requestHandler, maxAttempts: SDK_ATTEMPTS, ...config });
}

export function createEventBridgeClient(): EventBridgeClient {
  return new EventBridgeClient({ requestHandler, maxAttempts: SDK_ATTEMPTS });
}
