// The ledger: a tree of idempotent sets in DynamoDB. Every write that can complete a level reads back the whole row and
// takes the closing step, so that the last writer, or a redelivery, closes. No transaction is needed: each step may
// be taken again by anybody, in any order.
//
//   block row  ADD the ended numbers ──covered──▶ slice row  ADD the closed block ──covered──▶ sliceClosed (settle)
//                                                                                                  │
//   job row    ADD the settled group ◀──covered── group row  ADD the settled slice ◀───────────────┘
import { classifyFault } from '../aws/classify.ts';
import { type BlockId, type JobId, type SliceId, sliceGroupsOf } from '../job/identity.ts';
import type { RowIntake } from '../job/job.ts';
import type { SlicePlace } from '../manifest/slice-place.ts';
import { compactionOf, endsAttribute } from './compaction.ts';
import { createJobRows } from './job-rows.ts';
import {
  type Attributes,
  blockKey,
  readableSliceRow,
  readBlockRow,
  readSliceRow,
  type SliceResult,
  type SliceRow,
  type StoredBlockRow,
  sliceGroupKey,
  sliceKey,
  writeEnds,
  writePlace,
} from './rows.ts';
import { type Change, createTable, numberSet, numeral, type TableDependencies } from './table.ts';
import {
  type BlockRow,
  countBlock,
  encodeCounts,
  endedRows,
  isBlockClosed,
  isCovered,
  ROW_ENDS,
  type RowEnd,
} from './tally.ts';

export interface LedgerDependencies extends TableDependencies {
  /** Called with each slice whose blocks have all closed, possibly more than once. */
  sliceClosed(slice: SliceId): Promise<void>;
}

/** Slices read at a time for their results: with 256 counts each they are 15 MB of heap. */
const RESULT_PAGE = 200;

export type Ends = Partial<Record<RowEnd, readonly number[]>>;

export type SliceStart = Pick<SliceRow, 'rows' | 'blocks'> & { place: SlicePlace };

export type Ledger = ReturnType<typeof createLedger>;

