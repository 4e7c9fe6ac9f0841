// The seat of pacing. Whoever sends to S3 asks a Pacer before each request, and tells it each answer; how fast a group
// may go is the pacer's alone to know.

/** What throttles together: a destination bucket, or a finer part of it. */
export type PacingGroup = string;

export type PacingObservation = 'accepted' | 'throttled';

export interface Pacer {
  /**
   * Takes the group's next place.
   * @returns milliseconds until the request may leave: 0 at once
   */
  reserve(group: PacingGroup, nowMs: number): number;
  /** What S3 answered to a request of the group. */
  observe(group: PacingGroup, observation: PacingObservation, nowMs: number): void;
}
