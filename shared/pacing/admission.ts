// Decides whether a request waits for its group's turn, leaves now, or goes back to its queue untried. The rate limiter takes
// these steps by a clock, the simulator in virtual time. Each step gets the time from its caller, and none of them waits.
import type { Pacer, PacingGroup } from './adaptive-pacer.ts';

/** One worker's requests that wait for a group's turns. The steps below count them; the caller keeps their order. */
export interface Line {
  readonly group: PacingGroup;
  waiting: number;
}

/** The request would wait too long. In `turnInMs` its group has a turn that no other request waits for or was promised. */
export interface Shed {
  kind: 'shed';
  turnInMs: number;
}

/** `untilMs`: epoch ms after which the request is shed all the same. */
export type Admission = { kind: 'wait'; untilMs: number } | Shed;

/** How a request leaves its line. */
export type Passage = { kind: 'passed' } | Shed;

/** A request in the line may wait this many times its limit: its wait was computed by the rate at its arrival. */
const PATIENCE = 2;

const PASSED: Passage = { kind: 'passed' };

/**
 * A request arrives. Where it waits it is counted, and goes to the end of the line.
 * @param mostMs a request that would wait longer is shed at once
 * @param tenant whose request it is, as `Pacer.book` takes it
 */
export function admit(pacer: Pacer, line: Line, mostMs: number, nowMs: number, tenant?: string): Admission {
  const waitMs = (line.waiting * 1000) / pacer.ratePerSecond(line.group, nowMs);
  if (waitMs > Math.min(mostMs, pacer.mostWaitMs(line.group, nowMs))) return shed(pacer, line, nowMs, tenant);
  line.waiting++;
  return { kind: 'wait', untilMs: nowMs + mostMs * PATIENCE };
}

/**
 * The first request of the line asks for the group's turn.
 * @param untilMs as its admission said
 * @returns `wait` where it has to ask again in `delayMs`: the rate may change meanwhile, so the turn is not reserved
 */
export function askForTurn(
  pacer: Pacer,
  line: Line,
  untilMs: number,
  nowMs: number,
  tenant?: string,
): Passage | { kind: 'wait'; delayMs: number } {
  const delayMs = nowMs > untilMs ? Number.POSITIVE_INFINITY : pacer.take(line.group, nowMs);
  if (delayMs > 0 && nowMs + delayMs <= untilMs) return { kind: 'wait', delayMs };
  line.waiting--;
  return delayMs > 0 ? shed(pacer, line, nowMs, tenant) : PASSED;
}

function shed(pacer: Pacer, { group, waiting }: Line, nowMs: number, tenant: string | undefined): Shed {
  // Each gets a time of its own: given the same one, all would come back together, to be shed again.
  return { kind: 'shed', turnInMs: pacer.book(group, waiting, nowMs, tenant) };
}
