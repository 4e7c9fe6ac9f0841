// Outcomes in rows: an item for each invocation and slice, in the outcomes table.
//
//   pk         <job>/<slice>/<shard>: DynamoDB takes 1,000 units a second for each, so a slice has several
//   name       the writer's, as of a file
//   outcomes   the bytes
//   expiresAt  TTL, in epoch seconds: as long as files live
import { type DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { SliceId } from '../job/identity.ts';
import { murmur3 } from '../keys/murmur3.ts';
import type { Clock } from '../time/clock.ts';

const SHARDS = 4;
const DAY_SECONDS = 24 * 3600;

export interface OutcomeRow {
  name: string;
  /** Absent where another program damaged the row. */
  bytes: Uint8Array | undefined;
}

export type OutcomeRows = ReturnType<typeof createOutcomeRows>;

export interface OutcomeRowsDependencies {
  dynamodb: DynamoDBClient;
  table: string;
  clock: Clock;
  /** How long a row is kept. */
  keepDays: number;
}

export function createOutcomeRowWriter({ dynamodb, table, clock, keepDays }: OutcomeRowsDependencies) {
  return {
    async write(slice: SliceId, name: string, bytes: Uint8Array): Promise<void> {
      const expiresAt = Math.floor(clock.now() / 1000) + keepDays * DAY_SECONDS;
      await dynamodb.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            pk: { S: partitionOf(slice, murmur3(Buffer.from(name)) % SHARDS) },
            name: { S: name },
            outcomes: { B: bytes },
            expiresAt: { N: String(expiresAt) },
          },
        }),
      );
    },
  };
}

export function createOutcomeRows(dependencies: OutcomeRowsDependencies) {
  const { dynamodb, table } = dependencies;
  async function ofShard(pk: string): Promise<OutcomeRow[]> {
    const rows: OutcomeRow[] = [];
    let after: Record<string, { S: string }> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: pk } },
          ConsistentRead: true,
          ...(after === undefined ? {} : { ExclusiveStartKey: after }),
        }),
      );
      for (const { name, outcomes } of Items) {
        if (name?.S !== undefined) rows.push({ name: name.S, bytes: outcomes?.B });
      }
      after = LastEvaluatedKey as typeof after;
    } while (after !== undefined);
    return rows;
  }

  return {
    ...createOutcomeRowWriter(dependencies),

    /** The slice's rows. All that was written before is among them. */
    async list(slice: SliceId): Promise<OutcomeRow[]> {
      const shards = Array.from({ length: SHARDS }, (_, shard) => ofShard(partitionOf(slice, shard)));
      return (await Promise.all(shards)).flat();
    },
  };
}

function partitionOf({ job, slice }: SliceId, shard: number): string {
  return `${job}/${slice}/${shard}`;
}
