// What the doctor says of planted facts: each fault is named with its remedy, and what is right raises nothing.
import { readFileSync } from 'node:fs';
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { look } from '../../cli/aws/look.ts';
import { judgeAlarms, judgeSubscriptions, topicsOf } from '../../cli/doctor/checks/alarms.ts';
import {
  bucketChecks,
  judgeEncryption,
  judgeNotification,
  judgePublicAccess,
  judgeVersioning,
} from '../../cli/doctor/checks/buckets.ts';
import {
  judgeAccount,
  judgeFunction,
  judgeRecursion,
  judgeReserved,
  judgeRule,
} from '../../cli/doctor/checks/functions.ts';
import { judgeInboxBucket, judgeInboxTopic } from '../../cli/doctor/checks/inboxes.ts';
import {
  judgeBackups,
  judgeKey,
  judgeTable,
  judgeTimeToLive,
  keysIn,
} from '../../cli/doctor/checks/ledger.ts';
import { judgeMapping } from '../../cli/doctor/checks/mappings.ts';
import { judgeAttributes, judgeInFlight, judgeWaiting } from '../../cli/doctor/checks/queues.ts';
import { judgeStack } from '../../cli/doctor/checks/stack.ts';
import type { Clients } from '../../cli/doctor/clients.ts';
import { CHECKS, examineStage, neededActions } from '../../cli/doctor/examination.ts';
import { inRegion, type Problem } from '../../cli/doctor/finding.ts';
import { referredTo, type Stack, type StackResource } from '../../cli/doctor/stack.ts';
import { inboxResources } from '../../infrastructure/inboxes.js';
import { resource } from '../helpers/stack-resource.ts';

const NOW_MS = Date.UTC(2026, 10, 27);
const STACK = { service: 'spillway', stage: 'prod', region: 'eu-west-1' };

/** `level message` of each. */
const said = (problems: readonly Problem[]) => problems.map(({ level, message }) => `${level} ${message}`);
const everyHasRemedy = (problems: readonly Problem[]) => {
  for (const { remedy, about } of problems) expect([remedy, about]).not.toContain('');
};

const queue = (id: string, properties: object = {}) =>
  resource(id, 'AWS::SQS::Queue', properties, `https://sqs.eu-west-1.amazonaws.com/1/spillway-prod-${id}`);
