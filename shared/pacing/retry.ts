// Decides what happens to an item that S3 has not taken: it is tried again in place, goes back to its queue for some time, or
// is given up. The transfer engine and the simulator take these steps; time and chance come from the caller.
import type { Random } from '../time/random.ts';
import { type Backoff, fullJitterMs } from './backoff.ts';

/** An item of a batch waits in place for about two seconds, for its turn and in all between its retries. */
export const IN_PLACE_MS = 2_000;
/** Retries for each item that shares a budget, on average: above it a retry storm outlives its cause (Bronson, HotOS'21). */
export const RETRIES_PER_ITEM = 3;
/** Between two tries in place, by what the last one met. */
export const THROTTLE_BACKOFF: Backoff = { baseMs: 200, capMs: 2_000 };
const TRANSIENT_BACKOFF: Backoff = { baseMs: 50, capMs: 2_000 };
/** In the queue, for an item that S3 refused, by how often it was given back. */
const GIVE_BACK_BACKOFF: Backoff = { baseMs: 1_000, capMs: 600_000 };
/** Share of a turn's wait that is added at random: other workers send items back for the same time. */
const TURN_JITTER = 0.25;

/** What the items of a batch or of a command share. */
export interface RetryBounds {
  /** Epoch ms: nothing is begun beyond it. It may be moved nearer while requests are under way. */
  stopAtMs: number;
  /** Milliseconds that a request waits in place: for its turn, and in all between its retries. */
  inPlaceMs: number;
  /** What is left for all of them. The caller takes one for each retry. */
  budget: { retries: number };
}

/** The tries of an item since it was last taken from its queue. */
export interface Tries {
  /** Requests sent. */
  attempts: number;
  /** Milliseconds of all waits before retries. */
  backedOffMs: number;
  /** Epoch ms: a fault after it ends the item. */
  giveUpAtMs: number;
  /** Whether it was sent before that, by this worker or another. */
  wasTried: boolean;
}

/**
 * refused   S3 refused it, failed, or the time in place was over
 * shed      it was not tried for lack of a turn; its group has one for it then
 * told      its server named the time after which it may be asked
 */
export type GiveBackCause =
  | { kind: 'refused' }
  | { kind: 'shed'; turnInMs: number }
  | { kind: 'told'; afterMs: number };

/**
 * retry      again in place, after a wait; `backedOffMs` counts it among the item's waits
 * give-back  S3 may take it later
 * give-up    its retry time is over
 */
export type RetryDecision =
  | { kind: 'retry'; delayMs: number; backedOffMs: number }
  | { kind: 'give-back'; cause: GiveBackCause }
  | { kind: 'give-up' };

const GIVE_BACK = { kind: 'give-back', cause: { kind: 'refused' } } as const;
const GIVE_UP = { kind: 'give-up' } as const;

/** The bounds of a batch of items that have a queue to go back to. */
export function batchBounds(items: number, stopAtMs: number, inPlaceMs = IN_PLACE_MS): RetryBounds {
  return { stopAtMs, inPlaceMs, budget: { retries: items * RETRIES_PER_ITEM } };
}

/** Milliseconds that a request may wait for its turn. */
export function turnWaitMs({ inPlaceMs, stopAtMs }: RetryBounds, nowMs: number): number {
  return Math.min(inPlaceMs, stopAtMs - nowMs);
}

/**
 * S3 refused the last try, or failed.
 * @param fault `transient` stands for every fault that says nothing of the rate
 * @param notBeforeMs milliseconds that the server asks for; it is not asked again before
 */
export function afterFault(
  tries: Tries,
  fault: 'throttle' | 'transient',
  bounds: RetryBounds,
  nowMs: number,
  random: Random,
  notBeforeMs = 0,
): RetryDecision {
  if (nowMs >= tries.giveUpAtMs) return GIVE_UP;
  const backoff = fault === 'throttle' ? THROTTLE_BACKOFF : TRANSIENT_BACKOFF;
  const delayMs = notBeforeMs + fullJitterMs(backoff, tries.attempts - 1, random);
  const backedOffMs = tries.backedOffMs + delayMs;
  const isOver = backedOffMs > bounds.inPlaceMs || delayMs >= bounds.stopAtMs - nowMs;
  if (isOver || bounds.budget.retries <= 0) {
    return notBeforeMs > 0 ? { kind: 'give-back', cause: { kind: 'told', afterMs: notBeforeMs } } : GIVE_BACK;
  }
  return { kind: 'retry', delayMs, backedOffMs };
}

/**
 * The item's group had no turn for it soon enough. What S3 was never asked is not given up, however old it is.
 * @param turnInMs milliseconds until its group has a turn for it
 */
export function afterShed(
  { attempts, wasTried, giveUpAtMs }: Tries,
  turnInMs: number,
  nowMs: number,
): Exclude<RetryDecision, { kind: 'retry' }> {
  if (nowMs >= giveUpAtMs && (wasTried || attempts > 0)) return GIVE_UP;
  return { kind: 'give-back', cause: { kind: 'shed', turnInMs } };
}

/**
 * Milliseconds until an item that is given back may be taken again.
 * @param givenBack how often it was given back before
 */
export function giveBackDelayMs(cause: GiveBackCause, givenBack: number, random: Random): number {
  // Of an untried item the turn is known: a wait that grew with each return would leave S3 idle at a job's end.
  if (cause.kind === 'shed') return cause.turnInMs * (1 + TURN_JITTER * random());
  if (cause.kind === 'told') return cause.afterMs * (1 + TURN_JITTER * random());
  return fullJitterMs(GIVE_BACK_BACKOFF, givenBack, random);
}
