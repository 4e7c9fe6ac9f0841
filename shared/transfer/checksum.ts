// CRC32 as S3 writes it: the checksum that SDK v3 sends by default, and that every S3 endpoint knows.
import { crc32 } from 'node:zlib';

export function base64Crc32(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

/** The checksum of an object in parts: that of its parts' checksums, with their number behind it. */
export function compositeCrc32(partChecksums: readonly string[]): string {
  const sums = Buffer.concat(partChecksums.map((checksum) => Buffer.from(checksum, 'base64')));
  return `${base64Crc32(sums)}-${partChecksums.length}`;
}