const dead = queue('dead');
const upload = queue('upload', {
  VisibilityTimeout: 1080,
  SqsManagedSseEnabled: true,
  RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['dead', 'Arn'] }, maxReceiveCount: 5 },
});
const redrive = (target: string, count: number) =>
  JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:eu-west-1:1:${target}`, maxReceiveCount: count });
const rightQueue = {
  VisibilityTimeout: '1080',
  SqsManagedSseEnabled: 'true',
  RedrivePolicy: redrive('spillway-prod-dead', 5),
};
const INGEST = { queue: 'spillway-prod-ingest', topics: ['arn:aws:sns:eu-west-1:1:new-exports'] };
const inboxTopic = resource('InboxTopic1', 'AWS::SNS::Subscription', {
  TopicArn: 'arn:aws:sns:eu-west-1:1:new-exports',
});
const inbox = resource('Inbox', 'AWS::S3::Bucket', {
  VersioningConfiguration: { Status: 'Enabled' },
  NotificationConfiguration: {
    QueueConfigurations: [{ Event: 's3:ObjectCreated:*', Queue: { 'Fn::GetAtt': ['upload', 'Arn'] } }],
  },
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
  },
  PublicAccessBlockConfiguration: {},
});
const encrypted = (SSEAlgorithm: 'AES256' | 'aws:kms') => [
  { ApplyServerSideEncryptionByDefault: { SSEAlgorithm } },
];
const mapping = resource('UploadMapping', 'AWS::Lambda::EventSourceMapping', {
  FunctionResponseTypes: ['ReportBatchItemFailures'],
  ScalingConfig: { MaximumConcurrency: 10 },
  BatchSize: 100,
});
const rightMapping = {
  State: 'Enabled',
  BatchSize: 100,
  FunctionResponseTypes: ['ReportBatchItemFailures' as const],
  ScalingConfig: { MaximumConcurrency: 10 },
};
const leastMapping = resource('Mapping', 'AWS::Lambda::EventSourceMapping', {
  ScalingConfig: { MaximumConcurrency: 2 },
});
const schedule = resource('Sweep', 'AWS::Events::Rule', { ScheduleExpression: 'rate(1 minute)' });
const inboxRule = resource('InboxRule', 'AWS::Events::Rule', { EventPattern: {} });
const lambda = resource('Upload', 'AWS::Lambda::Function', { Runtime: 'nodejs24.x' });
const table = resource('Ledger', 'AWS::DynamoDB::Table', {
  GlobalSecondaryIndexes: [{ IndexName: 'jobs' }, { IndexName: 'live' }],
});
const indexes = [
  { IndexName: 'jobs', IndexStatus: 'ACTIVE' as const },
  { IndexName: 'live', IndexStatus: 'ACTIVE' as const },
];
const alarm = resource('SweepMissingAlarm', 'AWS::CloudWatch::Alarm', {}, 'spillway-prod-Sweep');
const TOPIC = 'arn:aws:sns:eu-west-1:1:spillway-prod-alarms';
const ALL_BLOCKED = {
  ...{ BlockPublicAcls: true, BlockPublicPolicy: true },
  ...{ IgnorePublicAcls: true, RestrictPublicBuckets: true },
};

describe('what is as the template says', () => {
  it.each<[string, Problem[]]>([
    ['stack', judgeStack({ status: 'UPDATE_COMPLETE', reason: undefined }, 's')],
    ['versioning', judgeVersioning(inbox, 'Enabled', NOW_MS)],
    [
      'notification',
      judgeNotification(
        inbox,
        {
          QueueConfigurations: [
            { QueueArn: 'arn:aws:sqs:eu-west-1:1:spillway-prod-upload', Events: ['s3:ObjectCreated:*'] },
          ],
        },
        { resources: [upload] },
      ),
    ],
    ['encryption', judgeEncryption(inbox, encrypted('AES256'))],
    ['public access', judgePublicAccess(inbox, ALL_BLOCKED)],
    ['queue', judgeAttributes(upload, rightQueue, [upload, dead])],
    ['dead letters', judgeWaiting(dead, { ApproximateNumberOfMessages: '0' })],
    ['in flight', judgeInFlight(upload, { ApproximateNumberOfMessagesNotVisible: '109999' })],
    ['mapping', judgeMapping(mapping, rightMapping)],
    [
      'function',
      judgeFunction(lambda, { State: 'Active', LastUpdateStatus: 'Successful', Runtime: 'nodejs24.x' }),
    ],
    ['idle function', judgeFunction(lambda, { State: 'Inactive', Runtime: 'nodejs24.x' })],
    ['reserved concurrency', judgeReserved(lambda, undefined)],
    ['recursion', judgeRecursion(lambda, 'Allow')],
    [
      'account',
      judgeAccount({ AccountLimit: { UnreservedConcurrentExecutions: 52 } }, { resources: [mapping] }),
    ],
    [
      'a new account, with the least of every function',
      judgeAccount(
        { AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 } },
        { resources: Array.from({ length: 4 }, () => leastMapping) },
      ),
    ],
    ['rule', judgeRule(schedule, 'ENABLED')],
    ['table', judgeTable(table, { TableStatus: 'ACTIVE', GlobalSecondaryIndexes: indexes })],
    ['expiry', judgeTimeToLive(table, 'ENABLED')],
    ['backups', judgeBackups(table, 'ENABLED')],
    ['key', judgeKey('arn', 'Enabled')],
    [
      'alarm',
      judgeAlarms([alarm], [{ AlarmName: 'spillway-prod-Sweep', StateValue: 'OK', ActionsEnabled: true }]),
    ],
    [
      'subscription',
      judgeSubscriptions(TOPIC, [{ SubscriptionArn: `${TOPIC}:1`, Endpoint: 'ops@example.com' }]),
    ],
    ['topic of an inbox', judgeInboxTopic(inboxTopic, { PendingConfirmation: 'false' })],
    ['inbox on EventBridge', judgeInboxBucket('exports', { EventBridgeConfiguration: {} }, INGEST)],
    [
      'inbox with the queue',
      judgeInboxBucket(
        'exports',
        {
          QueueConfigurations: [
            { QueueArn: 'arn:aws:sqs:eu-west-1:1:spillway-prod-ingest', Events: ['s3:ObjectCreated:Put'] },
          ],
        },
        INGEST,
      ),
    ],
    [
      'inbox with its topic',
      judgeInboxBucket(
        'exports',
        { TopicConfigurations: [{ TopicArn: INGEST.topics[0], Events: ['s3:ObjectCreated:*'] }] },
        INGEST,
      ),
    ],
  ])('raises nothing: %s', (_what, problems) => {
    expect(problems).toEqual([]);
  });
});

describe('the remedy for a stack', () => {
  const remedyFor = (status: string) => judgeStack({ status, reason: undefined }, 's')[0]?.remedy ?? '';

  it.each([
    ['UPDATE_ROLLBACK_FAILED', 'continue-update-rollback'],
    ['UPDATE_FAILED', 'rollback-stack'],
  ])('that has run before goes back: %s', (status, command) => {
    expect(remedyFor(status)).toContain(`aws cloudformation ${command} --stack-name s\``);
  });

  // What a deleted stack keeps blocks the next deployment under its name.
  it.each([
    ...['UPDATE_ROLLBACK_COMPLETE', 'UPDATE_ROLLBACK_FAILED', 'UPDATE_FAILED'],
    ...['IMPORT_ROLLBACK_COMPLETE', 'IMPORT_ROLLBACK_FAILED', 'UPDATE_IN_PROGRESS'],
  ])('that has run before is never to delete it: %s', (status) => {
    expect(remedyFor(status)).not.toBe('');
    expect(remedyFor(status)).not.toContain('delete-stack');
  });

  it.each(['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED', 'CREATE_FAILED', 'DELETE_FAILED'])(
    'that never ran, or is to go, is to delete it: %s',
    (status) => {
      expect(remedyFor(status)).toContain('aws cloudformation delete-stack --stack-name s`');
    },
  );
});

