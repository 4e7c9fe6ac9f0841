// Answers that the gateway gives in S3's name: errors, and the few bucket configurations that clients ask for.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';

export interface S3Fault {
  status: number;
  code: string;
  message: string;
  /** Which of the request's conditions did not hold. */
  condition?: string | undefined;
}

/** Text and status as S3 gives them (facts.md, "SlowDown"). */
export const SLOW_DOWN: S3Fault = {
  status: 503,
  code: 'SlowDown',
  message: 'Please reduce your request rate.',
};

/** KMS's limit, with the same code: only the message says which (seen in aws-samples/cql-replicator#92). */
export const KMS_SLOW_DOWN: S3Fault = {
  ...SLOW_DOWN,
  message: 'Please reduce your request rate for operations involving AWS KMS.',
};

/** By code. A refusal that can say more has a text of its own. */
const MESSAGES: Record<string, string> = {
  SlowDown: SLOW_DOWN.message,
  InternalError: 'We encountered an internal error. Please try again.',
  ServiceUnavailable: 'Service is unable to handle request.',
  NoSuchBucket: 'The specified bucket does not exist',
  NoSuchKey: 'The specified key does not exist.',
  InvalidBucketName: 'The specified bucket is not valid.',
  NotImplemented: 'A header or query you provided implies functionality that is not implemented.',
  MethodNotAllowed: 'The specified method is not allowed against this resource.',
  InvalidURI: "Couldn't parse the specified URI.",
  KeyTooLongError: 'Your key is too long',
  BadRequest: 'An error occurred when parsing the HTTP request.',
  RequestHeaderSectionTooLarge: 'Your request header section exceeds the maximum allowed size.',
  RequestTimeout:
    'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
  EntityTooLarge: 'Your proposed upload exceeds the maximum allowed size',
  MaxMessageLengthExceeded: 'Your request was too large.',
  IncompleteBody: 'You did not provide the number of bytes specified by the Content-Length HTTP header',
  InvalidRequest: 'The request is not valid.',
  InvalidPolicyDocument: 'Invalid Policy: Invalid JSON.',
  SignatureDoesNotMatch: 'The request signature we calculated does not match the signature you provided.',
  PreconditionFailed: 'At least one of the pre-conditions you specified did not hold',
  ConditionalRequestConflict:
    'The conditional request cannot succeed due to a conflicting operation against this resource.',
  MissingContentLength: 'You must provide the Content-Length HTTP header.',
  MalformedTrailerError:
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  MalformedXML: 'The XML you provided was not well-formed or did not validate against our published schema',
  MetadataTooLarge: 'Your metadata headers exceed the maximum allowed metadata size',
  InvalidRange: 'The requested range is not satisfiable',
  InvalidPartNumber: 'The requested partnumber is not satisfiable',
  EntityTooSmall: 'Your proposed upload is smaller than the minimum allowed size',
  NoSuchUpload:
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  InvalidPartOrder:
    'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
  InvalidPart:
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
};

export function faultOf(status: number, code: string): S3Fault {
  return { status, code, message: MESSAGES[code] ?? code };
}

/** For an action to throw. */
export function s3Error(status: number, code: string, message = MESSAGES[code] ?? code): Error {
  return new S3Error(code, message, status);
}

export function accessDenied(message = 'Access Denied'): S3Fault {
  return { status: 403, code: 'AccessDenied', message };
}

export function errorXml({ code, message, condition }: S3Fault, resource: string, requestId: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>` +
    `${condition === undefined ? '' : `<Condition>${condition}</Condition>`}<Resource>${escapeXml(resource)}</Resource>` +
    `<RequestId>${requestId}</RequestId><HostId>${requestId}</HostId></Error>`
  );
}

export function newRequestId(): string {
  // Node makes UUIDs from a stock of random bytes; random bytes of one's own take ten times as long.
  const uuid = randomUUID().toUpperCase();
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18);
}

/**
 * Answers at once, whatever of the request's body is still to come: it is read and dropped, and the connection stays.
 * A HEAD gets the status alone, so its client sees no code; so does a fault without a body.
 */
export function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  fault: S3Fault,
  { bodiless = false }: { bodiless?: boolean } = {},
): void {
  const requestId = newRequestId();
  const empty = bodiless || request.method === 'HEAD';
  const body = empty ? '' : errorXml(fault, (request.url ?? '').split('?')[0] ?? '', requestId);
  request.resume();
  response.writeHead(fault.status, {
    ...(empty ? {} : { 'content-type': 'application/xml' }),
    'content-length': Buffer.byteLength(body),
    'x-amz-request-id': requestId,
    'x-amz-id-2': requestId,
  });
  response.end(body);
}

export function answerXml(request: IncomingMessage, response: ServerResponse, xml: string): void {
  request.resume();
  const requestId = newRequestId();
  response.writeHead(200, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(xml),
    'x-amz-request-id': requestId,
    'x-amz-id-2': requestId,
  });
  response.end(xml);
}

export const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

export function versioningXml(isVersioned: boolean): string {
  const status = isVersioned ? '<Status>Enabled</Status>' : '';
  return `<VersioningConfiguration ${NAMESPACE}>${status}</VersioningConfiguration>`;
}

/** us-east-1 is the region that has no name here. */
export function locationXml(region: string): string {
  return `<LocationConstraint ${NAMESPACE}>${region === 'us-east-1' ? '' : region}</LocationConstraint>`;
}

/** A control character has no place in XML, not even escaped: a reader would refuse the whole answer. */
export function escapeXml(text: string): string {
  return text.replace(ESCAPED, (character) => ENTITIES[character] ?? '\ufffd');
}

/**
 * A key in XML, or a part of one. S3 writes characters that XML has no place for as references: readers that are strict refuse
 * them, others have the key as it is. A bare CR would be read as a line feed by all.
 */
export function escapeKey(text: string): string {
  return text.replace(
    ESCAPED_IN_KEYS,
    (character) => ENTITIES[character] ?? `&#${character.codePointAt(0)};`,
  );
}

/**
 * A key as a form encodes it. As java.net.URLEncoder does it, and so S3: letters, digits and `.-*_` stand, a space is `+`; S3
 * leaves `/` too.
 */
export function formEncoded(key: string): string {
  return encodeURIComponent(key.toWellFormed())
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

const ESCAPED_IN_KEYS = /[&<>"]|[^\t\n -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const ESCAPED = /[&<>"]|[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
