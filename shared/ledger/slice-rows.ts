// Rows of slices: where each lies, what of it was sent, which of its blocks have closed, and the result that settle froze.
import { type JobId, type SliceId, sliceGroupsOf } from '../job/identity.ts';
import type { RowIntake } from '../job/job.ts';
import type { SlicePlace } from '../manifest/slice-place.ts';
import type { Random } from '../time/random.ts';
import { reportIfClosed, type SliceClosed } from './block-rows.ts';
import {
  blockKey,
  readableSliceRow,
  readSliceRow,
  type SliceResult,
  type SliceRow,
  sliceGroupKey,
  sliceKey,
  writePlace,
} from './rows.ts';
import { numberSet, numeral, type Table } from './table.ts';

/** Slices read at a time: with 256 counts each they are 15 MB of heap. */
export const SLICE_PAGE = 200;

export type SliceStart = Pick<SliceRow, 'rows' | 'blocks'> & { place: SlicePlace };

export function createSliceRows(table: Table, random: Random, sliceClosed: SliceClosed) {
  return {
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
      if (row !== undefined) await reportIfClosed(sliceClosed, id, row);
    },

    /** The slices numbered from..to-1 that exist and can be read. */
    async getSlices(job: JobId, from: number, to: number): Promise<SliceRow[]> {
      const keys = Array.from({ length: Math.max(0, to - from) }, (_, index) =>
        sliceKey({ job, slice: from + index }),
      );
      return (await table.getAll(keys)).flatMap((row) => readableSliceRow(row) ?? []);
    },

    /** The results of the slices numbered 0..slices-1, by number, where they have one; their counts are not kept in memory. */
    async getResults(job: JobId, slices: number): Promise<(SliceResult | undefined)[]> {
      const results = Array.from<SliceResult | undefined>({ length: slices });
      for (let from = 0; from < slices; from += SLICE_PAGE) {
        const page = await this.getSlices(job, from, Math.min(slices, from + SLICE_PAGE));
        for (const { slice, result } of page) if (result !== undefined) results[slice] = result;
      }
      return results;
    },

    /**
     * Remembers blocks whose messages have all been sent: a redelivered slice carries on behind them.
     * @param replays how often the slice had been replayed when they were sent. A replay since then has forgotten them on purpose
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
     * Forgets which rows of an open slice were sent, so that its next ingest sends every row that its blocks lack. If two callers
     * begin the same replay, only one does.
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
      // If the answer is lost, the SDK writes again, and its own first write has broken the condition.
      return (await table.get(sliceKey(id)))?.['replayMark']?.S === mark;
    },

    /**
     * Remembers the request that a held slice has made for itself, unless another delivery has made one since the slice was
     * read. That counts as progress: sweep replays a slice without any.
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