describe('what is wrong', () => {
  it.each<[string, Problem[], RegExp[]]>([
    [
      'a rolled back deployment',
      judgeStack({ status: 'UPDATE_ROLLBACK_COMPLETE', reason: 'no role' }, 's'),
      [/^warn the last deployment failed.*\(no role\)/],
    ],
    [
      'a failed first deployment',
      judgeStack({ status: 'ROLLBACK_COMPLETE', reason: undefined }, 's'),
      [/^fail the stack is in ROLLBACK_COMPLETE/],
    ],
    [
      'an import that was rolled back',
      judgeStack({ status: 'IMPORT_ROLLBACK_COMPLETE', reason: undefined }, 's'),
      [/^warn the last deployment failed, and the stack is as it was/],
    ],
    [
      'a rollback that failed',
      judgeStack({ status: 'UPDATE_ROLLBACK_FAILED', reason: undefined }, 's'),
      [/^fail/],
    ],
    [
      'a deployment under way',
      judgeStack({ status: 'UPDATE_IN_PROGRESS', reason: undefined }, 's'),
      [/^warn a deployment is under way/],
    ],
    ['versioning off', judgeVersioning(inbox, undefined, NOW_MS), [/^fail versioning is off/]],
    ['versioning suspended', judgeVersioning(inbox, 'Suspended', NOW_MS), [/^fail versioning is suspended/]],
    [
      'versioning just set',
      judgeVersioning({ ...inbox, changedAtMs: NOW_MS - 60_000 }, 'Enabled', NOW_MS),
      [/^warn the bucket is new/],
    ],
    [
      'no notification',
      judgeNotification(inbox, {}, { resources: [upload] }),
      [/^fail S3 does not notify spillway-prod-upload/],
    ],
    [
      'a notification of other events',
      judgeNotification(
        inbox,
        { QueueConfigurations: [{ QueueArn: 'x:spillway-prod-upload', Events: ['s3:ObjectRemoved:*'] }] },
        { resources: [upload] },
      ),
      [/^fail/],
    ],
    [
      'another encryption',
      judgeEncryption(inbox, encrypted('aws:kms')),
      [/^warn the default encryption is aws:kms, and AES256 in the template\. A KMS key/],
    ],
    [
      'public access',
      judgePublicAccess(inbox, { ...ALL_BLOCKED, BlockPublicPolicy: false }),
      [/^fail public access is not blocked: BlockPublicPolicy is off/],
    ],
    [
      'a visibility timeout',
      judgeAttributes(upload, { ...rightQueue, VisibilityTimeout: '30' }, [upload, dead]),
      [/^fail VisibilityTimeout is 30, and 1080 in the template/],
    ],
    [
      'no redrive',
      judgeAttributes(upload, { ...rightQueue, RedrivePolicy: undefined }, [upload, dead]),
      [/^fail dead letters do not go to spillway-prod-dead/],
    ],
    [
      'a redrive policy that is no JSON',
      judgeAttributes(upload, { ...rightQueue, RedrivePolicy: '{' }, [upload, dead]),
      [/^fail dead letters do not go/],
    ],
    [
      'other receives',
      judgeAttributes(upload, { ...rightQueue, RedrivePolicy: redrive('spillway-prod-dead', 1) }, [
        upload,
        dead,
      ]),
      [/^fail a message becomes a dead letter after 1 receives, and after 5/],
    ],
    [
      'a dead letter',
      judgeWaiting(dead, { ApproximateNumberOfMessages: '1' }),
      [/^warn 1 dead letter waits in spillway-prod-dead/],
    ],
    [
      'a full queue',
      judgeInFlight(upload, { ApproximateNumberOfMessagesNotVisible: '110000' }),
      [/^fail 110000 messages of spillway-prod-upload are in flight/],
    ],
    [
      'a disabled mapping',
      judgeMapping(mapping, { ...rightMapping, State: 'Disabled' }),
      [/^fail is disabled/],
    ],
    [
      'a mapping in creation',
      judgeMapping(mapping, { ...rightMapping, State: 'Creating' }),
      [/^warn is in state Creating/],
    ],
    [
      'no partial failures',
      judgeMapping(mapping, { ...rightMapping, FunctionResponseTypes: [] }),
      [/^fail does not take ReportBatchItemFailures/],
    ],
    [
      'another bound',
      judgeMapping(mapping, { ...rightMapping, ScalingConfig: { MaximumConcurrency: 20 } }),
      [/^warn MaximumConcurrency is 20, and 10 in the template/],
    ],
    [
      'a bound that fills the quota',
      judgeMapping(mapping, { ...rightMapping, ScalingConfig: { MaximumConcurrency: 1000 } }),
      [/^warn/, /^fail maximumConcurrency 1000 x/],
    ],
    [
      'a failed update',
      judgeFunction(lambda, {
        LastUpdateStatus: 'Failed',
        LastUpdateStatusReason: 'no code',
        Runtime: 'nodejs24.x',
      }),
      [/^fail its last change failed: no code/],
    ],
    [
      'another runtime',
      judgeFunction(lambda, { State: 'Active', Runtime: 'nodejs20.x' }),
      [/^warn runs on nodejs20.x, and on nodejs24.x/],
    ],
    ['a stopped function', judgeReserved(lambda, 0), [/^fail is stopped/]],
    ['a reserved concurrency', judgeReserved(lambda, 5), [/^warn has a reserved concurrency of 5/]],
    ['loop detection', judgeRecursion(lambda, 'Terminate'), [/^fail Lambda takes its reposts for a loop/]],
    [
      'an account that is too small',
      judgeAccount(
        { AccountLimit: { ConcurrentExecutions: 3, UnreservedConcurrentExecutions: 3 } },
        { resources: [mapping] },
      ),
      [/^fail 3 functions may run at once/],
    ],
    [
      'a small account',
      judgeAccount(
        { AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 } },
        { resources: [mapping] },
      ),
      [/^warn 10 functions may run.*may ask for 12/],
    ],
    ['a disabled schedule', judgeRule(schedule, 'DISABLED'), [/^fail is disabled, so sweep does not run/]],
    [
      'a disabled rule of further inboxes',
      judgeRule(inboxRule, 'DISABLED'),
      [/^fail is disabled, so EventBridge announces no new manifests/],
    ],
    [
      'a table in creation',
      judgeTable(table, { TableStatus: 'CREATING' }),
      [/^fail the table is in state CREATING/],
    ],
    [
      'a missing index',
      judgeTable(table, { TableStatus: 'ACTIVE', GlobalSecondaryIndexes: [indexes[0]!] }),
      [/^fail its index live is missing: sweep finds no jobs/],
    ],
    ['no expiry', judgeTimeToLive(table, 'DISABLED'), [/^warn rows of ended jobs do not expire/]],
    ['no backups', judgeBackups(table, 'DISABLED'), [/^warn has no point-in-time recovery/]],
    [
      'a key to be deleted',
      judgeKey('arn', 'PendingDeletion'),
      [/^fail the key is in state PendingDeletion/],
    ],
    [
      'an alarm',
      judgeAlarms(
        [alarm],
        [{ AlarmName: 'spillway-prod-Sweep', StateValue: 'ALARM', AlarmDescription: 'Sweep has not run' }],
      ),
      [/^warn is raised: Sweep has not run/],
    ],
    [
      'a silent alarm',
      judgeAlarms([alarm], [{ AlarmName: 'spillway-prod-Sweep', StateValue: 'OK', ActionsEnabled: false }]),
      [/^warn notifies nobody/],
    ],
    ['a lost alarm', judgeAlarms([alarm], []), [/^warn the alarm is gone/]],
    ['no subscriber', judgeSubscriptions(TOPIC, []), [/^warn nobody has subscribed/]],
    [
      'a pending subscriber',
      judgeSubscriptions(TOPIC, [{ SubscriptionArn: 'PendingConfirmation', Endpoint: 'ops@example.com' }]),
      [/^warn ops@example.com has not confirmed/],
    ],
    [
      'an inbox that is gone',
      judgeInboxBucket('exports', undefined, INGEST),
      [/^fail there is no such bucket/],
    ],
    [
      'an inbox that announces to others alone',
      judgeInboxBucket(
        'exports',
        {
          QueueConfigurations: [
            { QueueArn: 'arn:aws:sqs:eu-west-1:1:spillway-prod-ingest', Events: ['s3:ObjectRemoved:*'] },
            { QueueArn: 'arn:aws:sqs:eu-west-1:1:other', Events: ['s3:ObjectCreated:*'] },
          ],
          TopicConfigurations: [
            { TopicArn: 'arn:aws:sns:eu-west-1:1:other', Events: ['s3:ObjectCreated:*'] },
          ],
        },
        INGEST,
      ),
      [/^fail announces its new objects on no route/],
    ],
    [
      'a topic of an inbox without its subscription',
      judgeInboxTopic(inboxTopic, undefined),
      [/^fail the ingest queue is not subscribed to arn:.*: what it announces starts no job/],
    ],
    [
      'a pending subscription to one',
      judgeInboxTopic(inboxTopic, { PendingConfirmation: 'true' }),
      [/^fail arn:.* has not confirmed the subscription/],
    ],
  ])('is named: %s', (_what, problems, expected) => {
    expect(said(problems)).toEqual(expected.map((each) => expect.stringMatching(each)));
    everyHasRemedy(problems);
  });
});

