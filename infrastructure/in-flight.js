// How many messages of the upload queue a fleet may have in flight. Deployment and `spillway concurrency` refuse more.

/** The bounds of an event source mapping's MaximumConcurrency (Lambda API, "ScalingConfig"). */
export const CONCURRENCY_BOUNDS = /** @type {const} */ ([2, 1000]);
/** SQS stops delivering at about 120,000 messages in flight, without an error. */
export const MOST_MESSAGES_IN_FLIGHT = 110_000;
/** Messages in flight that one upload function has returned to the queue (shared/queue/give-back.ts). */
const RETURNS_PER_WORKER = 60;

/** @typedef {{ maximumConcurrency: number, batchSize: number }} Fleet */

/**
 * Messages in flight at most: those in the workers' hands, and those that they have returned.
 * @param {Fleet} fleet
 */
export function mostInFlight({ maximumConcurrency, batchSize }) {
  return maximumConcurrency * (batchSize + RETURNS_PER_WORKER);
}

/**
 * @param {Fleet} fleet
 * @returns {string | undefined} what is wrong, and the remedy
 */
export function inFlightFault({ maximumConcurrency, batchSize }) {
  const inFlight = mostInFlight({ maximumConcurrency, batchSize });
  if (!(inFlight > MOST_MESSAGES_IN_FLIGHT)) return undefined;
  const remedy = Math.max(
    CONCURRENCY_BOUNDS[0],
    Math.floor(MOST_MESSAGES_IN_FLIGHT / (batchSize + RETURNS_PER_WORKER)),
  );
  return (
    `maximumConcurrency ${maximumConcurrency} x (batchSize ${batchSize} + ${RETURNS_PER_WORKER} returned) = ` +
    `${inFlight} messages in flight, above ${MOST_MESSAGES_IN_FLIGHT}: SQS stops delivering at about 120,000 and says nothing. ` +
    `Lower maximumConcurrency to ${remedy}, or batchSize`
  );
}
