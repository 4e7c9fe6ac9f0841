// An HTTP API that speaks JSON, made of a table of routes and their handlers: it validates requests and answers errors.
import middy from '@middy/core';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod/mini';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { boundedName } from '../../shared/text/bounded.ts';
import { visibleText } from '../../shared/text/visible.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { bodyBytesOf, jsonTextOf, withoutMark } from './body.ts';
import { faultAt, faultsOf, HttpError, problemAnswer } from './problem.ts';
import type { ROUTES, Route, RouteName } from './routes.ts';

/** A request with its body of JSON: as a value, and as the text that the value was parsed from. */
export type ApiEvent = APIGatewayProxyEventV2 & { json?: { value: unknown; text: string } };

/** A request that its route's schemas accept. */
interface ApiRequest<Matched extends Route> {
  event: ApiEvent;
  parameters: z.output<Matched['parameters']>;
  query: z.output<Matched['query']>;
  /** What stands before the route's path: the base path of a custom domain, or the name of a stage. */
  basePath: string;
  /** Milliseconds until Lambda ends the invocation. */
  remainingMs: () => number;
}
type Handle<Matched extends Route> = (request: ApiRequest<Matched>) => Promise<APIGatewayProxyResult>;
export type RouteHandler<Name extends RouteName> = Handle<(typeof ROUTES)[Name]>;
type Handlers<Routes extends Record<string, Route>> = { [Name in keyof Routes]: Handle<Routes[Name]> };

export function json(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

export function createJsonApi<Routes extends Record<string, Route>>(
  routes: Routes,
  handlers: Handlers<Routes>,
  { logger }: Pick<Telemetry, 'logger'>,
) {
  const { before: parseJsonBody } = httpJsonBodyParser({ disableContentTypeError: true });
  // API Gateway has chosen the route. The path may have the base path of a custom domain before it.
  const byKey = new Map(
    Object.entries(routes).map(([name, route]) => [
      `${route.method} ${route.path}`,
      { route, handle: handlers[name] as Handle<Route> },
    ]),
  );
  const routeOf = ({ routeKey }: ApiEvent) => {
    const found = byKey.get(routeKey);
    if (found !== undefined) return found;
    throw new HttpError(
      404,
      `there is no route "${boundedName(routeKey)}": the routes are ${[...byKey.keys()].join(', ')}`,
    );
  };

  return middy<ApiEvent, APIGatewayProxyResult>()
    .use({
      // Some clients send a content type with every GET: without a body there is nothing to parse.
      before(request) {
        const { event } = request;
        checkSize(routeOf(event).route, event);
        const { body, isBase64Encoded } = event;
        if (body === undefined) return;
        const unmarked = withoutMark({ body, isBase64Encoded });
        event.body = unmarked;
        parseJsonBody?.(request);
        const value: unknown = event.body;
        // A parsed value never equals its own text, since even a string has quotes there. So a difference means it was parsed.
        if (value === unmarked) event.body = body;
        else event.json = { value, text: jsonTextOf({ body: unmarked, isBase64Encoded }) };
      },
      onError(request) {
        const { event, error } = request;
        const known = knownError(error);
        if (known === undefined || error instanceof UnreadableRowError)
          logger.error(LOG.requestFailed, error as Error);
        request.response = problemAnswer(known ?? new HttpError(500, 'Internal Server Error'), event);
      },
    })
    .handler(async (event, context): Promise<APIGatewayProxyResult> => {
      const { route, handle } = routeOf(event);
      return handle({
        event,
        parameters: accepted(route.parameters, event.pathParameters, 404, 'path'),
        query: accepted(route.query, event.queryStringParameters, 400, 'query'),
        basePath: basePathOf(route, event),
        remainingMs: () => context.getRemainingTimeInMillis(),
      });
    });
}

/** Undefined for a fault of ours: its answer is a bare 500, so that the log alone names the cause. */
function knownError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  // It names the row and the remedy, for the caller as well.
  if (error instanceof UnreadableRowError) return new HttpError(500, error.message);
  const { statusCode, message = '', cause } = error as MiddlewareError;
  if (statusCode === undefined) return undefined;
  return faultAt(statusCode, 'body', [message, reasonOf(cause)].filter(Boolean).join(': '));
}

interface MiddlewareError {
  statusCode?: number;
  message?: string;
  /** Of a body that is no JSON: what its parser says, with the place. Of one with a name that is refused: that name. */
  cause?: { message?: string; data?: unknown };
}

/** Characters of the JSON parser's message that are shown: it quotes the body. */
const MAX_REASON = 200;

/** Names that would change what an object is, wherever they stand in a body. */
const REFUSED_NAMES = new Set<unknown>(['__proto__', 'constructor']);

function reasonOf({ message, data }: NonNullable<MiddlewareError['cause']> = {}): string | undefined {
  if (message === undefined)
    return REFUSED_NAMES.has(data)
      ? `no column and no option is named "${String(data)}", leave it out`
      : undefined;
  // It is JSON for others. Only the parser's stack ends.
  if (/call stack/.test(message)) return 'it is nested too deeply';
  return `${visibleText(message.slice(0, MAX_REASON))}; jq . checks it`;
}

function checkSize({ method, path, bodyBytes }: Route, event: ApiEvent): void {
  const sizeBytes = bodyBytesOf(event);
  if (sizeBytes <= bodyBytes) return;
  const detail = `the body has ${sizeBytes} bytes, and ${method} ${path} takes ${bodyBytes}`;
  const remedy = path === '/jobs' || path === '/plans' ? ': for a larger manifest use POST /uploads' : '';
  throw faultAt(413, 'body', detail + remedy);
}

/** @throws HttpError of the status, with every fault */
function accepted(schema: z.ZodMiniType, texts: object | undefined, status: number, within: string): unknown {
  const parsed = schema.safeParse(texts ?? {});
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  throw new HttpError(status, issues.map(({ message }) => message).join('; '), {
    faults: faultsOf(issues, within),
  });
}

function basePathOf({ path }: Route, { rawPath }: ApiEvent): string {
  const pattern = path.replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^(.*)${pattern}$`).exec(rawPath)?.[1] ?? '';
}
