// API Gateway's throttling of a stage: a token bucket for the requests of all callers. (API Gateway developer guide, "Throttle
// requests to your HTTP APIs": 429 above the rate, with bursts up to the bucket's size.)
import type { Clock } from '../../shared/time/clock.ts';
import type { ThrottlingModel } from '../service/model.ts';

export interface HttpThrottle {
  /** Takes a token, where there is one. */
  admits(): boolean;
}

export function createHttpThrottle(
  { clock }: { clock: Pick<Clock, 'now'> },
  { ratePerSecond, burst }: ThrottlingModel,
): HttpThrottle {
  let tokens = burst;
  let atMs = clock.now();
  return {
    admits() {
      const nowMs = clock.now();
      // A clock that was set back adds nothing.
      tokens = Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1000) * ratePerSecond);
      atMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
