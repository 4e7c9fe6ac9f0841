// Holds the packaged CloudFormation template to what is promised of the stack: private, encrypted, bounded, watched.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROUTES } from '../../functions/api/routes.ts';
import { embeddedWeb, setEmbeddedWeb } from '../../functions/runtime/embedded-web.ts';
import { METRICS } from '../../functions/runtime/metrics.js';
import { destinationName } from '../../infrastructure/bucket-names.js';
import { settings } from '../../infrastructure/params.js';
import { environmentBytes, partitionOf, policyCharacters } from '../../infrastructure/upload-permissions.js';
import { CLIENT_BUDGETS, mostCallMs } from '../../shared/aws/budgets.ts';
import { RECEIVES_BEFORE_REPOST, RETURNS_PER_WORKER } from '../../shared/queue/give-back.ts';
import { STOP_GRACE_MS } from '../../shared/transfer/engine.ts';
import { CONFIGURATIONS } from '../helpers/configurations.ts';
import { type PackagedService, packageService, type Resource } from '../helpers/package-service.ts';
import { zipEntries } from '../helpers/zip.ts';

const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'deadLetters', 'api'] as const;
const QUEUES = ['Ingest', 'Upload', 'Settle'] as const;
const BUCKETS = ['InboxBucket', 'DestinationBucket', 'ReportBucket'] as const;
const DAY_SECONDS = 86_400;

/** Buckets that a function learns of from events and the ledger: manifests lie in the inbox, and a job names its destination. */
const NAMED_BY_ROWS: Record<string, string[]> = {
  ingest: ['InboxBucket'],
  settle: ['InboxBucket'],
  deadLetters: ['InboxBucket'],
  upload: ['DestinationBucket'],
};

/** A function of about this size starts in well under a second. */
const UPLOAD_BUNDLE_BYTES = 600_000;

/** All files of a folder of functions/, one behind the other. */
const readFolder = (name: string): string => {
  const folder = new URL(`../../functions/${name}/`, import.meta.url);
  return readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');
};

/** The folder of a function. */
const stageOf = (name: string): string => (name === 'deadLetters' ? 'dead-letters' : name);

/** A function's own files, with the record loop where it uses that. */
const sourceOf = (name: string): string => {
  const source = readFolder(stageOf(name));
  const usesRecords = /import \{[^}]*(eachRecord|hideFailed)[^}]*\} from '\.\.\/runtime\/records\.ts'/.test(
    source,
  );
  return usesRecords
    ? source + readFileSync(new URL('../../functions/runtime/records.ts', import.meta.url), 'utf8')
    : source;
};

/** What each function emits: the dashboard and the alarms may name nothing else. */
const EMITTED = Object.entries(METRICS).flatMap(([metric, { functions }]) =>
  functions.map((name) => `spillway-dev-${name} ${metric}`),
);

/** Every parameter as serverless.yml sets it, by the name that its helper asks for. */
const { params } = parse(readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8'), {
  merge: true,
});
const DEFAULTS = Object.fromEntries(
  Object.entries(params.default as Record<string, unknown>).map(([name, value]) => [
    `param:${name}`,
    String(value),
  ]),
);

let service: PackagedService;
beforeAll(async () => {
  service = await packageService({
    sourceBuckets: 'legacy-images,archive.2019',
    destinationBuckets: 'second-home',
    sourceHosts: 'files.example.com,*.example.org',
  });
});
afterAll(() => service?.remove());

function resource(id: string): Resource {
  const found = service.template.Resources[id];
  if (found === undefined) throw new Error(`the template has no ${id}`);
  return found;
}

const ofType = (type: string): [string, Resource][] =>
  Object.entries(service.template.Resources).filter(([, { Type }]) => Type === type);

/** The resource's properties with intrinsic functions as plain text: Ref X -> <X>, GetAtt X.Arn -> <X.Arn>. */
const properties = (id: string): Record<string, unknown> =>
  plain(resource(id).Properties) as Record<string, unknown>;

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::GetAtt': att, 'Fn::Sub': sub, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(att)) return `<${att.join('.')}>`;
  if (typeof sub === 'string') return sub.replace(/\$\{([^}]+)\}/g, '<$1>');
  if (Array.isArray(join)) return (plain(join[1]) as string[]).join(String(join[0]));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

interface Statement {
  Sid?: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Principal?: unknown;
  Condition?: unknown;
}

const listed = (value: string | string[]): string[] => (Array.isArray(value) ? value : [value]);

