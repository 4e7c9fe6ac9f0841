// The clients of the doctor: made together, since each check needs one or two of them.
import { ApiGatewayV2Client } from '@aws-sdk/client-apigatewayv2';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { createS3Client } from '../../shared/aws/clients.ts';
import type { ClientSettings } from '../aws/open.ts';

export type Clients = ReturnType<typeof createClients>;

export function createClients(settings: ClientSettings) {
  return {
    apigateway: new ApiGatewayV2Client(settings),
    cloudformation: new CloudFormationClient(settings),
    cloudwatch: new CloudWatchClient(settings),
    dynamodb: new DynamoDBClient(settings),
    eventbridge: new EventBridgeClient(settings),
    kms: new KMSClient(settings),
    lambda: new LambdaClient(settings),
    s3: createS3Client({ ...settings, forcePathStyle: settings.endpoint !== undefined }),
    sns: new SNSClient(settings),
    sqs: new SQSClient(settings),
    sts: new STSClient(settings),
  };
}
