// The HTTP API on a port of its own: requests in, the functions' answers out. Further pages may share the port.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import type { Guard } from '../guard/admission.ts';
import { createGuardedServer } from '../guard/guarded-server.ts';
import { EMBEDDED_SINCE_HEADER } from '../service/embedded-since.ts';
import type { FunctionModel, ThrottlingModel } from '../service/model.ts';
import { type LambdaHost, REQUEST_LIMIT_BYTES } from './host.ts';
import { createAuthorizers, type IamCallers, type Refusal } from './http-authorizers.ts';
import {
  type HttpResponse,
  INTERNAL_SERVER_ERROR,
  jsonResponse,
  toHttpEvent,
  toHttpResponse,
} from './http-event.ts';
import { createRouteTable } from './http-routes.ts';
import { createHttpThrottle } from './http-throttle.ts';
import { nextTraceHeader } from './recursion.ts';

export interface HttpApi {
  /** http://127.0.0.1:PORT */
  endpoint: string;
  /** Serves GET and HEAD of a path itself; a path that ends in `/*` takes everything below it. Routes of the API go first. */
  serve(path: string, handler: PageHandler): void;
  stop(): Promise<void>;
}

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HttpApiDependencies {
  clock: Clock;
  random: Random;
  guard: Guard;
  host: Pick<LambdaHost, 'invoke'>;
  log: (line: string) => void;
  /** Looks up the keys of the issuers of tokens. */
  fetch?: typeof globalThis.fetch;
}

export interface HttpApiOptions {
  port?: number;
  accountId: string;
  region: string;
  throttling?: ThrottlingModel | undefined;
  /** Default: any. */
  iamCallers?: IamCallers | undefined;
}

/** API Gateway's quota for a request's body. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;
const TOO_LARGE = jsonResponse(413, { message: 'Request Entity Too Large' });
const TOO_MANY = jsonResponse(429, { message: 'Too Many Requests' });
/** As API Gateway names them. */
const REFUSED = { 401: 'Unauthorized', 403: 'Forbidden' } as const;

export async function startHttpApi(
  { clock, random, guard, host, log, fetch = globalThis.fetch }: HttpApiDependencies,
  functions: Record<string, FunctionModel>,
  { port = 0, accountId, region, throttling, iamCallers = 'any' }: HttpApiOptions,
): Promise<HttpApi> {
  const routeOf = createRouteTable(functions);
  const throttle = throttling === undefined ? undefined : createHttpThrottle({ clock }, throttling);
  const authorize = createAuthorizers({ fetch, clock, log }, { region, iamCallers });
  const pages = new Map<string, PageHandler>();
  const since = new Date(clock.now()).toISOString();

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const path = url.split('?', 1)[0] ?? '/';
    const route = routeOf(method, path);
    if (route === undefined) {
      const page = method === 'GET' || method === 'HEAD' ? pageOf(path) : undefined;
      if (page !== undefined) return page(request, response);
      return send(response, jsonResponse(404, { message: 'Not Found' }));
    }
    const body = await readBody(request);
    if (throttle?.admits() === false) return send(response, TOO_MANY);
    if (body === undefined) return send(response, TOO_LARGE);
    const { headers } = request;
    const caller = await authorize(route.authorizer, { method, url, headers, body });
    if (caller.kind === 'refused') return send(response, refusalOf(caller));
    const event = toHttpEvent(
      { method, url, headers, body, sourceIp: request.socket.remoteAddress ?? '' },
      { ...route, caller, accountId, requestId: randomUUID(), nowMs: clock.now() },
    );
    const payload = JSON.stringify(event);
    // What fits API Gateway's quota but not Lambda's is refused with the same answer.
    if (Buffer.byteLength(payload) > REQUEST_LIMIT_BYTES) return send(response, TOO_LARGE);
    const arn = functions[route.functionName]?.arn ?? '';
    const result = await host.invoke(route.functionName, payload, nextTraceHeader(random, arn));
    send(response, result.kind === 'answered' ? toHttpResponse(result.payload) : INTERNAL_SERVER_ERROR);
  }

  function pageOf(path: string): PageHandler | undefined {
    const exact = pages.get(path);
    if (exact !== undefined) return exact;
    for (const [pattern, handler] of pages) {
      if (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1))) return handler;
    }
    return undefined;
  }

  const server = createGuardedServer({ guard, formOf: () => 'api-json' }, (request, response) => {
    response.setHeader(EMBEDDED_SINCE_HEADER, since);
    respond(request, response).catch((error: unknown) => {
      log(JSON.stringify({ level: 'ERROR', message: 'Request failed', detail: String(error) }));
      if (response.headersSent) response.destroy();
      else send(response, INTERNAL_SERVER_ERROR);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (path, handler) => void pages.set(path, handler),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refusalOf({ status, challenge }: Refusal): HttpResponse {
  const { headers, ...rest } = jsonResponse(status, { message: REFUSED[status] });
  return {
    ...rest,
    headers: { ...headers, ...(challenge === undefined ? {} : { 'www-authenticate': challenge }) },
  };
}

/** Undefined where the body is larger than allowed; the rest of it is then read and dropped. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  return sizeBytes > BODY_LIMIT_BYTES ? undefined : Buffer.concat(chunks);
}

function send(response: ServerResponse, { statusCode, headers, body }: HttpResponse): void {
  response.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
