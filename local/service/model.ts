// What serverless.yml says, as plain data: the one thing that the embedded cloud is built from.
// Everything is mutable on purpose: a test may `adjust` it (shorter timeouts, schedules) before the cloud starts.

export interface ServiceModel {
  /** `<service>-<stage>`, as the CloudFormation stack and every generated name begin. */
  stackName: string;
  region: string;
  accountId: string;
  /** The folder of serverless.yml: handlers are relative to it. */
  directory: string;
  /** By the name that serverless.yml gives them. */
  functions: Record<string, FunctionModel>;
  /** These four by CloudFormation logical id. */
  queues: Record<string, QueueModel>;
  buckets: Record<string, BucketModel>;
  tables: Record<string, TableModel>;
  eventBuses: Record<string, EventBusModel>;
}

export interface FunctionModel {
  name: string;
  /** `<stack>-<name>` unless serverless.yml names it. */
  deployedName: string;
  arn: string;
  /** Absolute path of the module that exports the handler. */
  handlerFile: string;
  handlerExport: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
  recursiveLoop: 'Allow' | 'Terminate';
  /** Logical id or ARN of the execution role; absent: the provider's default role. */
  role?: string;
  sqsSources: SqsSourceModel[];
  schedules: ScheduleModel[];
  routes: HttpRouteModel[];
}

/** An SQS event source mapping. Limits and defaults: AWS Lambda, CreateEventSourceMapping. */
export interface SqsSourceModel {
  queueArn: string;
  batchSize: number;
  windowSeconds: number;
  /** Absent: bounded by the machine's cap alone. */
  maximumConcurrency?: number;
  reportBatchItemFailures: boolean;
  enabled: boolean;
}

export interface ScheduleModel {
  everyMs: number;
  enabled: boolean;
  /** The constant that replaces the scheduled event, where the schedule has one. */
  input?: unknown;
}

export interface HttpRouteModel {
  /** `*` for any method. */
  method: string;
  /** As in the route key: `/jobs/{id}`, `/files/{path+}`; `*` for the default route. */
  path: string;
  authorizer: 'none' | 'aws_iam';
}

export interface QueueModel {
  name: string;
  arn: string;
  /** AWS's address until the cloud starts; then the emulator's. */
  url: string;
  /** As CreateQueue takes them: strings, RedrivePolicy as JSON. */
  attributes: Record<string, string>;
}

export interface BucketModel {
  name: string;
  versioned: boolean;
  notifications: BucketNotification[];
}

export interface BucketNotification {
  queueArn: string;
  event: 's3:ObjectCreated:*';
}

export interface TableModel {
  name: string;
  /** The properties of AWS::DynamoDB::Table that CreateTable takes, under the same names. */
  definition: TableDefinition;
  /** The TTL attribute, where it is enabled. */
  timeToLiveAttribute?: string;
}

export interface TableDefinition {
  TableName: string;
  AttributeDefinitions: { AttributeName: string; AttributeType: 'S' | 'N' | 'B' }[];
  KeySchema: { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[];
  BillingMode: 'PAY_PER_REQUEST' | 'PROVISIONED';
  ProvisionedThroughput?: { ReadCapacityUnits: number; WriteCapacityUnits: number };
  GlobalSecondaryIndexes?: {
    IndexName: string;
    KeySchema: { AttributeName: string; KeyType: 'HASH' | 'RANGE' }[];
    Projection: { ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE'; NonKeyAttributes?: string[] };
    ProvisionedThroughput?: { ReadCapacityUnits: number; WriteCapacityUnits: number };
  }[];
}

export interface EventBusModel {
  name: string;
  arn: string;
}

/** serverless.yml asks for something that the embedded cloud does not know; `where` is the path in the file. */
export class ServiceModelError extends Error {
  readonly where: string;
  constructor(where: string, problem: string) {
    super(`serverless.yml, ${where}: ${problem}`);
    this.name = 'ServiceModelError';
    this.where = where;
  }
}
