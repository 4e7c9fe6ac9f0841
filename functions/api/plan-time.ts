// The time of a plan: it ends with an answer that says so before Lambda and API Gateway end it with a bare 503.
import type { Clock } from '../../shared/time/clock.ts';
import { faultAt } from './problem.ts';

/**
 * Kept back of the function's 29 s. API Gateway waits 30 s, in which also falls what Lambda does not count: the cold start, of about a
 * second. The rest is for the longest stretch between two looks at the clock (a page of a Parquet file), and for the answer.
 */
const KEPT_BACK_MS = 4_000;
/** S3 is seldom slow for longer. */
const RETRY_AFTER_SECONDS = 5;

export type PlanTime = ReturnType<typeof createPlanTime>;

/**
 * @param remainingMs of the invocation
 * @param place of the manifest in the request, for the faults
 */
export function createPlanTime(clock: Clock, remainingMs: number, place: string) {
  const endsAtMs = clock.now() + Math.max(0, remainingMs - KEPT_BACK_MS);
  return {
    /** @throws HttpError 413 where the time is over */
    check(): void {
      if (clock.now() < endsAtMs) return;
      throw faultAt(
        413,
        place,
        'the manifest has more rows than a plan reads in its time: plan a part of it, or submit it; its job rejects bad rows and reports them',
      );
    },
    /** The result of reading from S3. @throws HttpError 503 where the time is over before it is there */
    async ofReading<T>(reading: Promise<T>): Promise<T> {
      const read = new AbortController();
      const timeOver = clock.sleep(Math.max(0, endsAtMs - clock.now()), read.signal).then(() => {
        throw faultAt(503, place, 'S3 did not send the manifest in time: send the request again', {
          'retry-after': String(RETRY_AFTER_SECONDS),
        });
      });
      try {
        return await Promise.race([reading, timeOver]);
      } finally {
        read.abort();
      }
    },
  };
}
