// Writes lines of JSON as bytes. Texts are copied without decoding them: bytes that are not UTF-8 stay, and the reader of the
// lines rejects their row as it does in any manifest.
import { maximumRowBytes } from '../lines/scan.ts';

/** A chunk is given out when it has so many bytes. */
const CHUNK_BYTES = 256 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from('0123456789abcdef');
/** By byte: 1 where JSON's strings hold it only as an escape. */
const IS_ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x20 || byte === QUOTE || byte === BACKSLASH),
);

export type JsonLines = ReturnType<typeof createJsonLines>;

export function createJsonLines() {
  let bytes = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  let at = 0;
  let isEmpty = true;

  const reserve = (more: number) => {
    if (at + more <= bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * bytes.length, at + more));
    larger.set(bytes.subarray(0, at));
    bytes = larger;
  };

  /** Begins a member with this name as JSON, with its colon: `"key":`. */
  const member = (name: Uint8Array) => {
    reserve(name.length + 2);
    bytes[at++] = isEmpty ? 0x7b : 0x2c;
    isEmpty = false;
    for (let index = 0; index < name.length; index++) bytes[at++] = name[index] as number;
  };
  const close = () => {
    reserve(3);
    if (isEmpty) bytes[at++] = 0x7b;
    bytes[at++] = 0x7d;
    isEmpty = false;
  };

  return {
    member,
    /** Begins a member, as `member` does, that is an object: members follow, and then `close`. */
    open(name: Uint8Array) {
      member(name);
      isEmpty = true;
    },
    close,
    /** A string of these bytes, quoted and escaped. */
    text(source: Buffer, start: number, end: number) {
      // A longer text makes its row too long, whatever it ends in.
      const stop = Math.min(end, start + maximumRowBytes + 1);
      reserve((stop - start) * 6 + 2);
      bytes[at++] = QUOTE;
      for (let from = start; from < stop; ) {
        let to = from;
        while (to < stop && IS_ESCAPED[source[to] as number] === 0) to++;
        at += source.copy(bytes, at, from, to);
        if (to < stop) at = escapeByte(bytes, at, source[to] as number);
        from = to + 1;
      }
      bytes[at++] = QUOTE;
    },
    /** ASCII that is JSON as it stands. */
    raw(json: string) {
      reserve(json.length);
      at += bytes.write(json, at, 'latin1');
    },
    endLine() {
      close();
      bytes[at++] = 0x0a;
      isEmpty = true;
    },
    /** The lines so far, where they fill a chunk or `isLast`. The bytes belong to the caller. */
    take(isLast = false): Uint8Array | undefined {
      if (at === 0 || (at < CHUNK_BYTES && !isLast)) return undefined;
      const chunk = Buffer.allocUnsafeSlow(at);
      bytes.copy(chunk, 0, 0, at);
      at = 0;
      return chunk;
    },
  };
}

/** @returns the place behind it */
function escapeByte(bytes: Uint8Array, start: number, byte: number): number {
  let at = start;
  bytes[at++] = BACKSLASH;
  if (byte === QUOTE || byte === BACKSLASH) {
    bytes[at++] = byte;
    return at;
  }
  for (const each of [0x75, 0x30, 0x30, HEX[byte >> 4] as number, HEX[byte & 15] as number])
    bytes[at++] = each;
  return at;
}
