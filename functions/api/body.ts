// The body of a request to an HTTP API, as bytes. API Gateway passes text/*, application/json, application/xml and
// application/javascript as text, in which it replaced each byte that is not UTF-8 by U+FFFD. All other types come in base64.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { bytesOfText } from '../../shared/text/replaced.ts';

type RawBody = Pick<APIGatewayProxyEventV2, 'body' | 'isBase64Encoded'>;

/** `wasText`: each byte that was not UTF-8 is 0xff. */
export interface Body {
  bytes: Uint8Array;
  wasText: boolean;
}

export function bodyOf({ body = '', isBase64Encoded }: RawBody): Body {
  return isBase64Encoded
    ? { bytes: Buffer.from(body, 'base64'), wasText: false }
    : { bytes: bytesOfText(body), wasText: true };
}

/** The body of JSON without a byte order mark, which editors and shells of Windows write before it (RFC 8259, 8.1). */
export function withoutMark({ body = '', isBase64Encoded }: RawBody): string {
  const mark = isBase64Encoded ? MARK_IN_BASE64 : MARK;
  return body.startsWith(mark) ? body.slice(mark.length) : body;
}

const MARK = '\ufeff';
/** Its three bytes fill four characters. */
const MARK_IN_BASE64 = '77u/';

/** The text of a JSON body. */
export function jsonTextOf({ body = '', isBase64Encoded }: RawBody): string {
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}

/** Bytes of the body, as they were sent. */
export function bodyBytesOf({ body = '', isBase64Encoded }: RawBody): number {
  return Buffer.byteLength(body, isBase64Encoded ? 'base64' : 'utf8');
}
