// An HTTP API that speaks JSON: routes, and what every answer of theirs has alike, errors among them.
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import httpRouterHandler from '@middy/http-router';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda';
import { boundedText } from '../../shared/text/bounded.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { jsonTextOf } from './body.ts';

type Method = 'GET' | 'POST';
/** A request, and its body of JSON: as a value, and as the text that it was read from. */
export type ApiRequest = APIGatewayProxyEventV2 & { json?: { value: unknown; text: string } };
export type RouteHandler = (event: ApiRequest) => Promise<APIGatewayProxyResult>;
/** By method and path, as API Gateway names them: `GET /jobs/{id}`. */
export type Routes = Readonly<Record<`${Method} /${string}`, RouteHandler>>;

/** An answer that is not a success; http-error-handler makes the response of it. */
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

/** Bodies of JSON come to the routes parsed, as `json`. */
export function createJsonApi(routes: Routes, { logger }: Pick<Telemetry, 'logger'>) {
  const { before: parseJsonBody } = httpJsonBodyParser({ disableContentTypeError: true });
  /** A fault of ours answers 500 and says no more: what it was is told here, or nowhere. */
  const logFault = (error: unknown) => {
    if ((error as { statusCode?: number }).statusCode === undefined)
      logger.error(LOG.requestFailed, error as Error);
  };
  return middy<ApiRequest, APIGatewayProxyResult>()
    .use(
      httpErrorHandler({
        logger: logFault,
        fallbackMessage: JSON.stringify({ message: 'Internal Server Error' }),
      }),
    )
    .use({
      // Some clients name a content type with every GET: without a body there is nothing to parse.
      before(request) {
        const { event } = request;
        const { body, isBase64Encoded } = event;
        if (body === undefined) return;
        parseJsonBody?.(request);
        const value: unknown = event.body;
        // No value is its own text: a string has quotes there. So this tells that it was parsed.
        if (value !== body) event.json = { value, text: jsonTextOf({ body, isBase64Encoded }) };
      },
      onError(request) {
        // Middleware's errors bring bare text; every answer of this API is JSON.
        const { statusCode, message } = request.error as Partial<HttpError>;
        if (statusCode !== undefined && !(request.error instanceof HttpError))
          request.error = new HttpError(statusCode, message ?? '');
      },
    })
    .handler(
      httpRouterHandler<ApiRequest>(
        Object.entries(routes).map(([route, handler]) => {
          const [method = '', path = ''] = route.split(' ');
          return { method: method as Method, path, handler };
        }),
      ),
    );
}
