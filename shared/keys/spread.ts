// Where an object lands: a hash of its key before its key, so that a burst of new keys meets many of S3's partitions.
//
//   binary   bbbb/bbbb/bbbb/bbbbbbbb/<key>   the low 20 bits of murmur3_32 of the key, most significant first
//   hex:N    hhh/<key>                       the first N of the hash's 8 hexadecimal digits (hex:3 here)
//   off      <key>
//
// `binary` is the layout that S3's own team had Apache Iceberg take (apache/iceberg#11112, ObjectStoreLocationProvider):
// an alphabet of two lets S3 split a prefix evenly and soon. The hash depends on the key alone, so a reader finds any
// object from its source key without an index. With a key template, the key is what the template makes: the hash is over that.
import { murmur3 } from './murmur3.ts';

export type Spread = { kind: 'binary' } | { kind: 'hex'; digits: number } | { kind: 'off' };

export type ParsedSpread = { kind: 'parsed'; spread: Spread } | { kind: 'invalid'; message: string };

/** The hash has 32 bits: 8 hexadecimal digits. */
const maximumHexDigits = 8;

/** What `parseSpread` takes. */
export const SPREADS = ['binary', `hex:N (N from 1 to ${maximumHexDigits})`, 'off'] as const;

/** Reads what a job or a command line says: `binary`, `hex:N` (N from 1 to 8) or `off`. */
export function parseSpread(text: string): ParsedSpread {
  if (text === 'binary' || text === 'off') {
    return { kind: 'parsed', spread: { kind: text } };
  }
  const digits = /^hex:([0-9]+)$/.exec(text)?.[1];
  if (digits !== undefined && Number(digits) >= 1 && Number(digits) <= maximumHexDigits) {
    return { kind: 'parsed', spread: { kind: 'hex', digits: Number(digits) } };
  }
  return {
    kind: 'invalid',
    message: `spread ${JSON.stringify(text)} is none of ${SPREADS.slice(0, -1).join(', ')} and ${SPREADS.at(-1)}`,
  };
}

/** `prefix`, then the hash path, then the key as it stands. Deterministic: the same for every job and version. */
export function destinationKey(key: string, spread: Spread, prefix = ''): string {
  switch (spread.kind) {
    case 'binary':
      return `${prefix}${binaryPath(key)}${key}`;
    case 'hex':
      return `${prefix}${hash32(key).toString(16).padStart(8, '0').slice(0, spread.digits)}/${key}`;
    case 'off':
      return `${prefix}${key}`;
  }
}

/** Four bits as text, by their value. */
const NIBBLES = Array.from({ length: 16 }, (_, value) => value.toString(2).padStart(4, '0'));

/** Put together of nibbles: ingest makes a path for every row, and cutting one text of 20 bits takes twice as long. */
function binaryPath(key: string): string {
  const hash = hash32(key);
  const nibble = (shift: number) => NIBBLES[(hash >>> shift) & 0xf];
  return `${nibble(16)}/${nibble(12)}/${nibble(8)}/${nibble(4)}${nibble(0)}/`;
}

export function hash32(key: string): number {
  return murmur3(Buffer.from(key, 'utf8'));
}
