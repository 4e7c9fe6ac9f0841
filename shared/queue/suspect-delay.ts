// The delays with which suspects go back to the upload queue, so that they do not arrive together.

/** Seconds between two reposted suspects: more than the batching window of 1 s. */
const SPACING_SECONDS = 2;

/** SQS's longest DelaySeconds. */
const DELAY_MOST_SECONDS = 900;

/** Delay in seconds of the n-th of several suspects, from 0. */
export function suspectDelaySeconds(place: number): number {
  return Math.min(place * SPACING_SECONDS, DELAY_MOST_SECONDS);
}
