// Holds the packaged CloudFormation template to what is promised of this stack. What any template should keep is in rules/.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../functions/api/routes.ts';
import { embeddedWeb, setEmbeddedWeb } from '../../functions/runtime/embedded-web.ts';
import { METRICS } from '../../functions/runtime/metrics.js';
import { ownBucketName } from '../../infrastructure/bucket-names.js';
import { LOG_QUERIES } from '../../infrastructure/log-queries.js';
import { defaults } from '../../infrastructure/parameters.js';
import { settings } from '../../infrastructure/params.js';
import { partitionOf } from '../../infrastructure/partitions.js';
import { environmentBytes, policyCharacters } from '../../infrastructure/upload-permissions.js';
import { allowingStatement } from '../../local/iam/policy.ts';
import { CLIENT_BUDGETS, mostCallMs } from '../../shared/aws/budgets.ts';
import { RECEIVES_BEFORE_REPOST, RETURNS_PER_WORKER } from '../../shared/queue/give-back.ts';
import { STOP_GRACE_MS } from '../../shared/transfer/engine.ts';
import { CONFIGURATIONS } from '../helpers/configurations.ts';
import { type PackagedService, packageService, type Resource } from '../helpers/package-service.ts';
import { zipEntries } from '../helpers/zip.ts';
import { DEPLOYMENT_RIGHTS } from './deployment-rights.ts';

const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'deadLetters', 'api'] as const;
const QUEUES = ['Ingest', 'Upload', 'Settle'] as const;
const BUCKETS = ['InboxBucket', 'DestinationBucket', 'ReportBucket'] as const;
const DAY_SECONDS = 86_400;
const KMS_KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Buckets that a function learns of from events and the ledger: manifests lie in the inbox, and a job names its destination. */
const NAMED_BY_ROWS: Record<string, string[]> = {
  ingest: ['InboxBucket'],
  settle: ['InboxBucket'],
  deadLetters: ['InboxBucket'],
  upload: ['DestinationBucket'],
};

const INBOX_BUCKETS = ['company-exports', 'partner.lists'];
const INBOX_TOPIC = 'arn:aws:sns:us-east-1:123456789012:new-exports';

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

/** The default of every parameter, by the name that its helper asks for. */
const DEFAULTS = Object.fromEntries(
  Object.entries(defaults).map(([name, value]) => [`param:${name}`, String(value)]),
);

let service: PackagedService;
beforeAll(async () => {
  service = await packageService({
    sourceBuckets: 'legacy-images,archive.2019@210987654321,open-data@any',
    kmsKeys: KMS_KEY,
    destinationBuckets: 'second-home',
    sourceHosts: 'files.example.com,*.example.org',
    inboxBuckets: INBOX_BUCKETS.join(','),
    inboxTopics: INBOX_TOPIC,
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

it.each(BUCKETS)(
  '%s outlives the stack but not its failed first deployment, and drops unfinished uploads',
  (id) => {
    expect(resource(id)).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
    expect(properties(id)).toMatchObject({
      LifecycleConfiguration: {
        Rules: expect.arrayContaining([
          expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }),
        ]),
      },
    });
  },
);

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
      Action: ['s3:PutObject', 's3:ReplicateObject'],
      Resource: '<InboxBucket.Arn>/api/*/manifest',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': '<ApiRole.Arn>' } },
    });
  });

  it('and those that are listed are all that may send to the ingest queue from outside the roles', () => {
    const allowed = policyOf('IngestQueuePolicy').filter(({ Effect }) => Effect === 'Allow');
    const sender = (sid: string, principal: string, condition: object) => ({
      Sid: sid,
      Effect: 'Allow',
      Principal: { Service: principal },
      Action: 'sqs:SendMessage',
      Resource: '<IngestQueue.Arn>',
      Condition: condition,
    });
    const own = String(properties('InboxBucket')['BucketName']);
    expect(allowed).toEqual([
      sender('InboxMayNotify', 's3.amazonaws.com', {
        ArnEquals: {
          'aws:SourceArn': [own, ...INBOX_BUCKETS].map((name) => `arn:<AWS::Partition>:s3:::${name}`),
        },
        StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' },
      }),
      sender('InboxRuleMaySend', 'events.amazonaws.com', {
        ArnEquals: { 'aws:SourceArn': '<InboxRule.Arn>' },
      }),
      sender('InboxTopicsMaySend', 'sns.amazonaws.com', { ArnEquals: { 'aws:SourceArn': [INBOX_TOPIC] } }),
    ]);
  });
});

