// The turns of a job that has a rate: from when the next one is free. Workers of upload reserve them, give them back as times to
// come again, and charge what objects of unknown size took.
import type { JobId } from '../job/identity.ts';
import {
  type BytesCharge,
  CATCH_UP_MS,
  CLOCK_WAS_WRONG_MS,
  comeBackSpanOf,
  type JobRate,
  type Reservation,
  sumOf,
  type TurnCost,
} from '../pacing/job-rate.ts';
import { createSchedules, type Move, milliseconds, numberIn, turnsKey } from './schedules.ts';
import { numeral, type Table } from './table.ts';

/** SQS's longest delay: nothing comes back later. */
const LONGEST_DELAY_MS = 900_000;
/** An item that was given back stays away for this time at least: the turns before are reserved. */
const SHORTEST_DELAY_MS = 1_000;

export function createTurns(table: Table) {
  const nowMs = () => Number(table.now().N);
  const { move, remember, seen } = createSchedules(table);

  return {
    /** Reserves turns for objects of these costs that begin within `mostWaitMs`. */
    async reserveTurns(
      job: JobId,
      rate: JobRate,
      costs: readonly TurnCost[],
      mostWaitMs: number,
    ): Promise<Reservation> {
      const now = nowMs();
      const { objectsMs, bytesMs } = sumOf(costs);
      const bounds = { floorMs: now - CATCH_UP_MS, freshMs: now, mostMs: now + mostWaitMs };
      const moves: Move[] = [];
      if (rate.objectsPerSecond > 0)
        moves.push({
          ...bounds,
          schedule: 'objectsMs',
          costMs: objectsMs,
          wrongMs: now + CLOCK_WAS_WRONG_MS,
        });
      // One large object may take hours of it.
      if (rate.bytesPerSecond > 0)
        moves.push({ ...bounds, schedule: 'bytesMs', costMs: bytesMs, wrongMs: Number.MAX_SAFE_INTEGER });
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

    /** Moves the schedule by the difference between the bytes that objects of unknown size had and those reserved for them. */
    async chargeBytes(job: JobId, { bytesPerSecond }: JobRate, { bytes, ended }: BytesCharge): Promise<void> {
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
  };
}
