// The ledger's two indexes over jobs: all of them, newest first, and those that still live.
import { type AttributeValue, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { isJobId, type JobId } from '../job/identity.ts';

export interface JobPage {
  jobs: ListedJob[];
  /** Give it back to get the next page; absent on the last. */
  cursor?: string;
}

export interface ListedJob {
  id: JobId;
  /** Starts the page behind this job. From the index, since the job's row may be gone or unreadable. */
  cursor: string;
}

export class BadCursorError extends Error {
  constructor() {
    super('the cursor is not one that this API gave out: leave it out to start from the newest job');
    this.name = 'BadCursorError';
  }
}

export type JobIndex = ReturnType<typeof createJobIndex>;

export function createJobIndex({ dynamodb, table }: { dynamodb: DynamoDBClient; table: string }) {
  return {
    /** Jobs by their start, newest first. @throws BadCursorError */
    async list(limit: number, cursor?: string): Promise<JobPage> {
      const { Items = [], LastEvaluatedKey } = await dynamodb.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'jobs',
          KeyConditionExpression: 'listing = :job',
          ExpressionAttributeValues: { ':job': { S: 'job' } },
          ScanIndexForward: false,
          Limit: limit,
          ...(cursor === undefined ? {} : { ExclusiveStartKey: decodeCursor(cursor) }),
        }),
      );
      return {
        jobs: Items.flatMap((item) => jobIds([item]).map((id) => ({ id, cursor: encodeCursor(item) }))),
        ...(LastEvaluatedKey === undefined ? {} : { cursor: encodeCursor(LastEvaluatedKey) }),
      };
    },

    /** Every job that has not ended. */
    async live(): Promise<JobId[]> {
      const ids: JobId[] = [];
      let from: Record<string, AttributeValue> | undefined;
      do {
        const { Items = [], LastEvaluatedKey } = await dynamodb.send(
          new QueryCommand({
            TableName: table,
            IndexName: 'live',
            KeyConditionExpression: 'live = :live',
            ExpressionAttributeValues: { ':live': { S: 'live' } },
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        );
        ids.push(...jobIds(Items));
        from = LastEvaluatedKey;
      } while (from !== undefined);
      return ids;
    },
  };
}

function jobIds(items: readonly Record<string, AttributeValue>[]): JobId[] {
  return items.map((item) => (item['pk']?.S ?? '').slice('J#'.length)).filter(isJobId);
}

/** The index's key is `listedAt` (start and id) and `pk` (id): the first holds both. */
function encodeCursor(key: Record<string, AttributeValue>): string {
  return Buffer.from(key['listedAt']?.S ?? '').toString('base64url');
}

const LISTED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#(.+)$/;

function decodeCursor(cursor: string): Record<string, AttributeValue> {
  const listedAt = Buffer.from(cursor, 'base64url').toString();
  const id = LISTED_AT.exec(listedAt)?.[1];
  if (id === undefined || !isJobId(id)) throw new BadCursorError();
  return { listing: { S: 'job' }, listedAt: { S: listedAt }, pk: { S: `J#${id}` } };
}
