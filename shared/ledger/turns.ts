// A job's schedules, of a job that has a rate: from when the next turn is free, and until when enough rows were sent. And which
// slice of a job its rows are sent of.
//
//   T#<job>   objectsMs, bytesMs   epoch ms: earlier turns are reserved by workers
//             unsized…             how many objects of unknown size have ended, and their bytes
//             bookedMs             epoch ms: until then, items that were given back come again
//             sentMs               epoch ms: rows that ingest has sent suffice until then
//             feeder, fedMs        the slice that ingest sends rows of, and when it last did
//
// Each change moves times by what it takes, with one conditional write. A write that is made twice, since its answer was lost,
// leaves turns unused and does no other harm. Of a job without a rate the row has the feeder alone.
import type { JobId, SliceId } from '../job/identity.ts';
import {
  CATCH_UP_MS,
  CLOCK_WAS_WRONG_MS,
  comeBackSpanOf,
  costOf,
  isBounded,
  type JobRate,
  sumOf,
  type TurnCost,
  type TurnStart,
} from '../pacing/job-rate.ts';
import {
  createSchedules,
  isFedByOther,
  type Move,
  milliseconds,
  numberIn,
  type Schedule,
  turnsKey,
} from './schedules.ts';
import { numeral, type Table } from './table.ts';

/** SQS's longest delay: nothing comes back later. */
const LONGEST_DELAY_MS = 900_000;
/** An item that was given back stays away for this time at least: the turns before are reserved. */
const SHORTEST_DELAY_MS = 1_000;
/** Rows that ingest sends ahead, in milliseconds of the job's rate: enough to bridge the restart of a slice, and its block. */
const SEND_AHEAD_MS = 20_000;
/** A slice that sends rows asks again at least so often: the rate may have risen. */
const HELD_MOST_MS = 10_000;
const HELD_LEAST_MS = 1_000;
/**
 * A slice behind others asks again at least so often. Each time counts as its movement. Sweep replays a slice that does not
 * move for replayBusySeconds, which is 10 minutes at least; its message may wait in the queue too.
 */
const BEHIND_MOST_MS = 240_000;
/** Workers move the schedule meanwhile: a change that meets one of them is made again so often. */
const SCALE_TRIES = 8;

/** `wait`: other rows come first. The slice is to be asked for again in `delayMs`. */
export type Feed = { kind: 'send' } | { kind: 'wait'; delayMs: number };

/** `bytes` more than were reserved, or fewer, where it is below zero. `ended`: the sizes of the objects. */
export interface UnsizedCharge {
  bytes: number;
  ended: readonly number[];
}

