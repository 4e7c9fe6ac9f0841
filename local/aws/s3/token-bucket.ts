// A token bucket of S3's request limits: it is refilled at a rate, up to the tokens of some seconds.

/** Sums of refills fall short of a whole token by less than this. */
const ROUNDING = 1e-9;

export interface TokenBucket {
  tokens: number;
  capacity: number;
  ratePerSecond: number;
  refilledAtMs: number;
}

/** A full bucket. */
export function createBucket(ratePerSecond: number, burstSeconds: number, nowMs: number): TokenBucket {
  const capacity = capacityOf(ratePerSecond, burstSeconds);
  return { tokens: capacity, capacity, ratePerSecond, refilledAtMs: nowMs };
}

export function refill(bucket: TokenBucket, nowMs: number): void {
  const elapsedMs = nowMs - bucket.refilledAtMs;
  if (elapsedMs <= 0) return; // the system's clock can step back
  bucket.tokens = Math.min(bucket.capacity, bucket.tokens + (elapsedMs * bucket.ratePerSecond) / 1000);
  bucket.refilledAtMs = nowMs;
}

export function setRate(
  bucket: TokenBucket,
  ratePerSecond: number,
  burstSeconds: number,
  nowMs: number,
): void {
  refill(bucket, nowMs);
  bucket.ratePerSecond = ratePerSecond;
  bucket.capacity = capacityOf(ratePerSecond, burstSeconds);
  bucket.tokens = Math.min(bucket.tokens, bucket.capacity);
}

export function take(bucket: TokenBucket, nowMs: number): boolean {
  refill(bucket, nowMs);
  if (bucket.tokens < 1 - ROUNDING) return false;
  bucket.tokens = Math.max(0, bucket.tokens - 1);
  return true;
}

/**
 * Halves the tokens of a bucket and returns the other half, so that a split mints none. The bucket is refilled first: otherwise
 * each half would later be refilled for the whole time before the split.
 */
export function halve(bucket: TokenBucket, nowMs: number): TokenBucket {
  refill(bucket, nowMs);
  bucket.tokens /= 2;
  return { ...bucket };
}

/** Tokens of a full bucket, at least the one that a request takes. */
export function capacityOf(ratePerSecond: number, burstSeconds: number): number {
  return Math.max(1, ratePerSecond * burstSeconds);
}
