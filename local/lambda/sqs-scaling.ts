// How many invocations an SQS event source may have running, as Lambda scales it.

/** Lambda developer guide, "Scaling behavior for SQS event source mappings": five at first, 300 more a minute, at most 1,250. */
const FIRST_INVOCATIONS = 5;
const MORE_PER_MINUTE = 300;
const MOST_INVOCATIONS = 1_250;

/** `busyMs`: for how long the queue has had messages without a break. */
export function concurrencyLimit(busyMs: number, maximumConcurrency: number | undefined): number {
  const scaled = FIRST_INVOCATIONS + Math.floor((busyMs / 60_000) * MORE_PER_MINUTE);
  return Math.min(scaled, MOST_INVOCATIONS, maximumConcurrency ?? MOST_INVOCATIONS);
}
