// Requests to the source of an object. Its bucket has a rate of its own, so an answer says nothing of the destination's rate.
import { classifyFault } from '../aws/classify.ts';
import { KnownFault, SourceRefusal } from './known-fault.ts';
import type { AskSource } from './object-writer.ts';
import type { PacingDependencies, RequestTally } from './paced-request.ts';

/** @param tally counts each request that is answered; the try that a refused one ends is counted with the try */
export function createAskSource(
  { rateLimiter, clock }: Pick<PacingDependencies, 'rateLimiter' | 'clock'>,
  tally: RequestTally,
): AskSource {
  return async ({ bucket, key }, send, explain = (fault) => fault) => {
    const group = rateLimiter.groupOf(bucket, key);
    const sentAtMs = clock.now();
    const observe = (throttled: boolean) => rateLimiter.observe(group, { throttled, sentAtMs, key });
    try {
      const answer = await send();
      observe(false);
      tally.attempts++;
      return answer;
    } catch (error) {
      const fault = error instanceof KnownFault ? error.fault : classifyFault(error);
      if (fault.kind === 'throttle' || fault.kind === 'permanent') observe(fault.kind === 'throttle');
      const told = fault.kind === 'permanent' ? explain(fault, error) : fault;
      throw new SourceRefusal(told, { bucket, key }, error);
    }
  };
}
