// What the doctor says of who may reach a stage: the policies of its buckets and queues, and the authorizers of its API. Each planted
// fault is named with its remedy, and what is right raises nothing.
import { describe, expect, it } from 'vitest';
import { apiChecks } from '../../cli/doctor/checks/api.ts';
import { policyChecks } from '../../cli/doctor/checks/policies.ts';
import type { Clients } from '../../cli/doctor/clients.ts';
import type { Ask, Check, World } from '../../cli/doctor/finding.ts';
import type { StackResource } from '../../cli/doctor/stack.ts';
import { resource } from '../helpers/stack-resource.ts';

const ACCOUNT = '123456789012';
const QUEUE_ARN = `arn:aws:sqs:eu-west-1:${ACCOUNT}:spillway-prod-ingest`;

const templateOf = (resources: readonly StackResource[]): string =>
  JSON.stringify({
    Resources: Object.fromEntries(
      resources.map(({ logicalId, type, properties }) => [logicalId, { Type: type, Properties: properties }]),
    ),
  });

/**
 * A world in which every service answers what `answers` has by the command's name. An error is thrown, and a function called with
 * what the command asks for.
 */
function worldOf(resources: StackResource[], answers: Record<string, unknown>, ask?: Ask): World {
  const client = {
    send: async (command: object) => {
      const answer = answers[command.constructor.name];
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? answer((command as { input?: unknown }).input) : answer;
    },
  };
  return {
    ...{ prefix: 'spillway-prod', stage: 'prod', region: 'eu-west-1', account: ACCOUNT, nowMs: 0 },
    stack: { status: 'CREATE_COMPLETE', reason: undefined, resources, template: templateOf(resources) },
    clients: { s3: client, sqs: client, apigateway: client } as unknown as Clients,
    ...(ask === undefined ? {} : { ask }),
  };
}

const checkOf = (checks: readonly Check[], id: string): Check => {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
};

/** What a check says, as `level message`; each has a remedy. */
async function saidBy(check: Check, world: World): Promise<string[]> {
  const problems = await check.run(world);
  for (const { remedy, about } of problems) expect([remedy, about]).not.toContain('');
  return problems.map(({ level, message }) => `${level} ${message}`);
}

const tlsOnly = (action: string) => ({
  ...{ Sid: 'TlsOnly', Effect: 'Deny', Principal: '*', Action: action, Resource: '*' },
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
});
const onlyTheApi = {
  ...{ Sid: 'OnlyTheApiNamesJobs', Effect: 'Deny', Principal: '*', Action: 's3:PutObject' },
  Resource: 'arn:aws:s3:::inbox/api/*/manifest',
  Condition: { ArnNotEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/api` } },
};
const mayNotify = {
  ...{ Sid: 'InboxMayNotify', Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE_ARN },
  Principal: { Service: 's3.amazonaws.com' },
  Condition: {
    ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::inbox' },
    StringEquals: { 'aws:SourceAccount': ACCOUNT },
  },
};
const ruleMaySend = {
  ...{ Sid: 'InboxRuleMaySend', Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE_ARN },
  Principal: { Service: 'events.amazonaws.com' },
};

const inbox = resource(
  'InboxBucket',
  'AWS::S3::Bucket',
  {
    NotificationConfiguration: { QueueConfigurations: [{ Queue: { 'Fn::GetAtt': ['IngestQueue', 'Arn'] } }] },
  },
  'inbox',
);
const queue = resource(
  'IngestQueue',
  'AWS::SQS::Queue',
  {},
  `https://sqs.eu-west-1.amazonaws.com/${ACCOUNT}/spillway-prod-ingest`,
);
const policy = (type: string, of: object, ...Statement: object[]) =>
  resource(`${type}Policy`, type, { ...of, PolicyDocument: { Statement } });
const RESOURCES = [
  inbox,
  queue,
  policy('AWS::S3::BucketPolicy', { Bucket: { Ref: 'InboxBucket' } }, tlsOnly('s3:*'), onlyTheApi),
  policy(
    'AWS::SQS::QueuePolicy',
    { Queues: [{ Ref: 'IngestQueue' }] },
    ...[mayNotify, ruleMaySend, tlsOnly('sqs:*')],
  ),
];
const documentOf = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });

