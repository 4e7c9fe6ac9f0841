// A job's own rate: how many objects and bytes a second it may write, whatever number of workers write them. Pure.
//
// All workers of a job take turns from one schedule (GCRA, ITU-T I.371): the time from which the next turn is free. A worker
// reserves a few turns at once, which moves that time by their cost, and starts its objects at those turns.
//
//   cost       milliseconds of the schedule that an object takes: 1000 / rate
//   ahead      how far the schedule's time is in front of now: turns that others have reserved
//   behind     a schedule that nobody used. It goes on from CATCH_UP_MS ago at most; older turns are lost
//
// Any ten seconds see the turns of ten seconds, of CATCH_UP_MS, and of MAX_LATE_MS twice: 1.1 times the rate at most.

/** For each of them, 0 means no bound. */
export interface JobRate {
  objectsPerSecond: number;
  bytesPerSecond: number;
}

/** About how long nobody uses the schedule between two batches of a worker, or while Lambda polls for the next worker. */
export const CATCH_UP_MS = 500;
/** A turn that is not used within this time is lost: its object takes another. */
export const MAX_LATE_MS = 250;
/** One reservation covers turns of so many milliseconds, and at least one turn. A worker that dies wastes no more. */
const RESERVE_MS = 500;
/** A worker whose first turn would come later gives its objects back: waiting in place is paid. */
export const FIRST_WAIT_MS = 1_000;
/** A worker that has had turns waits longer for its next: the others leave, and it keeps its batch together. */
export const NEXT_WAIT_MS = 2_000;
/** Turns of objects are never reserved so far ahead. A schedule that is so far ahead was set by a wrong clock. */
export const CLOCK_WAS_WRONG_MS = 60_000;
/**
 * Objects that were given back come again at this many times the rate. At the rate itself, each late object would leave a turn
 * unused. An object is received about this many times.
 */
const COME_BACK_FACTOR = 3;
/** At least this many come again in a second. So the objects of a slow job are soon there when its rate is raised. */
const LEAST_COME_BACK_PER_SECOND = 30;

/**
 * Most rows of a block in a job with a rate. Ingest sends whole blocks, and a row that waits long for its turn is received many
 * times.
 */
const MOST_BLOCK_ROWS = 500;

export interface TurnCost {
  objectsMs: number;
  bytesMs: number;
}

/** When a reservation begins in each schedule, in epoch ms; absent where the rate has no such bound. */
interface TurnStart {
  objectsMs?: number | undefined;
  bytesMs?: number | undefined;
}

/** `ahead`: others hold the turns of the time that was asked for. */
export type Reservation = { kind: 'reserved'; start: TurnStart } | { kind: 'ahead' };

/** `bytes`: how many more than were reserved; below zero, how many fewer. `ended`: sizes that were unknown before. */
export interface BytesCharge {
  bytes: number;
  ended: readonly number[];
}

export function isBounded({ objectsPerSecond, bytesPerSecond }: JobRate): boolean {
  return objectsPerSecond > 0 || bytesPerSecond > 0;
}

/** Rows of the blocks of a new job. @param blockRows as the deployment says */
export function blockRowsOf(blockRows: number, rate: JobRate): number {
  return isBounded(rate) ? Math.min(blockRows, MOST_BLOCK_ROWS) : blockRows;
}

export function costOf({ objectsPerSecond, bytesPerSecond }: JobRate, bytes: number): TurnCost {
  return {
    objectsMs: objectsPerSecond > 0 ? 1000 / objectsPerSecond : 0,
    bytesMs: bytesPerSecond > 0 ? (1000 * bytes) / bytesPerSecond : 0,
  };
}

/** Milliseconds that objects of this cost take, by the stricter of the two bounds. */
function spanOf(costs: readonly TurnCost[]): number {
  const { objectsMs, bytesMs } = sumOf(costs);
  return Math.max(objectsMs, bytesMs);
}

export function sumOf(costs: readonly TurnCost[]): TurnCost {
  return costs.reduce(
    (sum, { objectsMs, bytesMs }) => ({
      objectsMs: sum.objectsMs + objectsMs,
      bytesMs: sum.bytesMs + bytesMs,
    }),
    { objectsMs: 0, bytesMs: 0 },
  );
}

/** Milliseconds over which objects of these costs come back, one after the other. */
export function comeBackSpanOf(costs: readonly TurnCost[]): number {
  return Math.min(spanOf(costs) / COME_BACK_FACTOR, (1000 * costs.length) / LEAST_COME_BACK_PER_SECOND);
}

/** The first of these objects whose turns are reserved together. */
export function shareOf(costs: readonly TurnCost[]): TurnCost[] {
  let span = { objectsMs: 0, bytesMs: 0 };
  const end = costs.findIndex((cost) => {
    span = sumOf([span, cost]);
    return Math.max(span.objectsMs, span.bytesMs) > RESERVE_MS;
  });
  return costs.slice(0, end === -1 ? costs.length : Math.max(1, end));
}

/** The bytes assumed for an object of unknown size, before any object of its job has ended: those of one reservation. */
export function firstGuessOf({ bytesPerSecond }: JobRate): number {
  return (bytesPerSecond * RESERVE_MS) / 1000;
}

/** Epoch ms of each turn of a reservation: evenly from its start, and in each schedule no earlier than its own. */
export function turnTimes(start: TurnStart, costs: readonly TurnCost[]): number[] {
  let objectsMs = start.objectsMs ?? Number.NEGATIVE_INFINITY;
  let bytesMs = start.bytesMs ?? Number.NEGATIVE_INFINITY;
  return costs.map((cost) => {
    const atMs = Math.max(objectsMs, bytesMs);
    objectsMs += cost.objectsMs;
    bytesMs += cost.bytesMs;
    return atMs;
  });
}
