// The CloudFormation template of serverless.yml, as far as names and ARNs need it: its resources, and the functions of osls.
import { isRecord } from '../../shared/text/parse-json.ts';
import { evaluate, type TemplateScope } from './intrinsics.ts';
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

/** An ARN behind its partition. @param at `region:account` */
type ArnOf = (name: string, at: string, accountId: string) => string;

/** By type: the property that names a resource, and its ARN. */
const TYPES = new Map(
  Object.entries<{ property: string; arn: ArnOf }>({
    'AWS::SQS::Queue': { property: 'QueueName', arn: (name, at) => `sqs:${at}:${name}` },
    'AWS::S3::Bucket': { property: 'BucketName', arn: (name) => `s3:::${name}` },
    'AWS::DynamoDB::Table': { property: 'TableName', arn: (name, at) => `dynamodb:${at}:table/${name}` },
    'AWS::Events::EventBus': { property: 'Name', arn: (name, at) => `events:${at}:event-bus/${name}` },
    'AWS::Events::Rule': { property: 'Name', arn: (name, at) => `events:${at}:rule/${name}` },
    'AWS::IAM::Role': { property: 'RoleName', arn: (name, _, accountId) => `iam::${accountId}:role/${name}` },
    'AWS::Logs::LogGroup': { property: 'LogGroupName', arn: (name, at) => `logs:${at}:log-group:${name}:*` },
  }),
);

/** What intrinsics refer to, and the names and ARNs of the resources. */
export interface NamedScope extends TemplateScope {
  nameOf(logicalId: string): string;
  /** Undefined for a type whose ARNs are not known. */
  arnOf(logicalId: string): string | undefined;
}

/** Names and ARNs of everything in the template. They are computed on demand, since a name may hold intrinsics. */
export function createScope(
  template: Template,
  identity: Identity,
  deployedNames: Record<string /* logical id */, string>,
): NamedScope {
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
    const property = TYPES.get(resource?.Type ?? '')?.property;
    const given = property === undefined ? undefined : resource?.Properties[property];
    if (given !== undefined)
      return String(evaluate(given, `resources.Resources.${id}.Properties.${property}`, scope));
    const generated = `${stackName}-${id}`;
    return resource?.Type === 'AWS::S3::Bucket' ? generated.toLowerCase() : generated;
  };
  const arnOf = (id: string): string | undefined => {
    const at = `${region}:${accountId}`;
    const deployed = deployedNames[id];
    if (deployed !== undefined) return `arn:aws:lambda:${at}:function:${deployed}`;
    const type = TYPES.get(template.resources[id]?.Type ?? '');
    return type === undefined ? undefined : `arn:aws:${type.arn(nameOf(id), at, accountId)}`;
  };
  const scope: NamedScope = {
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
