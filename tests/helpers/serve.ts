// A server on a free port of 127.0.0.1.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Serving {
  server: Server;
  url: string;
  port: number;
  /** Cuts the connections that are open. */
  close(): void;
}

/** @param tls absent: plain HTTP */
export async function serve(
  listener: RequestListener,
  tls?: { cert: string; key: string },
): Promise<Serving> {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