describe('the policy of a bucket', () => {
  const said = (Policy: string | undefined | Error) =>
    saidBy(
      checkOf(policyChecks, 'bucket-policies'),
      worldOf(RESOURCES, { GetBucketPolicyCommand: Policy instanceof Error ? Policy : { Policy } }),
    );

  it('as the template has it raises nothing', async () => {
    expect(await said(documentOf(tlsOnly('s3:*'), onlyTheApi))).toEqual([]);
  });

  it('that is gone is a failure which names what is lacking', async () => {
    const gone = Object.assign(new Error('no'), { name: 'NoSuchBucketPolicy' });
    expect(await said(gone)).toEqual([
      'fail has no policy, and lacks the statements TlsOnly, OnlyTheApiNamesJobs',
    ]);
  });

  it('that takes plain text, lacks a statement or lets others in is a failure', async () => {
    const open = {
      Sid: 'Open',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::inbox/*',
    };
    expect(await said(documentOf(open))).toEqual([
      'fail takes requests without TLS',
      'fail lets other accounts in',
      'fail lacks the statement OnlyTheApiNamesJobs (Deny)',
    ]);
    expect(await said(documentOf(tlsOnly('s3:GetObject'), onlyTheApi))).toEqual([
      'fail takes requests without TLS',
    ]);
  });

  it('under another name that does the same raises nothing', async () => {
    expect(await said(documentOf({ ...tlsOnly('*'), Sid: 'CompanyTls' }, onlyTheApi))).toEqual([]);
  });

  it('with a part that is not known is not judged by a guess', async () => {
    const Condition = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
    expect(await said(documentOf(tlsOnly('s3:*'), { ...onlyTheApi, Condition }))).toEqual([
      "unchecked not checked: the doctor can't evaluate its policy (OnlyTheApiNamesJobs: the operator IpAddress is not known)",
    ]);
  });
});

describe('the policy of a queue', () => {
  const said = (Policy?: string) =>
    saidBy(
      checkOf(policyChecks, 'queue-policies'),
      worldOf(RESOURCES, {
        GetQueueAttributesCommand: { Attributes: Policy === undefined ? {} : { Policy } },
      }),
    );

  it('as the template has it raises nothing', async () => {
    expect(await said(documentOf(mayNotify, ruleMaySend, tlsOnly('sqs:*')))).toEqual([]);
  });

  it.each([undefined, ''])('that is gone (%j) is a failure', async (text) => {
    expect(await said(text)).toEqual([
      'fail has no policy, and lacks the statements InboxMayNotify, InboxRuleMaySend, TlsOnly',
    ]);
  });

  it('that does not let the inbox notify it is a failure', async () => {
    const other = { ...mayNotify, Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::older' } } };
    const expected = ['fail does not let S3 send for inbox: manifests that are dropped start no job'];
    expect(await said(documentOf(other, ruleMaySend, tlsOnly('sqs:*')))).toEqual(expected);
    const deny = { Effect: 'Deny', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' };
    expect(await said(documentOf(mayNotify, deny, ruleMaySend, tlsOnly('sqs:*')))).toEqual(expected);
  });

  it('that lets S3 send for every bucket is a failure, as is a missing sender', async () => {
    const { Condition: _narrow, ...wide } = mayNotify;
    expect(await said(documentOf(wide, tlsOnly('sqs:*')))).toEqual([
      'fail lets S3 send for the buckets of other accounts',
      'fail lacks the statement InboxRuleMaySend (Allow)',
    ]);
  });

  it('that is no JSON has every fault', async () => {
    expect((await said('{'))[0]).toBe('fail takes requests without TLS');
  });
});

const api = resource('HttpApi', 'AWS::ApiGatewayV2::Api', {}, 'a1b2');
const route = (RouteKey: string, AuthorizationType: string) =>
  resource(`Route${RouteKey}`, 'AWS::ApiGatewayV2::Route', { RouteKey, AuthorizationType });
const stageOfApi = resource(
  'HttpApiStage',
  'AWS::ApiGatewayV2::Stage',
  { DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: '200' } },
  '$default',
);

describe('the API', () => {
  const routes = (...Items: object[]) =>
    saidBy(
      checkOf(apiChecks, 'api-authorizer'),
      worldOf([api, route('GET /jobs', 'AWS_IAM'), route('POST /jobs', 'AWS_IAM')], {
        GetRoutesCommand: { Items },
      }),
    );
  const signed = (RouteKey: string) => ({ RouteKey, RouteId: 'r', AuthorizationType: 'AWS_IAM' });

  it('whose routes ask who calls raises nothing', async () => {
    expect(await routes(signed('GET /jobs'), signed('POST /jobs'), signed('GET /more'))).toEqual([]);
  });

  it('that the stack does not have is a failure', async () => {
    for (const check of apiChecks)
      expect(await saidBy(check, worldOf([], {}))).toEqual(['fail the stack has no HTTP API']);
  });

  it('with a route that is open, or gone, is a failure', async () => {
    const open = { RouteKey: 'POST /jobs', RouteId: 'r2' };
    const further = { RouteKey: 'GET /more', RouteId: 'r3', AuthorizationType: 'NONE' };
    expect(await routes(open, further)).toEqual([
      'fail the route GET /jobs is gone',
      'fail POST /jobs has no authorizer: it takes requests of everybody',
      'fail GET /more has no authorizer: it takes requests of everybody',
    ]);
    expect(await routes(signed('GET /jobs'), { ...signed('POST /jobs'), AuthorizationType: 'JWT' })).toEqual([
      'fail POST /jobs asks for JWT, and for AWS_IAM in the template',
    ]);
  });

  it('whose routes come on several pages is read to the end', async () => {
    const pages: Record<string, object> = {
      first: { Items: [signed('GET /jobs')], NextToken: 'second' },
      second: { Items: [signed('POST /jobs')] },
    };
    const said = await saidBy(
      checkOf(apiChecks, 'api-authorizer'),
      worldOf([api, route('GET /jobs', 'AWS_IAM'), route('POST /jobs', 'AWS_IAM')], {
        GetRoutesCommand: ({ NextToken = 'first' }: { NextToken?: string }) => pages[NextToken],
      }),
    );
    expect(said).toEqual([]);
  });

  describe('with tokens', () => {
    const asked = { AuthorizerId: 'z9', AuthorizationScopes: ['write', "it's"] };
    const found = { ...signed('GET /jobs'), AuthorizationType: 'JWT', ...asked };
    // CloudFormation may list the authorizer by the API's id too.
    const problemsOf = (actual: object, scopes = asked.AuthorizationScopes, physicalId = 'z9|a1b2') => {
      const jwt = resource('Jwt', 'AWS::ApiGatewayV2::Authorizer', {}, physicalId);
      const declared = route('GET /jobs', 'JWT');
      const properties = {
        ...declared.properties,
        ...{ AuthorizerId: { Ref: 'Jwt' }, AuthorizationScopes: scopes },
      };
      const requests: unknown[] = [];
      const world = worldOf([api, jwt, { ...declared, properties }], {
        GetRoutesCommand: { Items: [actual] },
        GetAuthorizerCommand: (input: unknown) => {
          requests.push(input);
          return {};
        },
      });
      return checkOf(apiChecks, 'api-authorizer')
        .run(world)
        .then((problems) => ({ problems, requests }));
    };

    it.each(['z9', 'z9|a1b2', 'a1b2|z9'])(
      'raises nothing where all is as in the template (%s)',
      async (id) => {
        expect(await problemsOf(found, ["it's", 'write'], id)).toEqual({
          problems: [],
          requests: [{ ApiId: 'a1b2', AuthorizerId: 'z9' }],
        });
      },
    );

    it.each([
      [
        { AuthorizationScopes: [] },
        "GET /jobs takes tokens with any scope, and with one of the scopes it's, write in the template",
      ],
      [
        { AuthorizationScopes: ['read'] },
        "GET /jobs takes tokens with one of the scopes read, and with one of the scopes it's, write in the template",
      ],
      [{ AuthorizerId: 'q1' }, 'GET /jobs asks the authorizer q1, and z9 in the template'],
      [
        { AuthorizationType: 'NONE', AuthorizerId: undefined },
        'GET /jobs has no authorizer: it takes requests of everybody',
      ],
    ])('is a failure where a route has %j, with all that the remedy needs', async (change, message) => {
      expect((await problemsOf({ ...found, ...change })).problems).toEqual([
        {
          ...{ level: 'fail', about: 'HttpApi', message },
          remedy:
            'aws apigatewayv2 update-route --api-id a1b2 --route-id r --authorization-type JWT ' +
            String.raw`--authorizer-id z9 --authorization-scopes '["it'\''s","write"]'`,
        },
      ]);
    });

    it('takes scopes away that the template does not have', async () => {
      expect((await problemsOf(found, [])).problems[0]?.remedy).toMatch(/ --authorization-scopes '\[\]'$/);
    });
  });

  it('that takes the tokens of another issuer is a failure', async () => {
    const wanted = { Issuer: 'https://issuer.example.com', Audience: ['b', 'a'] };
    const authorizer = resource('Jwt', 'AWS::ApiGatewayV2::Authorizer', { JwtConfiguration: wanted });
    const said = (JwtConfiguration: object | undefined) =>
      saidBy(
        checkOf(apiChecks, 'api-authorizer'),
        worldOf([api, authorizer], {
          GetRoutesCommand: {},
          GetAuthorizerCommand: { JwtConfiguration },
        }),
      );
    expect(await said({ ...wanted, Audience: ['a', 'b'] })).toEqual([]);
    expect(await said({ ...wanted, Issuer: 'https://other.example.com' })).toEqual([
      'fail takes tokens of https://other.example.com for a, b, and of https://issuer.example.com for a, b in the template',
    ]);
    expect(await said(undefined)).toHaveLength(1);
  });

  it('that is throttled otherwise than in the template is a warning', async () => {
    const said = (DefaultRouteSettings: object | undefined) =>
      saidBy(
        checkOf(apiChecks, 'api-throttling'),
        worldOf([api, stageOfApi], { GetStageCommand: { DefaultRouteSettings } }),
      );
    expect(await said({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 })).toEqual([]);
    expect(await said({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 200 })).toEqual([
      'warn ThrottlingRateLimit is 5, and 100 in the template',
    ]);
    expect((await said(undefined))[0]).toContain('ThrottlingBurstLimit is not set, and 200');
  });

  describe('that is asked without a signature', () => {
    const ApiEndpoint = 'https://a1b2.execute-api.eu-west-1.amazonaws.com';
    const said = (answer: Awaited<ReturnType<Ask>>, about: object = { ApiEndpoint }) => {
      const asked: string[] = [];
      const ask: Ask = async (url) => {
        asked.push(url);
        return answer;
      };
      const world = worldOf([api], { GetApiCommand: about }, ask);
      return saidBy(checkOf(apiChecks, 'api-answers'), world).then((problems) => ({ problems, asked }));
    };
    it.each([401, 403])('and answers %i raises nothing', async (status) => {
      expect(await said({ kind: 'answered', status })).toEqual({
        problems: [],
        asked: [`${ApiEndpoint}/jobs`],
      });
    });
    it.each([
      [{ kind: 'answered', status: 200 } as const, /^fail .* it is open to everybody$/],
      [{ kind: 'answered', status: 404 } as const, /^fail .* answers 404 .*instead of 401 or 403$/],
      [{ kind: 'failed', reason: 'ENOTFOUND' } as const, /^warn .* does not answer from here: ENOTFOUND$/],
    ])('and does %j is named', async (answer, expected) => {
      expect((await said(answer)).problems).toEqual([expect.stringMatching(expected)]);
    });
    it('is not asked under a name that it does not have', async () => {
      const { problems, asked } = await said(
        { kind: 'answered', status: 403 },
        { ApiEndpoint, DisableExecuteApiEndpoint: true },
      );
      expect([problems, asked]).toEqual([
        [expect.stringMatching(/^unchecked not checked: .* own domain/)],
        [],
      ]);
    });
    it('is not asked under another endpoint than AWS’s', async () => {
      const world = worldOf([api], { GetApiCommand: { ApiEndpoint } });
      expect(await saidBy(checkOf(apiChecks, 'api-answers'), world)).toEqual([
        expect.stringMatching(/^unchecked/),
      ]);
    });
  });
});
