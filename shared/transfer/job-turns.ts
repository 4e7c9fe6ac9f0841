// The turns of one job's items in one batch: each item waits for its turn of the job's own rate, or is given back for later.
import {
  type BytesCharge,
  costOf,
  FIRST_WAIT_MS,
  firstGuessOf,
  isBounded,
  type JobRate,
  MAX_LATE_MS,
  NEXT_WAIT_MS,
  type Reservation,
  shareOf,
  type TurnCost,
  turnTimes,
} from '../pacing/job-rate.ts';
import type { Clock } from '../time/clock.ts';

/** What all workers of a job share. */
export interface TurnSchedule {
  /** Reserves turns that begin within `mostWaitMs`. */
  reserveTurns(rate: JobRate, costs: readonly TurnCost[], mostWaitMs: number): Promise<Reservation>;
  /** Times for items that come back for a turn later. @returns milliseconds from now, one for each */
  bookReturns(costs: readonly TurnCost[]): Promise<number[]>;
  /** Charges for objects that have ended. */
  chargeBytes(rate: JobRate, charge: BytesCharge): Promise<void>;
  /** Bytes of an object of unknown size, by those that have ended; undefined before the first. */
  meanBytes(): number | undefined;
}

/** `shed`: the item goes back to its queue, and its turn may have come in `turnInMs`. */
export type JobTurn =
  /** Absent `reservedBytes`: no turn of bytes was reserved for it. */
  { kind: 'passed'; reservedBytes?: number } | { kind: 'shed'; turnInMs: number };

/**
 * What an item did with the bytes that were reserved for it.
 *
 *   kept       they stay taken: its size was known, or is not known even now
 *   returned   it has not ended: its next delivery reserves them again
 *   wrote      its size was unknown, and it has ended with so many
 */
export type UsedBytes = { kind: 'kept' } | { kind: 'returned' } | { kind: 'wrote'; bytes: number };

export type JobTurns = ReturnType<typeof createJobTurns>;

export interface JobTurnsOptions {
  /** The sizes of the job's items in the batch, as far as they are known before. */
  bytes: readonly (number | undefined)[];
  /** The job's rate as it was last read: it may change at any time. */
  rateNow: () => JobRate;
  /** Epoch ms: no turn is waited for beyond it. */
  stopAtMs: number;
}

/** Milliseconds after which items come back where the schedule could not be asked. */
const AFTER_ERROR_MS = 5_000;

export function createJobTurns(
  { schedule, clock }: { schedule: TurnSchedule; clock: Clock },
  { bytes, rateNow, stopAtMs }: JobTurnsOptions,
) {
  const errors: Error[] = [];
  /** Items that have had their turn, or were given back. */
  let position = 0;
  /** Reserved turns in epoch ms. One is lost after `goodUntilMs`. */
  let turns: { atMs: number; goodUntilMs: number; reservedBytes?: number }[] = [];
  /** Milliseconds until the remaining items may come back, once no turn is near enough. */
  let later: { atMs: number; delaysMs: number[] } | undefined;
  let hadTurns = false;
  /** To be charged: bytes beyond what was reserved, or below zero, and sizes that were unknown before. */
  let owed: { bytes: number; ended: number[] } = { bytes: 0, ended: [] };

  /** The difference is charged when the object ends. */
  const guess = (rate: JobRate) => schedule.meanBytes() ?? firstGuessOf(rate);
  const bytesLeft = (rate: JobRate) => bytes.slice(position).map((size) => size ?? guess(rate));

  async function reserve(rate: JobRate): Promise<void> {
    await charge(rate);
    const left = bytesLeft(rate);
    const all = left.map((size) => costOf(rate, size));
    const costs = shareOf(all);
    const most = Math.min(hadTurns ? NEXT_WAIT_MS : FIRST_WAIT_MS, stopAtMs - clock.now());
    const reserved = await schedule.reserveTurns(rate, costs, most);
    const nowMs = clock.now();
    if (reserved.kind === 'ahead') return leave(await schedule.bookReturns(all));
    hadTurns = true;
    turns = turnTimes(reserved.start, costs).map((atMs, index) => ({
      atMs,
      goodUntilMs: Math.max(atMs, nowMs) + MAX_LATE_MS,
      ...(rate.bytesPerSecond > 0 ? { reservedBytes: left[index] as number } : {}),
    }));
  }

  async function charge(rate: JobRate): Promise<void> {
    if (rate.bytesPerSecond === 0 || (owed.bytes === 0 && owed.ended.length === 0)) return;
    const charged = owed;
    owed = { bytes: 0, ended: [] };
    await schedule.chargeBytes(rate, charged);
  }

  function leave(delaysMs: number[]): void {
    later = { atMs: clock.now(), delaysMs };
  }

  async function tryReserve(rate: JobRate): Promise<void> {
    try {
      await reserve(rate);
    } catch (error) {
      errors.push(error as Error);
      leave(bytes.slice(position).map(() => AFTER_ERROR_MS));
    }
  }

  function shed(): JobTurn {
    position++;
    const { atMs = 0, delaysMs = [] } = later ?? {};
    return { kind: 'shed', turnInMs: Math.max(0, atMs + (delaysMs.shift() ?? 0) - clock.now()) };
  }

  return {
    /**
     * Waits for the turn of the batch's next item. Called for one item after another, in the order of `bytes`.
     * @param isHalted whether its job was halted: then it passes, and its transfer begins nothing
     */
    async next(isHalted: () => boolean = () => false): Promise<JobTurn> {
      for (;;) {
        const rate = rateNow();
        if (!isBounded(rate) || isHalted()) {
          position++;
          return { kind: 'passed' };
        }
        if (turns.length === 0 && later === undefined) await tryReserve(rate);
        if (later !== undefined) return shed();
        const turn = turns.shift();
        if (turn === undefined) continue;
        if (turn.atMs > clock.now()) await clock.sleep(turn.atMs - clock.now());
        // This worker had no place free, or its machine was paused. If the late items started now, they would all start at once.
        if (clock.now() > turn.goodUntilMs) continue;
        position++;
        const { reservedBytes } = turn;
        return { kind: 'passed', ...(reservedBytes === undefined ? {} : { reservedBytes }) };
      }
    },
    /** An item that had its turn needs it no more in this batch. @param reservedBytes as its turn said */
    used(reservedBytes: number | undefined = 0, used: UsedBytes): void {
      if (used.kind === 'kept') return;
      owed.bytes -= reservedBytes;
      if (used.kind === 'returned') return;
      owed.bytes += used.bytes;
      owed.ended.push(used.bytes);
    },
    /** Ends the batch. @returns errors of the schedule, after which items were given back */
    async end(): Promise<Error[]> {
      try {
        await charge(rateNow());
      } catch (error) {
        errors.push(error as Error);
      }
      return errors;
    },
  };
}
