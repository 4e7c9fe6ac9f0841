// What the status and the headers of a web source's answer say: may it be read, what is it, which stretch of it is this.
import type { IncomingHttpHeaders } from 'node:http';
import { faultOfContentType } from '../../attributes/checks.ts';
import { given } from '../../attributes/object-attributes.ts';
import { KnownFault } from '../../transfer/known-fault.ts';
import type { WebAnswer } from './client.ts';
import { permanent, transient, type WebFaultCode } from './faults.ts';

/** S3's limit is above what one invocation can stream: at 100 MB/s its 160 s are 16 GB. */
export const MAX_SOURCE_BYTES = 16 * 1024 ** 3;
/** A server may ask for a pause of days, or of zero seconds. */
const MAX_RETRY_AFTER_MS = 900_000;
/** More than any server needs; the bytes of all of them are bounded by the client. */
const MAX_HEADERS = 100;

/** What is read, as its first answer described it. */
export interface WebObject {
  sizeBytes?: number;
  /** Whether a body that is cut off can be told from a whole one: it has a length, or ends in a last chunk. */
  showsItsEnd: boolean;
  /** With its quotes. Absent where it is weak: it does not stand for the bytes then. */
  etag?: string;
  contentType?: string;
  /** Identity is asked for. Where the server sends another encoding all the same, the object is stored as what it is. */
  contentEncoding?: string;
  /** Whether a stretch of it may be asked for after the connection broke. */
  isResumable: boolean;
}

/** All of an answer but its body. */
type AnswerHead = Pick<WebAnswer, 'host' | 'status' | 'headers'>;

/** @param headers raw, as name and value in turn */
export function checkHeaderCount(headers: readonly string[], host: string): void {
  if (headers.length / 2 > MAX_HEADERS)
    throw permanent(
      'SourceHeadersTooLarge',
      `${host} sent ${headers.length / 2} headers; ${MAX_HEADERS} are read`,
    );
}

/** @throws KnownFault where the answer is none of a whole object */
export function objectOf(answer: AnswerHead, nowMs: number, mostBytes: number): WebObject {
  const { status, headers, host } = answer;
  if (status !== 200) throw faultOfStatus(answer, nowMs);
  const contentEncoding = encodingOf(headers, host);
  const sizeBytes = lengthOf(headers);
  if (sizeBytes !== undefined && sizeBytes > mostBytes) throw tooLarge(host, sizeBytes, mostBytes);
  const etag = strongEtag(headers);
  const contentType = headers['content-type'];
  return {
    ...given('sizeBytes', sizeBytes),
    showsItsEnd: showsItsEnd(headers),
    ...given('etag', etag),
    ...(isContentType(contentType) ? { contentType } : {}),
    ...given('contentEncoding', contentEncoding),
    isResumable: etag !== undefined && headers['accept-ranges'] !== 'none',
  };
}

/**
 * Whether the answer to a request for the rest of an object is exactly that.
 * @param from bytes that were read before
 * @returns false where the object is another now, or the server gives no stretches: it is read from its start
 * @throws KnownFault where the server answers that it can't now, or not at all
 */
export function isRestOf(
  { etag, sizeBytes, contentEncoding }: WebObject,
  from: number,
  answer: AnswerHead,
  nowMs: number,
): boolean {
  const { status, headers, host } = answer;
  // 200 is the whole of another object (If-Range), 416 a shorter one; 412 comes from servers that read If-Range so.
  if (status === 200 || status === 416 || status === 412) return false;
  if (status !== 206) throw faultOfStatus(answer, nowMs);
  if (encodingOf(headers, host) !== contentEncoding) return false;
  const [, first, last, total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
  const isWhole = Number(last) === Number(total) - 1;
  const length = lengthOf(headers);
  const isLength = length === undefined || length === Number(total) - from;
  const isSize = sizeBytes === undefined || Number(total) === sizeBytes;
  const isSame = strongEtag(headers) === etag && Number(first) === from;
  return isSame && isWhole && isLength && isSize && showsItsEnd(headers);
}

/** Other bodies end with the connection, as in HTTP/1.0, whether they are complete or not. (RFC 9112, section 6.3) */
function showsItsEnd(headers: IncomingHttpHeaders): boolean {
  return lengthOf(headers) !== undefined || /\bchunked$/i.test(headers['transfer-encoding']?.trim() ?? '');
}

export function tooLarge(host: string, sizeBytes: number, mostBytes: number): KnownFault {
  return permanent(
    'SourceTooLarge',
    `${host} sends ${sizeBytes} bytes or more; up to ${mostBytes} are read from the web: put the object in S3 and copy it`,
  );
}

const NAMED: Readonly<Record<number, readonly [WebFaultCode, string]>> = {
  401: ['SourceUnauthorized', 'the URL needs credentials: sign it'],
  403: ['SourceForbidden', 'the URL may not be read, or its signature has expired: sign it again'],
  404: ['SourceNotFound', 'there is nothing at the URL'],
  410: ['SourceGone', 'what was at the URL is gone for good'],
  416: ['SourceRangeRefused', 'the server refuses the range, though none was asked for'],
};

function faultOfStatus({ status, headers, host }: AnswerHead, nowMs: number): KnownFault {
  const said = `${host} answered ${status}`;
  const retryAfterMs = retryAfterOf(headers['retry-after'], nowMs);
  if (status === 429 || status === 503) {
    return new KnownFault({
      kind: 'throttle',
      scope: 'partition',
      code: 'SourceThrottled',
      message: `${said}: it asks for a lower rate`,
      ...given('retryAfterMs', retryAfterMs),
    });
  }
  if (status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 505))
    return transient('SourceUnavailable', said, { retryAfterMs });
  const named = NAMED[status];
  if (named !== undefined) return permanent(named[0], `${said}: ${named[1]}`);
  return status < 300
    ? permanent('SourceAnswerInvalid', `${said}, where 200 was asked for`)
    : permanent('SourceRefused', said);
}

/**
 * Seconds, or a date. @returns milliseconds, bounded
 */
function retryAfterOf(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const waitMs = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) || waitMs <= 0 ? undefined : Math.min(waitMs, MAX_RETRY_AFTER_MS);
}

function encodingOf(headers: IncomingHttpHeaders, host: string): string | undefined {
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((part) => part.trim())
    // S3 behind the server names this encoding if the object was uploaded in it.
    .filter((part) => part !== '' && part.toLowerCase() !== 'aws-chunked')
    .join(', ');
  if (encoding === '' || encoding.toLowerCase() === 'identity') return undefined;
  if (/^[\w-]{1,32}(?: ?, ?[\w-]{1,32}){0,3}$/.test(encoding)) return encoding;
  throw permanent('SourceAnswerInvalid', `${host} sends a Content-Encoding that no object can be given`);
}

function isContentType(value: string | undefined): value is string {
  return value !== undefined && value !== '' && faultOfContentType(value) === undefined;
}

function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['content-length'];
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function strongEtag(headers: IncomingHttpHeaders): string | undefined {
  const etag = headers.etag;
  return etag !== undefined && /^"[\x21\x23-\x7e]{1,1024}"$/.test(etag) ? etag : undefined;
}
