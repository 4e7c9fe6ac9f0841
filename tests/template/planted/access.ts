// Resources that are open, and roles that may do too much.
import { type PlantedFault, planted, policy, rolePolicy, set } from './fault.ts';

export const ACCESS_FAULTS: PlantedFault[] = [
  planted('data at rest is encrypted', 'ReportBucket is not encrypted', (of) =>
    set(of('ReportBucket'), { BucketEncryption: undefined }),
  ),
  planted('data at rest is encrypted', 'DeadLetters is not encrypted', (of) =>
    set(of('DeadLetters'), { SqsManagedSseEnabled: false }),
  ),
  planted('data at rest is encrypted', 'LedgerTable turns its encryption off', (of) =>
    set(of('LedgerTable'), { SSESpecification: { SSEEnabled: false } }),
  ),
  planted('data at rest is encrypted', 'AlarmTopic is an exception that is not needed', (of) =>
    set(of('AlarmTopic'), { KmsMasterKeyId: 'alias/ours' }),
  ),
  planted('S3 can notify the queue of the inbox', 'IngestQueue is under an AWS-managed key', (of) =>
    set(of('IngestQueue'), { KmsMasterKeyId: 'alias/aws/sqs' }),
  ),
  planted('buckets, queues and topics take TLS only', 'ReportBucket takes requests without TLS', (of) =>
    set(policy(of('ReportBucketPolicy')), { Statement: [] }),
  ),
  planted('buckets, queues and topics take TLS only', 'ReportBucket takes requests without TLS', (of) => {
    const [first] = policy(of('ReportBucketPolicy')).Statement;
    set(first, { Resource: { 'Fn::GetAtt': ['ReportBucket', 'Arn'] } });
  }),
  planted(
    'buckets, queues and topics take TLS only',
    'DeadLetters takes requests without TLS',
    (_, { Resources }) => void delete Resources.DeadLettersPolicy,
  ),
  planted('buckets block public access', 'InboxBucket lacks RestrictPublicBuckets', (of) =>
    set(of('InboxBucket').PublicAccessBlockConfiguration, { RestrictPublicBuckets: false }),
  ),
  planted('buckets own their objects', 'InboxBucket does not enforce its owner', (of) =>
    set(of('InboxBucket'), { OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] } }),
  ),
  planted(
    'services send for their own resource of this account alone',
    'IngestQueuePolicy InboxMayNotify is not narrowed by aws:SourceAccount',
    (of) => {
      const [first] = policy(of('IngestQueuePolicy')).Statement;
      set(first, { Condition: { ArnEquals: { 'aws:SourceArn': 'a' } } });
    },
  ),
  planted(
    'services send for their own resource of this account alone',
    'IngestQueuePolicy InboxRuleMaySend is not narrowed by aws:SourceArn',
    (of) => {
      const rule = policy(of('IngestQueuePolicy')).Statement.find(({ Sid }) => Sid === 'InboxRuleMaySend');
      set(rule, { Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } } });
    },
  ),
  planted(
    'services send for their own resource of this account alone',
    'IngestQueuePolicy InboxTopicsMaySend is not narrowed by aws:SourceAccount',
    (of) => {
      const topics = policy(of('IngestQueuePolicy')).Statement.find(
        ({ Sid }) => Sid === 'InboxTopicsMaySend',
      );
      set(topics, { Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:*:arrivals' } } });
    },
  ),
  planted(
    'services send for their own resource of this account alone',
    'AlarmTopicPolicy AlarmsMayNotify is not narrowed by aws:SourceArn',
    (of) => set(policy(of('AlarmTopicPolicy')).Statement[0], { Condition: {} }),
  ),
  planted(
    'services send for their own resource of this account alone',
    'SweepLambdaPermissionEventsRuleSchedule1 is not narrowed by aws:SourceArn',
    (of) => set(of('SweepLambdaPermissionEventsRuleSchedule1'), { SourceArn: undefined }),
  ),
  planted('topics have a policy of their own', 'AlarmTopic has none', (of) =>
    set(of('AlarmTopicPolicy'), { Topics: [] }),
  ),
  planted('buckets, queues and topics take TLS only', 'AlarmTopic takes messages without TLS', (of) => {
    const { Statement } = policy(of('AlarmTopicPolicy'));
    set(policy(of('AlarmTopicPolicy')), { Statement: Statement.filter(({ Effect }) => Effect === 'Allow') });
  }),
  planted(
    'services send for their own resource of this account alone',
    'UploadQueuePolicy Allow lets in "*"',
    (of) =>
      policy(of('UploadQueuePolicy')).Statement.push({
        Effect: 'Allow',
        Principal: '*',
        Action: 'sqs:SendMessage',
      }),
  ),
  planted('queues refuse other senders', 'UploadQueue takes messages of every principal', (of) => {
    const { Statement } = policy(of('UploadQueuePolicy'));
    set(policy(of('UploadQueuePolicy')), { Statement: Statement.filter(({ Sid }) => Sid === 'TlsOnly') });
  }),
  planted('nothing is allowed by a wildcard', 'SweepRole allows the actions dynamodb:*', (of) =>
    rolePolicy(of('SweepRole')).Statement.push({
      Effect: 'Allow',
      Action: 'dynamodb:*',
      Resource: { 'Fn::GetAtt': ['LedgerTable', 'Arn'] } as never,
    }),
  ),
  planted('nothing is allowed by a wildcard', 'SweepRole allows s3:GetObject on *', (of) =>
    rolePolicy(of('SweepRole')).Statement.push({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }),
  ),
  planted(
    'nothing is allowed by a wildcard',
    'SweepRole allows s3:GetObject on arn:aws:s3:::data-*/*',
    (of) =>
      rolePolicy(of('SweepRole')).Statement.push({
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::data-*/*',
      }),
  ),
  planted('nothing is allowed by a wildcard', 'SweepRole allows all but something', (of) =>
    rolePolicy(of('SweepRole')).Statement.push({
      Effect: 'Allow',
      NotAction: 'iam:*',
      Resource: 'arn:aws:s3:::data',
    }),
  ),
  planted('roles are of one function, with policies of their own', 'SweepRole has managed policies', (of) =>
    set(of('SweepRole'), { ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }),
  ),
  planted('roles are of one function, with policies of their own', 'UploadRole serves 2 functions', (of) =>
    set(of('SweepLambdaFunction'), { Role: { 'Fn::GetAtt': ['UploadRole', 'Arn'] } }),
  ),
];
