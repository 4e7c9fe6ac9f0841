// Answers that are no success: problem details of RFC 9457, with every fault that was found. `message` repeats `detail` for
// clients of earlier versions.
import { STATUS_CODES } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod/mini';
import { boundedNames, boundedText } from '../../shared/text/bounded.ts';
import { issueText } from '../../shared/text/issue-text.ts';

/** Faults of one answer: more than a request has options and members. A manifest has its own bound. */
export const MAX_FAULTS = 100;
const MAX_PLACE_BYTES = 200;

export const PROBLEM_TYPE = 'application/problem+json';

/** One thing that is wrong: where, and what to do. */
export interface Fault {
  /** A member of the body or a parameter of the query: `manifest.bucket`, `query.limit`. */
  place: string;
  message: string;
}

export interface HttpErrorMore {
  headers?: Readonly<Record<string, string>>;
  /** Without any, the message is the only fault, and the request as a whole its place. */
  faults?: readonly Fault[];
}

/** An answer that is not a success. */
export class HttpError extends Error {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];

  constructor(statusCode: number, message: string, { headers = {}, faults }: HttpErrorMore = {}) {
    const detail = boundedText(message);
    super(detail);
    this.statusCode = statusCode;
    this.headers = headers;
    this.faults = (faults ?? [{ place: 'request', message: detail }]).slice(0, MAX_FAULTS).map(bounded);
  }
}

/** An answer to a request of which one place is wrong. */
export function faultAt(
  statusCode: number,
  place: string,
  message: string,
  headers: HttpErrorMore['headers'] = {},
): HttpError {
  return new HttpError(statusCode, message, { headers, faults: [{ place, message }] });
}

function bounded({ place, message }: Fault): Fault {
  return { place: boundedText(place, MAX_PLACE_BYTES), message: boundedText(message) };
}

/** `type` is about:blank: the status says what kind of problem it is, and the faults say the rest (RFC 9457, 4.2.1). */
export function problemAnswer(
  { statusCode, message, headers, faults }: HttpError,
  { requestContext }: APIGatewayProxyEventV2,
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { 'content-type': PROBLEM_TYPE, ...headers },
    body: JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[statusCode] ?? 'Error',
      status: statusCode,
      detail: message,
      instance: `urn:spillway:request:${encodeURIComponent(requestContext.requestId)}`,
      faults,
      message,
    }),
  };
}

/**
 * The answer to a body that its schema refuses, with every issue.
 * @param shape a sentence that says what the body is
 */
export function refusedBody(issues: readonly z.core.$ZodIssue[], shape: string): HttpError {
  const faults = faultsOf(issues, 'body');
  const listed = faults.map(({ place, message }) => `${place}: ${message}`).join('; ');
  return new HttpError(400, `${listed}. ${shape}`, { faults });
}

/** Every issue with its place: `query.limit`. */
export function faultsOf(issues: readonly z.core.$ZodIssue[], within: string): Fault[] {
  return issues.map((issue) => ({
    place: [within, ...issue.path.map(String)].join('.'),
    message: issue.code === 'unrecognized_keys' ? `unknown ${boundedNames(issue.keys)}` : issueText(issue),
  }));
}
