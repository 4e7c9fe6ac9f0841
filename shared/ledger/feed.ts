// Decides which slice of a job ingest sends rows of, and when. In a job with a rate, only rows for a short while are sent ahead.
import type { JobId, SliceId } from '../job/identity.ts';
import { costOf, type JobRate } from '../pacing/job-rate.ts';
import { createSchedules, isFedByOther, type Move, numberIn, turnsKey } from './schedules.ts';
import { numeral, type Table } from './table.ts';

/** Rows that ingest sends ahead, in milliseconds of the job's rate: enough to bridge the restart of a slice, and its block. */
const SEND_AHEAD_MS = 20_000;
/** A slice that sends rows asks again at least so often: the rate may have risen. */
const HELD_MOST_MS = 10_000;
const HELD_LEAST_MS = 1_000;
/**
 * A slice behind others asks again at least so often, and each request counts as progress. Sweep replays a slice without progress
 * for replayBusySeconds, which is 10 minutes at least. Its message may wait in the queue, too.
 */
const BEHIND_MOST_MS = 240_000;

/** `wait`: other rows come first. The slice is to be asked for again in `delayMs`. */
export type Feed = { kind: 'send' } | { kind: 'wait'; delayMs: number };

export function createFeed(table: Table) {
  const nowMs = () => Number(table.now().N);
  const { move } = createSchedules(table);

  return {
    /**
     * Whether ingest sends rows of the slice now. It waits while the rows on their way suffice, or while an earlier slice sends.
     */
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
      // A slice asks again for each block.
      const feeding = { slice, nowMs: now, takesOver: true };
      const moved = await move(job, [sent], feeding);
      if (moved.kind === 'moved') return { kind: 'send' };
      const aheadMs = numberIn(moved.row, 'sentMs', now) - now;
      const untilHalfMs = heldMs(aheadMs - SEND_AHEAD_MS / 2);
      if (!isFedByOther(moved.row, feeding)) return { kind: 'wait', delayMs: untilHalfMs };
      // Its turn comes when the slices before it are sent. The estimate is halved, as the rate may rise.
      const before = slice - numberIn(moved.row, 'feeder', slice);
      const eachMs = heldMs((objectsMs * sliceRows) / 2);
      return { kind: 'wait', delayMs: Math.min(before * eachMs, BEHIND_MOST_MS) };
    },

    /**
     * Asks that the slice be the one that sends rows. It takes over from no other, since the rows of both would be mixed in the
     * queue.
     * @returns 0 if the slice sends now; else by how many slices the sending one is ahead of it, and 1 if that one is behind it
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

    /**
     * The job runs again after a pause. Upload dropped all rows that were sent or booked before, so they no longer hold back
     * others.
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

function heldMs(wantedMs: number): number {
  return Math.min(Math.max(wantedMs, HELD_LEAST_MS), HELD_MOST_MS);
}
