// Lambda's own API over HTTP. The functions run in another thread. So each call is passed on there, and the answer sent back.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBoundedBody } from '../bounded-body.ts';
import type { GatewayParts } from '../gateway.ts';

export interface LambdaCall {
  method: string;
  /** With the query. */
  url: string;
  body: string;
}

export interface LambdaAnswer {
  status: number;
  /** The error's name, where it is one. */
  error?: string;
  body: object;
}

/** The calls that are emulated take some hundred bytes. */
const MAX_REQUEST_BYTES = 64 * 1024;

/** Its paths could also be those of buckets. So its requests are recognised by the service for which they are signed. */
export function isLambdaApi({ headers: { authorization = '' } }: Pick<IncomingMessage, 'headers'>): boolean {
  return /\bCredential=[^,\s]*\/lambda\/aws4_request\b/.test(authorization);
}

export async function answerLambdaApi(
  { authorizer, askLambda }: Pick<GatewayParts, 'authorizer' | 'askLambda'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // No stage may change its own event source: its role has no such right on AWS, and has none here.
  const access = [{ action: `lambda:${request.method}`, resource: '*' }];
  const denial = authorizer.deny(request.headers.authorization, access);
  if (denial !== undefined) return send(response, refusal(403, 'AccessDeniedException', denial));
  const body = await readBoundedBody(request, MAX_REQUEST_BYTES);
  if (body === undefined) return; // the client went away
  if (body.length > MAX_REQUEST_BYTES) {
    return send(response, refusal(413, 'RequestTooLargeException', 'The request is too large.'));
  }
  const call = { method: request.method ?? 'GET', url: request.url ?? '/', body: body.toString() };
  send(
    response,
    await askLambda(call).catch((error: unknown) =>
      refusal(500, 'ServiceException', error instanceof Error ? error.message : String(error)),
    ),
  );
}

function refusal(status: number, error: string, message: string): LambdaAnswer {
  return { status, error, body: { Type: status < 500 ? 'User' : 'Service', Message: message } };
}

function send(response: ServerResponse, { status, error, body }: LambdaAnswer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(error === undefined ? {} : { 'x-amzn-errortype': error }),
  });
  response.end(text);
}