function policyOf(id: string): Statement[] {
  return (properties(id)['PolicyDocument'] as { Statement: Statement[] }).Statement;
}

function roleStatements(functionName: string): Statement[] {
  const policies = properties(`${capital(functionName)}Role`)['Policies'] as {
    PolicyDocument: { Statement: Statement[] };
  }[];
  return policies.flatMap((policy) => policy.PolicyDocument.Statement);
}

/** `action resource` pairs that a function's role allows. */
const grants = (functionName: string): string[] =>
  roleStatements(functionName).flatMap(({ Action, Resource: on }) =>
    listed(Action).flatMap((action) => listed(on).map((where) => `${action} ${where}`)),
  );

const capital = (name: string): string => name[0]!.toUpperCase() + name.slice(1);
const lambda = (name: string): Record<string, unknown> => properties(`${capital(name)}LambdaFunction`);
const environment = (name: string): Record<string, string> =>
  (lambda(name)['Environment'] as { Variables: Record<string, string> }).Variables;

function mappings(functionName: string): Record<string, unknown>[] {
  return ofType('AWS::Lambda::EventSourceMapping')
    .map(([id]) => properties(id))
    .filter(({ FunctionName }) => FunctionName === `<${capital(functionName)}LambdaFunction.Arn>`);
}