export function createJobTurnRows(table: Table) {
  const nowMs = () => Number(table.now().N);
  const { move, remember, seen } = createSchedules(table);

  /** One large object may have taken hours of the old rate. Workers reserve turns meanwhile: none of them may be lost. */
  async function scaleBytes(job: JobId, factor: number): Promise<void> {
    for (let tries = 0; tries < SCALE_TRIES; tries++) {
      const row = (await table.get(turnsKey(job))) ?? {};
      const was = row['bytesMs'];
      const aheadMs = numberIn(row, 'bytesMs', 0) - nowMs();
      if (was === undefined || aheadMs <= 0) return;
      const moved = await table.update(turnsKey(job), {
        UpdateExpression: 'SET bytesMs = :bytes',
        ConditionExpression: 'bytesMs = :was',
        ExpressionAttributeValues: { ':bytes': milliseconds(nowMs() + aheadMs * factor), ':was': was },
      });
      if (moved !== undefined) return;
    }
    throw new Error(`the turns of job ${job} changed ${SCALE_TRIES} times while its rate was to be changed`);
  }

  return {
    /** Reserves turns for objects of these costs that begin within `mostWaitMs`. */
    async reserveTurns(
      job: JobId,
      rate: JobRate,
      costs: readonly TurnCost[],
      mostWaitMs: number,
    ): Promise<{ kind: 'reserved'; start: TurnStart } | { kind: 'ahead' }> {
      const now = nowMs();
      const { objectsMs, bytesMs } = sumOf(costs);
      const bounds = { floorMs: now - CATCH_UP_MS, freshMs: now, mostMs: now + mostWaitMs };
      const moves: Move[] = [
        ...(rate.objectsPerSecond > 0
          ? [
              {
                ...bounds,
                schedule: 'objectsMs' as const,
                costMs: objectsMs,
                wrongMs: now + CLOCK_WAS_WRONG_MS,
              },
            ]
          : []),
        // One large object may take hours of it.
        ...(rate.bytesPerSecond > 0
          ? [{ ...bounds, schedule: 'bytesMs' as const, costMs: bytesMs, wrongMs: Number.MAX_SAFE_INTEGER }]
          : []),
      ];
      const moved = await move(job, moves);
      return moved.kind === 'ahead' ? { kind: 'ahead' } : { kind: 'reserved', start: moved.startsMs };
    },

    /** Times for items of these costs to come back for their turns. @returns milliseconds from now, one for each */
    async bookReturns(job: JobId, costs: readonly TurnCost[]): Promise<number[]> {
      const now = nowMs();
      const moved = await move(job, [
        {
          schedule: 'bookedMs',
          costMs: comeBackSpanOf(costs),
          floorMs: now + SHORTEST_DELAY_MS,
          freshMs: now + SHORTEST_DELAY_MS,
          mostMs: now + LONGEST_DELAY_MS,
          wrongMs: Number.MAX_SAFE_INTEGER,
        },
      ]);
      if (moved.kind === 'ahead') return costs.map(() => LONGEST_DELAY_MS);
      const startMs = (moved.startsMs.bookedMs ?? now) - now;
      const eachMs = comeBackSpanOf(costs) / costs.length;
      return costs.map((_, index) => Math.min(startMs + index * eachMs, LONGEST_DELAY_MS));
    },

    /** Moves the schedule by bytes that objects of unknown size had, other than was reserved for them. */
    async chargeBytes(
      job: JobId,
      { bytesPerSecond }: JobRate,
      { bytes, ended }: UnsizedCharge,
    ): Promise<void> {
      const row = await table.update(turnsKey(job), {
        UpdateExpression:
          'SET bytesMs = bytesMs + :cost, expiresAt = :expiresAt ADD unsized :ended, unsizedBytes :endedBytes',
        // Without a schedule no turn of bytes was ever reserved.
        ConditionExpression: 'attribute_exists(bytesMs)',
        ExpressionAttributeValues: {
          ':cost': milliseconds((1000 * bytes) / bytesPerSecond),
          ':expiresAt': table.expiry(),
          ':ended': numeral(ended.length),
          ':endedBytes': numeral(ended.reduce((sum, size) => sum + size, 0)),
        },
      });
      if (row !== undefined) remember(job, row);
    },

    /** Of the job's objects of unknown size that have ended, as this worker last saw it. */
    meanBytes(job: JobId): number | undefined {
      const row = seen(job);
      const ended = numberIn(row, 'unsized', 0);
      return ended === 0 ? undefined : numberIn(row, 'unsizedBytes', 0) / ended;
    },

    /** Whether ingest sends rows of the slice now: those on their way suffice for a while, or a slice before it sends first. */
    async feed(
      { job, slice }: SliceId,
      rate: JobRate,
      rows: { bytes: number; count: number },
      sliceRows: number,
    ): Promise<Feed> {
      const now = nowMs();
      const { objectsMs } = costOf(rate, 0);
      const costMs = Math.max(objectsMs * rows.count, costOf(rate, rows.bytes).bytesMs);
      const sent: Move = {
        schedule: 'sentMs',
        costMs,
        floorMs: now,
        freshMs: now,
        mostMs: now + SEND_AHEAD_MS,
        wrongMs: Number.MAX_SAFE_INTEGER,
      };
      // With each block a slice asks again.
      const feeding = { slice, nowMs: now, takesOver: true };
      const moved = await move(job, [sent], feeding);
      if (moved.kind === 'moved') return { kind: 'send' };
      const aheadMs = numberIn(moved.row, 'sentMs', now) - now;
      const untilHalfMs = clamp(aheadMs - SEND_AHEAD_MS / 2, HELD_LEAST_MS, HELD_MOST_MS);
      if (!isFedByOther(moved.row, feeding)) return { kind: 'wait', delayMs: untilHalfMs };
      // Its turn comes when those before it are sent. They may be sent sooner than that, as the rate may rise.
      const before = slice - numberIn(moved.row, 'feeder', slice);
      const eachMs = clamp((objectsMs * sliceRows) / 2, HELD_LEAST_MS, HELD_MOST_MS);
      return { kind: 'wait', delayMs: Math.min(before * eachMs, BEHIND_MOST_MS) };
    },

    /**
     * The slice is to be the one that rows are sent of. It takes over from none: the rows of both would lie mixed in the queue.
     * @returns 0 where it is; else how many slices the one that is lies before it, and 1 where it lies behind
     */
    async lead({ job, slice }: SliceId): Promise<number> {
      const moved = await move(job, [], { slice, nowMs: nowMs(), takesOver: false });
      return moved.kind === 'moved' ? 0 : Math.max(1, slice - numberIn(moved.row, 'feeder', slice));
    },

    /** The slice has sent its last row: the next one may go on. */
    async endFeeding({ job, slice }: SliceId): Promise<void> {
      await table.update(turnsKey(job), {
        UpdateExpression: 'REMOVE feeder, fedMs',
        ConditionExpression: 'feeder = :slice',
        ExpressionAttributeValues: { ':slice': numeral(slice) },
      });
    },

    /** What was booked and sent by the old rate lasts longer or shorter by the new one, as do bytes that were written ahead. */
    async rescaleTurns(job: JobId, before: JobRate, after: JobRate): Promise<void> {
      if (!isBounded(before) || !isBounded(after)) return;
      const row = await table.get(turnsKey(job));
      if (row === undefined) return;
      const now = nowMs();
      const one = { before: costOf(before, 1), after: costOf(after, 1) };
      /** A bound that is gone holds nothing any more. */
      const factorOf = (of: keyof TurnCost) =>
        one.before[of] > 0 ? one.after[of] / one.before[of] : undefined;
      const factors = { objectsMs: factorOf('objectsMs'), bytesMs: factorOf('bytesMs') };
      // Which of the two bounds holds is not known. Rows that are sent too soon wait in the queue; too late, they leave it empty.
      const least = Math.min(
        factors.objectsMs ?? Number.POSITIVE_INFINITY,
        factors.bytesMs ?? Number.POSITIVE_INFINITY,
      );
      const scaled = (schedule: Schedule, factor: number) => {
        const atMs = numberIn(row, schedule, now);
        return milliseconds(atMs > now ? now + (atMs - now) * factor : atMs);
      };
      await table.update(turnsKey(job), {
        UpdateExpression: 'SET bookedMs = :booked, sentMs = :sent',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':booked': scaled('bookedMs', least), ':sent': scaled('sentMs', least) },
      });
      if (numberIn(row, 'bytesMs', now) > now) await scaleBytes(job, factors.bytesMs ?? 1);
    },

    /**
     * The job runs again after a pause. Upload dropped what was sent and booked before it, so neither suffices any more.
     * @param resumedAtMs epoch ms: rows that were sent since then are not dropped
     */
    async restartFeed(job: JobId, resumedAtMs: number): Promise<void> {
      await table.update(turnsKey(job), {
        UpdateExpression: 'SET sentMs = :now, bookedMs = :now REMOVE feeder, fedMs',
        ConditionExpression: 'attribute_exists(sentMs) AND (attribute_not_exists(fedMs) OR fedMs < :resumed)',
        ExpressionAttributeValues: { ':now': table.now(), ':resumed': numeral(resumedAtMs) },
      });
    },
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
