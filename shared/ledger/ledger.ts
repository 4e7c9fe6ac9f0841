// The ledger: a tree of idempotent sets in DynamoDB. Every write that can complete a level reads back the whole row and
// takes the closing step, so that whoever comes last, or is redelivered, closes. No transaction is needed: each step may
// be taken again by anybody, in any order.
//
//   block row  ADD the ended numbers ──covered──▶ slice row  ADD the closed block ──covered──▶ sliceClosed (settle)
//                                                                                                  │
//                                     job row  ADD the settled slice ◀─────────────────────────────┘
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
import type { Clock } from '../job/clock.ts';
import type { BlockId, JobId, SliceId } from '../job/identity.ts';
import type { Job } from '../job/job.ts';
import type { Random } from '../job/random.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import {
  type Attributes,
  blockKey,
  jobKey,
  readBlockRow,
  readJobRow,
  readSliceRow,
  type SliceResult,
  type SliceRow,
  sliceKey,
  writeJobRow,
} from './rows.ts';
import {
  type BlockRow,
  countBlock,
  encodeCounts,
  isBlockClosed,
  isCovered,
  ROW_ENDS,
  type RowEnd,
} from './tally.ts';

/** Days that a job's rows stay after it has ended. */
const KEEP_DAYS = 30;
/** DynamoDB takes 100 keys a BatchGetItem. */
const BATCH_KEYS = 100;
const WRITE_CONCURRENCY = 32;
/** BatchGetItem hands back what it had no capacity for: rounds, and the waits between them. */
const UNPROCESSED_ROUNDS = 10;
const UNPROCESSED_BACKOFF = { baseMs: 50, capMs: 2_000 };

export interface LedgerDependencies {
  dynamodb: DynamoDBClient;
  table: string;
  clock: Clock;
  random: Random;
  /** Told of each slice whose blocks have all closed; may be told more than once. */
  sliceClosed(slice: SliceId): Promise<void>;
}

export type Ends = Partial<Record<RowEnd, readonly number[]>>;

