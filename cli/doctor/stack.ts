// The stack of a stage, as CloudFormation has it: its state, its resources, and the template that it was made of.
import {
  type CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { parseJson } from '../../shared/text/parse-json.ts';
import { type Look, look, mapLook } from '../aws/look.ts';

export interface StackResource {
  logicalId: string;
  type: string;
  /** A queue's URL, a topic's ARN, a mapping's UUID; of the others the name. */
  physicalId: string;
  changedAtMs: number;
  /** What the template says of it: values, and intrinsic functions as they stand. */
  properties: Readonly<Record<string, unknown>>;
}

export interface Stack {
  status: string;
  reason: string | undefined;
  resources: readonly StackResource[];
  /** The whole template, as text. */
  template: string;
}

type Client = Pick<CloudFormationClient, 'send'>;

/** CloudFormation takes at most 500 resources, in pages of 100. */
const MAX_RESOURCES = 1_000;

/** `absent`: there is no stack of this name. */
export async function readStack(client: CloudFormationClient, name: string): Promise<Look<Stack>> {
  const described = await describe(client, name);
  if (described.kind !== 'seen') return described;
  const template = await look('cloudformation:GetTemplate', () =>
    client.send(new GetTemplateCommand({ StackName: name, TemplateStage: 'Processed' })),
  );
  if (template.kind !== 'seen') return template;
  const text = template.value.TemplateBody ?? '';
  const listed = await look('cloudformation:ListStackResources', () => listResources(client, name, text));
  return mapLook(listed, (resources) => ({ ...described.value, resources, template: text }));
}

async function describe(
  client: Client,
  name: string,
): Promise<Look<{ status: string; reason: string | undefined }>> {
  const described = await look('cloudformation:DescribeStacks', () =>
    client.send(new DescribeStacksCommand({ StackName: name })),
  );
  // A wrong name is a ValidationError, as is every other fault of a request.
  if (described.kind === 'unseen' && /\bdoes not exist\b/.test(described.reason))
    return { kind: 'absent', code: 'ValidationError' };
  if (described.kind !== 'seen') return described;
  const [stack] = described.value.Stacks ?? [];
  if (stack?.StackStatus === undefined || stack.StackStatus === 'DELETE_COMPLETE')
    return { kind: 'absent', code: 'ValidationError' };
  return { kind: 'seen', value: { status: stack.StackStatus, reason: stack.StackStatusReason } };
}

async function listResources(
  client: CloudFormationClient,
  name: string,
  template: string,
): Promise<StackResource[]> {
  const declared = declaredResources(template);
  const resources: StackResource[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName: name })) {
    for (const {
      LogicalResourceId,
      ResourceType,
      PhysicalResourceId,
      ...rest
    } of page.StackResourceSummaries ?? []) {
      if (LogicalResourceId === undefined || rest.ResourceStatus === 'DELETE_COMPLETE') continue;
      resources.push({
        logicalId: LogicalResourceId,
        type: ResourceType ?? '',
        physicalId: PhysicalResourceId ?? '',
        changedAtMs: rest.LastUpdatedTimestamp?.getTime() ?? 0,
        properties: declared[LogicalResourceId]?.Properties ?? {},
      });
    }
    if (resources.length > MAX_RESOURCES)
      throw new Error(`${name} has too many resources to be one of Spillway`);
  }
  return resources;
}

interface Declared {
  Type?: string;
  Properties?: Record<string, unknown>;
}

/** The properties of the template's resources of a type, also of those that the stack does not list. */
export function declaredOfType(
  { template }: Pick<Stack, 'template'>,
  type: string,
): Record<string, unknown>[] {
  return Object.values(declaredResources(template)).flatMap(({ Type, Properties = {} }) =>
    Type === type ? [Properties] : [],
  );
}

/** osls deploys JSON. A template in another form was not made by it, and has nothing to compare with. */
function declaredResources(template: string): Record<string, Declared> {
  const parsed = parseJson(template) as { Resources?: Record<string, Declared> } | undefined;
  return parsed?.Resources ?? {};
}

export function ofType({ resources }: Pick<Stack, 'resources'>, type: string): StackResource[] {
  return resources.filter((resource) => resource.type === type);
}

/** The logical id that `Ref` or `Fn::GetAtt` names; undefined of anything else. */
export function referredTo(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: unknown; 'Fn::GetAtt'?: unknown };
  if (typeof Ref === 'string') return Ref;
  if (typeof attribute === 'string') return attribute.split('.')[0];
  return Array.isArray(attribute) ? String(attribute[0]) : undefined;
}

interface DeclaredNotifications {
  QueueConfigurations?: { Event?: string; Queue?: unknown }[];
}

/** The events that the template has a bucket announce, each with the logical id of its queue. */
export function notificationsOf({ properties }: StackResource) {
  const declared = (properties['NotificationConfiguration'] ?? {}) as DeclaredNotifications;
  return (declared.QueueConfigurations ?? []).map(({ Event = '', Queue }) => ({
    event: Event,
    queueId: referredTo(Queue),
  }));
}

/** The most functions at once that the template lets an event source mapping invoke; undefined where it sets no bound. */
export function concurrencyOf({ properties }: StackResource): unknown {
  return (properties['ScalingConfig'] as { MaximumConcurrency?: unknown } | undefined)?.MaximumConcurrency;
}

/** The queue's name, from its URL. */
export function queueNameOf({ physicalId }: Pick<StackResource, 'physicalId'>): string {
  return physicalId.slice(physicalId.lastIndexOf('/') + 1);
}
