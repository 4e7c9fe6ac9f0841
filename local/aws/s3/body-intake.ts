// Takes the body of an object or a part: its bytes as they come, decoded, counted and checked, to memory or to the spool.
import type { IncomingMessage } from 'node:http';
import { decodeAwsChunked } from './aws-chunked.ts';
import {
  askedChecksum,
  askedMd5,
  assertEqual,
  assertValue,
  type BodyDigests,
  type ChecksumName,
  checksumHeader,
  createBodyDigests,
} from './checksums.ts';
import type { ObjectBody } from './object-body.ts';
import { isAwsChunked } from './object-properties.ts';
import { s3Error } from './s3-answers.ts';
import { MAX_BYTES_IN_MEMORY, type Spool } from './spool.ts';

export interface TakenBody extends BodyDigests {
  /** The caller owns its holds. */
  body: ObjectBody;
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
  const digests = createBodyDigests(asked?.name ?? computed);
  const trailers = new Map<string, string>();
  const source = sourceOf(request, sizeBytes, trailers);

  const sink = await spool.sinkFor(sizeBytes);
  try {
    let takenBytes = 0;
    for await (const chunk of source) {
      takenBytes += chunk.length;
      if (takenBytes > sizeBytes) throw s3Error(400, 'IncompleteBody');
      digests.update(chunk);
      const written = sink.write(chunk);
      if (written !== undefined) await written;
    }
    if (takenBytes < sizeBytes) throw s3Error(400, 'IncompleteBody');
    const { md5, checksum } = digests.values();
    if (givenMd5 !== undefined && Buffer.from(givenMd5, 'base64').toString('hex') !== md5) {
      throw s3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    if (asked !== undefined && checksum !== undefined) {
      assertEqual(asked.name, asked.value ?? trailerValue(trailers, asked.name), checksum.value);
    }
    return { body: await sink.finish(), md5, checksum };
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
  if (size === undefined && isAwsChunked(headers)) throw s3Error(411, 'MissingContentLength');
  if (size === undefined && headers['transfer-encoding'] !== undefined) {
    // S3 takes no body of unknown length; seen from S3 in Automattic/knox#43.
    throw s3Error(
      501,
      'NotImplemented',
      'A header you provided implies functionality that is not implemented: Transfer-Encoding',
    );
  }
  const sizeBytes = /^\d{1,16}$/.test(String(size ?? '0')) ? Number(size ?? 0) : Number.NaN;
  if (Number.isNaN(sizeBytes)) throw s3Error(411, 'MissingContentLength');
  if (sizeBytes > MAX_BODY_BYTES) {
    throw s3Error(
      400,
      'EntityTooLarge',
      `Your proposed upload exceeds the maximum allowed size: ${sizeBytes} of ${MAX_BODY_BYTES} bytes`,
    );
  }
  return sizeBytes;
}

/** @throws S3Error */
function trailerValue(trailers: ReadonlyMap<string, string>, name: ChecksumName): string {
  const value = trailers.get(checksumHeader(name));
  if (value === undefined) throw s3Error(400, 'MalformedTrailerError');
  assertValue(name, value);
  return value;
}
