// CRC32 as S3 writes it: the checksum that SDK v3 sends by default and that every S3 endpoint knows.
//
// Some endpoints refuse its headers. AWS_REQUEST_CHECKSUM_CALCULATION=when_required, or the profile's setting, leaves them out.
// The signature covers the bytes either way.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';

/** @returns whether the client's writes carry a checksum; read once, because it does not change */
export function checksumSetting({ config }: Pick<S3Client, 'config'>): () => Promise<boolean> {
  let isSent: Promise<boolean> | undefined;
  return () => (isSent ??= config.requestChecksumCalculation().then((when) => when !== 'WHEN_REQUIRED'));
}

export function base64Crc32(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

/** The checksum of an object in parts: the checksum of the parts' checksums, then their number. */
export function compositeCrc32(partChecksums: readonly string[]): string {
  const sums = Buffer.concat(partChecksums.map((checksum) => Buffer.from(checksum, 'base64')));
  return `${base64Crc32(sums)}-${partChecksums.length}`;
}

/** Whether the ETag is the MD5 of the bytes. S3 uses the MD5 where an object is written at once and not encrypted with KMS. */
export function isMd5Of(etag: string | undefined, bytes: Uint8Array): boolean {
  return etag?.replaceAll('"', '').toLowerCase() === hash('md5', bytes);
}
