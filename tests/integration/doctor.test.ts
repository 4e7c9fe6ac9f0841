// `spillway doctor` on moto: the packaged template as a stack, then one fault after the other.
import { tmpdir } from 'node:os';
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateRouteCommand,
  CreateStageCommand,
} from '@aws-sdk/client-apigatewayv2';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  ListBucketsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiChecks } from '../../cli/doctor/checks/api.ts';
import type { Clients } from '../../cli/doctor/clients.ts';
import type { Finding, World } from '../../cli/doctor/finding.ts';
import { evaluate } from '../../local/service/intrinsics.ts';
import type { ServerlessConfiguration } from '../../local/service/read-configuration.ts';
import { collectTemplate, createScope } from '../../local/service/template.ts';
import { hasMoto, type MotoServer, motoNote, startMoto } from '../helpers/moto-server.ts';
import { packageTemplate, type Template } from '../helpers/package-service.ts';
import { runSpillway } from '../helpers/spillway.ts';

const STACK = 'spillway-dev';
const ACCOUNT = '123456789012';
const INBOX = `${STACK}-inbox-${ACCOUNT}-us-east-1`;
const CODE_BUCKET = 'test-code';
const ENV = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };

let moto: MotoServer;
let s3: S3Client;
let sqs: SQSClient;
let lambda: LambdaClient;
let cloudformation: CloudFormationClient;
let apigateway: ApiGatewayV2Client;
let template: Template;

/** The template with its zips in a bucket that is there before the stack. */
async function deploy(template: Template): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: CODE_BUCKET }));
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const code = Properties['Code'] as { S3Bucket: unknown; S3Key: string };
    code.S3Bucket = CODE_BUCKET;
    await s3.send(new PutObjectCommand({ Bucket: CODE_BUCKET, Key: code.S3Key, Body: 'a zip' }));
  }
  await cloudformation.send(
    new CreateStackCommand({
      StackName: STACK,
      TemplateBody: JSON.stringify(template),
      Capabilities: ['CAPABILITY_IAM'],
    }),
  );
}

async function examine(...args: string[]): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, stdout, stderr } = await runSpillway(
    ['doctor', '--endpoint-url', moto.endpoint, '--json', ...args],
    { cwd: tmpdir(), env: ENV },
  );
  expect(stdout, stderr).not.toBe('');
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
}

const of = (findings: Finding[], check: string) => findings.filter((finding) => finding.check === check);