describe('a look', () => {
  const refusal = (name: string, httpStatusCode: number) => async () => {
    throw Object.assign(new Error('said so'), { name, $metadata: { httpStatusCode } });
  };
  it.each([
    ['AccessDeniedException', 400, { kind: 'unseen', denied: true }],
    ['AccessDenied', 403, { kind: 'unseen', denied: true }],
    ['AuthorizationErrorException', 403, { kind: 'unseen', denied: true }],
    ['403', 403, { kind: 'unseen', denied: true }],
    ['ExpiredTokenException', 403, { kind: 'unseen', denied: false }],
    ['InvalidClientTokenId', 403, { kind: 'unseen', denied: false }],
    ['ThrottlingException', 400, { kind: 'unseen', denied: false }],
    ['NoSuchBucket', 404, { kind: 'absent' }],
    ['NoSuchPublicAccessBlockConfiguration', 404, { kind: 'absent' }],
    ['ResourceNotFoundException', 400, { kind: 'absent' }],
    ['QueueDoesNotExist', 400, { kind: 'absent' }],
    ['NotFound', 404, { kind: 'absent' }],
    ['UnknownError', 404, { kind: 'unseen', denied: false }],
  ])('takes %s with %i for what it is', async (name, status, expected) => {
    expect(await look('s3:GetX', refusal(name, status))).toMatchObject(expected);
  });
});

