// The ledger's table, and the KMS keys that the template names.
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { type Check, eachCheck, fail, type Problem, resourceCheck, type World, warn } from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';

const tables = ({ stack }: World) => ofType(stack, 'AWS::DynamoDB::Table');
const KEY_ARN = /\barn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/[A-Za-z0-9/_-]+/g;

export function judgeTable(
  { logicalId: about, properties }: StackResource,
  { TableStatus, GlobalSecondaryIndexes = [] }: TableDescription = {},
): Problem[] {
  if (TableStatus !== 'ACTIVE' && TableStatus !== 'UPDATING') {
    return fail(
      about,
      `the table is in state ${TableStatus ?? 'unknown'}: no row can be accounted for`,
      TableStatus === 'CREATING'
        ? 'run the doctor again in a minute'
        : 'the functions give their messages back meanwhile: restore the table from its point in time, under its name',
    );
  }
  const wanted = (properties['GlobalSecondaryIndexes'] ?? []) as { IndexName?: string }[];
  return wanted.flatMap(({ IndexName = '' }) => {
    const status = GlobalSecondaryIndexes.find((index) => index.IndexName === IndexName)?.IndexStatus;
    if (status === 'ACTIVE' || status === 'UPDATING') return [];
    return fail(
      about,
      `its index ${IndexName} is ${status === undefined ? 'missing' : `in state ${status}`}: ${IndexName === 'live' ? 'sweep finds no jobs' : 'jobs can not be listed'}`,
      status === 'CREATING' ? 'wait until it is built' : 'create it again as infrastructure/table.yml says',
    );
  });
}

export function judgeTimeToLive({ logicalId: about, physicalId }: StackResource, status: string | undefined) {
  if (status === 'ENABLED' || status === 'ENABLING') return [];
  return warn(
    about,
    'rows of ended jobs do not expire: the table grows without end',
    `aws dynamodb update-time-to-live --table-name ${physicalId} --time-to-live-specification Enabled=true,AttributeName=expiresAt`,
  );
}

export function judgeBackups({ logicalId: about, physicalId }: StackResource, status: string | undefined) {
  if (status === 'ENABLED') return [];
  return warn(
    about,
    'has no point-in-time recovery: a table that is lost loses the account of running jobs',
    `aws dynamodb update-continuous-backups --table-name ${physicalId} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
  );
}

export function judgeKey(arn: string, state: string | undefined): Problem[] {
  if (state === 'Enabled') return [];
  return fail(
    arn,
    `the key is in state ${state ?? 'unknown'}: what it encrypts can't be read or written`,
    `aws kms ${state === 'PendingDeletion' ? 'cancel-key-deletion' : 'enable-key'} --key-id ${arn}`,
  );
}

/** The keys that the template names, each once. */
export function keysIn(template: string): string[] {
  return [...new Set(template.match(KEY_ARN) ?? [])];
}

export const ledgerChecks: readonly Check[] = [
  resourceCheck({
    id: 'table',
    good: "The ledger's table and its indexes are active.",
    action: 'dynamodb:DescribeTable',
    resources: tables,
    ask: ({ dynamodb }, { physicalId }) => dynamodb.send(new DescribeTableCommand({ TableName: physicalId })),
    judge: (table, { Table }) => judgeTable(table, Table),
  }),
  resourceCheck({
    id: 'expiry',
    good: 'Rows of ended jobs expire.',
    action: 'dynamodb:DescribeTimeToLive',
    resources: tables,
    ask: ({ dynamodb }, { physicalId }) =>
      dynamodb.send(new DescribeTimeToLiveCommand({ TableName: physicalId })),
    judge: (table, { TimeToLiveDescription: expiry }) => judgeTimeToLive(table, expiry?.TimeToLiveStatus),
  }),
  resourceCheck({
    id: 'backups',
    good: 'The ledger has point-in-time recovery.',
    action: 'dynamodb:DescribeContinuousBackups',
    resources: tables,
    ask: ({ dynamodb }, { physicalId }) =>
      dynamodb.send(new DescribeContinuousBackupsCommand({ TableName: physicalId })),
    judge: (table, { ContinuousBackupsDescription: backups }) =>
      judgeBackups(table, backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus),
  }),
  eachCheck({
    id: 'keys',
    good: 'The KMS keys that the template names, if any, are enabled.',
    action: 'kms:DescribeKey',
    things: ({ stack }) => keysIn(stack.template),
    about: (arn) => arn,
    ask: ({ kms }, arn) => kms.send(new DescribeKeyCommand({ KeyId: arn })),
    judge: (arn, { KeyMetadata }) => judgeKey(arn, KeyMetadata?.KeyState),
  }),
];
