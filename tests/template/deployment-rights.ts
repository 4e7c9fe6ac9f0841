// What CloudFormation and osls do with each type of resource in the template, as IAM names it, and an example of what they do it to.
// Sources: the permissions of each type's handlers in the CloudFormation registry, and the Service Authorization Reference.

const FUNCTION = 'arn:aws:lambda:REGION:ACCOUNT:function:spillway-prod-ingest';
const API = 'arn:aws:apigateway:REGION::/apis/a1b2c3';
const BUCKET = 'arn:aws:s3:::spillway-prod-inbox-ACCOUNT-REGION';
const QUEUE = 'arn:aws:sqs:REGION:ACCOUNT:spillway-prod-ingest';
const apiActions = ['apigateway:POST', 'apigateway:GET', 'apigateway:PATCH', 'apigateway:DELETE'];

interface Right {
  on: string;
  actions: readonly string[];
}

export const DEPLOYMENT_RIGHTS: Readonly<Record<string, Right>> = {
  'AWS::S3::Bucket': {
    on: BUCKET,
    actions: [
      ...[
        's3:CreateBucket',
        's3:PutBucketVersioning',
        's3:PutBucketNotification',
        's3:PutLifecycleConfiguration',
      ],
      ...['s3:PutEncryptionConfiguration', 's3:PutBucketPublicAccessBlock', 's3:PutBucketOwnershipControls'],
      ...['s3:PutBucketTagging', 's3:DeleteBucket'],
    ],
  },
  'AWS::S3::BucketPolicy': { on: BUCKET, actions: ['s3:PutBucketPolicy', 's3:DeleteBucketPolicy'] },
  'AWS::Logs::LogGroup': {
    on: 'arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/spillway-prod-ingest:*',
    actions: ['logs:CreateLogGroup', 'logs:PutRetentionPolicy', 'logs:TagResource', 'logs:DeleteLogGroup'],
  },
  'AWS::Logs::QueryDefinition': {
    on: '*',
    actions: ['logs:PutQueryDefinition', 'logs:DescribeQueryDefinitions', 'logs:DeleteQueryDefinition'],
  },
  'AWS::Lambda::Function': {
    on: FUNCTION,
    actions: [
      ...[
        'lambda:CreateFunction',
        'lambda:GetFunction',
        'lambda:UpdateFunctionCode',
        'lambda:DeleteFunction',
      ],
      ...['lambda:UpdateFunctionConfiguration', 'lambda:PutFunctionRecursionConfig', 'lambda:TagResource'],
    ],
  },
  'AWS::Lambda::EventInvokeConfig': {
    on: FUNCTION,
    actions: ['lambda:PutFunctionEventInvokeConfig', 'lambda:DeleteFunctionEventInvokeConfig'],
  },
  'AWS::Lambda::Permission': { on: FUNCTION, actions: ['lambda:AddPermission', 'lambda:RemovePermission'] },
  'AWS::Lambda::EventSourceMapping': {
    on: '*',
    actions: [
      ...[
        'lambda:CreateEventSourceMapping',
        'lambda:UpdateEventSourceMapping',
        'lambda:GetEventSourceMapping',
      ],
      ...['lambda:DeleteEventSourceMapping', 'lambda:TagResource'],
    ],
  },
  'AWS::Events::Rule': {
    on: 'arn:aws:events:REGION:ACCOUNT:rule/spillway-prod-inboxes',
    actions: ['events:PutRule', 'events:PutTargets', 'events:RemoveTargets', 'events:DeleteRule'],
  },
  'AWS::ApiGatewayV2::Api': { on: 'arn:aws:apigateway:REGION::/apis', actions: apiActions },
  // With the first API of an account, API Gateway makes its service-linked role in the name of who deploys.
  'the first API of an account': {
    on: 'arn:aws:iam::ACCOUNT:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway',
    actions: ['iam:CreateServiceLinkedRole'],
  },
  'AWS::ApiGatewayV2::Stage': { on: `${API}/stages`, actions: [...apiActions, 'apigateway:TagResource'] },
  'AWS::ApiGatewayV2::Authorizer': { on: `${API}/authorizers`, actions: apiActions },
  'AWS::ApiGatewayV2::Integration': { on: `${API}/integrations`, actions: apiActions },
  'AWS::ApiGatewayV2::Route': { on: `${API}/routes`, actions: apiActions },
  'AWS::SQS::Queue': {
    on: QUEUE,
    actions: ['sqs:CreateQueue', 'sqs:GetQueueAttributes', 'sqs:TagQueue', 'sqs:DeleteQueue'],
  },
  'AWS::SQS::QueuePolicy': { on: QUEUE, actions: ['sqs:SetQueueAttributes'] },
  'AWS::DynamoDB::Table': {
    on: 'arn:aws:dynamodb:REGION:ACCOUNT:table/spillway-prod-ledger',
    actions: [
      ...['dynamodb:CreateTable', 'dynamodb:DescribeTable', 'dynamodb:UpdateTable', 'dynamodb:DeleteTable'],
      ...['dynamodb:UpdateTimeToLive', 'dynamodb:UpdateContinuousBackups', 'dynamodb:TagResource'],
    ],
  },
  'AWS::IAM::Role': {
    on: 'arn:aws:iam::ACCOUNT:role/spillway-prod-IngestRole-XXXX',
    actions: [
      ...['iam:CreateRole', 'iam:GetRole', 'iam:PutRolePolicy', 'iam:GetRolePolicy', 'iam:DeleteRolePolicy'],
      ...[
        'iam:ListRolePolicies',
        'iam:ListAttachedRolePolicies',
        'iam:UpdateAssumeRolePolicy',
        'iam:TagRole',
      ],
      ...['iam:AttachRolePolicy', 'iam:DetachRolePolicy', 'iam:PassRole', 'iam:DeleteRole'],
    ],
  },
  // With the parameter `tracing`.
  'AWS::IAM::ManagedPolicy': {
    on: 'arn:aws:iam::ACCOUNT:policy/spillway-prod-TracePolicy-XXXX',
    actions: [
      ...['iam:CreatePolicy', 'iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListPolicyVersions'],
      ...['iam:CreatePolicyVersion', 'iam:DeletePolicyVersion', 'iam:DeletePolicy'],
      // CloudFormation looks up where the policy is attached, when it reads it and before it deletes it.
      'iam:ListEntitiesForPolicy',
    ],
  },
  'AWS::SNS::Topic': {
    on: 'arn:aws:sns:REGION:ACCOUNT:spillway-prod-alarms',
    actions: [
      'sns:CreateTopic',
      'sns:Subscribe',
      'sns:SetTopicAttributes',
      'sns:TagResource',
      'sns:DeleteTopic',
    ],
  },
  // Of a topic in `inboxTopics`.
  'AWS::SNS::TopicPolicy': {
    on: 'arn:aws:sns:REGION:ACCOUNT:spillway-prod-alarms',
    actions: ['sns:SetTopicAttributes', 'sns:GetTopicAttributes'],
  },
  'AWS::SNS::Subscription': {
    on: 'arn:aws:sns:REGION:ACCOUNT:TOPIC',
    actions: [
      'sns:Subscribe',
      'sns:Unsubscribe',
      'sns:GetSubscriptionAttributes',
      'sns:SetSubscriptionAttributes',
    ],
  },
  'AWS::CloudWatch::Dashboard': {
    on: 'arn:aws:cloudwatch::ACCOUNT:dashboard/spillway-prod',
    actions: ['cloudwatch:PutDashboard', 'cloudwatch:GetDashboard', 'cloudwatch:DeleteDashboards'],
  },
  'AWS::CloudWatch::Alarm': {
    on: 'arn:aws:cloudwatch:REGION:ACCOUNT:alarm:spillway-prod-SweepMissingAlarm-XXXX',
    actions: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms', 'cloudwatch:TagResource'],
  },
};
