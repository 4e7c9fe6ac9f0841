// API Gateway's HTTP API, payload format 2.0: the event made of a request, and the response made of an answer.
// (API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs".)
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { parseJson } from '../../shared/text/parse-json.ts';
import type { Caller } from './http-authorizers.ts';

export interface HttpRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  sourceIp: string;
}

export interface HttpEventPlace {
  routeKey: string;
  pathParameters: Record<string, string>;
  caller: Caller;
  accountId: string;
  requestId: string;
  nowMs: number;
}

export interface HttpResponse {
  statusCode: number;
  headers: Record<string, string | string[]>;
  body: string | Buffer;
}

export const INTERNAL_SERVER_ERROR: HttpResponse = jsonResponse(500, { message: 'Internal Server Error' });

export function jsonResponse(statusCode: number, body: unknown): HttpResponse {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

export function toHttpEvent(request: HttpRequest, place: HttpEventPlace): APIGatewayProxyEventV2 {
  const [rawPath = '/', ...rest] = request.url.split('?');
  const rawQueryString = rest.join('?');
  const { cookie, ...others } = request.headers;
  const headers = Object.fromEntries(
    Object.entries(others).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  );
  const isText = isTextType(headers['content-type']);
  const query = queryParameters(rawQueryString);
  const domainName = headers.host ?? 'localhost';
  return {
    version: '2.0',
    routeKey: place.routeKey,
    rawPath,
    rawQueryString,
    ...(typeof cookie === 'string' ? { cookies: cookie.split('; ') } : {}),
    headers,
    ...(query === undefined ? {} : { queryStringParameters: query }),
    ...(Object.keys(place.pathParameters).length === 0 ? {} : { pathParameters: place.pathParameters }),
    requestContext: {
      accountId: place.accountId,
      apiId: 'local',
      ...authorizerOf(place),
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      http: {
        method: request.method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: place.requestId,
      routeKey: place.routeKey,
      stage: '$default',
      time: commonLogTime(place.nowMs),
      timeEpoch: place.nowMs,
    },
    ...(request.body.length === 0 ? {} : { body: request.body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !isText,
  } as APIGatewayProxyEventV2;
}

/**
 * An answer without statusCode is the body of a 200 in JSON; one with it is the response. An answer that is neither a
 * response nor JSON is an internal error.
 */
export function toHttpResponse(payload: string): HttpResponse {
  const answer = parseJson(payload);
  if (answer === undefined) return INTERNAL_SERVER_ERROR;
  if (typeof answer !== 'object' || answer === null || !('statusCode' in answer)) {
    const body = typeof answer === 'string' ? answer : payload;
    return { statusCode: 200, headers: { 'content-type': 'application/json' }, body };
  }
  const { statusCode, headers, body, isBase64Encoded, cookies } = answer as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return INTERNAL_SERVER_ERROR;
  if (body !== undefined && body !== null && typeof body !== 'string') return INTERNAL_SERVER_ERROR;
  const named = Object.entries((headers as Record<string, unknown> | null | undefined) ?? {});
  const sent: Record<string, string | string[]> = Object.fromEntries(
    named.map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  sent['content-type'] ??= 'text/plain;charset=UTF-8';
  if (Array.isArray(cookies)) sent['set-cookie'] = cookies.map(String);
  return {
    statusCode: status,
    headers: sent,
    body: isBase64Encoded === true ? Buffer.from(body ?? '', 'base64') : (body ?? ''),
  };
}

/** Absent where there is no query; values of a repeated name are joined by commas. */
function queryParameters(query: string): Record<string, string> | undefined {
  if (query === '') return undefined;
  const values = new URLSearchParams(query);
  return Object.fromEntries([...new Set(values.keys())].map((name) => [name, values.getAll(name).join(',')]));
}

/**
 * The types that come as text, their bytes that are not UTF-8 replaced; all others, and a body without a type, come in base64.
 * AWS's guide names no list: these were found by trying a deployed HTTP API (ministackorg/ministack#766).
 */
function isTextType(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]?.trim() ?? '';
  return /^(text\/.*|application\/(json|xml|javascript))$/i.test(type);
}

function authorizerOf({ caller, accountId }: HttpEventPlace) {
  switch (caller.kind) {
    case 'anonymous':
      return {};
    case 'iam':
      return { authorizer: { iam: localCaller(accountId) } };
    case 'jwt':
      return { authorizer: { jwt: { claims: caller.claims, scopes: caller.scopes } } };
  }
}

function localCaller(accountId: string) {
  return {
    accessKey: 'local',
    accountId,
    callerId: 'local',
    cognitoIdentity: null,
    principalOrgId: '',
    userArn: `arn:aws:iam::${accountId}:user/local`,
    userId: 'local',
  };
}

/** As `12/Mar/2020:19:03:58 +0000`. */
function commonLogTime(nowMs: number): string {
  const [, day, month, year, time] = new Date(nowMs).toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
