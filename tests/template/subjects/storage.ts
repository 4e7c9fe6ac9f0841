// What is kept: buckets, queues and the ledger, and who may write to them.
import { describe, expect, it } from 'vitest';
import { manifestStatements } from '../../../infrastructure/upload-permissions.js';
import {
  capital,
  environment,
  FUNCTIONS,
  grants,
  INBOX_BUCKETS,
  INBOX_TOPIC,
  ofType,
  properties,
  resource,
  type Statement,
} from '../stack.ts';

const QUEUES = ['Ingest', 'Upload', 'Settle'] as const;

const BUCKETS = ['InboxBucket', 'DestinationBucket', 'ReportBucket'] as const;

const DAY_SECONDS = 86_400;

function policyOf(id: string): Statement[] {
  return (properties(id)['PolicyDocument'] as { Statement: Statement[] }).Statement;
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

  it('is listed by the same rights as the buckets of manifestBuckets', () => {
    const lists = {
      sourceBuckets: [],
      destinationBuckets: [],
      sourceHosts: [],
      kmsKeys: [],
      inboxBuckets: [],
    };
    const listing = (manifestStatements({ ...lists, manifestBuckets: ['company-lists'] }) as Statement[])
      .filter(({ Resource }) => !JSON.stringify(Resource).includes('/*'))
      .flatMap(({ Action }) => Action);
    const granted = grants('ingest').filter((grant) => grant.endsWith(`:s3:::${INBOX_BUCKETS[0]}`));
    expect(listing.toSorted()).toEqual(granted.map((grant) => grant.split(' ')[0]).toSorted());
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
