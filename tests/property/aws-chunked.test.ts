// The aws-chunked decoder: whatever the cuts of the network, the same bytes and trailers, and no broken body passes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAwsChunked } from '../../local/aws/s3/aws-chunked.ts';

const TRAILER = 'x-amz-checksum-crc32:AAAAAA==\r\n';

function encode(chunks: readonly Uint8Array[], trailer = TRAILER): Buffer {
  const encoded = chunks
    .filter((chunk) => chunk.length > 0)
    .flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)};chunk-signature=${'0'.repeat(64)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
  return Buffer.concat([...encoded, Buffer.from(`0\r\n${trailer}\r\n`)]);
}

async function* cutAt(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (let at = 1; at < places.length; at++) yield bytes.subarray(places[at - 1], places[at]);
}

async function decode(bytes: Buffer, cuts: readonly number[] = []) {
  const trailers = new Map<string, string>();
  const body = Buffer.concat(await Array.fromAsync(decodeAwsChunked(cutAt(bytes, cuts), trailers)));
  return { body, trailers };
}

describe('an aws-chunked body', () => {
  it('decodes to its bytes and trailers, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), fc.array(fc.nat()), async (chunks, cuts) => {
        const { body, trailers } = await decode(encode(chunks), cuts);
        expect(body.equals(Buffer.concat(chunks))).toBe(true);
        expect([...trailers]).toEqual([['x-amz-checksum-crc32', 'AAAAAA==']]);
      }),
    );
  });

  it('is refused where it ends before its last chunk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1 }), fc.nat(), async (chunk, cut) => {
        const whole = encode([chunk], '');
        const last = whole.length - '0\r\n\r\n'.length;
        await expect(decode(whole.subarray(0, cut % last))).rejects.toMatchObject({ code: 'IncompleteBody' });
      }),
    );
  });

  it.each([
    ['a size that is no number', 'zz\r\nabc\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a negative size', '-1\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a size beyond all bounds', `${'f'.repeat(16)}\r\nabc`, 'IncompleteBody'],
    ['a chunk that is longer than it says', '2\r\nabc\r\n0\r\n\r\n', 'IncompleteBody'],
    ['a line without end', 'a'.repeat(5_000), 'IncompleteBody'],
    ['a trailer without a value', '0\r\nx-amz-checksum-crc32\r\n\r\n', 'MalformedTrailerError'],
    [
      'too many trailers',
      `0\r\n${Array.from({ length: 20 }, (_, at) => `x-${at}:1\r\n`).join('')}\r\n`,
      'MalformedTrailerError',
    ],
  ])('is refused for %s', async (_what, text, code) => {
    await expect(decode(Buffer.from(text))).rejects.toMatchObject({ code });
  });
});
