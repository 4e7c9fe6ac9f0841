// Reads queues, buckets, tables, buses, roles and policies from the template's resources. Other types matter only on AWS and are ignored.
import { isRecord } from '../../shared/text/parse-json.ts';
import type { ResourcePolicy, Role } from '../iam/policy.ts';
import { listOf, PolicyError, readResourceStatements, readRoleStatements } from '../iam/read-policy.ts';
import { evaluate, holds } from './intrinsics.ts';
import {
  type BucketModel,
  type BucketNotification,
  type ServiceModel,
  ServiceModelError,
  type TableModel,
} from './model.ts';
import type { NamedScope, Template } from './template.ts';

export type Resources = Pick<
  ServiceModel,
  'queues' | 'buckets' | 'tables' | 'eventBuses' | 'roles' | 'policies'
>;

export function readResources(template: Template, scope: NamedScope): Resources {
  const found: Resources = { queues: {}, buckets: {}, tables: {}, eventBuses: {}, roles: {}, policies: {} };
  /** Read last: a policy names its queue by an address. */
  const policies: (() => ResourcePolicy)[] = [];
  for (const [id, resource] of Object.entries(template.resources)) {
    const where = `resources.Resources.${id}`;
    if (resource.Condition !== undefined && !holds(resource.Condition, where, scope)) continue;
    const properties = (): Record<string, unknown> => {
      const value = evaluate(resource.Properties, `${where}.Properties`, scope);
      return isRecord(value) ? value : {};
    };
    const name = () => scope.nameOf(id);
    switch (resource.Type) {
      case 'AWS::SQS::Queue':
        found.queues[id] = {
          name: name(),
          arn: String(scope.arnOf(id)),
          url: String(scope.ref(id)),
          attributes: queueAttributes(properties()),
        };
        break;
      case 'AWS::S3::Bucket':
        found.buckets[id] = bucket(name(), properties(), where);
        break;
      case 'AWS::DynamoDB::Table':
        found.tables[id] = table(name(), properties(), where);
        break;
      case 'AWS::Events::EventBus':
        found.eventBuses[id] = { name: name(), arn: String(scope.arnOf(id)) };
        break;
      case 'AWS::S3::BucketPolicy':
      case 'AWS::SQS::QueuePolicy':
        policies.push(() => readResourcePolicy(id, properties(), where, found));
        break;
      case 'AWS::IAM::Role':
        found.roles[id] = readRole(id, String(scope.arnOf(id)), properties(), where);
        break;
    }
  }
  for (const policy of policies.map((readOne) => readOne())) found.policies[policy.name] = policy;
  assertOnePolicyEach(Object.values(found.policies));
  return found;
}

/** CloudFormation has the attribute names of CreateQueue, but with typed values; CreateQueue takes strings. */
function queueAttributes(properties: Record<string, unknown>): Record<string, string> {
  const { QueueName, Tags, ...attributes } = properties;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
}

function bucket(name: string, properties: Record<string, unknown>, where: string): BucketModel {
  const versioning = properties.VersioningConfiguration;
  const configuration = properties.NotificationConfiguration;
  const notifications: BucketNotification[] = [];
  if (isRecord(configuration)) {
    for (const [kind, list] of Object.entries(configuration)) {
      const place = `${where}.Properties.NotificationConfiguration.${kind}`;
      if (kind !== 'QueueConfigurations')
        throw new ServiceModelError(place, 'only queues can be notified locally');
      for (const entry of list as Record<string, unknown>[]) notifications.push(notification(entry, place));
    }
  }
  return { name, versioned: isRecord(versioning) && versioning.Status === 'Enabled', notifications };
}

function notification(entry: Record<string, unknown>, where: string): BucketNotification {
  if (entry.Filter !== undefined) throw new ServiceModelError(where, 'filters are not known locally');
  // The emulated S3 notifies only of new objects: other events would be lost without an error.
  if (entry.Event !== 's3:ObjectCreated:*') {
    throw new ServiceModelError(
      where,
      `the embedded cloud knows s3:ObjectCreated:*, not ${String(entry.Event)}`,
    );
  }
  return { queueArn: String(entry.Queue), event: entry.Event };
}

function table(name: string, properties: Record<string, unknown>, where: string): TableModel {
  const keySchema = properties.KeySchema;
  const attributes = properties.AttributeDefinitions;
  if (!Array.isArray(keySchema) || !Array.isArray(attributes)) {
    throw new ServiceModelError(where, 'a table has a KeySchema and AttributeDefinitions');
  }
  const definition = {
    TableName: name,
    AttributeDefinitions: attributes,
    KeySchema: keySchema,
    BillingMode: properties.BillingMode ?? 'PROVISIONED',
    ...pick(properties, 'ProvisionedThroughput'),
    ...pick(properties, 'GlobalSecondaryIndexes'),
  } as TableModel['definition'];
  const timeToLive = properties.TimeToLiveSpecification;
  return isRecord(timeToLive) && String(timeToLive.Enabled) === 'true'
    ? { name, definition, timeToLiveAttribute: String(timeToLive.AttributeName) }
    : { name, definition };
}

function pick(from: Record<string, unknown>, name: string): Record<string, unknown> {
  return from[name] === undefined ? {} : { [name]: from[name] };
}

/** The inline policies of a role. @throws ServiceModelError for a policy that the embedded cloud can't evaluate */
function readRole(name: string, arn: string, properties: Record<string, unknown>, where: string): Role {
  const policies = listOf(properties.Policies) as Record<string, unknown>[];
  const statements = policies.flatMap(({ PolicyDocument }, index) =>
    read(`${where}.Properties.Policies[${index}]`, () => readRoleStatements(PolicyDocument)),
  );
  return { name, arn, statements };
}

/** The policy of a bucket or of queues. @throws ServiceModelError for what the embedded cloud can't evaluate */
function readResourcePolicy(
  name: string,
  { Bucket, Queues, PolicyDocument }: Record<string, unknown>,
  where: string,
  { queues }: Pick<Resources, 'queues'>,
): ResourcePolicy {
  const arnOfQueue = (url: unknown): string => {
    const queue = Object.values(queues).find((each) => each.url === url);
    if (queue === undefined)
      throw new ServiceModelError(`${where}.Properties.Queues`, `the template has no queue ${String(url)}`);
    return queue.arn;
  };
  const attachedTo =
    Bucket === undefined ? listOf(Queues).map(arnOfQueue) : [`arn:aws:s3:::${String(Bucket)}`];
  const statements = read(`${where}.Properties.PolicyDocument`, () => readResourceStatements(PolicyDocument));
  return { name, attachedTo, statements };
}

/** On AWS the policy that is set last replaces the other. */
function assertOnePolicyEach(policies: readonly ResourcePolicy[]): void {
  const byResource = new Map<string, string>();
  for (const { name, attachedTo } of policies) {
    for (const arn of attachedTo) {
      const other = byResource.get(arn);
      if (other !== undefined)
        throw new ServiceModelError(`resources.Resources.${name}`, `${arn} has the policy ${other} already`);
      byResource.set(arn, name);
    }
  }
}

function read<T>(where: string, statements: () => T): T {
  try {
    return statements();
  } catch (error) {
    if (error instanceof PolicyError) throw new ServiceModelError(where, error.message);
    throw error;
  }
}