describe('the round', () => {
  const stack: Stack = { status: 'CREATE_COMPLETE', reason: undefined, resources: [inbox], template: '' };
  /** Clients that refuse everything, so that each check has to say what it lacks. */
  const denying = Object.fromEntries(
    [
      'cloudformation',
      'cloudwatch',
      'dynamodb',
      'eventbridge',
      'kms',
      'lambda',
      's3',
      'sns',
      'sqs',
      'sts',
    ].map((name) => [
      name,
      {
        send: async () => {
          throw Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
        },
      },
    ]),
  ) as unknown as Clients;
  const place = { prefix: 'spillway-prod', stage: 'prod', region: 'eu-west-1' };
  const clock = { now: () => NOW_MS, sleep: async () => undefined };

  it('says what it may not see, and which action is missing', async () => {
    const world = { ...place, account: '1', stack, clients: denying, nowMs: NOW_MS };
    for (const check of bucketChecks) {
      expect(await check.run(world), check.id).toEqual([
        {
          level: 'unchecked',
          about: 'Inbox',
          message: `not checked: your credentials do not allow ${check.needs[0]}`,
          remedy: expect.stringContaining(`allow ${check.needs[0]}`),
        },
      ]);
    }
  });

  it('reports a bucket that is gone as a failure', async () => {
    const s3 = {
      send: async () => {
        throw Object.assign(new Error('no'), { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } });
      },
    } as unknown as S3Client;
    const world = { ...place, account: '1', stack, clients: { ...denying, s3 }, nowMs: NOW_MS };
    expect(said((await bucketChecks[0]?.run(world)) ?? [])).toEqual([expect.stringMatching(/^fail is gone/)]);
  });

  it('looks at the further inboxes that the template names', async () => {
    const lists = { inboxBuckets: ['exports', 'gone'], inboxTopics: [] };
    const { Resources } = inboxResources(lists, { ...STACK, deploymentBucket: undefined });
    const rule = (Resources as Record<string, { Properties: object }>)['InboxRule']?.Properties;
    const s3 = {
      send: async ({ input: { Bucket } }: { input: { Bucket: string } }) => {
        if (Bucket === 'exports') return {};
        throw Object.assign(new Error('no'), { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } });
      },
    } as unknown as S3Client;
    const resources = [resource('InboxRule', 'AWS::Events::Rule', rule)];
    const world = {
      ...{ ...place, account: '1', nowMs: NOW_MS },
      ...{ stack: { ...stack, resources }, clients: { ...denying, s3 } },
    };
    const problems = await CHECKS.find(({ id }) => id === 'inbox-buckets')?.run(world);
    expect(problems?.map(({ about, message }) => `${about}: ${message}`)).toEqual([
      'exports: announces its new objects on no route: manifests in it start no job',
      'gone: there is no such bucket',
    ]);
  });

  it('ends with the credentials where AWS does not take them', async () => {
    const { findings } = await examineStage({ clients: denying, clock }, place);
    expect(findings).toEqual([
      expect.objectContaining({
        check: 'identity',
        level: 'fail',
        remedy: expect.stringContaining('AWS_PROFILE'),
      }),
    ]);
  });

  it('goes on to no check where it may not see the stack', async () => {
    const sts = { send: async () => ({ Account: '1', Arn: 'arn:aws:iam::1:user/me' }) };
    const { findings } = await examineStage(
      { clients: { ...denying, sts } as unknown as Clients, clock },
      place,
    );
    expect(findings.map(({ check, level }) => `${check} ${level}`)).toEqual([
      'identity ok',
      'stack unchecked',
    ]);
    expect(findings[1]?.message).toContain('cloudformation:DescribeStacks');
  });

  it('has checks of different names, each of which says what it needs', () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
    for (const action of neededActions()) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
  });
});

