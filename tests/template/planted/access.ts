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
  planted('buckets and queues take TLS only', 'ReportBucket takes requests without TLS', (of) =>
    set(policy(of('ReportBucketPolicy')), { Statement: [] }),
  ),
  planted('buckets and queues take TLS only', 'ReportBucket takes requests without TLS', (of) => {
    const [first] = policy(of('ReportBucketPolicy')).Statement;
    set(first, { Resource: { 'Fn::GetAtt': ['ReportBucket', 'Arn'] } });
  }),
  planted(
    'buckets and queues take TLS only',
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