describe.each(BUCKETS)('%s', (id) => {
  it('lets no public in', () => {
    expect(properties(id)).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  it('is encrypted with SSE-S3', () => {
    expect(properties(id)['BucketEncryption']).toEqual({
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    });
  });

  it('refuses requests without TLS', () => {
    expect(properties(`${id}Policy`)['Bucket']).toBe(`<${id}>`);
    expect(policyOf(`${id}Policy`)).toContainEqual({
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [`<${id}.Arn>`, `<${id}.Arn>/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });

  it('outlives the stack, and drops unfinished uploads', () => {
    expect(resource(id).DeletionPolicy).toBe('Retain');
    expect(properties(id)).toMatchObject({
      LifecycleConfiguration: {
        Rules: expect.arrayContaining([
          expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }),
        ]),
      },
    });
  });
});

describe('the inbox', () => {
  it('keeps versions, and lets old ones go', () => {
    expect(properties('InboxBucket')).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: expect.arrayContaining([
          expect.objectContaining({ NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
        ]),
      },
    });
  });

  it('notifies the ingest queue of every object, once the queue lets it', () => {
    expect(properties('InboxBucket')['NotificationConfiguration']).toEqual({
      QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: '<IngestQueue.Arn>' }],
    });
    expect(resource('InboxBucket').DependsOn).toContain('IngestQueuePolicy');
  });

  it('lets only the API write the keys that name jobs', () => {
    expect(policyOf('InboxBucketPolicy')).toContainEqual({
      Sid: 'OnlyTheApiNamesJobs',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: '<InboxBucket.Arn>/api/*/manifest',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': '<ApiRole.Arn>' } },
    });
  });

  it('is the only one that may send to the ingest queue from outside the roles', () => {
    const allowed = policyOf('IngestQueuePolicy').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toEqual([
      {
        Sid: 'InboxMayNotify',
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: '<IngestQueue.Arn>',
        Condition: {
          ArnEquals: {
            'aws:SourceArn': `arn:<AWS::Partition>:s3:::${properties('InboxBucket')['BucketName']}`,
          },
          StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
        },
      },
    ]);
  });
});

it('keeps reports, and lets the raw outcomes, the converted text and the dead letters go', () => {
  const { Rules } = properties('ReportBucket')['LifecycleConfiguration'] as {
    Rules: Record<string, unknown>[];
  };
  const expiring = Rules.filter((rule) => 'ExpirationInDays' in rule);
  expect(expiring.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays])).toEqual([
    ['outcomes/', 100],
    ['converted/', 100],
    ['deadletters/', 100],
  ]);
});

it('has the API say for how long dead letters are kept, as the lifecycle does', () => {
  const { Rules } = properties('ReportBucket')['LifecycleConfiguration'] as {
    Rules: Record<string, unknown>[];
  };
  const rule = Rules.find(({ Prefix }) => Prefix === 'deadletters/');
  expect(String(environment('api')['SPILLWAY_REPORT_DAYS'])).toBe(String(rule?.['ExpirationInDays']));
});

describe.each(['Upload', 'Settle'])('the queue of %s, whose messages are believed,', (name) => {
  it('takes messages only from the roles that may send them', () => {
    const senders = FUNCTIONS.filter((each) => grants(each).includes(`sqs:SendMessage <${name}Queue.Arn>`));
    expect(senders.length).toBeGreaterThan(1);
    expect(policyOf(`${name}QueuePolicy`)).toContainEqual({
      Sid: 'OnlyThePipelineSends',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:SendMessage',
      Resource: `<${name}Queue.Arn>`,
      Condition: {
        ArnNotEquals: { 'aws:PrincipalArn': senders.map((each) => `<${capital(each)}Role.Arn>`) },
      },
    });
  });
});

describe.each(QUEUES)('the queue of %s', (name) => {
  it('and its dead letters are encrypted by SQS and take TLS only', () => {
    for (const id of [`${name}Queue`, `${name}DeadLetters`]) {
      expect(properties(id)['SqsManagedSseEnabled']).toBe(true);
      expect(properties(id)).not.toHaveProperty('KmsMasterKeyId');
      expect(properties(`${id}Policy`)['Queues']).toEqual([`<${id}>`]);
      expect(policyOf(`${id}Policy`)).toContainEqual({
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: `<${id}.Arn>`,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      });
    }
  });

  it('takes no dead letter that a principal sends: the handler would pass it on under its own role', () => {
    expect(policyOf(`${name}DeadLettersPolicy`)).toContainEqual({
      Sid: 'OnlySqsMovesDeadLetters',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:SendMessage',
      Resource: `<${name}DeadLetters.Arn>`,
      Condition: { Bool: { 'aws:PrincipalIsAWSService': 'false' } },
    });
  });

  it('moves what was received five times to its own dead letters alone', () => {
    expect(properties(`${name}Queue`)['RedrivePolicy']).toEqual({
      deadLetterTargetArn: `<${name}DeadLetters.Arn>`,
      maxReceiveCount: 5,
    });
    expect(properties(`${name}DeadLetters`)['RedriveAllowPolicy']).toEqual({
      redrivePermission: 'byQueue',
      sourceQueueArns: [
        `arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${properties(`${name}Queue`)['QueueName']}`,
      ],
    });
  });

  it('keeps messages ten days, its dead letters fourteen', () => {
    expect(properties(`${name}Queue`)['MessageRetentionPeriod']).toBe(10 * DAY_SECONDS);
    expect(properties(`${name}DeadLetters`)['MessageRetentionPeriod']).toBe(14 * DAY_SECONDS);
  });
});

describe('the ledger', () => {
  it('is paid by request, forgets by TTL and can be restored to a point in time', () => {
    expect(resource('LedgerTable').DeletionPolicy).toBe('Retain');
    expect(properties('LedgerTable')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('has one key, and finds jobs and live rows by index', () => {
    const hash = (AttributeName: string) => ({ AttributeName, KeyType: 'HASH' });
    const range = (AttributeName: string) => ({ AttributeName, KeyType: 'RANGE' });
    const keysOnly = { ProjectionType: 'KEYS_ONLY' };
    expect(properties('LedgerTable')).toMatchObject({
      KeySchema: [hash('pk')],
      GlobalSecondaryIndexes: [
        { IndexName: 'jobs', KeySchema: [hash('listing'), range('listedAt')], Projection: keysOnly },
        { IndexName: 'live', KeySchema: [hash('live'), range('pk')], Projection: keysOnly },
      ],
    });
  });
});

describe.each(FUNCTIONS)('the function %s', (name) => {
  it('runs on Node 24 on arm64, from one bundled module', async () => {
    expect(lambda(name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: `functions/${stageOf(name)}/handler.handler`,
      Tags: expect.arrayContaining([{ Key: 'project', Value: 'spillway' }]),
    });
    const entries = zipEntries(await service.readZip(name));
    expect(entries.map((entry) => entry.name)).toEqual([`functions/${stageOf(name)}/handler.mjs`]);
  });

  it('loads from its zip alone', async () => {
    const [bundle] = zipEntries(await service.readZip(name));
    const folder = await mkdtemp(path.join(tmpdir(), 'spillway-zip-'));
    try {
      const file = path.join(folder, 'handler.mjs');
      await writeFile(file, bundle?.read() ?? '');
      const load = `console.log(typeof (await import('${pathToFileURL(file).href}')).handler)`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', load]);
      expect(stdout.trim()).toBe('function');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('keeps its logs for a while, under its own name', () => {
    expect(properties(`${capital(name)}LogGroup`)).toMatchObject({
      LogGroupName: `/aws/lambda/${lambda(name)['FunctionName']}`,
      RetentionInDays: 30,
    });
  });

  it('has a role that no other function has, for Lambda alone', () => {
    expect(lambda(name)['Role']).toBe(`<${capital(name)}Role.Arn>`);
    expect(properties(`${capital(name)}Role`)).toMatchObject({
      AssumeRolePolicyDocument: {
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
    });
    expect(properties(`${capital(name)}Role`)).not.toHaveProperty('ManagedPolicyArns');
  });

  it('is granted single actions on named things', () => {
    for (const { Effect, Action, Resource: on } of roleStatements(name)) {
      expect(Effect).toBe('Allow');
      for (const action of listed(Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
      // An asterisk may stand for the objects of a bucket or the streams of a log group, never for the thing itself.
      for (const where of listed(on)) {
        expect(where).toMatch(/^(arn:[^*]+:::[^*]+|<\w+\.Arn>|arn:[^*]+)(\/(\w+\/)*\*|:\*|\/index\/\w+)?$/);
      }
    }
  });

  it('writes logs to its own group only', () => {
    const logs = grants(name).filter((grant) => grant.startsWith('logs:'));
    const group = `arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/lambda/${lambda(name)['FunctionName']}:*`;
    expect(logs).toEqual([`logs:CreateLogStream ${group}`, `logs:PutLogEvents ${group}`]);
  });

  it('reaches nothing that its environment or its event sources do not name', () => {
    const sources = mappings(name).map(({ EventSourceArn }) =>
      String(EventSourceArn).slice(1, -'.Arn>'.length),
    );
    const named = Object.values(environment(name)).flatMap((value) => [
      ...String(value).matchAll(/<(\w+)>/g),
    ]);
    const known = new Set([...sources, ...named.map(([, id]) => id)]);
    for (const id of NAMED_BY_ROWS[name] ?? []) known.add(id);
    for (const grant of grants(name)) {
      const reached = /<(\w+)\.Arn>/.exec(grant)?.[1];
      if (reached !== undefined) expect(known, grant).toContain(reached);
    }
  });

  it('receives from its own queues only', () => {
    const sources = mappings(name).map(({ EventSourceArn }) => `sqs:ReceiveMessage ${EventSourceArn}`);
    expect(grants(name).filter((grant) => grant.startsWith('sqs:ReceiveMessage'))).toEqual(sources);
  });

  it('names its metrics by its own name', () => {
    expect(environment(name)).toMatchObject({
      POWERTOOLS_SERVICE_NAME: lambda(name)['FunctionName'],
      POWERTOOLS_METRICS_NAMESPACE: 'Spillway',
      POWERTOOLS_LOG_LEVEL: 'INFO',
    });
  });
});

it('reposts a throttled message before its receives lead to the dead letters', () => {
  const { maxReceiveCount } = properties('UploadQueue')['RedrivePolicy'] as { maxReceiveCount: number };
  expect(RECEIVES_BEFORE_REPOST).toBeLessThan(maxReceiveCount);
});

it.each(['ingest', 'upload', 'settle'])(
  'lets the receives of a failed message of %s span ten minutes',
  (name) => {
    const { maxReceiveCount } = properties(`${capital(name)}Queue`)['RedrivePolicy'] as {
      maxReceiveCount: number;
    };
    const delays = (environment(name)['SPILLWAY_RETRY_SECONDS'] ?? '').split(',').map(Number);
    const spanSeconds = delays.slice(0, maxReceiveCount - 1).reduce((sum, seconds) => sum + seconds, 0);
    expect(delays).toHaveLength(maxReceiveCount - 1);
    expect(spanSeconds).toBeGreaterThanOrEqual(600);
  },
);

it('keeps upload’s bundle small', async () => {
  const [bundle] = zipEntries(await service.readZip('upload'));
  expect(bundle?.sizeBytes).toBeLessThanOrEqual(UPLOAD_BUNDLE_BYTES);
});

describe('the configuration of the functions', () => {
  it.each(FUNCTIONS)('gives %s the variables of its schema, and no others', (name) => {
    const given = Object.keys(environment(name)).filter((variable) => variable.startsWith('SPILLWAY_'));
    expect(given.sort()).toEqual(Object.keys(CONFIGURATIONS[name].shape).sort());
  });

  it.each(FUNCTIONS)('has no variable that %s does not use', (name) => {
    for (const variable of Object.keys(CONFIGURATIONS[name].shape)) {
      const uses = [sourceOf(name), readFolder('runtime')]
        .join('')
        .match(new RegExp(`\\.${variable}\\b`, 'g'));
      expect(uses, variable).not.toBeNull();
    }
  });

  it('lists the stack’s own destination first, and the sources that were allowed', () => {
    expect(environment('ingest')).toMatchObject({
      SPILLWAY_DESTINATION_BUCKETS: '<DestinationBucket>,second-home',
      SPILLWAY_SOURCE_BUCKETS: 'legacy-images,archive.2019',
    });
  });

  it('allows hosts of the web to ingest and upload, names them to the API, and has none by default', () => {
    for (const name of FUNCTIONS) {
      const allowed = ['ingest', 'upload', 'api'].includes(name)
        ? 'files.example.com,*.example.org'
        : undefined;
      expect(environment(name)['SPILLWAY_SOURCE_HOSTS']).toBe(allowed);
    }
    expect(DEFAULTS['param:sourceHosts']).toBe('');
  });

  it('has no way to reach a host at another address than its own', () => {
    // What the embedded cloud gives its threads is no variable, and a function in its main thread does not look at it.
    expect(JSON.stringify(service.template)).not.toMatch(/embedded|loopback|127\.0\.0\.1/i);
    for (const name of FUNCTIONS) {
      expect(Object.keys(environment(name)).filter((variable) => /PROXY|NODE_|CA_/.test(variable))).toEqual(
        [],
      );
    }
    setEmbeddedWeb({ hosts: {}, ca: '' });
    expect(embeddedWeb(true)).toBeUndefined();
    expect(embeddedWeb(false)).toEqual({ hosts: {}, ca: '' });
  });
});

describe('upload alone', () => {
  const onObjects = (bucket: string): string => `arn:<AWS::Partition>:s3:::${bucket}/*`;

  it('writes to the destinations', () => {
    const destinations = ['<DestinationBucket.Arn>/*', onObjects('second-home')];
    for (const destination of destinations) expect(grants('upload')).toContain(`s3:PutObject ${destination}`);
    for (const other of FUNCTIONS.filter((name) => name !== 'upload')) {
      for (const grant of grants(other)) expect(grant).not.toMatch(/DestinationBucket|second-home/);
    }
  });

  it('reads the source buckets, and only those that were listed', () => {
    const reads = grants('upload').filter((grant) => grant.startsWith('s3:GetObject '));
    const allowed = ['legacy-images', 'archive.2019'].map((bucket) => `s3:GetObject ${onObjects(bucket)}`);
    expect(
      reads.filter((grant) => !grant.includes('<DestinationBucket') && !grant.includes('second-home')),
    ).toEqual(allowed);
    for (const other of FUNCTIONS.filter((name) => name !== 'upload' && name !== 'ingest')) {
      for (const grant of grants(other)) expect(grant).not.toMatch(/legacy-images|archive/);
    }
  });

  it('goes on with, and ends, copies in parts in destinations alone', () => {
    const actions = ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];
    const places = ['<DestinationBucket.Arn>/*', 'arn:<AWS::Partition>:s3:::second-home/*'];
    expect(
      grants('upload')
        .filter((grant) => /Multipart/.test(grant))
        .toSorted(),
    ).toEqual(actions.flatMap((action) => places.map((place) => `${action} ${place}`)).toSorted());
  });

  it('shares the source buckets with ingest, which reads the files of lists there and does nothing else', () => {
    const allowed = ['legacy-images', 'archive.2019'].map((bucket) => `s3:GetObject ${onObjects(bucket)}`);
    expect(grants('ingest').filter((grant) => /legacy-images|archive/.test(grant))).toEqual(allowed);
  });

  it('lists sources and destinations, so that S3 says what is missing', () => {
    const lists = grants('upload').filter((grant) => grant.startsWith('s3:ListBucket'));
    expect(lists).toEqual([
      's3:ListBucket <DestinationBucket.Arn>',
      ...['second-home', 'legacy-images', 'archive.2019'].map(
        (bucket) => `s3:ListBucket arn:<AWS::Partition>:s3:::${bucket}`,
      ),
    ]);
  });

  it('reads no source when none is listed', async () => {
    const values: Record<string, string> = {
      ...DEFAULTS,
      'self:service': 'spillway',
      'sls:stage': 'dev',
      'self:provider.region': 'us-east-1',
    };
    const { transferStatements } = await settings({ resolveVariable: async (name) => values[name] });
    expect(transferStatements.flatMap(({ Action }) => Action)).not.toContain('s3:GetObjectVersion');
  });
});

describe('what IAM and Lambda count', () => {
  /** As long as S3 lets the stack's names be. */
  const stacks = ['us-east-1', 'ap-southeast-1', 'us-gov-east-1', 'cn-northwest-1'].map((region) => {
    const stack = { service: 'spillway', stage: '', region, deploymentBucket: undefined };
    return { ...stack, stage: 's'.repeat(63 - destinationName(stack).length) };
  });
  type Stack = (typeof stacks)[number];

  /** Names, ARNs and addresses as they stand in the account. */
  const deployed = (value: unknown, { stage, region }: Stack): string => {
    const account = '123456789012';
    const partition = partitionOf(region);
    const fill = (text: string): string =>
      text
        .replaceAll('spillway-dev', `spillway-${stage}`)
        .replaceAll('<AWS::Partition>', partition)
        .replaceAll('<AWS::Region>', region)
        .replaceAll('<AWS::AccountId>', account)
        .replace(/<(\w+?)(\.Arn)?>/g, (_, id: string, arn?: string) => named(id, arn !== undefined));
    const named = (id: string, isArn: boolean): string => {
      const { BucketName, QueueName, TableName } = properties(id);
      const name = fill(String(BucketName ?? QueueName ?? TableName));
      if (BucketName !== undefined) return isArn ? `arn:${partition}:s3:::${name}` : name;
      if (TableName !== undefined) {
        return isArn ? `arn:${partition}:dynamodb:${region}:${account}:table/${name}` : name;
      }
      const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
      return isArn
        ? `arn:${partition}:sqs:${region}:${account}:${name}`
        : `https://sqs.${region}.${domain}/${account}/${name}`;
    };
    return fill(JSON.stringify(value));
  };

  const lists = [['legacy-images', 'archive.2019'], ['second-home']] as const;

  it.each(stacks)('is estimated high, by at most 300 characters of policies, in $region', (stack) => {
    const policies = properties('UploadRole')['Policies'] as { PolicyDocument: unknown }[];
    const characters = policies.reduce(
      (sum, { PolicyDocument }) => sum + deployed(PolicyDocument, stack).length,
      0,
    );
    const estimate = policyCharacters([...lists[0]], [...lists[1]], stack);
    expect(characters).toBeLessThanOrEqual(estimate);
    expect(characters).toBeGreaterThan(estimate - 300);
  });

  it.each(stacks)('is estimated high, by at most 300 bytes of environment, in $region', (stack) => {
    const estimate = environmentBytes([...lists[0]], [...lists[1]], stack, [
      'files.example.com',
      '*.example.org',
    ]);
    const bytes = FUNCTIONS.map((name) => Buffer.byteLength(deployed(environment(name), stack)));
    expect(Math.max(...bytes)).toBeLessThanOrEqual(estimate);
    expect(Math.max(...bytes)).toBeGreaterThan(estimate - 300);
  });
});

describe('a lost connection', () => {
  /** Milliseconds that a function keeps back at its end, for which it begins nothing further; as its file says. */
  const keptBackMs = (name: string): number => {
    const [, digits] = /^const (?:HANDOVER|ACCOUNT|LETTER)_MS = ([\d_]+);/m.exec(sourceOf(name)) ?? [];
    if (digits === undefined) return 0;
    // What is under way at upload's stop may go on for as long as that into it.
    return Number(digits.replaceAll('_', '')) - (name === 'upload' ? STOP_GRACE_MS : 0);
  };

  it.each(FUNCTIONS)('leaves %s time for other attempts, and all of them time to go on', (name) => {
    const timeoutMs = (lambda(name)['Timeout'] as number) * 1000;
    const budget = CLIENT_BUDGETS[name];
    // Two attempts may be lost before the third.
    expect(budget.attempts).toBeGreaterThanOrEqual(3);
    expect(mostCallMs(budget)).toBeLessThan(keptBackMs(name) || timeoutMs);
    expect(budget.connectionMs).toBeLessThan(budget.requestMs);
  });

  it('is met by the budget of its own function in each', () => {
    for (const name of FUNCTIONS) {
      const used = [...sourceOf(name).matchAll(/CLIENT_BUDGETS\.(\w+)/g)].map(([, budget]) => budget);
      expect(new Set(used), name).toEqual(new Set([name]));
    }
  });
});

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
      { BatchSize: 100, MaximumBatchingWindowInSeconds: 1, ScalingConfig: { MaximumConcurrency: 50 } },
    ],
    ['settle', ['SettleQueue'], { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 4 } }],
    ['deadLetters', ['IngestDeadLetters', 'UploadDeadLetters', 'SettleDeadLetters'], { BatchSize: 10 }],
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

  it('leave a message hidden for six times its function’s timeout', () => {
    for (const name of FUNCTIONS) {
      for (const { EventSourceArn } of mappings(name)) {
        const queue = properties(String(EventSourceArn).slice(1, -'.Arn>'.length));
        expect(queue['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * (lambda(name)['Timeout'] as number));
      }
    }
  });

  it('let those that send messages again and again do so without being stopped as a loop', () => {
    const allowed = FUNCTIONS.filter((name) => lambda(name)['RecursiveLoop'] === 'Allow');
    expect(allowed).toEqual(['ingest', 'upload', 'deadLetters']);
  });

  it('call sweep each minute', () => {
    const rules = ofType('AWS::Events::Rule').map(([id]) => properties(id));
    expect(rules).toHaveLength(1);
    expect(rules[0]).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [{ Arn: '<SweepLambdaFunction.Arn>' }],
    });
    expect(lambda('sweep')['Timeout']).toBeLessThan(60);
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
});

describe('what is watched', () => {
  interface Metric {
    Namespace: string;
    MetricName: string;
    Dimensions: { Name: string; Value: string }[];
  }
  interface Alarm extends Partial<Metric> {
    AlarmDescription: string;
    AlarmActions: string[];
    Statistic?: string;
    Metrics?: { Id: string; Expression?: string; MetricStat?: { Metric: Metric; Stat: string } }[];
    Threshold: number;
    TreatMissingData: string;
  }
  const alarms = (): [string, Alarm][] =>
    ofType('AWS::CloudWatch::Alarm').map(([id]) => [id, properties(id) as unknown as Alarm]);
  const metricsOf = ({ Metrics, ...single }: Alarm): Metric[] =>
    Metrics === undefined
      ? [single as Metric]
      : Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
  const watching = (name: string): string[] =>
    alarms()
      .flatMap(([, alarm]) => metricsOf(alarm))
      .filter(({ MetricName }) => MetricName === name)
      .map(({ Dimensions }) => String(Dimensions[0]?.Value));
  const shown = (): unknown[][] => {
    const { widgets } = JSON.parse(String(properties('Dashboard')['DashboardBody'])) as {
      widgets: { properties: { metrics: unknown[][] } }[];
    };
    return widgets.flatMap((widget) => widget.properties.metrics);
  };

  it('alarms on the first dead letter that needs attention', () => {
    expect(properties('DeadLettersFlaggedAlarm')).toMatchObject({
      Namespace: 'Spillway',
      MetricName: 'DeadLettersFlagged',
      Statistic: 'Sum',
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
      TreatMissingData: 'notBreaching',
      Dimensions: [{ Name: 'service', Value: 'spillway-dev-dead-letters' }],
    });
  });

  it('alarms on old messages only where nothing ends', () => {
    for (const queue of ['Ingest', 'Upload', 'Settle']) {
      const { Metrics = [] } = properties(`${queue}StandstillAlarm`) as unknown as Alarm;
      const [{ Expression = '' } = {}, age, ...progress] = Metrics;
      expect(Expression).toMatch(/^IF\(FILL\(age, 0\) > 21600 AND \(.+\) == 0, 1, 0\)$/);
      expect(age?.MetricStat?.Metric.MetricName).toBe('ApproximateAgeOfOldestMessage');
      for (const { Id, MetricStat } of progress) {
        expect(Expression).toContain(`FILL(${Id}, 0)`);
        expect(MetricStat?.Metric.Dimensions[0]?.Value).toBe(`spillway-dev-${queue.toLowerCase()}`);
      }
      expect(progress.length).toBeGreaterThan(0);
    }
  });

  it('alarms on the errors and throttles of every function, and on failed messages of every queue', () => {
    const names = FUNCTIONS.map((name) => lambda(name)['FunctionName']);
    expect(watching('Errors')).toEqual(names);
    expect(watching('Throttles')).toEqual(names);
    expect(new Set(watching('MessagesFailed'))).toEqual(
      new Set(['ingest', 'upload', 'settle', 'dead-letters'].map((name) => `spillway-dev-${name}`)),
    );
  });

  it('alarms where sweep does not run, also where Lambda reports nothing of it', () => {
    expect(properties('SweepMissingAlarm')).toMatchObject({ TreatMissingData: 'breaching' });
    expect(watching('Invocations')).toEqual(['spillway-dev-sweep']);
    for (const [id, { TreatMissingData }] of alarms())
      if (id !== 'SweepMissingAlarm') expect(TreatMissingData, id).toBe('notBreaching');
  });

  it('uses every metric of an expression, and no other name', () => {
    for (const [id, { Metrics = [] }] of alarms()) {
      const [{ Expression = '' } = {}, ...series] = Metrics;
      if (Metrics.length === 0 || Expression === 'SUM(METRICS())') continue;
      const used = Expression.replace(/\b(IF|FILL|AND)\b/g, '').match(/[a-z]\w*/gi) ?? [];
      expect(new Set(used), id).toEqual(new Set(series.map(({ Id }) => Id)));
    }
  });

  it('has a runbook for each alarm, and none for others', () => {
    const runbooks = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => /^### \w+Alarm/.test(line))
      .flatMap((line) => line.replace('### ', '').split(', '));
    expect(runbooks.toSorted()).toEqual(
      alarms()
        .map(([id]) => id)
        .toSorted(),
    );
  });

  it('says in its runbooks how many metrics are billed', () => {
    const count = alarms().reduce((sum, [, alarm]) => sum + metricsOf(alarm).length, 0);
    const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    expect(/by metric, (\d+) here/.exec(text)?.[1]).toBe(String(count));
  });

  it('notifies the topic of the stack', () => {
    for (const [id, { AlarmActions }] of alarms()) expect(AlarmActions, id).toEqual(['<AlarmTopic>']);
    expect(properties('AlarmTopic')['Subscription']).toEqual([]);
  });

  it('shows the flow, the throttling, the queues, the functions and the dead letters', () => {
    const names = new Set(shown().map(([, name]) => name));
    for (const metric of Object.keys(METRICS)) expect(names).toContain(metric);
    for (const metric of [
      'ApproximateAgeOfOldestMessage',
      'ApproximateNumberOfMessagesVisible',
      'Errors',
      'Duration',
      'ConcurrentExecutions',
    ]) {
      expect(names).toContain(metric);
    }
    expect(JSON.stringify(shown())).toContain('spillway-dev-upload-dead-letters');
  });

  it('names no metric, function or queue that does not exist', () => {
    const queues = ofType('AWS::SQS::Queue').map(([id]) => properties(id)['QueueName']);
    const functions = FUNCTIONS.map((name) => lambda(name)['FunctionName']);
    for (const [namespace, name, dimension, value] of shown()) {
      if (namespace === 'Spillway') {
        expect(dimension).toBe('service');
        expect(EMITTED).toContain(`${value} ${name}`);
      } else {
        expect(namespace === 'AWS/SQS' ? queues : functions).toContain(value);
      }
    }
    for (const { Namespace, MetricName, Dimensions } of alarms().flatMap(([, alarm]) => metricsOf(alarm))) {
      const value = Dimensions[0]?.Value;
      if (Namespace === 'Spillway') expect(EMITTED).toContain(`${value} ${MetricName}`);
      else expect(Namespace === 'AWS/SQS' ? queues : functions).toContain(value);
    }
  });
});

describe('packaging', () => {
  it('stops when the fleet could fill the in-flight quota of the queue, and names the remedy', async () => {
    await expect(packageService({ maximumConcurrency: '400', batchSize: '1000' })).rejects.toThrow(
      /400 x \(batchSize 1000 \+ 60 returned\) = 424000 messages in flight.*Lower maximumConcurrency to 103/s,
    );
  });

  it('counts what each worker may have returned among the messages in flight', async () => {
    // In the workers' hands alone these are no more than 100,000.
    await expect(packageService({ maximumConcurrency: '1000', batchSize: '100' })).rejects.toThrow(
      new RegExp(`batchSize 100 \\+ ${RETURNS_PER_WORKER} returned\\) = 160000`),
    );
  });

  it('reports every bad parameter at once', async () => {
    await expect(
      packageService({
        maximumConcurrency: 'many',
        sourceBuckets: 's3://photos',
        destinationBuckets: 'spillway-prod-inbox-123456789012-us-east-1',
        logRetentionDays: '31',
        alarmTopicArn: 'ops',
      }),
    ).rejects.toThrow(
      /maximumConcurrency is "many".*logRetentionDays is 31.*sourceBuckets holds "s3:\/\/photos".*destinationBuckets holds "spillway-prod-inbox.*alarmTopicArn is "ops"/s,
    );
  });
});