it.each([
  ['aws events enable-rule --name x', 'aws events enable-rule --region eu-west-1 --name x'],
  [
    '`aws s3api put-bucket-policy`: or aws sns subscribe -x',
    '`aws s3api put-bucket-policy --region eu-west-1`: or aws sns subscribe --region eu-west-1 -x',
  ],
  ['aws s3 rb --region eu-west-1 s3://b', 'aws s3 rb --region eu-west-1 s3://b'],
  [
    'aws dynamodb delete-table --region eu-west-1 --table-name t',
    'aws dynamodb delete-table --region eu-west-1 --table-name t',
  ],
  ['deploy again', 'deploy again'],
])('a remedy names the region of the stage: %s', (remedy, expected) => {
  expect(inRegion(remedy, 'eu-west-1')).toBe(expected);
});

it('keys and topics come from the template', () => {
  const key = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  expect(keysIn(JSON.stringify({ a: key, b: [`${key}`], c: 'arn:aws:kms:*:*:key/*' }))).toEqual([key]);
  const own = resource('AlarmTopic', 'AWS::SNS::Topic', {}, TOPIC);
  const given = 'arn:aws:sns:eu-west-1:1:ops';
  const notifying = (AlarmActions: unknown[]) => resource('A', 'AWS::CloudWatch::Alarm', { AlarmActions });
  const of = (...resources: StackResource[]) =>
    topicsOf({ status: '', reason: undefined, template: '', resources });
  expect(of(own, notifying([{ Ref: 'AlarmTopic' }]))).toEqual([TOPIC]);
  expect(of(own, notifying([given]), notifying([given]))).toEqual([given]);
  expect([referredTo({ Ref: 'A' }), referredTo({ 'Fn::GetAtt': 'A.Arn' }), referredTo('A')]).toEqual([
    'A',
    'A',
    undefined,
  ]);
});

it('docs/operations.md lists the actions that it needs', () => {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const listed = /```text\n([\s\S]*?)```/.exec(page)?.[1]?.trim().split('\n');
  expect(listed).toEqual(neededActions());
});