describe.skipIf(!hasMoto)(`spillway doctor${motoNote}`, () => {
  beforeAll(async () => {
    const [service, server] = await Promise.all([packageTemplate(), startMoto()]);
    moto = server;
    const config = {
      endpoint: moto.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    s3 = new S3Client({ ...config, forcePathStyle: true });
    sqs = new SQSClient(config);
    lambda = new LambdaClient(config);
    cloudformation = new CloudFormationClient(config);
    apigateway = new ApiGatewayV2Client(config);
    ({ template } = service);
    await deploy(template);
    await service.remove();
  }, 600_000);
  afterAll(async () => {
    for (const client of [s3, sqs, lambda, cloudformation, apigateway]) client?.destroy();
    await moto?.stop();
  });

  it('finds a stage that is not deployed, and names no leftovers', async () => {
    const { code, findings } = await examine('--stage', 'prod');
    expect(code).toBe(1);
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
      expect.objectContaining({ check: 'stack', level: 'fail', about: 'spillway-prod' }),
    ]);
  });

  it('finds a stage as it was deployed, but for what moto does not have', async () => {
    await settle();
    const { findings } = await examine();
    const bad = findings.filter(({ level }) => level !== 'ok');
    expect(new Set(bad.map(({ check, level }) => `${check} ${level}`))).toEqual(
      new Set([
        // moto does not set these properties of a table.
        'expiry warn',
        'backups warn',
        'notified warn',
        'recursion unchecked',
        'account-concurrency unchecked',
        // moto's CloudFormation makes no HTTP API.
        'api-authorizer fail',
        'api-throttling fail',
        'api-answers fail',
      ]),
    );
  });

  it('names each fault that was made since', async () => {
    await spoil();
    const { code, findings } = await examine();
    expect(code).toBe(1);
    expect(of(findings, 'versioning')).toMatchObject([{ level: 'fail', about: 'InboxBucket' }]);
    expect(of(findings, 'notification')).toMatchObject([{ level: 'fail', about: 'InboxBucket' }]);
    expect(of(findings, 'public-access')).toMatchObject([{ level: 'fail', about: 'InboxBucket' }]);
    expect(of(findings, 'queues')).toMatchObject([
      { level: 'fail', about: 'UploadQueue', message: 'VisibilityTimeout is 30, and 1081 in the template' },
    ]);
    expect(of(findings, 'bucket-policies')).toMatchObject([
      { level: 'fail', about: 'InboxBucket', message: expect.stringMatching(/^has no policy.*OnlyTheApi/) },
    ]);
    expect(of(findings, 'queue-policies')).toMatchObject([
      { level: 'fail', about: 'IngestQueue', message: expect.stringContaining(`let S3 send for ${INBOX}`) },
      // moto drops the policy of a queue whose other attributes are set.
      { level: 'fail', about: 'UploadQueue', message: expect.stringMatching(/^has no policy/) },
    ]);
    expect(of(findings, 'dead-letters')).toMatchObject([
      { level: 'warn', message: expect.stringContaining('1 dead letter waits') },
    ]);
    expect(of(findings, 'event-sources')).toMatchObject([
      { level: 'warn', message: expect.stringContaining('MaximumConcurrency is 9, and 10') },
    ]);
  });

  it('finds an open route and other throttling of an API', async () => {
    const api = await createApi({ 'GET /jobs': 'AWS_IAM', 'POST /jobs': 'NONE' });
    const problems = await Promise.all(apiChecks.map((check) => check.run(api)));
    expect(problems.flat().map(({ level, about, message }) => `${level} ${about}: ${message}`)).toEqual([
      'fail HttpApi: POST /jobs has no authorizer: it takes requests of everybody',
      'warn HttpApiStage: ThrottlingRateLimit is 100, and 50 in the template',
      expect.stringMatching(/^unchecked HttpApi: not checked/),
    ]);
  });

  it('names what a removed stage has left', async () => {
    await cloudformation.send(new DeleteStackCommand({ StackName: STACK }));
    await s3.send(new CreateBucketCommand({ Bucket: INBOX })).catch(() => undefined);
    const { code, findings } = await examine();
    expect(code).toBe(1);
    expect(of(findings, 'leftovers')).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        about: INBOX,
        remedy: expect.stringContaining(`s3://${INBOX}`),
      }),
    );
  });
});

/** The policies of the template, which moto's CloudFormation leaves out, with their names resolved as the embedded cloud does it. */
async function putPolicies(): Promise<void> {
  const { StackResourceSummaries = [] } = await cloudformation.send(
    new ListStackResourcesCommand({ StackName: STACK }),
  );
  const physicalIdOf = (of: unknown): string =>
    StackResourceSummaries.find(({ LogicalResourceId }) => LogicalResourceId === (of as { Ref: string }).Ref)
      ?.PhysicalResourceId ?? '';
  const scope = createScope(
    collectTemplate({ resources: { Resources: template.Resources } } as ServerlessConfiguration),
    { stackName: STACK, region: 'us-east-1', accountId: ACCOUNT },
    {},
  );
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const Policy = JSON.stringify(evaluate(Properties['PolicyDocument'], id, scope));
    if (Type === 'AWS::S3::BucketPolicy') {
      const { Ref } = Properties['Bucket'] as { Ref: string };
      const Bucket = physicalIdOf(Properties['Bucket']);
      // The bucket of the zips has a name that CloudFormation makes.
      const ofBucket = Policy.replaceAll(`:::${scope.nameOf(Ref)}`, `:::${Bucket}`);
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: ofBucket }));
    }
    if (Type !== 'AWS::SQS::QueuePolicy') continue;
    for (const queue of Properties['Queues'] as unknown[])
      await sqs.send(
        new SetQueueAttributesCommand({ QueueUrl: physicalIdOf(queue), Attributes: { Policy } }),
      );
  }
}