export interface SliceStart {
  startOffset: number;
  startLine: number;
  endOffset: number;
  rows: number;
  blocks: number;
}

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger({ dynamodb, table, clock, random, sliceClosed }: LedgerDependencies) {
  async function get(key: Attributes): Promise<Attributes | undefined> {
    const { Item } = await dynamodb.send(
      new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }),
    );
    return Item;
  }

  /** @returns the rows that exist, in no order */
  async function getAll(keys: readonly Attributes[]): Promise<Attributes[]> {
    const batches = Array.from({ length: Math.ceil(keys.length / BATCH_KEYS) }, (_, index) =>
      keys.slice(index * BATCH_KEYS, (index + 1) * BATCH_KEYS),
    );
    const found = await pMap(batches, getBatch, { concurrency: WRITE_CONCURRENCY });
    return found.flat();
  }

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

  /** @returns the whole row after the write, or undefined where the condition did not hold */
  async function update(
    key: Attributes,
    change: Pick<
      UpdateItemCommandInput,
      'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
    >,
  ): Promise<Attributes | undefined> {
    try {
      const { Attributes: row } = await dynamodb.send(
        new UpdateItemCommand({ TableName: table, Key: key, ReturnValues: 'ALL_NEW', ...change }),
      );
      return row;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  async function putIfAbsent(item: Attributes): Promise<boolean> {
    try {
      await dynamodb.send(
        new PutItemCommand({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** @returns whether the slice had its result already */
  async function closeBlock(id: BlockId, row: BlockRow): Promise<boolean> {
    if (!isBlockClosed(row)) return false;
    const slice = await update(sliceKey(id), {
      UpdateExpression: 'ADD closed :block SET counts.#block = :counts',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeNames: { '#block': String(id.block) },
      ExpressionAttributeValues: {
        ':block': numberSet([id.block]),
        ':counts': { S: encodeCounts(countBlock(row)) },
      },
    });
    if (slice === undefined) return false;
    const sliceRow = readSliceRow(slice);
    await closeSlice(id, sliceRow);
    return sliceRow.result !== undefined;
  }

  async function closeSlice({ job, slice }: SliceId, row: SliceRow): Promise<void> {
    // A frozen slice was settled by a message that is still being worked on, or has done its part.
    if (row.result === undefined && isCovered(row.closedBlocks, row.blocks))
      await sliceClosed({ job, slice });
  }

  const expiry = (): Attributes[string] => ({
    N: String(Math.floor(clock.now() / 1000) + KEEP_DAYS * 24 * 3600),
  });

  return {
    async getJob(id: JobId): Promise<Job | undefined> {
      const row = await get(jobKey(id));
      return row === undefined ? undefined : readJobRow(row);
    },

    async getJobs(ids: readonly JobId[]): Promise<Map<JobId, Job>> {
      const rows = (await getAll(ids.map(jobKey))).map(readJobRow);
      return new Map(rows.map((job) => [job.id, job]));
    },

    /** Writes the job's row at first sight. @returns the row that stands: this one, or the one of whoever came first */
    async createJob(job: Job): Promise<Job> {
      const live: Attributes =
        job.state === 'failed'
          ? { expiresAt: expiry(), endedAtMs: numeral(job.endedAtMs ?? clock.now()) }
          : { live: { S: 'live' } };
      const created = await putIfAbsent({ ...writeJobRow(job), ...live });
      if (created) return job;
      const standing = await this.getJob(job.id);
      if (standing === undefined) throw new Error(`job ${job.id} vanished while it was created`);
      return standing;
    },

    /** A slice is written once; a second cutting of the same bytes writes the same. */
    async recordSlice(id: SliceId, start: SliceStart): Promise<void> {
      await putIfAbsent({
        ...sliceKey(id),
        startOffset: numeral(start.startOffset),
        startLine: numeral(start.startLine),
        endOffset: numeral(start.endOffset),
        rows: numeral(start.rows),
        blocks: numeral(start.blocks),
        counts: { M: {} },
      });
    },

    /** Remembers how far the manifest is cut, so that a later invocation goes on from there. */
    async movePlan(id: JobId, plan: Job['plan']): Promise<void> {
      await update(jobKey(id), {
        UpdateExpression: 'SET #plan = :plan',
        ConditionExpression: '#state = :planning',
        ExpressionAttributeNames: { '#plan': 'plan', '#state': 'state' },
        ExpressionAttributeValues: { ':plan': { S: JSON.stringify(plan) }, ':planning': { S: 'planning' } },
      });
    },

    /** The whole manifest is cut: the job's number of slices is known. @returns the job after the write, if it still lives */
    async finishPlan(id: JobId, plan: Job['plan']): Promise<Job | undefined> {
      const row = await update(jobKey(id), {
        UpdateExpression: 'SET #plan = :plan, slices = :slices, #state = :running',
        ConditionExpression: '#state IN (:planning, :running)',
        ExpressionAttributeNames: { '#plan': 'plan', '#state': 'state' },
        ExpressionAttributeValues: {
          ':plan': { S: JSON.stringify(plan) },
          ':slices': numeral(plan.slices),
          ':planning': { S: 'planning' },
          ':running': { S: 'running' },
        },
      });
      return row === undefined ? undefined : readJobRow(row);
    },

    async getSlice(id: SliceId): Promise<SliceRow | undefined> {
      const row = await get(sliceKey(id));
      return row === undefined ? undefined : readSliceRow(row);
    },

    /** Takes a slice's closing step by itself: a slice without rows has no block that would. */
    async closeSlice(id: SliceId): Promise<void> {
      const row = await this.getSlice(id);
      if (row !== undefined) await closeSlice(id, row);
    },

    /** The slices numbered from..to-1 that exist. */
    async getSlices(job: JobId, from: number, to: number): Promise<SliceRow[]> {
      const keys = Array.from({ length: Math.max(0, to - from) }, (_, index) =>
        sliceKey({ job, slice: from + index }),
      );
      return (await getAll(keys)).map(readSliceRow);
    },

    /** Remembers blocks whose messages have all been sent: a redelivered slice carries on behind them. */
    async markSent(id: SliceId, blocks: readonly number[]): Promise<void> {
      if (blocks.length === 0) return;
      await update(sliceKey(id), {
        UpdateExpression: 'ADD sent :blocks',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':blocks': numberSet(blocks) },
      });
    },

    /** Writes a block's row before any of its messages is sent. @returns the row, with what has ended in it already */
    async openBlock(id: BlockId, size: number, rejected: readonly number[]): Promise<BlockRow> {
      const written = await update(blockKey(id), {
        UpdateExpression: `SET #size = :size${rejected.length > 0 ? ' ADD rejected :rejected' : ''}`,
        ExpressionAttributeNames: { '#size': 'size' },
        ExpressionAttributeValues: {
          ':size': numeral(size),
          ...(rejected.length > 0 ? { ':rejected': numberSet(rejected) } : {}),
        },
      });
      const row = readBlockRow(written ?? {});
      await closeBlock(id, row);
      return row;
    },

    async readBlocks(ids: readonly BlockId[]): Promise<Map<string, BlockRow>> {
      const rows = await getAll(ids.map(blockKey));
      return new Map(rows.map((row) => [row['pk']?.S ?? '', readBlockRow(row)]));
    },

    /**
     * Adds ended rows to their block, and closes what that completes. With no ends at all it takes the closing step only:
     * whoever finds a row ended already, after a crash between the two, finishes the work.
     * @returns late where the slice's result was frozen before: the ends change nothing any more
     */
    async recordEnds(id: BlockId, ends: Ends): Promise<'in time' | 'late'> {
      const given = ROW_ENDS.filter((end) => (ends[end]?.length ?? 0) > 0);
      const row =
        given.length === 0
          ? await get(blockKey(id))
          : await update(blockKey(id), {
              UpdateExpression: `ADD ${given.map((end) => `${end} :${end}`).join(', ')}`,
              // A row that its TTL has deleted stays deleted.
              ConditionExpression: 'attribute_exists(pk)',
              ExpressionAttributeValues: Object.fromEntries(
                given.map((end) => [`:${end}`, numberSet(ends[end] ?? [])]),
              ),
            });
      if (row === undefined) return 'late';
      return (await closeBlock(id, readBlockRow(row))) ? 'late' : 'in time';
    },

    /** Freezes what settle counted: the first result wins. @returns the result that stands */
    async freezeSlice(id: SliceId, result: SliceResult): Promise<SliceResult> {
      const row = await update(sliceKey(id), {
        UpdateExpression: 'SET #result = :result',
        ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(#result)',
        ExpressionAttributeNames: { '#result': 'result' },
        ExpressionAttributeValues: { ':result': { S: JSON.stringify(result) } },
      });
      const standing = row === undefined ? await this.getSlice(id) : readSliceRow(row);
      if (standing?.result === undefined)
        throw new Error(`slice ${id.job}/${id.slice} has no row to freeze its result in`);
      return standing.result;
    },

    /** Books a settled slice on its job. @returns the job after the write */
    async settleSlice({ job, slice }: SliceId): Promise<Job | undefined> {
      const row = await update(jobKey(job), {
        UpdateExpression: 'ADD settled :slice',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':slice': numberSet([slice]) },
      });
      return row === undefined ? undefined : readJobRow(row);
    },

    async recordProgress(id: JobId, progress: Job['progress']): Promise<void> {
      await update(jobKey(id), {
        UpdateExpression: 'SET progress = :progress',
        ConditionExpression: 'attribute_exists(live)',
        ExpressionAttributeValues: { ':progress': { S: JSON.stringify(progress) } },
      });
    },

    /**
     * Ends a live job: nothing is written under it any more, and its row expires.
     * @returns whether this call ended it
     */
    async endJob(id: JobId, end: Pick<Job, 'state' | 'totals' | 'report' | 'fault'>): Promise<boolean> {
      const values: Attributes = {
        ':state': { S: end.state },
        ':endedAtMs': numeral(clock.now()),
        ':expiresAt': expiry(),
        ...(end.totals === undefined ? {} : { ':totals': { S: JSON.stringify(end.totals) } }),
        ...(end.report === undefined ? {} : { ':report': { S: end.report } }),
        ...(end.fault === undefined ? {} : { ':fault': { S: JSON.stringify(end.fault) } }),
      };
      const names = Object.keys(values).map((value) => value.slice(1));
      const row = await update(jobKey(id), {
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')} REMOVE #live, progress`,
        ConditionExpression: 'attribute_exists(#live)',
        ExpressionAttributeNames: Object.fromEntries([...names, 'live'].map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: values,
      });
      return row !== undefined;
    },

    /** Lets the rows of a settled slice's blocks expire. */
    async expireBlocks(id: SliceId, blocks: number): Promise<void> {
      await expire(Array.from({ length: blocks }, (_, block) => blockKey({ ...id, block })));
    },

    async expireSlices(job: JobId, slices: number): Promise<void> {
      await expire(Array.from({ length: slices }, (_, slice) => sliceKey({ job, slice })));
    },
  };

  async function expire(keys: readonly Attributes[]): Promise<void> {
    const change = {
      UpdateExpression: 'SET expiresAt = :expiresAt',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':expiresAt': expiry() },
    };
    await pMap(keys, (key) => update(key, change), { concurrency: WRITE_CONCURRENCY });
  }
}

/** The key under which readBlocks answers a block. */
export function blockName(id: BlockId): string {
  return blockKey(id)['pk']?.S ?? '';
}

function numeral(value: number): Attributes[string] {
  return { N: String(value) };
}

function numberSet(values: readonly number[]): Attributes[string] {
  return { NS: [...new Set(values)].map(String) };
}
