// The clients of DynamoDB and EventBridge, with the limits of the S3 clients. Only the pipeline uses them, and that of SQS, which
// is in a file of its own (sqs.ts).
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { type ClientBudget, COMMAND_BUDGET } from './budgets.ts';
import { limitsOf } from './clients.ts';

export function createDynamoDbClient(
  config: DynamoDBClientConfig = {},
  budget: ClientBudget = COMMAND_BUDGET,
): DynamoDBClient {
  return new DynamoDBClient({ ...limitsOf(budget), ...config });
}

export function createEventBridgeClient(budget: ClientBudget): EventBridgeClient {
  return new EventBridgeClient(limitsOf(budget));
}
