// Where the object of a row goes: the one place in which a destination key is made, and in which S3's limits on it are checked.
import { MAX_KEY_BYTES } from './destination.ts';
import { destinationKey, parseSpread } from './spread.ts';

/** The options of a job, or of a command, that decide where objects go. */
export interface DestinationOptions {
  /** The prefix is empty or ends in `/`, except in jobs that were stored before a destination was always a folder. */
  destination: { bucket: string; prefix: string };
  /** `binary`, `hex:N` or `off`, as it was validated. */
  spread: string;
}

export interface Destination {
  bucket: string;
  key: string;
}

export interface KeyFault {
  code: 'KeyTooLong' | 'KeyRefused';
  /** Follows a name of the key: `has 1100 bytes, …`. */
  message: string;
}

/** @throws where the spread is not valid: options are validated before they are stored */
export function destinationOf(
  { key }: { key: string },
  { destination: { bucket, prefix }, spread }: DestinationOptions,
): Destination {
  const parsed = parseSpread(spread);
  if (parsed.kind === 'invalid') throw new Error(`the stored spread is not valid: ${parsed.message}`);
  return { bucket, key: destinationKey(key, parsed.spread, prefix) };
}

/**
 * Why S3 refuses a destination key, prefix and spread included. S3 itself answers 400 and gives no reason:
 *
 * - more than 1,024 bytes of UTF-8
 * - `soap` alone: "aren't supported for virtual-hosted-style requests"
 * - `..` segments that lead out of the bucket: read from the left, there are never more of them than of other segments
 *
 * The last two are legal behind a folder or a spread: `a/soap`, `a/../b`. (S3 user guide, "Naming Amazon S3 objects")
 * @returns undefined for a key that S3 takes
 */
export function faultOfKey(key: string, spread: string): KeyFault | undefined {
  // A UTF-16 unit is at most 3 bytes of UTF-8, so most keys need no counting.
  const bytes = key.length * 3 > MAX_KEY_BYTES ? Buffer.byteLength(key) : 0;
  if (bytes > MAX_KEY_BYTES) {
    const message = `has ${bytes} bytes, S3 takes ${MAX_KEY_BYTES}: prefix and spread (${spread}) count`;
    return { code: 'KeyTooLong', message };
  }
  if (key === 'soap') {
    const remedy = 'write it under another name, into a folder, or with a spread';
    return { code: 'KeyRefused', message: `is "soap", which S3 refuses in its URLs: ${remedy}` };
  }
  if (key.includes('..') && leadsOut(key)) {
    const message =
      'has more ".." segments than segments before them, which S3 refuses: write it without them';
    return { code: 'KeyRefused', message };
  }
  return undefined;
}

/** Characters of the longest path that a spread puts before a key: `bbbb/bbbb/bbbb/bbbbbbbb/`. */
const MAX_SPREAD_LENGTH = 24;

/**
 * Why S3 refuses the destination key of a row. Most keys need no look at the key itself, whose hash takes longer than the rest of
 * the checks of a row.
 */
export function faultOfDestination(row: { key: string }, options: DestinationOptions): KeyFault | undefined {
  // Without its spread: a path of hexadecimal digits in between adds neither of what S3 refuses.
  const key = options.destination.prefix + row.key;
  const isPlain =
    (key.length + MAX_SPREAD_LENGTH) * 3 <= MAX_KEY_BYTES && key !== 'soap' && !key.includes('..');
  return isPlain ? undefined : faultOfKey(destinationOf(row, options).key, options.spread);
}

function leadsOut(key: string): boolean {
  let depth = 0;
  for (const name of key.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
