// The turns of one job's items in one batch: each item waits for its turn of the job's own rate, or is given back for later.
import {
  costOf,
  FIRST_WAIT_MS,
  firstGuessOf,
  isBounded,
  type JobRate,
  MAX_LATE_MS,
  NEXT_WAIT_MS,
  shareOf,
  type TurnCost,
  type TurnStart,
  turnTimes,
} from '../pacing/job-rate.ts';
import type { Clock } from '../time/clock.ts';

/** What all workers of a job share. */
export interface TurnSchedule {
  /** Reserves turns that begin within `mostWaitMs`. @returns their start, or `ahead` where others hold the turns until then */
  reserveTurns(
    rate: JobRate,
    costs: readonly TurnCost[],
    mostWaitMs: number,
  ): Promise<{ kind: 'reserved'; start: TurnStart } | { kind: 'ahead' }>;
  /** Times for items that come back for a turn later. @returns milliseconds from now, one for each */
  bookReturns(costs: readonly TurnCost[]): Promise<number[]>;
  /** Objects of unknown size have ended, with `bytes` more than were reserved for them; below zero, with fewer. */
  chargeBytes(rate: JobRate, charge: { bytes: number; ended: readonly number[] }): Promise<void>;
  /** Bytes of an object of unknown size, by those that have ended; undefined before the first. */
  meanBytes(): number | undefined;
}

/** `shed`: the item goes back to its queue, and its turn may have come in `turnInMs`. */
export type JobTurn = { kind: 'passed' } | { kind: 'shed'; turnInMs: number };

export interface JobTurns {
  /**
   * Waits for the turn of the batch's next item. Called for one item after another, in the order of `bytes`.
   * @param isHalted whether its job was halted: then it passes, and its transfer begins nothing
   */
  next(isHalted?: () => boolean): Promise<JobTurn>;
  /** An item whose size was not known has ended with so many bytes. */
  wrote(bytes: number): void;
  /** Ends the batch. @returns errors of the schedule, after which items were given back */
  end(): Promise<Error[]>;
}

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
): JobTurns {
  const errors: Error[] = [];
  /** Items that have had their turn, or were given back. */
  let position = 0;
  /** Reserved turns in epoch ms. One is lost after `goodUntilMs`. */
  let turns: { atMs: number; goodUntilMs: number }[] = [];
  /** Milliseconds until the remaining items may come back, once no turn is near enough. */
  let later: { atMs: number; delaysMs: number[] } | undefined;
  let hadTurns = false;
  /** Of objects of unknown size: what was reserved for those under way, and the sizes of those that have ended since. */
  const reservedBytes: number[] = [];
  let ended: number[] = [];

  /** The difference is charged when the object ends. */
  const guess = (rate: JobRate) => schedule.meanBytes() ?? firstGuessOf(rate);
  const costsLeft = (rate: JobRate) => bytes.slice(position).map((size) => costOf(rate, size ?? guess(rate)));

  async function reserve(rate: JobRate): Promise<void> {
    await charge(rate);
    const costs = shareOf(costsLeft(rate));
    const most = Math.min(hadTurns ? NEXT_WAIT_MS : FIRST_WAIT_MS, stopAtMs - clock.now());
    const reserved = await schedule.reserveTurns(rate, costs, most);
    const nowMs = clock.now();
    if (reserved.kind === 'ahead') return leave(await schedule.bookReturns(costsLeft(rate)));
    hadTurns = true;
    turns = turnTimes(reserved.start, costs).map((atMs) => ({
      atMs,
      goodUntilMs: Math.max(atMs, nowMs) + MAX_LATE_MS,
    }));
    if (rate.bytesPerSecond > 0)
      for (const size of bytes.slice(position, position + costs.length))
        if (size === undefined) reservedBytes.push(guess(rate));
  }

  async function charge(rate: JobRate): Promise<void> {
    if (rate.bytesPerSecond === 0 || ended.length === 0) return;
    const reserved = reservedBytes.splice(0, ended.length).reduce((sum, size) => sum + size, 0);
    const charged = ended;
    ended = [];
    const all = charged.reduce((sum, size) => sum + size, 0);
    await schedule.chargeBytes(rate, { bytes: all - reserved, ended: charged });
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
    async next(isHalted = () => false) {
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
        // The places of this worker were taken, or its machine stood still: started now, the late ones would come at once.
        if (clock.now() > turn.goodUntilMs) continue;
        position++;
        return { kind: 'passed' };
      }
    },
    wrote(size) {
      ended.push(size);
    },
    async end() {
      try {
        await charge(rateNow());
      } catch (error) {
        errors.push(error as Error);
      }
      return errors;
    },
  };
}
