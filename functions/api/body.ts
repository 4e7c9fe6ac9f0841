// The body of a request to an HTTP API, as bytes. API Gateway passes some types as text (text/*, application/json,
// application/xml, application/javascript), in which each byte that is not UTF-8 was replaced by U+FFFD; all others in base64.
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

/** A body of JSON. */
export function jsonTextOf({ body = '', isBase64Encoded }: RawBody): string {
  return isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
}
