// The service model: serverless.yml as plain data, from which the embedded cloud is built.
// It is mutable so that a test can `adjust` it, for example with shorter timeouts, before the cloud starts.
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { ResourcePolicy, Role } from '../iam/policy.ts';

export interface ServiceModel {
  /** `<service>-<stage>`: the name of the CloudFormation stack, and the start of every generated name. */
  stackName: string;
  region: string;
  accountId: string;
  /** The folder of serverless.yml, to which the handlers' paths are relative. */
  directory: string;
  /** By their name in serverless.yml. */
  functions: Record<string, FunctionModel>;
  /** These by logical id. */
  queues: Record<string, QueueModel>;
  buckets: Record<string, BucketModel>;
  tables: Record<string, TableModel>;
  eventBuses: Record<string, EventBusModel>;
  /** Execution roles, by logical id. */
  roles: Record<string, Role>;
  /** Of buckets and queues, by logical id. */
  policies: Record<string, ResourcePolicy>;
  /** Of the HTTP API; absent where only the account's quota holds. */
  throttling?: ThrottlingModel;
}

export interface FunctionModel {
  name: string;
  /** `<stack>-<name>` unless serverless.yml names it. */
  deployedName: string;
  arn: string;
  /** Absolute path of the handler's module. */
  handlerFile: string;
  handlerExport: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
  recursiveLoop: 'Allow' | 'Terminate';
  /** Logical id or ARN of the execution role; if absent, the provider's default role. */
  role?: string;
  /** How Lambda treats its asynchronous invocations. */
  asynchronous: AsynchronousModel;
  sqsSources: SqsSourceModel[];
  schedules: ScheduleModel[];
  routes: HttpRouteModel[];
}

/** AWS::Lambda::EventInvokeConfig, with the defaults of Lambda. */
export interface AsynchronousModel {
  maximumRetryAttempts: number;
  maximumEventAgeMs: number;
}

/** An SQS event source mapping. Limits and defaults: AWS Lambda, CreateEventSourceMapping. */
export interface SqsSourceModel {
  queueArn: string;
  batchSize: number;
  windowSeconds: number;
  /** If absent, only the machine's limit holds. */
  maximumConcurrency?: number;
  reportBatchItemFailures: boolean;
  enabled: boolean;
}

export interface ScheduleModel {
  everyMs: number;
  enabled: boolean;
  /** A constant that replaces the scheduled event. */
  input?: unknown;
}

export interface HttpRouteModel {
  /** `*` for any method. */
  method: string;
  /** As in the route key: `/jobs/{id}`, `/files/{path+}`; `*` for the default route. */
  path: string;
  authorizer: AuthorizerModel;
}

/** `jwt`: a JSON Web Token of this issuer, for one of these audiences, with one of these scopes where there are any. */
export type AuthorizerModel =
  | { kind: 'none' }
  | { kind: 'aws_iam' }
  | { kind: 'jwt'; issuer: string; audiences: readonly string[]; scopes: readonly string[] };

/** How many requests the HTTP API takes, of all callers together: DefaultRouteSettings of its stage. */
export interface ThrottlingModel {
  ratePerSecond: number;
  burst: number;
}

export interface QueueModel {
  name: string;
  arn: string;
  /** The address at AWS until the cloud starts, then the emulator's. */
  url: string;
  /** In the form of CreateQueue: strings, with RedrivePolicy as JSON. */
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
  /** The properties of AWS::DynamoDB::Table that CreateTable has too. */
  definition: CreateTableCommandInput;
  /** The TTL attribute, if it is enabled. */
  timeToLiveAttribute?: string;
}

export interface EventBusModel {
  name: string;
  arn: string;
}

/** A part of serverless.yml that the embedded cloud does not support; `where` is its path in the merged file. */
export class ServiceModelError extends Error {
  readonly where: string;
  constructor(where: string, problem: string) {
    super(`serverless.yml, ${where}: ${problem}`);
    this.name = 'ServiceModelError';
    this.where = where;
  }
}
