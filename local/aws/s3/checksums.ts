// S3's checksums of objects and parts: which one a request asks for, how it is computed, and what S3 says if it is wrong.
//
//   full object   over all bytes; of a multipart upload joined from the CRCs of its parts
//   composite     over the checksums of the parts, with `-PARTS` behind it
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type CrcName, crc32c, crc64nvme, joinedCrc } from './crc.ts';
import { s3Error } from './s3-answers.ts';

const SIZES_BYTES = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  MD5: 16,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
} as const;

export type ChecksumName = keyof typeof SIZES_BYTES;
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface Checksum {
  name: ChecksumName;
  /** In base64. */
  value: string;
}

export interface Digest {
  update(bytes: Buffer): void;
  /** In base64. */
  value(): string;
}

export function createDigest(name: ChecksumName): Digest {
  switch (name) {
    case 'CRC32':
      return crc32Digest(crc32);
    case 'CRC32C':
      return crc32Digest(crc32c);
    case 'CRC64NVME': {
      let crc = { high: 0, low: 0 };
      return {
        update(bytes) {
          crc = crc64nvme(bytes, crc);
        },
        value: () => base64((BigInt(crc.high) << 32n) | BigInt(crc.low), SIZES_BYTES[name]),
      };
    }
    default: {
      const hash = createHash(name.toLowerCase());
      return { update: (bytes) => void hash.update(bytes), value: () => hash.digest('base64') };
    }
  }
}

/** The MD5 of a body, in hex, and a checksum if one is named. */
export interface BodyDigests {
  md5: string;
  checksum?: Checksum | undefined;
}

export function createBodyDigests(name: ChecksumName | undefined) {
  const md5 = createHash('md5');
  const digest = name === undefined ? undefined : createDigest(name);
  return {
    update(bytes: Buffer): void {
      md5.update(bytes);
      digest?.update(bytes);
    },
    values: (): BodyDigests => ({
      md5: md5.digest('hex'),
      checksum: name && digest && { name, value: digest.value() },
    }),
  };
}

function crc32Digest(next: (bytes: Buffer, before: number) => number): Digest {
  let crc = 0;
  return {
    update(bytes) {
      crc = next(bytes, crc);
    },
    value: () => base64(BigInt(crc), SIZES_BYTES.CRC32),
  };
}

/** As headers and multipart requests name it. @throws S3Error */
export function checksumNamed(text: string): ChecksumName {
  const name = text.toUpperCase();
  if (Object.hasOwn(SIZES_BYTES, name)) return name as ChecksumName;
  throw s3Error(501, 'NotImplemented', `The embedded S3 can't compute the checksum ${text.slice(0, 32)}.`);
}

const HEADER_PREFIX = 'x-amz-checksum-';
/** These headers are about checksums and hold none. */
const NOT_VALUES = new Set(['algorithm', 'type', 'mode']);

export function checksumHeader(name: ChecksumName): string {
  return HEADER_PREFIX + name.toLowerCase();
}

export function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  return checksum === undefined ? {} : { [checksumHeader(checksum.name)]: checksum.value };
}

export function checksumXml(checksum: Checksum | undefined): string {
  return checksum === undefined
    ? ''
    : `<Checksum${checksum.name}>${checksum.value}</Checksum${checksum.name}>`;
}

/** Its value is absent where it comes in the trailers. */
export type AskedChecksum = Pick<Checksum, 'name'> & Partial<Checksum>;

/** What the headers of a request with a body promise. @throws S3Error */
export function askedChecksum(headers: NodeJS.Dict<string | string[]>): AskedChecksum | undefined {
  const asked: AskedChecksum[] = [];
  for (const name in headers) {
    if (!name.startsWith(HEADER_PREFIX) || NOT_VALUES.has(name.slice(HEADER_PREFIX.length))) continue;
    const checksum = checksumNamed(name.slice(HEADER_PREFIX.length));
    const value = String(headers[name]);
    assertValue(checksum, value);
    asked.push({ name: checksum, value });
  }
  for (const trailer of String(headers['x-amz-trailer'] ?? '').split(',')) {
    const name = trailer.trim().toLowerCase();
    if (name.startsWith(HEADER_PREFIX)) asked.push({ name: checksumNamed(name.slice(HEADER_PREFIX.length)) });
  }
  if (asked.length > 1) {
    throw s3Error(
      400,
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  return asked[0];
}

/** @throws S3Error where it is no value of that checksum */
export function assertValue(name: ChecksumName, value: string): void {
  if (isBase64Of(value, SIZES_BYTES[name])) return;
  throw s3Error(400, 'InvalidRequest', `Value for ${checksumHeader(name)} header is invalid.`);
}

/** @throws S3Error */
export function assertEqual(name: ChecksumName, given: string, computed: string): void {
  if (given === computed) return;
  throw s3Error(400, 'BadDigest', `The ${name} you specified did not match the calculated checksum.`);
}

/** The Content-MD5 of a request. @throws S3Error */
export function askedMd5(headers: NodeJS.Dict<string | string[]>): string | undefined {
  const value = headers['content-md5'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isBase64Of(value, SIZES_BYTES.MD5)) return value;
  throw s3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.');
}

export interface PartChecksum {
  value: string;
  sizeBytes: number;
}

export function compositeChecksum(name: ChecksumName, parts: readonly PartChecksum[]): string {
  const digest = createDigest(name);
  for (const { value } of parts) digest.update(Buffer.from(value, 'base64'));
  return `${digest.value()}-${parts.length}`;
}

export function fullObjectChecksum(name: CrcName, parts: readonly PartChecksum[]): string {
  const crc = parts.reduce((joined, { value, sizeBytes }) => {
    const own = BigInt(`0x${Buffer.from(value, 'base64').toString('hex')}`);
    return joinedCrc(name, joined, own, sizeBytes);
  }, 0n);
  return base64(crc, SIZES_BYTES[name]);
}

export function isCrc(name: ChecksumName): name is CrcName {
  return name.startsWith('CRC');
}

function isBase64Of(text: string, sizeBytes: number): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === sizeBytes && bytes.toString('base64') === text;
}

function base64(value: bigint, sizeBytes: number): string {
  return Buffer.from(value.toString(16).padStart(sizeBytes * 2, '0'), 'hex').toString('base64');
}
