// Checksums of the embedded S3: the catalogue's check values, and the CRC of joined parts.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askedChecksum,
  type ChecksumName,
  createDigest,
  fullObjectChecksum,
} from '../../local/aws/s3/checksums.ts';

function checksum(name: ChecksumName, ...pieces: Uint8Array[]): string {
  const digest = createDigest(name);
  for (const piece of pieces) digest.update(Buffer.from(piece));
  return digest.value();
}

describe('a checksum', () => {
  // reveng.sourceforge.io/crc-catalogue: "check" is the CRC of these nine bytes.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['MD5', '25f9e794323b453885f5181f1b624d0b'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ] as const)('%s has its known value', (name, hex) => {
    expect(Buffer.from(checksum(name, Buffer.from('123456789')), 'base64').toString('hex')).toBe(hex);
  });

  it('is the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (pieces) => {
        for (const name of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256'] as const) {
          expect(checksum(name, ...pieces)).toBe(checksum(name, Buffer.concat(pieces)));
        }
        const own = Buffer.alloc(4);
        own.writeUInt32BE(crc32(Buffer.concat(pieces)));
        expect(checksum('CRC32', ...pieces)).toBe(own.toString('base64'));
      }),
    );
  });

  it('of a whole object comes from those of its parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1 }), (pieces) => {
        for (const name of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
          const parts = pieces.map((piece) => ({ value: checksum(name, piece), sizeBytes: piece.length }));
          expect(fullObjectChecksum(name, parts)).toBe(checksum(name, ...pieces));
        }
      }),
    );
  });
});

describe('the checksum that a request asks for', () => {
  it.each([
    ['two values', { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha1': 'a' }, 'InvalidRequest'],
    ['a value of another length', { 'x-amz-checksum-crc32': 'AAAA' }, 'InvalidRequest'],
    ['no base64', { 'x-amz-checksum-crc32': '********' }, 'InvalidRequest'],
    ['one that is not known', { 'x-amz-checksum-xxhash3': 'AAAA' }, 'NotImplemented'],
    [
      'a value and a trailer',
      { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-trailer': 'x-amz-checksum-crc32c' },
      'InvalidRequest',
    ],
  ])('is refused: %s', (_what, headers, code) => {
    expect(() => askedChecksum(headers)).toThrow(expect.objectContaining({ code }));
  });

  it('may come in the trailers, and settings of checksums are no values', () => {
    expect(askedChecksum({ 'x-amz-trailer': 'x-amz-checksum-crc32' })).toEqual({ name: 'CRC32' });
    expect(
      askedChecksum({ 'x-amz-checksum-mode': 'ENABLED', 'x-amz-checksum-type': 'COMPOSITE' }),
    ).toBeUndefined();
  });
});
