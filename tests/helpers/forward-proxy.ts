// A forward proxy that alone knows some hosts: it passes requests on, and opens tunnels.
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { serve } from './serve.ts';

export interface ForwardProxy {
  url: string;
  /** What it was asked for: `PUT http://…`, or `CONNECT host:port`. */
  asked: string[];
  /** The credentials of each request. */
  authorizations: (string | undefined)[];
  close(): void;
}

/**
 * @param ports of 127.0.0.1, by the host names that lead to them
 * @param tls of the proxy itself; absent: it speaks plain HTTP
 */
export async function startForwardProxy(
  ports: Readonly<Record<string, number>>,
  tls?: { cert: string; key: string },
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const pass = (incoming: IncomingMessage, response: ServerResponse): void => {
    asked.push(`${incoming.method} ${incoming.url}`);
    authorizations.push(incoming.headers['proxy-authorization']);
    const url = new URL(incoming.url ?? '');
    const port = ports[url.hostname];
    if (port === undefined) return void response.writeHead(403).end('not allowed');
    const path = `${url.pathname}${url.search}`;
    const onward = request(
      { host: '127.0.0.1', port, method: incoming.method, path, headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.writeHead(502).end());
    incoming.pipe(onward);
  };
  const { server, url, close } = await serve(pass, tls);
  server.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    authorizations.push(incoming.headers['proxy-authorization']);
    const port = ports[String(incoming.url).split(':')[0] ?? ''];
    if (port === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { url, asked, authorizations, close };
}
