// The service model: what serverless.yml says, read with the framework's own reader.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServiceModel } from '../../local/service/model.ts';
import { readService } from '../../local/service/read-service.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const FIXTURE = fileURLToPath(new URL('../integration/fixtures/service/serverless.yml', import.meta.url));

describe('a service read from serverless.yml', () => {
  let model: ServiceModel;
  beforeAll(async () => {
    model = await readService(FIXTURE, { params: { colour: 'red' } });
  });

  it('takes names from the service and its stage', () => {
    expect(model).toMatchObject({
      stackName: 'fixture-test',
      region: 'eu-west-1',
      accountId: '000000000000',
    });
    expect(model.functions.obey).toMatchObject({
      deployedName: 'fixture-test-obey',
      arn: 'arn:aws:lambda:eu-west-1:000000000000:function:fixture-test-obey',
    });
  });

  it('finds the handler and the limits, the provider’s where the function has none', () => {
    expect(model.functions.obey).toMatchObject({
      timeoutSeconds: 10,
      memoryMb: 256,
      handlerExport: 'handler',
    });
    expect(model.functions.obey?.handlerFile).toMatch(/fixtures\/service\/functions\/obey\.ts$/);
    expect(model.functions.api).toMatchObject({ timeoutSeconds: 3, memoryMb: 1024 });
  });

  it('resolves variables and intrinsics in the environment', () => {
    expect(model.functions.obey?.environment).toEqual({
      SHARED: 'fixture-test',
      COLOUR: 'red',
      QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/000000000000/fixture-test-ObeyQueue',
      QUEUE_ARN: 'arn:aws:sqs:eu-west-1:000000000000:fixture-test-ObeyQueue',
      WHERE: 'aws/eu-west-1/fixture-store-000000000000/fixture-test-ObeyQueue',
      LIST: 'fixture-store-000000000000,test',
    });
  });

  it('reads event sources, schedules and routes', () => {
    expect(model.functions.slow?.sqsSources).toEqual([
      {
        queueArn: 'arn:aws:sqs:eu-west-1:000000000000:fixture-test-SlowQueue',
        batchSize: 50,
        windowSeconds: 1,
        maximumConcurrency: 2,
        reportBatchItemFailures: true,
        enabled: true,
      },
    ]);
    expect(model.functions.obeyWhole?.sqsSources[0]).toMatchObject({
      reportBatchItemFailures: false,
      windowSeconds: 0,
    });
    expect(model.functions.tick?.schedules).toEqual([{ everyMs: 60_000, enabled: true }]);
    expect(model.functions.api?.routes).toContainEqual({
      method: 'GET',
      path: '/things/{id}',
      authorizer: { kind: 'aws_iam' },
    });
    expect(model.functions.api?.routes).toContainEqual({
      method: '*',
      path: '/files/{path+}',
      authorizer: { kind: 'none' },
    });
  });

  it('knows who may call itself in a loop, from the function or from an extension', () => {
    expect(model.functions.loop?.recursiveLoop).toBe('Terminate');
    expect(model.functions.loopAllowed?.recursiveLoop).toBe('Allow');
    expect(model.functions.steps?.recursiveLoop).toBe('Allow');
  });

  it('reads queues, buckets, tables and buses, and leaves out what its condition excludes', () => {
    expect(Object.keys(model.queues)).not.toContain('LiveQueue');
    expect(model.queues.ObeyQueue?.attributes).toEqual({
      VisibilityTimeout: '60',
      RedrivePolicy:
        '{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:fixture-dead-letters","maxReceiveCount":2}',
    });
    expect(model.buckets.Store).toEqual({
      name: 'fixture-store-000000000000',
      versioned: true,
      notifications: [{ queueArn: model.queues.NoticeQueue?.arn, event: 's3:ObjectCreated:*' }],
    });
    expect(model.tables.Things).toMatchObject({
      name: 'fixture-test-Things',
      definition: { TableName: 'fixture-test-Things', BillingMode: 'PAY_PER_REQUEST' },
      timeToLiveAttribute: 'expiresAt',
    });
    expect(model.eventBuses.Bus?.name).toBe('fixture-bus');
  });
});