export function createLedger({ sliceClosed, ...dependencies }: LedgerDependencies) {
  const { random } = dependencies;
  const table = createTable(dependencies);

  /** @returns whether the slice had its result already */
  async function closeBlock(id: BlockId, row: BlockRow): Promise<boolean> {
    if (!isBlockClosed(row)) return false;
    const slice = await table.update(sliceKey(id), {
      UpdateExpression: 'ADD closed :block SET counts.#block = :counts, movedAtMs = :now',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeNames: { '#block': String(id.block) },
      ExpressionAttributeValues: {
        ':block': numberSet([id.block]),
        ':counts': { S: encodeCounts(countBlock(row)) },
        ':now': table.now(),
      },
    });
    const sliceRow = slice && readableSliceRow(slice);
    // The block is closed all the same: its items must not come again for a row that sweep reports.
    if (sliceRow === undefined) return false;
    await closeSlice(id, sliceRow);
    return sliceRow.result !== undefined;
  }

  async function closeAndCompact(id: BlockId, item: Attributes): Promise<'in time' | 'late'> {
    const row = readBlockRow(item);
    const isLate = await closeBlock(id, row);
    const compaction = compactionOf(item, row.size - endedRows(row));
    if (compaction !== undefined) await tryCompaction(id, compaction);
    return isLate ? 'late' : 'in time';
  }

  /** Its batch is booked by now, and must not come again because the table was busy: the next batch compacts the row. */
  async function tryCompaction(id: BlockId, compaction: Change): Promise<void> {
    try {
      await table.update(blockKey(id), compaction);
    } catch (error) {
      if (classifyFault(error).kind === 'permanent') throw error;
    }
  }

  async function closeSlice({ job, slice }: SliceId, row: SliceRow): Promise<void> {
    // A frozen slice was settled by a message that is still being worked on, or has done its part.
    if (row.result === undefined && isCovered(row.closedBlocks, row.blocks))
      await sliceClosed({ job, slice });
  }

  /** The closing step of a block that may have been closed long since: then it is read only, for its duplicates may be many. */
  async function closeAgain(id: BlockId): Promise<'in time' | 'late'> {
    const [row, slice] = await Promise.all([table.get(blockKey(id)), table.get(sliceKey(id))]);
    if (row === undefined || slice === undefined) return 'late';
    const sliceRow = readableSliceRow(slice);
    if (sliceRow === undefined) return 'in time';
    if (!sliceRow.closedBlocks.has(id.block))
      return (await closeBlock(id, readBlockRow(row))) ? 'late' : 'in time';
    await closeSlice(id, sliceRow);
    return sliceRow.result === undefined ? 'in time' : 'late';
  }

  return {
    ...createJobRows(table),

    /** A slice is written once; a second cutting of the same bytes writes the same. */
    async recordSlice(id: SliceId, start: SliceStart): Promise<void> {
      await table.putIfAbsent({
        ...sliceKey(id),
        ...writePlace(start.place),
        rows: numeral(start.rows),
        blocks: numeral(start.blocks),
        movedAtMs: table.now(),
        counts: { M: {} },
      });
    },

    /** @throws UnreadableRowError */
    async getSlice(id: SliceId): Promise<SliceRow | undefined> {
      const row = await table.get(sliceKey(id));
      return row === undefined ? undefined : readSliceRow(row);
    },

    /** Takes a slice's closing step by itself: a slice without rows has no block that would. */
    async closeSlice(id: SliceId): Promise<void> {
      const row = await this.getSlice(id);
      if (row !== undefined) await closeSlice(id, row);
    },

    /** The slices numbered from..to-1 that exist and can be read. */
    async getSlices(job: JobId, from: number, to: number): Promise<SliceRow[]> {
      const keys = Array.from({ length: Math.max(0, to - from) }, (_, index) =>
        sliceKey({ job, slice: from + index }),
      );
      return (await table.getAll(keys)).flatMap((row) => readableSliceRow(row) ?? []);
    },

    /** The results of the slices numbered 0..slices-1, by number, where they have one; their counts are not held on to. */
    async getResults(job: JobId, slices: number): Promise<(SliceResult | undefined)[]> {
      const results = Array.from<SliceResult | undefined>({ length: slices });
      for (let from = 0; from < slices; from += RESULT_PAGE) {
        const page = await this.getSlices(job, from, Math.min(slices, from + RESULT_PAGE));
        for (const { slice, result } of page) if (result !== undefined) results[slice] = result;
      }
      return results;
    },

    /**
     * Remembers blocks whose messages have all been sent: a redelivered slice carries on behind them.
     * @param replays of the slice as it was when they were sent. One that began meanwhile has forgotten them on purpose
     * @param intake rows read so far from the slice's start: a pair that belongs together, whichever was written last
     */
    async markSent(
      id: SliceId,
      replays: number,
      blocks: readonly number[],
      intake?: RowIntake,
    ): Promise<void> {
      if (blocks.length === 0) return;
      await table.update(sliceKey(id), {
        UpdateExpression: `ADD sent :blocks SET movedAtMs = :now${intake === undefined ? '' : ', readRows = :read, rejectedRows = :rejected'}`,
        ConditionExpression: `attribute_exists(pk) AND ${wasReplayed(replays)}`,
        ExpressionAttributeValues: {
          ':blocks': numberSet(blocks),
          ':replays': numeral(replays),
          ...(intake === undefined
            ? {}
            : { ':read': numeral(intake.read), ':rejected': numeral(intake.rejected) }),
          ':now': table.now(),
        },
      });
    },

    /**
     * Forgets what of an open slice was sent, so that its next ingest sends every row that its blocks lack. Of two that
     * begin the same replay one does.
     * @param replays how often the slice had been replayed when it was found not to move
     * @returns whether this call began it
     */
    async beginReplay(id: SliceId, replays: number): Promise<boolean> {
      const mark = String(random());
      const row = await table.update(sliceKey(id), {
        UpdateExpression:
          'SET replays = :next, movedAtMs = :now, replayedAtMs = :now, replayMark = :mark REMOVE sent',
        ConditionExpression: `attribute_exists(pk) AND attribute_not_exists(#result) AND ${wasReplayed(replays)}`,
        ExpressionAttributeNames: { '#result': 'result' },
        ExpressionAttributeValues: {
          ':next': numeral(replays + 1),
          ':replays': numeral(replays),
          ':now': table.now(),
          ':mark': { S: mark },
        },
      });
      if (row !== undefined) return true;
      // Where the answer is lost, the SDK asks again, and finds the condition broken by its own first write.
      return (await table.get(sliceKey(id)))?.['replayMark']?.S === mark;
    },

    /**
     * Remembers the request that a held slice has made for itself, unless another delivery has made one since the slice was
     * read. The slice counts as moved: sweep sends again what does not move.
     */
    async recordAsk(id: SliceId, was: number | undefined, ask: number): Promise<void> {
      await table.update(sliceKey(id), {
        UpdateExpression: 'SET asks = :ask, movedAtMs = :now',
        ConditionExpression: `attribute_exists(pk) AND ${was === undefined ? 'attribute_not_exists(asks)' : 'asks = :was'}`,
        ExpressionAttributeValues: {
          ':ask': numeral(ask),
          ':now': table.now(),
          ...(was === undefined ? {} : { ':was': numeral(was) }),
        },
      });
    },

    /** Writes a block's row before any of its messages is sent. @returns the row, with what has ended in it already */
    async openBlock(id: BlockId, size: number, rejected: readonly number[]): Promise<StoredBlockRow> {
      const written = await table.update(blockKey(id), {
        UpdateExpression: `SET #size = :size, movedAtMs = :now ADD openings :one${rejected.length > 0 ? `, ${endsAttribute('rejected')} :rejected` : ''}`,
        ExpressionAttributeNames: { '#size': 'size' },
        ExpressionAttributeValues: {
          ':size': numeral(size),
          ':one': numeral(1),
          ':now': table.now(),
          ...(rejected.length > 0 ? { ':rejected': writeEnds(rejected) } : {}),
        },
      });
      const row = readBlockRow(written ?? {});
      await closeBlock(id, row);
      return row;
    },

    /** The blocks that have a row, by blockName. */
    async readBlocks(ids: readonly BlockId[]): Promise<Map<string, StoredBlockRow>> {
      const rows = await table.getAll(ids.map(blockKey));
      return new Map(rows.map((row) => [row['pk']?.S ?? '', readBlockRow(row)]));
    },

    /**
     * Adds ended rows to their block, and closes what that completes. With no ends at all it takes the closing step only:
     * after a crash between the two, the next one finds the row ended and finishes the work.
     * @returns late where the slice's result was frozen before: the ends change nothing any more
     */
    async recordEnds(id: BlockId, ends: Ends): Promise<'in time' | 'late'> {
      const given = ROW_ENDS.filter((end) => (ends[end]?.length ?? 0) > 0);
      if (given.length === 0) return closeAgain(id);
      const row = await table.update(blockKey(id), {
        UpdateExpression: `ADD ${given.map((end) => `${endsAttribute(end)} :${end}`).join(', ')} SET movedAtMs = :now`,
        // A row that its TTL has deleted stays deleted.
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: {
          ':now': table.now(),
          ...Object.fromEntries(given.map((end) => [`:${end}`, writeEnds(ends[end] ?? [])])),
        },
      });
      if (row === undefined) return 'late';
      return closeAndCompact(id, row);
    },

    /**
     * Freezes what settle counted: the first result wins.
     * @param damaged an earlier result that can't be read, to be replaced
     * @returns the frozen result: this one, or an earlier one
     */
    async freezeSlice(
      id: SliceId,
      result: SliceResult,
      damaged?: SliceRow['damagedResult'],
    ): Promise<SliceResult> {
      const row = await table.update(sliceKey(id), {
        UpdateExpression: 'SET #result = :result',
        ConditionExpression: `attribute_exists(pk) AND ${damaged === undefined ? 'attribute_not_exists(#result)' : '#result = :damaged'}`,
        ExpressionAttributeNames: { '#result': 'result' },
        ExpressionAttributeValues: {
          ':result': { S: JSON.stringify(result) },
          ...(damaged === undefined ? {} : { ':damaged': damaged }),
        },
      });
      const frozen = row === undefined ? await this.getSlice(id) : readSliceRow(row);
      if (frozen?.result === undefined)
        throw new Error(`slice ${id.job}/${id.slice} has no row to freeze its result in`);
      return frozen.result;
    },

    /** Lets the rows of a settled slice's blocks expire. */
    expireBlocks: (id: SliceId, blocks: number): Promise<void> =>
      table.expire(Array.from({ length: blocks }, (_, block) => blockKey({ ...id, block }))),

    /** Lets the rows of an ended job's slices expire, and those of their groups. */
    expireSlices: (job: JobId, slices: number): Promise<void> =>
      table.expire([
        ...Array.from({ length: slices }, (_, slice) => sliceKey({ job, slice })),
        ...Array.from({ length: sliceGroupsOf(slices) }, (_, group) => sliceGroupKey(job, group)),
      ]),
  };
}

/** The condition that a slice was replayed so often, given as `:replays`. */
function wasReplayed(replays: number): string {
  return replays === 0 ? '(attribute_not_exists(replays) OR replays = :replays)' : 'replays = :replays';
}

/** The key under which readBlocks answers a block. */
export function blockName(id: BlockId): string {
  return blockKey(id)['pk']?.S ?? '';
}