describe('a further inbox', () => {
  it('is read by the functions that read manifests, and by no other', () => {
    for (const name of FUNCTIONS) {
      const granted = grants(name).filter((grant) => /company-exports|partner\.lists/.test(grant));
      const reads = INBOX_BUCKETS.map((bucket) => `arn:<AWS::Partition>:s3:::${bucket}`).flatMap((arn) => [
        ...['s3:GetObject', 's3:GetObjectVersion'].map((action) => `${action} ${arn}/*`),
        ...['s3:ListBucket', 's3:ListBucketVersions'].map((action) => `${action} ${arn}`),
      ]);
      const isReader = ['ingest', 'settle', 'deadLetters'].includes(name);
      expect(granted.toSorted(), name).toEqual(isReader ? reads.toSorted() : []);
    }
    for (const name of ['ingest', 'deadLetters'])
      expect(environment(name)).toMatchObject({ SPILLWAY_INBOX_BUCKETS: INBOX_BUCKETS.join(',') });
  });

  it('has its events sent to ingest by a rule that matches new objects of no other bucket', () => {
    expect(properties('InboxRule')).toMatchObject({
      EventPattern: {
        account: ['<AWS::AccountId>'],
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: INBOX_BUCKETS } },
      },
      Targets: [{ Id: 'ingest', Arn: '<IngestQueue.Arn>' }],
    });
    // For a queue AWS takes the queue's policy, not a role.
    expect(JSON.stringify(properties('InboxRule'))).not.toContain('RoleArn');
  });

  it('has its topic subscribed once the queue lets the topic send', () => {
    const [[id = ''] = []] = ofType('AWS::SNS::Subscription');
    expect(properties(id)).toEqual({
      TopicArn: INBOX_TOPIC,
      Protocol: 'sqs',
      Endpoint: '<IngestQueue.Arn>',
      RawMessageDelivery: true,
    });
    expect(resource(id).DependsOn).toContain('IngestQueuePolicy');
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
  it('keeps messages ten days', () => {
    expect(properties(`${name}Queue`)['MessageRetentionPeriod']).toBe(10 * DAY_SECONDS);
  });

  it('moves what was received five times to the dead letters', () => {
    expect(properties(`${name}Queue`)['RedrivePolicy']).toEqual({
      deadLetterTargetArn: '<DeadLetters.Arn>',
      maxReceiveCount: 5,
    });
  });
});

describe('the queue of dead letters', () => {
  it('takes those of the three queues, and of no other', () => {
    expect(properties('DeadLetters')['RedriveAllowPolicy']).toEqual({
      redrivePermission: 'byQueue',
      sourceQueueArns: QUEUES.map(
        (name) =>
          `arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${properties(`${name}Queue`)['QueueName']}`,
      ),
    });
  });

  it('takes no message that a principal sends: the handler would pass it on under its own role', () => {
    expect(policyOf('DeadLettersPolicy')).toContainEqual({
      Sid: 'OnlySqsMovesDeadLetters',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:SendMessage',
      Resource: '<DeadLetters.Arn>',
      Condition: { Bool: { 'aws:PrincipalIsAWSService': 'false' } },
    });
  });
});

