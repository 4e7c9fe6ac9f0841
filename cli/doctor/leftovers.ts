// What a removed stage has left: its buckets and tables are kept, and block the next deployment under the same name.
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { type RetainedResource, retainedResources } from '../../local/service/leftovers.ts';
import { SERVICE_FILE } from '../../local/service/read-service.ts';
import { type Look, look } from '../aws/look.ts';
import { type Problem, unseen, type World, warn } from './finding.ts';

export const LEFTOVER_NEEDS = ['s3:ListBucket', 'dynamodb:DescribeTable'];

/** Without a stack: the names are those that serverless.yml gives. */
export async function findLeftovers({
  stage,
  account,
  region,
  clients,
}: Omit<World, 'stack'>): Promise<Problem[]> {
  const retained = await retainedResources(SERVICE_FILE, { stage, region, accountId: account });
  const looked = await Promise.all(
    retained.map(async (resource) => ({ resource, seen: await lookAt(clients, resource) })),
  );
  return looked.flatMap(({ resource, seen }) => {
    if (seen.kind === 'absent') return [];
    return seen.kind === 'unseen' ? unseen(resource.name, seen) : leftover(resource);
  });
}

function lookAt(
  { s3, dynamodb }: Pick<World['clients'], 's3' | 'dynamodb'>,
  { type, name }: RetainedResource,
): Promise<Look<unknown>> {
  switch (type) {
    case 'AWS::S3::Bucket':
      return look('s3:ListBucket', () => s3.send(new HeadBucketCommand({ Bucket: name })));
    case 'AWS::DynamoDB::Table':
      return look('dynamodb:DescribeTable', () =>
        dynamodb.send(new DescribeTableCommand({ TableName: name })),
      );
  }
}

function leftover({ type, name, free }: RetainedResource): Problem[] {
  const what = type === 'AWS::S3::Bucket' ? 'bucket' : 'table';
  return warn(
    name,
    `the ${what} is left from a stage that was removed: a new deployment under this name would fail`,
    `keep a copy of what you need; then: ${free.join('; ')}`,
  );
}
