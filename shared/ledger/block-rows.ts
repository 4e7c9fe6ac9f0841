// The ledger's rows of blocks: which manifest rows of a block have ended. The write that ends a block's last row closes the block
// in its slice. The write that closes a slice's last block reports the slice.
import { classifyFault } from '../aws/classify.ts';
import type { BlockId, SliceId } from '../job/identity.ts';
import { compactionOf, endsAttribute } from './compaction.ts';
import {
  type Attributes,
  blockKey,
  readableSliceRow,
  readBlockRow,
  type SliceRow,
  type StoredBlockRow,
  sliceKey,
  writeEnds,
} from './rows.ts';
import { type Change, numberSet, numeral, type Table } from './table.ts';
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

/** Called with each slice whose blocks have all closed, possibly more than once. */
export type SliceClosed = (slice: SliceId) => Promise<void>;

export type Ends = Partial<Record<RowEnd, readonly number[]>>;

export function createBlockRows(table: Table, sliceClosed: SliceClosed) {
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
    // The slice's row is damaged, which sweep reports. The block is closed all the same, so its items must not come again.
    if (sliceRow === undefined) return false;
    await reportIfClosed(sliceClosed, id, sliceRow);
    return sliceRow.result !== undefined;
  }

  async function closeAndCompact(id: BlockId, item: Attributes): Promise<'in time' | 'late'> {
    const row = readBlockRow(item);
    const isLate = await closeBlock(id, row);
    const compaction = compactionOf(item, row.size - endedRows(row));
    if (compaction !== undefined) await tryCompaction(id, compaction);
    return isLate ? 'late' : 'in time';
  }

  /** The batch is booked already, so a busy table must not bring it back: the next batch compacts the row. */
  async function tryCompaction(id: BlockId, compaction: Change): Promise<void> {
    try {
      await table.update(blockKey(id), compaction);
    } catch (error) {
      if (classifyFault(error).kind === 'permanent') throw error;
    }
  }

  /** The closing step of a block that may be closed already. Such a block is only read, since it may have many duplicates. */
  async function closeAgain(id: BlockId): Promise<'in time' | 'late'> {
    const [row, slice] = await Promise.all([table.get(blockKey(id)), table.get(sliceKey(id))]);
    if (row === undefined || slice === undefined) return 'late';
    const sliceRow = readableSliceRow(slice);
    if (sliceRow === undefined) return 'in time';
    if (!sliceRow.closedBlocks.has(id.block))
      return (await closeBlock(id, readBlockRow(row))) ? 'late' : 'in time';
    await reportIfClosed(sliceClosed, id, sliceRow);
    return sliceRow.result === undefined ? 'in time' : 'late';
  }

  return {
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
  };
}

/** Reports a slice whose blocks have all closed. */
export async function reportIfClosed(
  sliceClosed: SliceClosed,
  { job, slice }: SliceId,
  row: SliceRow,
): Promise<void> {
  // A frozen slice was settled by a message that is still being worked on, or has done its part.
  if (row.result === undefined && isCovered(row.closedBlocks, row.blocks)) await sliceClosed({ job, slice });
}
