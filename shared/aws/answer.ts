// An endpoint's answer, as far as it is read, and its description for messages. The endpoint may be any server: a console, a
// login page, a broken proxy, or one that never stops sending.
import { Readable } from 'node:stream';
import { redacted } from '../text/redacted.ts';
import { unicodeSet } from '../text/unicode-set.ts';

/** S3's longest answer to a write or error is about 30 KB: a signature mismatch lists what was signed, byte by byte. */
export const MOST_ANSWER_BYTES = 64 * 1024;
/** Characters of an answer's text, or of one header, that a message quotes. */
const MOST_QUOTED = 100;

export interface Answer {
  /** Host and port that were asked. */
  host: string;
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** At most MOST_ANSWER_BYTES of the body. */
  text: string;
  /** Whether the body ended within them. */
  isWhole: boolean;
}

/** An answer on its way through the SDK's middleware, before its body is read. */
export interface RawAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

/** @returns `HOST answered 200 text/html "<!doctype html>…"`, on one line */
export function describeAnswer({ host, status, headers, text }: Answer): string {
  const type = headers['content-type'];
  const quoted = printable(text);
  return [
    `${printable(host)} answered ${status}`,
    type === undefined ? 'without a content type' : printable(type),
    ...(quoted === '' ? [] : [`"${quoted}"`]),
  ].join(' ');
}

/** Whether the answer carries a header that only S3, or a server that speaks its protocol, sends. */
export function hasS3Header({ headers }: Pick<Answer, 'headers'>): boolean {
  // CloudFront's and API Gateway's begin in the same way, and both may serve any page.
  return Object.keys(headers).some((name) => /^x-amz-(?!cf-|apigw-)/.test(name));
}

/** Whether the answer says that it is a web page or another API's JSON. */
export function isPageOrJson({ headers }: Pick<Answer, 'headers'>): boolean {
  return /\b(html|json)\b/i.test(headers['content-type'] ?? '');
}

/** The first `most` bytes of a body. The rest is not read, and the connection is closed. */
async function* firstBytes(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let left = most;
  for await (const chunk of body) {
    if (chunk.length > left) {
      yield chunk.subarray(0, left);
      return;
    }
    left -= chunk.length;
    yield chunk;
  }
}

/** The same body, cut at so many bytes. */
export function bounded(body: AsyncIterable<Uint8Array>, most: number): Readable {
  return Readable.from(firstBytes(body, most), { objectMode: false });
}

const unprintable = unicodeSet(String.raw`[\p{C}\p{Z}\s]+`, 'gu');

/** Control characters could rewrite a terminal's line or a log's. */
function printable(text: string): string {
  const line = redacted(text)
    .slice(0, 4 * MOST_QUOTED)
    .toWellFormed()
    .replace(unprintable(), ' ')
    .trim();
  return line.length > MOST_QUOTED ? `${line.slice(0, MOST_QUOTED).toWellFormed()}…` : line;
}
