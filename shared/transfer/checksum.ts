// Checksums as S3 writes them, in base64. CRC32 is what SDK v3 sends by default and every S3 endpoint knows; an object may ask
// for another.
//
// Some endpoints refuse their headers. AWS_REQUEST_CHECKSUM_CALCULATION=when_required, or the profile's setting, leaves out those
// that nothing asks for. The signature covers the bytes either way.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc32c, Crc64NvmeJs } from '@aws-sdk/checksums/crc';
import type { S3Client } from '@aws-sdk/client-s3';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../attributes/object-attributes.ts';
import { onFirstUse } from '../time/on-first-use.ts';

/** Of a write that asks for none. */
export const DEFAULT_CHECKSUM: ChecksumAlgorithm = 'CRC32';

/** @returns whether the client's writes carry a checksum; read once, because it does not change */
export function checksumSetting({ config }: Pick<S3Client, 'config'>): () => Promise<boolean> {
  return onFirstUse(async () => (await config.requestChecksumCalculation()) !== 'WHEN_REQUIRED');
}

export function base64Crc32(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

export async function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Promise<string> {
  switch (algorithm) {
    case 'CRC32':
      return base64Crc32(bytes);
    case 'SHA1':
    case 'SHA256':
      return hash(algorithm.toLowerCase(), bytes, 'base64');
    // The SDK's own, which are in the bundle anyway: Node has neither, and native addons do not fit every Lambda.
    case 'CRC32C':
      return digestOf(new Crc32c(), bytes);
    case 'CRC64NVME':
      return digestOf(new Crc64NvmeJs(), bytes);
  }
}

async function digestOf(
  sum: { update(bytes: Uint8Array): void; digest(): Promise<Uint8Array> },
  bytes: Uint8Array,
): Promise<string> {
  sum.update(bytes);
  return Buffer.from(await sum.digest()).toString('base64');
}

/** The header, and the field of the SDK's commands and answers, that a checksum stands in. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

export function checksumField<Algorithm extends ChecksumAlgorithm>(
  algorithm: Algorithm,
): `Checksum${Algorithm}` {
  return `Checksum${algorithm}`;
}

export type ChecksumField = `Checksum${ChecksumAlgorithm}`;
export const CHECKSUM_FIELDS: readonly ChecksumField[] = CHECKSUM_ALGORITHMS.map(checksumField);

/** The checksum of an object in parts: the checksum of the parts' checksums, then their number. */
export async function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  partChecksums: readonly string[],
): Promise<string> {
  const sums = Buffer.concat(partChecksums.map((checksum) => Buffer.from(checksum, 'base64')));
  return `${await checksumOf(algorithm, sums)}-${partChecksums.length}`;
}

/** Whether the ETag is the MD5 of the bytes. S3 uses the MD5 where an object is written at once and not encrypted with KMS. */
export function isMd5Of(etag: string | undefined, bytes: Uint8Array): boolean {
  return etag?.replaceAll('"', '').toLowerCase() === hash('md5', bytes);
}
