// The aws-chunked encoding, in which SDKs and the AWS CLI stream a body: chunks, the last of them empty, then trailers.
//
//   10000;chunk-signature=…\r\n  <65,536 bytes>\r\n  …  0\r\n  x-amz-checksum-crc32:AAAAAA==\r\n  \r\n
//
// Signatures are not checked: the embedded cloud has no credentials.
import { s3Error } from './s3-answers.ts';

/** A chunk's line holds its size and a signature, a trailer's a name and a checksum: some 100 bytes. */
const MAX_LINE_BYTES = 4_096;
/** Checksum, its signature, and the empty line. */
const MAX_TRAILERS = 16;
const CHUNK_LINE = /^([0-9a-f]{1,16})(?:;.*)?$/i;

type Expected =
  | { kind: 'size' }
  | { kind: 'data'; leftBytes: number }
  | { kind: 'data-end' }
  | { kind: 'trailer' }
  | { kind: 'end' };

/**
 * @param trailers takes the trailers, by their names in lower case
 * @throws S3Error where the encoding is broken, or ends too soon
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  let expected: Expected = { kind: 'size' };
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of source) {
    let bytes: Buffer = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (bytes.length > 0 && expected.kind !== 'end') {
      if (expected.kind === 'data') {
        const data = bytes.subarray(0, expected.leftBytes);
        bytes = bytes.subarray(data.length);
        const leftBytes: number = expected.leftBytes - data.length;
        expected = leftBytes === 0 ? { kind: 'data-end' } : { kind: 'data', leftBytes };
        yield data;
        continue;
      }
      const lineEnd = bytes.indexOf('\r\n');
      if (lineEnd > MAX_LINE_BYTES || (lineEnd < 0 && bytes.length > MAX_LINE_BYTES)) throw broken();
      if (lineEnd < 0) break;
      expected = afterLine(expected, bytes.toString('latin1', 0, lineEnd), trailers);
      bytes = bytes.subarray(lineEnd + 2);
    }
    rest = bytes;
  }
  // Some clients leave out the empty line at the end.
  if (expected.kind !== 'end' && expected.kind !== 'trailer') throw broken();
  if (expected.kind === 'trailer' && rest.length > 0) {
    afterLine(expected, rest.toString('latin1'), trailers);
  }
}

function afterLine(expected: Expected, line: string, trailers: Map<string, string>): Expected {
  if (expected.kind === 'size') {
    const size = CHUNK_LINE.exec(line)?.[1];
    const leftBytes = size === undefined ? Number.NaN : Number.parseInt(size, 16);
    if (!Number.isSafeInteger(leftBytes)) throw broken();
    return leftBytes === 0 ? { kind: 'trailer' } : { kind: 'data', leftBytes };
  }
  if (expected.kind === 'data-end') {
    if (line !== '') throw broken();
    return { kind: 'size' };
  }
  if (line === '') return { kind: 'end' };
  const colonAt = line.indexOf(':');
  if (colonAt <= 0 || trailers.size === MAX_TRAILERS) throw s3Error(400, 'MalformedTrailerError');
  trailers.set(line.slice(0, colonAt).trim().toLowerCase(), line.slice(colonAt + 1).trim());
  return expected;
}

function broken(): Error {
  return s3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly');
}
