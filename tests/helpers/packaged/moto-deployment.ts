// Deploys the packaged template to moto by CloudFormation, in the steps of osls: a stack with the deployment bucket alone, the zips into
// that bucket, then the whole template.
import {
  EventBridgeClient,
  ListTargetsByRuleCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ServiceModel } from '../../../local/service/model.ts';
import type { Moto } from './moto.ts';
import type { UnpackedService } from './packaged-service.ts';

export interface MotoDeployment {
  /** Physical ids of what was created, by logical id. */
  created: Record<string, string>;
  /** As moto's Lambda has them, by deployed name. */
  functions: Record<string, DeployedFunction>;
  mappings: EventSourceMapping[];
}

export interface DeployedFunction {
  FunctionName: string;
  Handler: string;
  Runtime: string;
  Timeout: number;
  MemorySize: number;
  Role: string;
  CodeSha256: string;
  Environment: { Variables: Record<string, string> };
}

export interface EventSourceMapping {
  UUID: string;
  EventSourceArn: string;
  FunctionArn: string;
  BatchSize: number;
  MaximumBatchingWindowInSeconds?: number;
  FunctionResponseTypes?: string[];
  ScalingConfig?: { MaximumConcurrency?: number };
}

const TEMPLATE_KEY = 'template.json';

export async function deployToMoto(
  moto: Moto,
  service: UnpackedService,
  model: ServiceModel,
): Promise<MotoDeployment> {
  const s3 = new S3Client(moto.clientConfig);
  const StackName = model.stackName;
  const capabilities = {
    'Capabilities.member.1': 'CAPABILITY_IAM',
    'Capabilities.member.2': 'CAPABILITY_NAMED_IAM',
  };
  try {
    const first = String(await service.readBuilt('cloudformation-template-create-stack.json'));
    await moto.cloudFormation('CreateStack', { StackName, TemplateBody: first, ...capabilities });
    const Bucket = (await createdResources(moto, StackName))['ServerlessDeploymentBucket'] ?? '';
    for (const { Type, Properties } of Object.values(service.template.Resources)) {
      if (Type !== 'AWS::Lambda::Function') continue;
      const { S3Key } = Properties['Code'] as { S3Key: string };
      const zip = await service.readZip(S3Key.slice(S3Key.lastIndexOf('/') + 1, -'.zip'.length));
      await s3.send(new PutObjectCommand({ Bucket, Key: S3Key, Body: zip }));
    }
    // As a file: the body of a call takes 51,200 bytes.
    const Body = JSON.stringify(service.template);
    await s3.send(new PutObjectCommand({ Bucket, Key: TEMPLATE_KEY, Body }));
    const TemplateURL = `https://s3.amazonaws.com/${Bucket}/${TEMPLATE_KEY}`;
    await moto.cloudFormation('UpdateStack', { StackName, TemplateURL, ...capabilities });
    await setUpBuckets(s3, model);
    const created = await createdResources(moto, StackName);
    await takeScheduleTargets(moto, service, created);
    return {
      created,
      functions: await deployedFunctions(moto, model),
      mappings: await takeMappings(moto),
    };
  } finally {
    s3.destroy();
  }
}

async function createdResources(moto: Moto, StackName: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  let token: string | undefined;
  do {
    const page = await moto.cloudFormation('ListStackResources', {
      StackName,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    for (const [, member = ''] of page.matchAll(/<member>(.*?)<\/member>/gs)) {
      const id = textOf(member, 'LogicalResourceId');
      const physical = textOf(member, 'PhysicalResourceId') ?? '';
      if (id !== undefined) found[id] = physical;
    }
    token = textOf(page, 'NextToken');
  } while (token !== undefined);
  return found;
}

/** moto's CloudFormation makes a bucket, but sets neither versions nor notifications. */
async function setUpBuckets(s3: S3Client, { buckets }: ServiceModel): Promise<void> {
  for (const { name, versioned, notifications } of Object.values(buckets)) {
    if (versioned) {
      const VersioningConfiguration = { Status: 'Enabled' as const };
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    }
    if (notifications.length > 0) {
      const QueueConfigurations = notifications.map(({ queueArn, event }) => ({
        QueueArn: queueArn,
        Events: [event],
      }));
      await s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket: name,
          NotificationConfiguration: { QueueConfigurations },
        }),
      );
    }
  }
}

/** moto sends every event of the bus to the rules of schedules too, and fails at a function as a target. */
async function takeScheduleTargets(
  moto: Moto,
  { template }: UnpackedService,
  created: Record<string, string>,
): Promise<void> {
  const events = new EventBridgeClient(moto.clientConfig);
  try {
    for (const [id, { Type }] of Object.entries(template.Resources)) {
      if (Type !== 'AWS::Events::Rule') continue;
      const Rule = created[id];
      const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule }));
      await events.send(new RemoveTargetsCommand({ Rule, Ids: Targets.map((target) => target.Id ?? '') }));
    }
  } finally {
    events.destroy();
  }
}

async function deployedFunctions(
  moto: Moto,
  { functions }: ServiceModel,
): Promise<Record<string, DeployedFunction>> {
  const found: Record<string, DeployedFunction> = {};
  for (const { deployedName } of Object.values(functions)) {
    found[deployedName] = await moto.lambda('GET', `/2015-03-31/functions/${deployedName}/configuration`);
  }
  return found;
}

/** Reads the mappings, and disables them: moto's own Lambda would take the messages of the queues, for functions in Docker. */
async function takeMappings(moto: Moto): Promise<EventSourceMapping[]> {
  const { EventSourceMappings } = await moto.lambda<{ EventSourceMappings: EventSourceMapping[] }>(
    'GET',
    '/2015-03-31/event-source-mappings/',
  );
  for (const { UUID } of EventSourceMappings) {
    await moto.lambda('PUT', `/2015-03-31/event-source-mappings/${UUID}`, { Enabled: false });
  }
  return EventSourceMappings;
}

function textOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
