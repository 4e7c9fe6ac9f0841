// Checksums in each algorithm, against published values and against the embedded S3's own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDigest } from '../../local/aws/s3/checksums.ts';
import { CHECKSUM_ALGORITHMS } from '../../shared/attributes/object-attributes.ts';
import { checksumOf } from '../../shared/transfer/checksum.ts';
import { joinedCrc64 } from '../../shared/transfer/crc64-join.ts';

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');

describe('a checksum', () => {
  // The check values of the CRC catalogue, and of FIPS 180.
  it.each([
    ['CRC32', '123456789', 'cbf43926'],
    ['CRC32C', '123456789', 'e3069283'],
    ['CRC64NVME', '123456789', 'ae8b14860a799888'],
    ['SHA1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['SHA256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ] as const)('%s has its published value', async (algorithm, text, value) => {
    expect(hex(await checksumOf(algorithm, Buffer.from(text)))).toBe(value);
  });

  it.each(CHECKSUM_ALGORITHMS)('%s is the same as that of the embedded S3', async (algorithm) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const digest = createDigest(algorithm);
        digest.update(Buffer.from(bytes));
        expect(await checksumOf(algorithm, bytes)).toBe(digest.value());
      }),
    );
  });

  it('CRC64NVME of parts joins to that of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1 }), async (parts) => {
        const summed = await Promise.all(
          parts.map(async (part) => ({
            checksum: await checksumOf('CRC64NVME', part),
            bytes: part.length,
          })),
        );
        expect(joinedCrc64(summed)).toBe(await checksumOf('CRC64NVME', Buffer.concat(parts)));
      }),
    );
  });
});
