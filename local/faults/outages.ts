// Outages: a service does not answer for a while. Requests under way break, and new connections are reset.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../shared/time/clock.ts';
import type { FaultCounts } from './fault-points.ts';

export type OutageService = 's3' | 'sqs' | 'dynamodb';

export interface Outages {
  /** A service that is gone already stays gone for the longer of the two. */
  begin(service: OutageService, lastsMs: number): void;
  /** Asked for each request as it comes. True if the service is gone: the connection is reset. */
  resets(service: OutageService, request: IncomingMessage, response: ServerResponse): boolean;
  /** outage-<service>: how many there were; outage-<service>-resets: the requests that they broke. */
  counts(): FaultCounts;
}

export function createOutages({ clock }: { clock: Clock }): Outages {
  const goneUntilMs = new Map<OutageService, number>();
  const underWay = new Map<OutageService, Set<Socket>>();
  const counts: FaultCounts = {};

  function count(name: string): void {
    counts[name] = (counts[name] ?? 0) + 1;
  }

  function reset(service: OutageService, socket: Socket): void {
    count(`outage-${service}-resets`);
    socket.resetAndDestroy();
  }

  return {
    begin(service, lastsMs) {
      count(`outage-${service}`);
      goneUntilMs.set(service, Math.max(goneUntilMs.get(service) ?? 0, clock.now() + lastsMs));
      for (const socket of underWay.get(service) ?? []) reset(service, socket);
    },

    resets(service, { socket }, response) {
      if (clock.now() < (goneUntilMs.get(service) ?? 0)) {
        reset(service, socket);
        return true;
      }
      const sockets = underWay.get(service) ?? new Set();
      underWay.set(service, sockets.add(socket));
      response.once('close', () => sockets.delete(socket));
      return false;
    },

    counts: () => ({ ...counts }),
  };
}
