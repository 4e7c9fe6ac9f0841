// Reads queues, buckets, tables, buses and roles from the template's resources. Other types matter only on AWS and are ignored.
import type { Role } from '../iam/policy.ts';
import { evaluate, holds, type TemplateScope } from './intrinsics.ts';
import {
  type BucketModel,
  type BucketNotification,
  type EventBusModel,
  type QueueModel,
  ServiceModelError,
  type TableDefinition,
  type TableModel,
} from './model.ts';
import { isRecord, type Template } from './template.ts';

interface Names {
  nameOf(logicalId: string): string;
  arnOf(logicalId: string): string | undefined;
}

export interface Resources {
  queues: Record<string, QueueModel>;
  buckets: Record<string, BucketModel>;
  tables: Record<string, TableModel>;
  eventBuses: Record<string, EventBusModel>;
  roles: Record<string, Role>;
}

export function readResources(template: Template, scope: TemplateScope & Names): Resources {
  const found: Resources = { queues: {}, buckets: {}, tables: {}, eventBuses: {}, roles: {} };
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
      case 'AWS::IAM::Role':
        found.roles[id] = readRole(id, String(scope.arnOf(id)), properties(), where);
        break;
    }
  }
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
  } as TableDefinition;
  const timeToLive = properties.TimeToLiveSpecification;
  return isRecord(timeToLive) && String(timeToLive.Enabled) === 'true'
    ? { name, definition, timeToLiveAttribute: String(timeToLive.AttributeName) }
    : { name, definition };
}

function pick(from: Record<string, unknown>, name: string): Record<string, unknown> {
  return from[name] === undefined ? {} : { [name]: from[name] };
}

/** The inline policies of a role. @throws ServiceModelError for a policy that the embedded cloud can't enforce */
function readRole(name: string, arn: string, properties: Record<string, unknown>, where: string): Role {
  const statements: Role['statements'] = [];
  for (const [index, policy] of (listOf(properties.Policies) as Record<string, unknown>[]).entries()) {
    const place = `${where}.Properties.Policies[${index}]`;
    const document = isRecord(policy.PolicyDocument) ? policy.PolicyDocument : {};
    for (const statement of listOf(document.Statement) as Record<string, unknown>[]) {
      const unknown = Object.keys(statement).filter((key) => !STATEMENT_PARTS.has(key));
      if (statement.Effect !== 'Allow' || unknown.length > 0) {
        throw new ServiceModelError(
          place,
          'only Allow with Action, Resource and Condition is enforced locally',
        );
      }
      statements.push({
        actions: listOf(statement.Action).map(String),
        resources: listOf(statement.Resource).map(String),
        conditions: readConditions(statement.Condition),
      });
    }
  }
  return { name, arn, statements };
}

const STATEMENT_PARTS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);

function readConditions(conditions: unknown): Role['statements'][number]['conditions'] {
  if (!isRecord(conditions)) return {};
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(isRecord(keys) ? keys : {}).map(([key, values]) => [key, listOf(values).map(String)]),
      ),
    ]),
  );
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
