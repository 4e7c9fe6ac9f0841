// What stands still, where a chaos run does not end in its time: queues, jobs, slices, and the functions' last complaints.
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Cloud } from '../../local/cloud.ts';
import { messagesLeft } from './read-back.ts';

const SLICES_NAMED = 10;
const LINES_TOLD = 12;
const LINE_LENGTH = 500;

export async function describeStall(cloud: Cloud): Promise<string> {
  return [
    `queues: ${JSON.stringify(await messagesLeft(cloud))}`,
    `jobs: ${await describeJobs(cloud)}`,
    `slices without a result: ${await describeSlices(cloud)}`,
    'last complaints:',
    ...complaintsOf(cloud, LINES_TOLD),
  ].join('\n');
}

/** The functions' last warnings and errors. */
export function complaintsOf(cloud: Pick<Cloud, 'logs'>, most: number): string[] {
  return cloud
    .logs()
    .filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line))
    .slice(-most)
    .map(({ functionName, line }) => `  ${functionName}: ${line.slice(0, LINE_LENGTH)}`);
}

async function describeJobs(cloud: Cloud): Promise<string> {
  const answer = await fetch(`${cloud.endpoints.api}/jobs?limit=50`);
  const text = await answer.text();
  // The API may be what stands still.
  if (!answer.ok) return `the API answers ${answer.status} ${text.slice(0, LINE_LENGTH)}`;
  const { jobs } = JSON.parse(text) as { jobs: Record<string, unknown>[] };
  return jobs
    .map(({ job, state, manifest, rows, progress }) =>
      JSON.stringify({ job, state, manifest, rows, progress }),
    )
    .join('\n  ');
}

/** Straight from the table: why a job does not end must not depend on other code's reading of it. */
async function describeSlices(cloud: Cloud): Promise<string> {
  const dynamodb = new DynamoDBClient(cloud.dynamodbClientConfig());
  const stalled: string[] = [];
  let startKey: Record<string, never> | undefined;
  try {
    do {
      const page = await dynamodb.send(
        new ScanCommand({
          TableName: cloud.names.table,
          FilterExpression: 'attribute_exists(endOffset) AND attribute_not_exists(#result)',
          ExpressionAttributeNames: { '#result': 'result' },
          ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
        }),
      );
      for (const item of page.Items ?? []) {
        const { pk, blocks, closed, sent, replays } = item;
        stalled.push(
          `${pk?.S}: ${blocks?.N} blocks, sent ${sent?.NS?.length ?? 0}, closed ${closed?.NS?.length ?? 0}, replays ${replays?.N ?? 0}`,
        );
      }
      startKey = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (startKey !== undefined);
  } finally {
    dynamodb.destroy();
  }
  return [`${stalled.length}`, ...stalled.slice(0, SLICES_NAMED)].join('\n  ');
}
