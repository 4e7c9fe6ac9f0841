// How long an item waits: in place, in the hands of the worker that has it, and in the queue when it is given back. The
// simulator waits by the same rules.
import type { Random } from '../time/random.ts';
import { type Backoff, fullJitterMs } from './backoff.ts';

/** An item of a batch waits in place for about two seconds, for its turn and in all between its retries. */
export const IN_PLACE_MS = 2_000;
/** Between two tries in place, by what the last one met. */
export const THROTTLE_BACKOFF: Backoff = { baseMs: 200, capMs: 2_000 };
export const TRANSIENT_BACKOFF: Backoff = { baseMs: 50, capMs: 2_000 };
/** In the queue, of an item that S3 refused, by how often it was given back. */
const GIVE_BACK_BACKOFF: Backoff = { baseMs: 1_000, capMs: 600_000 };
/** Share of a turn's wait that is added at random: other workers have told theirs too. */
const TURN_JITTER = 0.25;

/**
 * refused   S3 refused it, failed, or the time in place was over
 * shed      it was not tried for lack of a turn; its group has one for it then
 */
export type GiveBackCause = { cause: 'refused' } | { cause: 'shed'; turnInMs: number };

/** Milliseconds until an item that is given back may be taken again. */
export function giveBackDelayMs(given: GiveBackCause, givenBack: number, random: Random): number {
  // Of an untried item the turn is known: a wait that grew with each return would leave S3 idle at a job's end.
  if (given.cause === 'shed') return given.turnInMs * (1 + TURN_JITTER * random());
  return fullJitterMs(GIVE_BACK_BACKOFF, givenBack, random);
}
