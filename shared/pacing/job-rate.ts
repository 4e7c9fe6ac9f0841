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

/** 0 of either is no bound. */
export interface JobRate {
  objectsPerSecond: number;
  bytesPerSecond: number;
}

/** A worker between two batches, or a poll between two workers, leaves the schedule unused for about so long. */
export const CATCH_UP_MS = 500;
/** A turn that is not used within this time is lost: its object takes another. */
export const MAX_LATE_MS = 250;
/** Turns of so many milliseconds are reserved at once, and at least one: a worker that dies wastes no more. */
const RESERVE_MS = 500;
/** A worker whose first turn would come later gives its objects back: waiting in place is paid. */
export const FIRST_WAIT_MS = 1_000;
/** A worker that has had turns waits longer for its next: the others leave, and it keeps its batch together. */
export const NEXT_WAIT_MS = 2_000;
/** No turn of objects is reserved so far ahead: a schedule that stands there was set by a clock that was wrong. */
export const CLOCK_WAS_WRONG_MS = 60_000;
/**
 * Objects that are given back come again at this many times the rate. At the rate itself every object that is late would leave
 * a turn unused. Each object is received about so many times.
 */
const COME_BACK_FACTOR = 3;
/** They come again at so many a second at least: of a slow job more often, so that a higher rate finds them soon. */
const LEAST_COME_BACK_PER_SECOND = 30;

/**
 * Rows of a block of a job with a rate, at most: ingest sends whole blocks, and a row that waits long for its turn is received
 * often meanwhile.
 */
const MOST_BLOCK_ROWS = 500;

export interface TurnCost {
  objectsMs: number;
  bytesMs: number;
}

/** When a reservation begins in each schedule, in epoch ms; absent where the rate has no such bound. */
export interface TurnStart {
  objectsMs?: number | undefined;
  bytesMs?: number | undefined;
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

/** Milliseconds that objects of this cost take: by the bound that holds them. */
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

/** Of an object whose size is not known, before any other of its job has ended: what is reserved at once. */
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
