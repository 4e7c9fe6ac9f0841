// Ends the process at a chosen outgoing HTTP request: whatever a worker killed between two of its steps leaves behind,
// this leaves behind too. Runs inside the execution environment.
import diagnostics from 'node:diagnostics_channel';
import type { Death } from './protocol.ts';

export interface RequestCounter {
  /** Counts from zero again and arms the next crash. */
  arm(dieAt: Death | undefined, onDeath: (request: number) => never): void;
  /** Requests begun since then. */
  count(): number;
}

/**
 * Node's `http.client.request.created` is published in the request's constructor, before a byte is written, and
 * `http.client.response.finish` when the answer's head has been read, before the request's `response` event.
 */
export function watchRequests(): RequestCounter {
  let count = 0;
  let armed: { dieAt: Death; onDeath: (request: number) => never } | undefined;
  let numbers = new WeakMap<object, number>();

  function dieIfArmed(when: Death['when'], request: object): void {
    const number = numbers.get(request);
    if (armed?.dieAt.when !== when || number === undefined) return;
    const { dieAt, onDeath } = armed;
    const isIt =
      'request' in dieAt
        ? dieAt.request === number
        : String((request as { path?: unknown }).path).includes(dieAt.pathIncludes);
    if (isIt) onDeath(number);
  }

  diagnostics.subscribe('http.client.request.created', (message) => {
    count += 1;
    const { request } = message as { request: object };
    numbers.set(request, count);
    dieIfArmed('before', request);
  });
  diagnostics.subscribe('http.client.response.finish', (message) => {
    const { request } = message as { request: object };
    dieIfArmed('after', request);
  });

  return {
    arm(dieAt, onDeath) {
      count = 0;
      // Requests that outlive their invocation belong to no count.
      numbers = new WeakMap();
      armed = dieAt === undefined ? undefined : { dieAt, onDeath };
    },
    count: () => count,
  };
}
