// Lambda's faults: which invocation dies at which of its requests, and whose clock is off.
import type { Random } from '../../shared/time/random.ts';
import type { Death } from '../lambda/protocol.ts';
import type { LambdaFault } from './fault.ts';
import { createFaultPoints, type FaultPoints } from './fault-points.ts';

export interface LambdaFaults extends Pick<FaultPoints<LambdaFault>, 'arm' | 'counts'> {
  /** Where the invocation that begins now is to die, if it is to. */
  deathOf(functionName: string): Death | undefined;
  /** Reports an invocation that survived, and the requests that it made. */
  lived(functionName: string, requests: number): void;
  /** The clock of an environment that starts now, undefined where it is right. */
  skewOf(functionName: string): ClockSkew | undefined;
}

export interface ClockSkew {
  /** Added to the true time. */
  byMs: number;
  /** Called with each invocation that runs by it. */
  count(): void;
}

/** Invocations whose requests are remembered, of each function. */
const REMEMBERED = 50;
/** Requests among which the fatal one is drawn as long as no invocation of the function has survived. */
const FIRST_REACH = 8;

export function createLambdaFaults(random: Random): LambdaFaults {
  const points = createFaultPoints<LambdaFault>(random);
  const requestsSeen = new Map<string, number[]>();

  /** Some invocations of a function make few requests and some many. The last request of each has to be as likely as the first. */
  function drawRequest(functionName: string): number {
    const seen = requestsSeen.get(functionName) ?? [];
    const reach = seen[Math.floor(random() * seen.length)] ?? FIRST_REACH;
    return 1 + Math.floor(random() * reach);
  }

  return {
    arm: points.arm,
    deathOf(functionName) {
      // Uncounted: the invocation may end before the request that is drawn here.
      const fault = points.draw(({ function: name }) => name === functionName, 'lambda-death');
      if (fault === undefined) return undefined;
      const { pathIncludes } = fault;
      const place = pathIncludes === undefined ? { request: drawRequest(functionName) } : { pathIncludes };
      return { ...place, when: random() < 0.5 ? 'before' : 'after' };
    },
    lived(functionName, requests) {
      if (requests === 0) return;
      const seen = requestsSeen.get(functionName) ?? [];
      requestsSeen.set(functionName, [...seen, requests].slice(-REMEMBERED));
    },
    skewOf(functionName) {
      const fault = points.draw(
        ({ function: name }) => name === undefined || name === functionName,
        'lambda-clock-skew',
      );
      if (fault === undefined) return undefined;
      return { byMs: (2 * random() - 1) * fault.mostMs, count: () => points.count(fault) };
    },
    counts: points.counts,
  };
}
