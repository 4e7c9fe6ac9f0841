// Whether a running stage may take another bound of upload's concurrency. Pure.
import { inFlightFault } from '../../infrastructure/in-flight.js';

export interface FleetFacts {
  /** Upload's bound now; absent: none. */
  current: number | undefined;
  batchSize: number;
  /** What the stage's other functions may run at once. */
  others: number;
  /** Functions that the account may run at once, without what it reserves; absent where it could not be read. */
  available: number | undefined;
}

/** Lambda's least MaximumConcurrency. */
const LEAST = 2;

/** @returns what is wrong with the new bound and the remedy; undefined where it may be set */
export function boundFault(wanted: number, facts: FleetFacts): string | undefined {
  const { current, batchSize, others, available } = facts;
  const inFlight = inFlightFault({ maximumConcurrency: wanted, batchSize });
  if (inFlight !== undefined) return inFlight;
  // A lower bound is never refused: it is better than the present one.
  if (available === undefined || (current !== undefined && wanted <= current)) return undefined;
  if (wanted + others <= available) return undefined;
  const most = available - others;
  const remedy = most >= LEAST ? `take ${most} at most, or raise` : 'raise';
  return (
    `the account may run ${available} functions at once, and the stage's other functions may take ${others}: ` +
    `${wanted} of upload would only be throttled. To change that, ${remedy} Lambda's quota "Concurrent executions"`
  );
}
