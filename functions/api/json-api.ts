// An HTTP API that speaks JSON, made of a table of routes and their handlers: it validates requests and answers errors.
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import httpRouterHandler from '@middy/http-router';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod/mini';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { boundedText } from '../../shared/text/bounded.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { jsonTextOf } from './body.ts';
import type { ROUTES, Route, RouteName } from './routes.ts';

/** A request with its body of JSON: as a value, and as the text that the value was parsed from. */
export type ApiEvent = APIGatewayProxyEventV2 & { json?: { value: unknown; text: string } };

/** A request that its route's schemas accept. */
interface ApiRequest<Matched extends Route> {
  event: ApiEvent;
  parameters: z.output<Matched['parameters']>;
  query: z.output<Matched['query']>;
}
type Handle<Matched extends Route> = (request: ApiRequest<Matched>) => Promise<APIGatewayProxyResult>;
export type RouteHandler<Name extends RouteName> = Handle<(typeof ROUTES)[Name]>;
type Handlers<Routes extends Record<string, Route>> = { [Name in keyof Routes]: Handle<Routes[Name]> };

/** An answer that is not a success. http-error-handler turns it into the response. */
export class HttpError extends Error {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly expose = true;

  constructor(statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(JSON.stringify({ message: boundedText(message) }));
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

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
  /** The answer to a fault of ours is a bare 500, so the log must name the cause. */
  const logFault = (error: unknown) => {
    if ((error as { statusCode?: number }).statusCode === undefined)
      logger.error(LOG.requestFailed, error as Error);
  };
  return middy<ApiEvent, APIGatewayProxyResult>()
    .use(
      httpErrorHandler({
        logger: logFault,
        fallbackMessage: JSON.stringify({ message: 'Internal Server Error' }),
      }),
    )
    .use({
      // Some clients send a content type with every GET: without a body there is nothing to parse.
      before(request) {
        const { event } = request;
        const { body, isBase64Encoded } = event;
        if (body === undefined) return;
        parseJsonBody?.(request);
        const value: unknown = event.body;
        // A parsed value never equals its own text, since even a string has quotes there. So a difference means it was parsed.
        if (value !== body) event.json = { value, text: jsonTextOf({ body, isBase64Encoded }) };
      },
      onError(request) {
        // It names the row and the remedy, for the caller as well. All other faults of ours are a bare 500.
        if (request.error instanceof UnreadableRowError) {
          logger.error(LOG.requestFailed, request.error);
          request.error = new HttpError(500, request.error.message);
        }
        // Errors of the middleware have plain text; every answer of this API is JSON.
        const { statusCode, message } = request.error as Partial<HttpError>;
        if (statusCode !== undefined && !(request.error instanceof HttpError))
          request.error = new HttpError(statusCode, message ?? '');
      },
    })
    .handler(
      httpRouterHandler<ApiEvent>(
        Object.entries(routes).map(([name, route]) => ({
          method: route.method,
          path: route.path,
          handler: validated(route, handlers[name] as Handle<Route>),
        })),
      ),
    );
}

function validated(route: Route, handle: Handle<Route>) {
  return async (event: ApiEvent): Promise<APIGatewayProxyResult> =>
    handle({
      event,
      parameters: accepted(route.parameters, event.pathParameters, 404),
      query: accepted(route.query, event.queryStringParameters, 400),
    });
}

/** @throws HttpError of the status, with every fault */
function accepted(schema: z.ZodMiniType, texts: object | undefined, status: number): unknown {
  const parsed = schema.safeParse(texts ?? {});
  if (parsed.success) return parsed.data;
  throw new HttpError(status, parsed.error.issues.map(({ message }) => message).join('; '));
}