describe('the project’s own serverless.yml', () => {
  it('is read whole: six functions, their queues with dead letters, the ledger', async () => {
    const file = fileURLToPath(new URL('../../serverless.yml', import.meta.url));
    const model = await readService(file, { params: { maximumConcurrency: '7' } });
    expect(Object.keys(model.functions)).toEqual([
      'ingest',
      'upload',
      'settle',
      'sweep',
      'deadLetters',
      'api',
    ]);
    expect(model.functions.upload).toMatchObject({
      recursiveLoop: 'Allow',
      sqsSources: [
        { queueArn: model.queues.UploadQueue?.arn, maximumConcurrency: 7, reportBatchItemFailures: true },
      ],
    });
    for (const name of ['IngestQueue', 'UploadQueue', 'SettleQueue']) {
      expect(model.queues[name]?.attributes.RedrivePolicy).toContain('deadLetterTargetArn');
    }
    expect(
      Object.values(model.policies).map(({ name, attachedTo }) => `${name} of ${attachedTo.length}`),
    ).toEqual([
      'InboxBucketPolicy of 1',
      'DestinationBucketPolicy of 1',
      'ReportBucketPolicy of 1',
      'IngestQueuePolicy of 1',
      'UploadQueuePolicy of 1',
      'SettleQueuePolicy of 1',
      'DeadLettersPolicy of 1',
    ]);
    expect(model.policies.IngestQueuePolicy?.attachedTo).toEqual([model.queues.IngestQueue?.arn]);
    expect(model.buckets.InboxBucket).toMatchObject({
      versioned: true,
      notifications: [{ queueArn: model.queues.IngestQueue?.arn }],
    });
    expect(model.tables.LedgerTable?.definition.GlobalSecondaryIndexes).toHaveLength(2);
    expect(model.functions.ingest?.environment.SPILLWAY_LEDGER_TABLE).toBe(model.tables.LedgerTable?.name);
  });
});

describe('a service that the embedded cloud does not know', () => {
  const directory = duringTests(temporaryFolder);
  beforeAll(() => writeFile(join(directory.path, 'one.js'), 'export const handler = () => {};'));

  const cases = [
    { what: 'an event', where: 'functions.one.events[0].sns', yaml: one('events: [{ sns: topic }]') },
    {
      what: 'an intrinsic',
      where: 'functions.one.environment.A',
      yaml: one('environment: { A: !ImportValue there }'),
    },
    {
      what: 'a missing resource',
      where: 'functions.one.environment.A',
      yaml: one('environment: { A: !Ref Missing }'),
    },
    {
      what: 'an attribute',
      where: 'functions.one.environment.A',
      yaml: one('environment: { A: !GetAtt Q.Age }'),
    },
    {
      what: 'the ARN of a type that has the name of a property of every object',
      where: 'functions.one.environment.A',
      yaml: one('environment: { A: !GetAtt C.Arn }', '    C: { Type: constructor }'),
    },
    {
      what: 'a cron schedule',
      where: 'functions.one.events[0]',
      yaml: one(`events: [{ schedule: 'cron(0 * * * ? *)' }]`),
    },
    {
      what: 'a setting of an event source',
      where: 'functions.one.events[0].sqs.filterPatterns',
      yaml: one('events: [{ sqs: { arn: !GetAtt Q.Arn, filterPatterns: [] } }]'),
    },
    {
      what: 'a large batch without a window',
      where: 'functions.one.events[0].sqs',
      yaml: one('events: [{ sqs: { arn: !GetAtt Q.Arn, batchSize: 11 } }]'),
    },
    {
      what: 'a queue whose visibility is shorter than the function may take',
      where: 'functions.one.events',
      yaml: one('timeout: 31\n    events: [{ sqs: { arn: !GetAtt Q.Arn } }]'),
    },
    {
      what: 'a condition of a policy',
      where: 'resources.Resources.P.Properties.PolicyDocument: OnlyHome: the operator IpAddress',
      yaml: one('', policy('Sid: OnlyHome, Condition: { IpAddress: { aws:SourceIp: 1.2.3.4 } }')),
    },
    {
      what: 'a second policy of a queue',
      where: 'resources.Resources.P2: arn:aws:sqs:us-east-1:000000000000:one-dev-Q has the policy P already',
      yaml: one('', `${policy('')}\n${policy('', 'P2')}`),
    },
    {
      what: 'a handler that is not there',
      where: 'functions.one.handler',
      yaml: one('').replace('one.handler', 'two.handler'),
    },
  ];

  it.each(cases)('$what is refused with its place', async ({ where, yaml }) => {
    const file = join(directory.path, 'serverless.yml');
    await writeFile(file, yaml);
    await expect(readService(file)).rejects.toThrow(`serverless.yml, ${where}`);
  });
});

/** @param more of its one statement */
function policy(more: string, id = 'P'): string {
  const statement = `{ Effect: Deny, Principal: '*', Action: 'sqs:*', Resource: !GetAtt Q.Arn${more === '' ? '' : `, ${more}`} }`;
  return `    ${id}:
      Type: AWS::SQS::QueuePolicy
      Properties: { Queues: [!Ref Q], PolicyDocument: { Statement: [${statement}] } }`;
}

function one(settings: string, resources = ''): string {
  return `service: one
provider: { name: aws }
functions:
  one:
    handler: one.handler
    ${settings}
resources:
  Resources:
    Q: { Type: AWS::SQS::Queue }
${resources}
`;
}
