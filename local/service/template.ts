// The CloudFormation template of serverless.yml, as far as names and ARNs need it: its resources, and the functions of osls.
import { isRecord } from '../../shared/text/parse-json.ts';
import type { TemplateScope } from './intrinsics.ts';
import { ServiceModelError } from './model.ts';
import type { ServerlessConfiguration } from './read-configuration.ts';

/** The account id of the emulators. */
export const LOCAL_ACCOUNT_ID = '000000000000';

export interface Identity {
  stackName: string;
  region: string;
  accountId: string;
}

export interface TemplateResource {
  Type: string;
  Properties: Record<string, unknown>;
  Condition?: string;
  DeletionPolicy?: string;
}

export interface Template {
  resources: Record<string, TemplateResource>;
  /** Properties that replace those of generated resources. */
  extensions: Record<string, Record<string, unknown>>;
  conditions: Record<string, unknown>;
  parameters: Record<string, { Default?: unknown }>;
}

/** `resources` is one map, or a list of maps that are merged as osls does. */
export function collectTemplate(configuration: ServerlessConfiguration): Template {
  const template: Template = { resources: {}, extensions: {}, conditions: {}, parameters: {} };
  const parts = Array.isArray(configuration.resources) ? configuration.resources : [configuration.resources];
  for (const part of parts) {
    if (part === undefined || part === null) continue;
    if (!isRecord(part)) throw new ServiceModelError('resources', 'a map or a list of maps expected');
    for (const [id, raw] of Object.entries((part.Resources as object | undefined) ?? {})) {
      if (!isRecord(raw) || typeof raw.Type !== 'string') {
        throw new ServiceModelError(`resources.Resources.${id}`, 'a resource has a Type');
      }
      template.resources[id] = {
        Type: raw.Type,
        Properties: (raw.Properties as Record<string, unknown> | undefined) ?? {},
        ...(typeof raw.Condition === 'string' ? { Condition: raw.Condition } : {}),
        ...(typeof raw.DeletionPolicy === 'string' ? { DeletionPolicy: raw.DeletionPolicy } : {}),
      };
    }
    for (const [id, raw] of Object.entries((part.extensions as object | undefined) ?? {})) {
      template.extensions[id] = { ...template.extensions[id], ...(raw?.Properties ?? {}) };
    }
    Object.assign(template.conditions, part.Conditions);
    Object.assign(template.parameters, part.Parameters);
  }
  return template;
}

/** `upload` -> `UploadLambdaFunction`; osls writes dashes and underscores as words. */
export function functionLogicalId(name: string): string {
  const plain = name.replaceAll('-', 'Dash').replaceAll('_', 'Underscore');
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}LambdaFunction`;
}

const nameProperties: Record<string, string> = {
  'AWS::SQS::Queue': 'QueueName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Events::EventBus': 'Name',
  'AWS::Events::Rule': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Logs::LogGroup': 'LogGroupName',
};

/** Names and ARNs of everything in the template. They are computed on demand, since a name may hold intrinsics. */
export function createScope(
  template: Template,
  identity: Identity,
  deployedNames: Record<string /* logical id */, string>,
  evaluateText: (value: unknown, where: string, scope: TemplateScope) => string,
): TemplateScope & { nameOf(logicalId: string): string; arnOf(logicalId: string): string | undefined } {
  const { stackName, region, accountId } = identity;
  const pseudo: Record<string, string> = {
    'AWS::Region': region,
    'AWS::AccountId': accountId,
    'AWS::Partition': 'aws',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/local`,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const nameOf = (id: string): string => {
    const resource = template.resources[id];
    const property = resource === undefined ? undefined : nameProperties[resource.Type];
    const given = property === undefined ? undefined : resource?.Properties[property];
    if (given !== undefined)
      return evaluateText(given, `resources.Resources.${id}.Properties.${property}`, scope);
    const generated = `${stackName}-${id}`;
    return resource?.Type === 'AWS::S3::Bucket' ? generated.toLowerCase() : generated;
  };
  const arnOf = (id: string): string | undefined => {
    const deployed = deployedNames[id];
    if (deployed !== undefined) return `arn:aws:lambda:${region}:${accountId}:function:${deployed}`;
    const at = `${region}:${accountId}`;
    switch (template.resources[id]?.Type) {
      case 'AWS::SQS::Queue':
        return `arn:aws:sqs:${at}:${nameOf(id)}`;
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${nameOf(id)}`;
      case 'AWS::DynamoDB::Table':
        return `arn:aws:dynamodb:${at}:table/${nameOf(id)}`;
      case 'AWS::Events::EventBus':
        return `arn:aws:events:${at}:event-bus/${nameOf(id)}`;
      case 'AWS::Events::Rule':
        return `arn:aws:events:${at}:rule/${nameOf(id)}`;
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${accountId}:role/${nameOf(id)}`;
      case 'AWS::Logs::LogGroup':
        return `arn:aws:logs:${at}:log-group:${nameOf(id)}:*`;
      default:
        return undefined;
    }
  };
  const scope: ReturnType<typeof createScope> = {
    conditions: template.conditions,
    nameOf,
    arnOf,
    ref(id) {
      if (pseudo[id] !== undefined) return pseudo[id];
      if (deployedNames[id] !== undefined) return deployedNames[id];
      if (template.parameters[id] !== undefined) return template.parameters[id].Default;
      const resource = template.resources[id];
      if (resource === undefined) return undefined;
      return resource.Type === 'AWS::SQS::Queue' ? queueUrl(identity, nameOf(id)) : nameOf(id);
    },
    attribute(id, attribute) {
      const type = template.resources[id]?.Type;
      if (attribute === 'Arn') return arnOf(id);
      if (attribute === 'QueueUrl' && type === 'AWS::SQS::Queue') return queueUrl(identity, nameOf(id));
      if (attribute === 'QueueName' || attribute === 'Name')
        return type === undefined ? undefined : nameOf(id);
      if (type === 'AWS::S3::Bucket' && attribute === 'DomainName') return `${nameOf(id)}.s3.amazonaws.com`;
      return undefined;
    },
  };
  return scope;
}

function queueUrl({ region, accountId }: Identity, name: string): string {
  return `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
}
