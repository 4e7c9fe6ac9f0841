// What calls the functions: the API, queues and the schedule.
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/api/routes.ts';
import { FUNCTIONS, grants, lambda, mappings, ofType, properties } from '../stack.ts';

describe('the API', () => {
  const granted = (service: string): string[] =>
    grants('api').filter((grant) => grant.startsWith(`${service}:`));

  it('changes rows of the ledger, and neither makes nor deletes any', () => {
    expect(granted('dynamodb')).toEqual([
      'dynamodb:Query <LedgerTable.Arn>/index/jobs',
      ...['GetItem', 'BatchGetItem', 'UpdateItem'].map((action) => `dynamodb:${action} <LedgerTable.Arn>`),
    ]);
  });

  it('sends to the ingest queue, and to no other', () => {
    expect(granted('sqs')).toEqual(['sqs:SendMessage <IngestQueue.Arn>']);
  });

  it('takes so many requests as its parameters say', () => {
    expect(properties('HttpApiStage')['DefaultRouteSettings']).toMatchObject({
      ThrottlingRateLimit: 50,
      ThrottlingBurstLimit: 100,
    });
  });

  it('reads manifests, dead letters and reports, and what else the report bucket holds not', () => {
    expect(
      granted('s3')
        .filter((grant) => /s3:Get/.test(grant))
        .sort(),
    ).toEqual([
      's3:GetObject <InboxBucket.Arn>/*',
      's3:GetObject <ReportBucket.Arn>/deadletters/*',
      's3:GetObject <ReportBucket.Arn>/jobs/*',
      's3:GetObjectVersion <InboxBucket.Arn>/*',
    ]);
  });

  it('writes to the inbox alone, and there under api/', () => {
    expect(granted('s3').filter((grant) => !/s3:(Get|List)/.test(grant))).toEqual([
      's3:PutObject <InboxBucket.Arn>/api/*',
    ]);
  });
});

describe('event sources', () => {
  it.each([
    ['ingest', ['IngestQueue'], { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 4 } }],
    [
      'upload',
      ['UploadQueue'],
      { BatchSize: 100, MaximumBatchingWindowInSeconds: 1, ScalingConfig: { MaximumConcurrency: 10 } },
    ],
    ['settle', ['SettleQueue'], { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 4 } }],
    ['deadLetters', ['DeadLetters'], { BatchSize: 10, ScalingConfig: { MaximumConcurrency: 2 } }],
  ])('%s takes its queues in bounded batches and reports partial failures', (name, queues, shape) => {
    expect(mappings(name).map(({ EventSourceArn }) => EventSourceArn)).toEqual(
      queues.map((id) => `<${id}.Arn>`),
    );
    for (const mapping of mappings(name)) {
      expect(mapping).toMatchObject({
        ...shape,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        Enabled: true,
      });
      expect(mapping).toHaveProperty('ScalingConfig.MaximumConcurrency');
    }
  });

  it('let those that send messages again and again do so without being stopped as a loop', () => {
    const allowed = FUNCTIONS.filter((name) => lambda(name)['RecursiveLoop'] === 'Allow');
    expect(allowed).toEqual(['ingest', 'upload', 'deadLetters']);
  });

  it('call sweep each minute', () => {
    const rules = ofType('AWS::Events::Rule')
      .map(([id]) => properties(id))
      .filter(({ EventPattern }) => EventPattern === undefined);
    expect(rules).toHaveLength(1);
    expect(rules[0]).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [
        {
          Arn: '<SweepLambdaFunction.Arn>',
          RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        },
      ],
    });
    expect(lambda('sweep')['Timeout']).toBeLessThan(60);
  });

  it('try no failed or late run of sweep again: the next one does its work', () => {
    const configurations = ofType('AWS::Lambda::EventInvokeConfig').map(([id]) => properties(id));
    expect(configurations).toMatchObject([
      { FunctionName: '<SweepLambdaFunction>', MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
    ]);
    // In an account with a concurrency of 10, Lambda refuses to reserve any.
    for (const name of FUNCTIONS) expect(lambda(name)).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  it('open every route of the API to signed requests only', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route').map(([id]) => properties(id));
    expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual(
      Object.values(ROUTES)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
    for (const route of routes) expect(route['AuthorizationType']).toBe('AWS_IAM');
  });

  it('logs who asked, and why API Gateway refused it', () => {
    const { Format } = properties('HttpApiStage')['AccessLogSettings'] as { Format: string };
    expect(JSON.parse(Format)).toMatchObject({
      requestId: '$context.requestId',
      caller: '$context.identity.userArn',
      error: '$context.error.message',
      authorizerError: '$context.authorizer.error',
      integrationError: '$context.integrationErrorMessage',
    });
  });
});
