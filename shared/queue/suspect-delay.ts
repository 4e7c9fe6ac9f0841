// How suspects are kept apart on their way back to the upload queue: each has a delay of its own.

/** Between reposted suspects, so that they do not come together again: the batching window is 1 s. */
const SPACING_SECONDS = 2;

/** SQS's longest DelaySeconds. */
const DELAY_MOST_SECONDS = 900;

/** Seconds that the n-th of several suspects is sent with, from 0. */
export function suspectDelaySeconds(place: number): number {
  return Math.min(place * SPACING_SECONDS, DELAY_MOST_SECONDS);
}
