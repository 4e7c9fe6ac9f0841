// Simulates splits at S3's own pace: how much a bucket takes of a load far above one partition's limit, over time, with keys in
// sequence and with a hash before them.
import { createS3Limits } from '../../local/aws/s3/s3-limits.ts';
import { destinationKey, type Spread } from '../../shared/keys/spread.ts';

/** Small, so that hours take a second to compute, but not so small that a quiet second hides the load from S3. */
const LIMIT_PER_SECOND = 50;
const LOAD_PER_SECOND = 4 * LIMIT_PER_SECOND;
/** S3 takes 30 to 60 minutes. */
const SPLIT_AFTER_SECONDS = 30 * 60;
const MOST_PARTITIONS = 16;
const SECONDS = 90 * 60;
const POINT_EVERY_SECONDS = 5 * 60;

export const LOAD_IN_LIMITS = LOAD_PER_SECOND / LIMIT_PER_SECOND;

/** @returns points: minutes, and writes taken a second in units of one partition's limit */
export function runSplits(spread: Spread): [number, number][] {
  const limits = createS3Limits({
    limitPerSecond: LIMIT_PER_SECOND,
    splitAfterSeconds: SPLIT_AFTER_SECONDS,
    maxPartitions: MOST_PARTITIONS,
  });
  const points: [number, number][] = [];
  let taken = 0;
  for (let second = 0; second < SECONDS; second++) {
    for (let request = 0; request < LOAD_PER_SECOND; request++) {
      const number = String(second * LOAD_PER_SECOND + request).padStart(9, '0');
      const atMs = (second + request / LOAD_PER_SECOND) * 1000;
      if (limits.admit('write', destinationKey(`2026-11-23/${number}.json`, spread), atMs)) taken++;
    }
    if ((second + 1) % POINT_EVERY_SECONDS === 0) {
      points.push([(second + 1) / 60, taken / POINT_EVERY_SECONDS / LIMIT_PER_SECOND]);
      taken = 0;
    }
  }
  return points;
}
