// Takes the body of an object or a part: its bytes as they come, decoded, counted and checked, to memory or to the spool.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';
import { decodeAwsChunked, malformedTrailer } from './aws-chunked.ts';
import {
  askedChecksum,
  askedMd5,
  assertEqual,
  assertValue,
  type ChecksumName,
  checksumHeader,
  createDigest,
} from './checksums.ts';
import type { ObjectBody } from './object-body.ts';
import { isAwsChunked } from './object-properties.ts';
import { MAX_BYTES_IN_MEMORY, type Spool } from './spool.ts';

export interface TakenBody {
  /** The caller owns its holds. */
  body: ObjectBody;
  /** In hex. */
  md5: string;
  checksum?: { name: ChecksumName; value: string };
}

/** S3's quota for a single PUT and for a part. */
export const MAX_BODY_BYTES = 5 * 1024 ** 3;

/**
 * @param computed a checksum to compute also where the request names none
 * @throws S3Error where S3 refuses the body, or the disk can't take it: nothing of it stays then
 */
export async function takeBody(
  request: IncomingMessage,
  spool: Spool,
  computed?: ChecksumName,
): Promise<TakenBody> {
  const { headers } = request;
  const sizeBytes = bodySize(headers);
  const givenMd5 = askedMd5(headers);
  const asked = askedChecksum(headers);
  const name = asked?.name ?? computed;
  const digest = name === undefined ? undefined : createDigest(name);
  const md5 = createHash('md5');
  const trailers = new Map<string, string>();
  const source = sourceOf(request, sizeBytes, trailers);

  const sink = await spool.sinkFor(sizeBytes);
  try {
    let takenBytes = 0;
    for await (const chunk of source) {
      takenBytes += chunk.length;
      if (takenBytes > sizeBytes) throw incomplete();
      md5.update(chunk);
      digest?.update(chunk);
      const written = sink.write(chunk);
      if (written !== undefined) await written;
    }
    if (takenBytes < sizeBytes) throw incomplete();
    const md5Bytes = md5.digest();
    if (givenMd5 !== undefined && givenMd5 !== md5Bytes.toString('base64')) throw wrongMd5();
    const value = digest?.value();
    if (asked !== undefined && value !== undefined) {
      assertEqual(asked.name, asked.value ?? trailerValue(trailers, asked.name), value);
    }
    return {
      body: await sink.finish(),
      md5: md5Bytes.toString('hex'),
      ...(name === undefined || value === undefined ? {} : { checksum: { name, value } }),
    };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

function sourceOf(
  request: IncomingMessage,
  sizeBytes: number,
  trailers: Map<string, string>,
): AsyncIterable<Buffer> {
  const isEncoded = isAwsChunked(request.headers);
  if (!isEncoded && sizeBytes <= MAX_BYTES_IN_MEMORY) return wholeBody(request);
  // A refusal must not end the connection: the client reads the answer on it.
  const sent: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  return isEncoded ? decodeAwsChunked(sent, trailers) : sent;
}

/** A small body, in a tenth of the time that the stream's iterator takes. Node ends it at its Content-Length. */
async function* wholeBody(request: IncomingMessage): AsyncGenerator<Buffer> {
  yield* await new Promise<Buffer[]>((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.once('end', () => resolve(chunks));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the client went away'));
    });
  });
}

/** @throws S3Error where the request doesn't say it, or says too much */
function bodySize(headers: IncomingMessage['headers']): number {
  const size = isAwsChunked(headers) ? headers['x-amz-decoded-content-length'] : headers['content-length'];
  if (size === undefined && isAwsChunked(headers)) throw lengthRequired();
  if (size === undefined && headers['transfer-encoding'] !== undefined) {
    // S3 takes no body of unknown length; seen from S3 in Automattic/knox#43.
    throw new S3Error(
      'NotImplemented',
      'A header you provided implies functionality that is not implemented: Transfer-Encoding',
      501,
    );
  }
  const sizeBytes = /^\d{1,16}$/.test(String(size ?? '0')) ? Number(size ?? 0) : Number.NaN;
  if (Number.isNaN(sizeBytes)) throw lengthRequired();
  if (sizeBytes > MAX_BODY_BYTES) {
    throw new S3Error(
      'EntityTooLarge',
      `Your proposed upload exceeds the maximum allowed size: ${sizeBytes} of ${MAX_BODY_BYTES} bytes`,
      400,
    );
  }
  return sizeBytes;
}

/** @throws S3Error */
function trailerValue(trailers: ReadonlyMap<string, string>, name: ChecksumName): string {
  const value = trailers.get(checksumHeader(name));
  if (value === undefined) throw malformedTrailer();
  assertValue(name, value);
  return value;
}

function lengthRequired(): Error {
  return new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.', 411);
}

function incomplete(): Error {
  return new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
    400,
  );
}

function wrongMd5(): Error {
  return new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400);
}
