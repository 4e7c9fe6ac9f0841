// The ledger's table: reads and conditional writes of whole rows, with DynamoDB's batches and bounds.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import pMap from 'p-map';
import { fullJitterMs } from '../pacing/backoff.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import type { Attributes } from './rows.ts';

/** DynamoDB takes 100 keys a BatchGetItem. */
const BATCH_KEYS = 100;
const CONCURRENCY = 32;
/** Expiring is in no hurry: at 10 ms and 4 units a write, 8 at once stay under the 4,000 a second that a new table takes. */
const EXPIRE_CONCURRENCY = 8;
/** BatchGetItem hands back what it had no capacity for: rounds, and the waits between them. */
const UNPROCESSED_ROUNDS = 10;
const UNPROCESSED_BACKOFF = { baseMs: 50, capMs: 2_000 };
/** Days that a job's rows stay after it has ended. */
export const KEEP_DAYS = 30;

export interface TableDependencies {
  dynamodb: DynamoDBClient;
  table: string;
  clock: Clock;
  random: Random;
}

export type Change = Pick<
  UpdateItemCommandInput,
  | 'UpdateExpression'
  | 'ConditionExpression'
  | 'ExpressionAttributeNames'
  | 'ExpressionAttributeValues'
  | 'ReturnValues'
>;

export type Table = ReturnType<typeof createTable>;

export function createTable({ dynamodb, table, clock, random }: TableDependencies) {
  async function getBatch(keys: readonly Attributes[]): Promise<Attributes[]> {
    const found: Attributes[] = [];
    let left = [...keys];
    for (let round = 0; left.length > 0; round++) {
      if (round === UNPROCESSED_ROUNDS)
        throw new Error(`BatchGetItem left ${left.length} keys unprocessed after ${round} rounds`);
      if (round > 0) await clock.sleep(fullJitterMs(UNPROCESSED_BACKOFF, round - 1, random));
      const answer = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: true } } }),
      );
      found.push(...(answer.Responses?.[table] ?? []));
      left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return found;
  }

  return {
    /** Epoch ms, as rows are stamped. */
    now: (): Attributes[string] => numeral(clock.now()),

    /** When a row that is kept no longer than its job's report expires: TTL, in epoch seconds. */
    expiry: (): Attributes[string] => numeral(Math.floor(clock.now() / 1000) + KEEP_DAYS * 24 * 3600),

    async get(key: Attributes): Promise<Attributes | undefined> {
      const { Item } = await dynamodb.send(
        new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }),
      );
      return Item;
    },

    /** @returns the rows that exist, in no order */
    async getAll(keys: readonly Attributes[]): Promise<Attributes[]> {
      const batches = Array.from({ length: Math.ceil(keys.length / BATCH_KEYS) }, (_, index) =>
        keys.slice(index * BATCH_KEYS, (index + 1) * BATCH_KEYS),
      );
      const found = await pMap(batches, getBatch, { concurrency: CONCURRENCY });
      return found.flat();
    },

    /** @returns the whole row after the write, or undefined where the condition did not hold */
    async update(key: Attributes, change: Change): Promise<Attributes | undefined> {
      const written = await unlessRefused(
        dynamodb.send(
          new UpdateItemCommand({ TableName: table, Key: key, ReturnValues: 'ALL_NEW', ...change }),
        ),
      );
      return written?.Attributes;
    },

    async putIfAbsent(item: Attributes): Promise<boolean> {
      const ConditionExpression = 'attribute_not_exists(pk)';
      const put = new PutItemCommand({ TableName: table, Item: item, ConditionExpression });
      return (await unlessRefused(dynamodb.send(put))) !== undefined;
    },

    /** Lets rows expire, those of them that exist. */
    async expire(keys: readonly Attributes[]): Promise<void> {
      const change: Change = {
        UpdateExpression: 'SET expiresAt = :expiresAt',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':expiresAt': this.expiry() },
        // Their old values are not used: a slice's row has up to 8 KB.
        ReturnValues: 'NONE',
      };
      await pMap(keys, (key) => this.update(key, change), { concurrency: EXPIRE_CONCURRENCY });
    },
  };
}

/** @returns undefined where the condition of the write did not hold */
async function unlessRefused<Answer>(write: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

export function numeral(value: number): Attributes[string] {
  return { N: String(value) };
}

export function numberSet(values: readonly number[]): Attributes[string] {
  return { NS: [...new Set(values)].map(String) };
}
