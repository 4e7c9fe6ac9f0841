// What a removed stage has left: its buckets and its table are kept, and block the next deployment under the same name.
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { look } from '../aws/look.ts';
import { type Problem, uncheckedProblem, type World } from './finding.ts';

const BUCKETS = ['inbox', 'destination', 'reports'] as const;

export const LEFTOVER_NEEDS = ['s3:ListBucket', 'dynamodb:DescribeTable'];

/** Without a stack: the names are those that the template gives. */
export async function findLeftovers({
  prefix,
  account,
  region,
  clients,
}: Omit<World, 'stack'>): Promise<Problem[]> {
  const names = BUCKETS.map((kind) => `${prefix}-${kind}-${account}-${region}`);
  const table = `${prefix}-ledger`;
  const [buckets, ledger] = await Promise.all([
    Promise.all(
      names.map((name) =>
        look('s3:ListBucket', () => clients.s3.send(new HeadBucketCommand({ Bucket: name }))),
      ),
    ),
    look('dynamodb:DescribeTable', () =>
      clients.dynamodb.send(new DescribeTableCommand({ TableName: table })),
    ),
  ]);
  return [
    ...buckets.flatMap((seen, at) => {
      const name = names[at] ?? '';
      if (seen.kind === 'unseen') return [uncheckedProblem(name, seen)];
      return seen.kind === 'absent' ? [] : [bucketLeftover(name)];
    }),
    ...(ledger.kind === 'seen'
      ? [tableLeftover(table)]
      : ledger.kind === 'unseen'
        ? [uncheckedProblem(table, ledger)]
        : []),
  ];
}

function bucketLeftover(name: string): Problem {
  return {
    level: 'warn',
    about: name,
    message: 'the bucket is left from a stage that was removed: a new deployment under this name would fail',
    remedy:
      `look at what it holds; then empty it with all versions and remove it: ` +
      `aws s3 rm s3://${name} --recursive; aws s3api delete-objects for what list-object-versions shows; aws s3 rb s3://${name}`,
  };
}

function tableLeftover(name: string): Problem {
  return {
    level: 'warn',
    about: name,
    message: 'the table is left from a stage that was removed: a new deployment under this name would fail',
    remedy: `aws dynamodb delete-table --table-name ${name}, once no report of its jobs is needed`,
  };
}
