// Orders to die, given from outside and carried out by the next invocations of a function; and deaths at random.
import type { LambdaFaults } from '../faults/lambda.ts';
import type { Death } from './protocol.ts';

/** What became of an order: `survived` where an invocation made fewer requests than the order waited for. */
export type CrashReport =
  | { kind: 'died'; times: number }
  | { kind: 'survived'; requests: number; times: number };

export interface CrashOrders {
  /** Resolves when the last of the invocations that the order is for has ended. */
  order(functionName: string, point: Death, times: number): Promise<CrashReport>;
  /** What the invocation that begins now is to die of, if it is: an order, or else chance. */
  take(functionName: string): CrashAssignment | undefined;
  /** Invocations that died so, by function; of deaths at a path by function and path, with -at- between. */
  counts(): Record<string, number>;
}

export interface CrashAssignment {
  point: Death;
  report(outcome: { kind: 'died' } | { kind: 'survived'; requests: number }): void;
}

interface Order {
  point: Death;
  toBegin: number;
  toEnd: number;
  died: number;
  resolve(report: CrashReport): void;
}

export function createCrashOrders(deaths: Pick<LambdaFaults, 'deathOf'>): CrashOrders {
  const orders = new Map<string, Order[]>();
  const counts: Record<string, number> = {};
  const count = (functionName: string) => {
    counts[functionName] = (counts[functionName] ?? 0) + 1;
  };

  return {
    order(functionName, point, times) {
      const { promise, resolve } = Promise.withResolvers<CrashReport>();
      const waiting = orders.get(functionName) ?? [];
      waiting.push({ point, toBegin: times, toEnd: times, died: 0, resolve });
      orders.set(functionName, waiting);
      return promise;
    },

    take(functionName) {
      const waiting = orders.get(functionName);
      const order = waiting?.[0];
      if (waiting === undefined || order === undefined) {
        const point = deaths.deathOf(functionName);
        if (point === undefined) return undefined;
        const name = 'request' in point ? functionName : `${functionName}-at-${point.pathIncludes}`;
        return { point, report: ({ kind }) => kind === 'died' && count(name) };
      }
      order.toBegin -= 1;
      if (order.toBegin === 0) waiting.shift();
      return {
        point: order.point,
        report(outcome) {
          order.toEnd -= 1;
          if (outcome.kind === 'died') {
            order.died += 1;
            count(functionName);
          }
          if (order.toEnd > 0) return;
          order.resolve(
            outcome.kind === 'died'
              ? { kind: 'died', times: order.died }
              : { kind: 'survived', requests: outcome.requests, times: order.died },
          );
        },
      };
    },

    counts: () => ({ ...counts }),
  };
}