/** What moto leaves out of a bucket's properties. */
async function settle(): Promise<void> {
  await putPolicies();
  for (const bucket of await bucketsOfStack()) {
    await s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: bucket,
        PublicAccessBlockConfiguration: {
          ...{ BlockPublicAcls: true, BlockPublicPolicy: true },
          ...{ IgnorePublicAcls: true, RestrictPublicBuckets: true },
        },
      }),
    );
  }
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: INBOX, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: INBOX,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            QueueArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${STACK}-ingest`,
            Events: ['s3:ObjectCreated:*'],
          },
        ],
      },
    }),
  );
}

async function bucketsOfStack(): Promise<string[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  return Buckets.map(({ Name = '' }) => Name).filter((name) => name !== CODE_BUCKET);
}

async function spoil(): Promise<void> {
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: INBOX, VersioningConfiguration: { Status: 'Suspended' } }),
  );
  await s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket: INBOX, NotificationConfiguration: {} }),
  );
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket: INBOX }));
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: INBOX }));
  const urlOf = (name: string) => `${moto.endpoint}/${ACCOUNT}/${STACK}-${name}`;
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: urlOf('upload'), Attributes: { VisibilityTimeout: '30' } }),
  );
  await sqs.send(new SendMessageCommand({ QueueUrl: urlOf('dead-letters'), MessageBody: 'dead' }));
  await renameSource(urlOf('ingest'));
  const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({}));
  await lambda.send(
    new UpdateEventSourceMappingCommand({
      UUID: EventSourceMappings.find(({ EventSourceArn }) => EventSourceArn?.endsWith('-upload'))?.UUID,
      ScalingConfig: { MaximumConcurrency: 9 },
    }),
  );
}

/** The queue's policy lets in another bucket than the inbox. */
async function renameSource(QueueUrl: string): Promise<void> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
  );
  const Policy = Attributes['Policy']?.replaceAll(`:s3:::${INBOX}`, ':s3:::another-bucket') ?? '';
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
}

/** An API as the template declares it, but for the authorizers that are given by the routes, and a lower rate. */
async function createApi(routes: Record<string, 'AWS_IAM' | 'NONE'>): Promise<World> {
  const { ApiId = '' } = await apigateway.send(new CreateApiCommand({ Name: STACK, ProtocolType: 'HTTP' }));
  for (const [RouteKey, AuthorizationType] of Object.entries(routes))
    await apigateway.send(new CreateRouteCommand({ ApiId, RouteKey, AuthorizationType }));
  const DefaultRouteSettings = { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 };
  await apigateway.send(new CreateStageCommand({ ApiId, StageName: '$default', DefaultRouteSettings }));
  const resource = (logicalId: string, type: string, physicalId: string, properties = {}) => ({
    ...{ logicalId, physicalId, properties, changedAtMs: 0 },
    type: `AWS::ApiGatewayV2::${type}`,
  });
  const resources = [
    resource('HttpApi', 'Api', ApiId),
    ...Object.keys(routes).map((RouteKey) =>
      resource(RouteKey, 'Route', RouteKey, { RouteKey, AuthorizationType: 'AWS_IAM' }),
    ),
    resource('HttpApiStage', 'Stage', '$default', {
      DefaultRouteSettings: { ...DefaultRouteSettings, ThrottlingRateLimit: 50 },
    }),
  ];
  return {
    ...{ prefix: STACK, stage: 'dev', region: 'us-east-1', account: ACCOUNT, nowMs: 0 },
    stack: { status: 'CREATE_COMPLETE', reason: undefined, resources, template: '' },
    clients: { apigateway } as Partial<Clients> as Clients,
  };
}
