// The clients of SQS, DynamoDB and EventBridge, with the limits of the S3 clients. Only the pipeline uses them.
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type ClientBudget, COMMAND_BUDGET } from './budgets.ts';
import { limitsOf } from './clients.ts';

/**
 * Without the SDK's check of the MD5 that SQS answers for each message: a 16th of ingest's processor time. The signature of a
 * request covers the SHA-256 of its body, so SQS refuses one that was damaged on the way.
 */
export function createSqsClient(budget: ClientBudget): SQSClient {
  return new SQSClient({ ...limitsOf(budget), md5: false });
}

export function createDynamoDbClient(
  config: DynamoDBClientConfig = {},
  budget: ClientBudget = COMMAND_BUDGET,
): DynamoDBClient {
  return new DynamoDBClient({ ...limitsOf(budget), ...config });
}

export function createEventBridgeClient(budget: ClientBudget): EventBridgeClient {
  return new EventBridgeClient(limitsOf(budget));
}