describe('the ledger', () => {
  it('is paid by request, forgets by TTL and can be restored to a point in time', () => {
    expect(resource('LedgerTable')).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
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

/** What a fresh process prints that loads a packaged function: an expression, of which `handler` is the function's. */
async function printedBy(name: (typeof FUNCTIONS)[number], expression: string): Promise<string> {
  const [bundle] = zipEntries(await service.readZip(name));
  const folder = await mkdtemp(path.join(tmpdir(), 'spillway-zip-'));
  try {
    const file = path.join(folder, 'handler.mjs');
    await writeFile(file, bundle?.read() ?? '');
    const load = `const { handler } = await import('${pathToFileURL(file).href}'); console.log(${expression})`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', load]);
    return stdout.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

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
    expect(await printedBy(name, 'typeof handler')).toBe('function');
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
    expect(properties(`${capital(name)}Role`)['ManagedPolicyArns']).toEqual([]);
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

it('starts upload without modules of Node that only other programs need', async () => {
  const loaded = await printedBy('upload', `process.moduleLoadList.join('\\n')`);
  expect(loaded).toContain('NativeModule https');
  // Each takes about a millisecond of every cold start.
  expect(loaded).not.toMatch(/NativeModule (?:worker_threads|internal\/webstreams\/readablestream)$/m);
});

it('starts upload without schemas of zod, and without sets of Unicode in literals', async () => {
  const [bundle] = zipEntries(await service.readZip('upload'));
  const code = String(bundle?.read());
  expect(code).toContain('S3Client');
  // Its code and the schemas of messages took two milliseconds of every cold start.
  expect(code).not.toContain('ZodMini');
  // V8 resolves such a set when it parses the literal, a millisecond for all there were.
  expect(code.replaceAll(/String\.raw`[^`]*`/g, '')).not.toMatch(/(?<!\\)\\p\{/);
});

describe('the configuration of the functions', () => {
  it.each(FUNCTIONS)('gives %s the variables of its schema, and no others', (name) => {
    const given = Object.keys(environment(name)).filter((variable) => variable.startsWith('SPILLWAY_'));
    expect(given.sort()).toEqual(Object.keys(CONFIGURATIONS[name]).sort());
  });

  it.each(FUNCTIONS)('has no variable that %s does not use', (name) => {
    for (const variable of Object.keys(CONFIGURATIONS[name])) {
      const uses = [sourceOf(name), readFolder('runtime')]
        .join('')
        .match(new RegExp(`\\.${variable}\\b`, 'g'));
      expect(uses, variable).not.toBeNull();
    }
  });

  it('lists the stack’s own destination first, and the sources that were allowed', () => {
    expect(environment('ingest')).toMatchObject({
      SPILLWAY_DESTINATION_BUCKETS: '<DestinationBucket>,second-home',
      SPILLWAY_SOURCE_BUCKETS: 'legacy-images,archive.2019@210987654321,open-data@any',
      SPILLWAY_KMS_KEYS: KMS_KEY,
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
    // What the embedded cloud sets is no variable, and no code of a bundle sets it.
    expect(JSON.stringify(service.template)).not.toMatch(/embedded|loopback|127\.0\.0\.1/i);
    for (const name of FUNCTIONS) {
      expect(Object.keys(environment(name)).filter((variable) => /PROXY|NODE_|CA_/.test(variable))).toEqual(
        [],
      );
    }
    expect(embeddedWeb()).toBeUndefined();
    setEmbeddedWeb({ hosts: {}, ca: '' });
    expect(embeddedWeb()).toEqual({ hosts: {}, ca: '' });
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
    const allowed = ['legacy-images', 'archive.2019', 'open-data'].map(
      (bucket) => `s3:GetObject ${onObjects(bucket)}`,
    );
    expect(
      reads.filter((grant) => !grant.includes('<DestinationBucket') && !grant.includes('second-home')),
    ).toEqual(allowed);
    for (const other of FUNCTIONS.filter((name) => name !== 'upload' && name !== 'ingest')) {
      for (const grant of grants(other)) expect(grant).not.toMatch(/legacy-images|archive|open-data/);
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
    const allowed = ['legacy-images', 'archive.2019', 'open-data'].map(
      (bucket) => `s3:GetObject ${onObjects(bucket)}`,
    );
    expect(grants('ingest').filter((grant) => /legacy-images|archive|open-data/.test(grant))).toEqual(
      allowed,
    );
  });

  it('lists sources and destinations, so that S3 says what is missing', () => {
    const lists = grants('upload').filter((grant) => grant.startsWith('s3:ListBucket'));
    expect(lists).toEqual([
      's3:ListBucket <DestinationBucket.Arn>',
      ...['second-home', 'legacy-images', 'archive.2019', 'open-data'].map(
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
    expect(transferStatements.flatMap((each) => (each as Statement).Action)).not.toContain(
      's3:GetObjectVersion',
    );
  });
});

describe('the names of the resources', () => {
  /** Most characters of a name, by type: the reference of each service's Create call. */
  const MOST: Record<string, number> = {
    BucketName: 63,
    FunctionName: 64,
    QueueName: 80,
    TableName: 255,
    TopicName: 256,
    AlarmName: 255,
    DashboardName: 255,
    LogGroupName: 512,
    RoleName: 64,
  };

  it('fit what each service takes, with the longest stage in the longest region', () => {
    let count = 0;
    for (const [id, { Properties }] of Object.entries(service.template.Resources)) {
      for (const [property, name] of Object.entries(plain(Properties ?? {}) as object)) {
        // A function's name in a resource that only refers to it is an ARN or a reference.
        const most = MOST[property];
        if (most === undefined || String(name).startsWith('<')) continue;
        const longest = String(name)
          .replaceAll('spillway-dev', `spillway-${'s'.repeat(14)}`)
          .replaceAll('<AWS::AccountId>', '123456789012')
          .replaceAll('<AWS::Region>', 'ap-southeast-1');
        expect(longest.length, `${id}: ${longest}`).toBeLessThanOrEqual(most);
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(15);
  });
});

describe('the owner of a bucket', () => {
  const OWN = { StringEquals: { 'aws:ResourceAccount': '<AWS::AccountId>' } };
  const onBuckets = (name: string) =>
    roleStatements(name).filter(({ Action }) => listed(Action).some((action) => action.startsWith('s3:')));

  it('is the stack’s own account, wherever no other is named', () => {
    for (const name of FUNCTIONS) {
      for (const { Resource: on, Condition } of onBuckets(name)) {
        if (/archive|open-data/.test(JSON.stringify(on))) continue;
        expect(Condition, `${name}: ${JSON.stringify(on)}`).toMatchObject(OWN);
      }
    }
  });

  it('is the account that the parameter names, in statements of its own', () => {
    for (const name of ['ingest', 'upload']) {
      const others = onBuckets(name).filter(({ Resource: on }) => JSON.stringify(on).includes('archive'));
      expect(others.length).toBeGreaterThan(0);
      for (const { Resource: on, Condition } of others) {
        expect(JSON.stringify(on)).not.toMatch(/legacy|open-data|<\w+Bucket/);
        expect(Condition).toEqual({ StringEquals: { 'aws:ResourceAccount': '210987654321' } });
      }
    }
  });

  it('may be any where the parameter says so', () => {
    const open = onBuckets('upload').filter(({ Resource: on }) => JSON.stringify(on).includes('open-data'));
    expect(open.length).toBeGreaterThan(0);
    for (const { Resource: on, Condition } of open) {
      expect(JSON.stringify(on)).not.toMatch(/legacy|archive|<\w+Bucket/);
      expect(Condition).toBeUndefined();
    }
  });

  it('is known to every function that calls S3', () => {
    for (const name of FUNCTIONS) {
      const expected = onBuckets(name).length > 0 ? '<AWS::AccountId>' : undefined;
      expect(environment(name)['SPILLWAY_ACCOUNT_ID'], name).toBe(expected);
    }
  });
});

describe('the keys of KMS', () => {
  it.each([
    ['upload', ['kms:GenerateDataKey', 'kms:Decrypt']],
    ['ingest', ['kms:Decrypt']],
    ['settle', ['kms:Decrypt']],
    ['deadLetters', ['kms:Decrypt']],
    ['sweep', []],
    ['api', ['kms:Decrypt']],
  ])('are for %s to use by S3 alone: %s', (name, actions) => {
    const uses = roleStatements(name).filter(({ Action }) => /kms/.test(String(Action)));
    expect(uses).toEqual(
      actions.length === 0
        ? []
        : [
            {
              Effect: 'Allow',
              Action: actions,
              Resource: [KMS_KEY],
              Condition: { StringEquals: { 'kms:ViaService': ['s3.us-east-1.amazonaws.com'] } },
            },
          ],
    );
  });
});

describe('what IAM and Lambda count', () => {
  /** As long as S3 lets the stack's names be. */
  const stacks = ['us-east-1', 'ap-southeast-1', 'us-gov-east-1', 'cn-northwest-1'].map((region) => {
    const stack = { service: 'spillway', stage: '', region, deploymentBucket: undefined };
    return { ...stack, stage: 's'.repeat(Math.min(14, 63 - ownBucketName('destination', stack).length)) };
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

  const charactersOf = (role: string, stack: (typeof stacks)[number]): number =>
    (properties(role)['Policies'] as { PolicyDocument: unknown }[]).reduce(
      (sum, { PolicyDocument }) => sum + deployed(PolicyDocument, stack).length,
      0,
    );

  const lists = {
    sourceBuckets: ['legacy-images', 'archive.2019@210987654321', 'open-data@any'],
    destinationBuckets: ['second-home'],
    sourceHosts: ['files.example.com', '*.example.org'],
    kmsKeys: [KMS_KEY],
    inboxBuckets: INBOX_BUCKETS,
    manifestBuckets: [],
  };

  it.each(stacks)('is estimated high, by at most 300 characters of policies, in $region', (stack) => {
    for (const [role, estimate] of Object.entries(policyCharacters(lists, stack))) {
      const characters = charactersOf(role, stack);
      expect(characters, role).toBeLessThanOrEqual(estimate);
      expect(characters, role).toBeGreaterThan(estimate - 300);
    }
  });

  it.each(stacks)('is smaller in each other role than in one that is estimated, in $region', (stack) => {
    const { DeadLettersRole } = policyCharacters(lists, stack);
    for (const role of ['SettleRole', 'SweepRole', 'ApiRole'])
      expect(charactersOf(role, stack), role).toBeLessThan(DeadLettersRole);
  });

  it.each(stacks)('is estimated high, by at most 300 bytes of environment, in $region', (stack) => {
    const estimate = environmentBytes(lists, stack);
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

describe('the policy of a deployment in docs/operations.md', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, text = '{}'] = /```json\n(\{[^`]*cloudformation:\*[^`]*)```/.exec(page) ?? [];
  const list = (value: string | string[]) => (typeof value === 'string' ? [value] : value);
  const { Statement } = JSON.parse(text) as {
    Statement: { Action: string | string[]; Resource: string | string[]; Condition?: object }[];
  };
  const role = {
    ...{ name: 'deployment', arn: 'arn:aws:iam::ACCOUNT:role/deployment' },
    statements: Statement.map(({ Action, Resource: on, Condition = {} }) => ({
      actions: list(Action),
      resources: list(on),
      conditions: Object.fromEntries(
        Object.entries(Condition).map(([operator, keys]) => [
          operator,
          Object.fromEntries(Object.entries(keys as object).map(([key, value]) => [key, list(value)])),
        ]),
      ),
    })),
  };
  const context = {
    'iam:PassedToService': ['lambda.amazonaws.com'],
    'iam:AWSServiceName': ['ops.apigateway.amazonaws.com'],
    'iam:PolicyARN': ['arn:aws:iam::ACCOUNT:policy/spillway-prod-TracePolicy-XXXX'],
  };

  it.each(Object.entries(DEPLOYMENT_RIGHTS))('allows what %s needs', (_type, { on, actions }) => {
    const denied = actions.filter(
      (action) => allowingStatement(role, { action, resource: on, context }) === undefined,
    );
    expect(denied).toEqual([]);
  });

  it('is held against every type of resource in the template', () => {
    const types = Object.values(service.template.Resources).map(({ Type }) => Type);
    expect(Object.keys(DEPLOYMENT_RIGHTS)).toEqual(expect.arrayContaining([...new Set(types)]));
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
      widgets: { properties: { metrics?: unknown[][] } }[];
    };
    // A line that is an expression names no metric.
    return widgets.flatMap(({ properties: { metrics = [] } }) =>
      metrics.filter(([namespace]) => typeof namespace === 'string'),
    );
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
      const [result, age, ...progress] = Metrics;
      expect(result?.Expression).toBe('IF(age > 21600 AND SUM(METRICS()) == age, 1, 0)');
      expect(age?.MetricStat?.Metric.MetricName).toBe('ApproximateAgeOfOldestMessage');
      for (const { MetricStat } of progress)
        expect(MetricStat?.Metric.Dimensions[0]?.Value).toBe(`spillway-dev-${queue.toLowerCase()}`);
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
      if (Metrics.length === 0) continue;
      const ids = series.map(({ Id }) => Id);
      const all = Expression.includes('METRICS()') ? ids : [];
      const used = Expression.replace(/\b(IF|FILL|AND|SUM|METRICS)\b/g, '').match(/[a-z]\w*/gi) ?? [];
      expect(new Set([...used, ...all]), id).toEqual(new Set(ids));
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
    expect(JSON.stringify(shown())).toContain('spillway-dev-dead-letters');
  });

  it('saves log queries that read the log groups of the stack, under its name', () => {
    const queries = ofType('AWS::Logs::QueryDefinition');
    expect(queries.map(([id]) => id)).toEqual(Object.keys(LOG_QUERIES));
    const groups = ofType('AWS::Logs::LogGroup').map(([id]) => `<${id}>`);
    for (const [id] of queries) {
      const { Name, LogGroupNames, QueryString } = properties(id);
      expect(Name, id).toMatch(/^spillway-dev\/[\w ]+$/);
      expect(String(QueryString).length, id).toBeLessThan(10_000);
      expect(LogGroupNames, id).not.toEqual([]);
      for (const group of LogGroupNames as string[]) expect(groups, id).toContain(group);
    }
  });

  it('traces nothing unless it is asked to', () => {
    expect(JSON.stringify(service.template)).not.toMatch(/xray|TracingConfig/i);
  });

  it('names no metric, function or queue that does not exist', () => {
    const queues = ofType('AWS::SQS::Queue').map(([id]) => properties(id)['QueueName']);
    const functions = FUNCTIONS.map((name) => lambda(name)['FunctionName']);
    const known: Record<string, [dimension: string, values: unknown[]]> = {
      'AWS/SQS': ['QueueName', queues],
      'AWS/Lambda': ['FunctionName', functions],
      'AWS/ApiGateway': ['ApiId', ['<HttpApi>']],
      'AWS/Logs': ['LogGroupName', functions.map((name) => `/aws/lambda/${name}`)],
      'AWS/DynamoDB': [
        'TableName',
        ['LedgerTable', 'OutcomesTable'].map((id) => properties(id)['TableName']),
      ],
    };
    for (const [namespace, name, dimension, value] of shown()) {
      if (namespace === 'Spillway') {
        expect(dimension).toBe('service');
        expect(EMITTED).toContain(`${value} ${name}`);
      } else {
        const [dimensionName, values] = known[String(namespace)] ?? [];
        expect(dimension).toBe(dimensionName);
        expect(values).toContain(value);
      }
    }
    for (const { Namespace, MetricName, Dimensions } of alarms().flatMap(([, alarm]) => metricsOf(alarm))) {
      const { Name, Value } = Dimensions[0] ?? {};
      if (Namespace === 'Spillway') expect(EMITTED).toContain(`${Value} ${MetricName}`);
      else expect(known[Namespace]?.[0]).toBe(Name);
      if (Namespace !== 'Spillway') expect(known[Namespace]?.[1]).toContain(Value);
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
        tracing: 'yes',
        alarmTopicArn: 'ops',
      }),
    ).rejects.toThrow(
      /sourceBuckets holds "s3:\/\/photos".*destinationBuckets holds "spillway-prod-inbox.*maximumConcurrency is "many".*logRetentionDays is "31".*alarmTopicArn is "ops".*tracing is "yes"; it takes true or false/s,
    );
  });
});
