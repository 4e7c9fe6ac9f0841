// Parquet's hybrid of runs and bit-packed values: presence of rows, and numbers of dictionary values (parquet-format,
// Encodings.md, RLE). No run is longer than the values that are left: two bytes can claim billions.
import { damaged } from './limits.ts';

const ENDED = 'a page that ends within its values';

/** A place in the bytes of a page. */
export interface PageCursor {
  bytes: Uint8Array;
  at: number;
}

export function byteAt({ bytes }: PageCursor, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw damaged(ENDED);
  return byte;
}

/** Checked before a view of the bytes is made. */
export function claim(cursor: PageCursor, length: number): number {
  const start = cursor.at;
  if (length < 0 || length > cursor.bytes.length - start) throw damaged(ENDED);
  cursor.at += length;
  return start;
}

/** LEB128, up to 53 bits. */
export function unsignedVarInt(cursor: PageCursor): number {
  let value = 0;
  let scale = 1;
  for (let bytes = 0; bytes < 8; bytes++) {
    const byte = byteAt(cursor, cursor.at);
    cursor.at += 1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw damaged('a number of too many bytes');
}

/**
 * Reads as many values as `output` holds, of up to 32 bits each.
 * @throws ConversionFault where the bytes end before
 */
export function readHybrid(cursor: PageCursor, bitWidth: number, output: Uint32Array | Uint8Array): void {
  if (bitWidth > 32) throw damaged(`values of ${bitWidth} bits`);
  for (let seen = 0; seen < output.length; ) {
    const head = unsignedVarInt(cursor);
    const left = output.length - seen;
    if (head % 2 === 0) {
      const run = Math.min(head / 2, left);
      output.fill(readFixed(cursor, (bitWidth + 7) >> 3), seen, seen + run);
      seen += run;
      continue;
    }
    const packed = ((head - 1) / 2) * 8;
    const count = Math.min(packed, left);
    // Writers may leave out the bytes of the padding behind the last value.
    const wanted = Math.ceil((packed * bitWidth) / 8);
    const needed = Math.ceil((count * bitWidth) / 8);
    const start = claim(cursor, Math.min(wanted, Math.max(needed, cursor.bytes.length - cursor.at)));
    unpackBits(cursor.bytes, start, bitWidth, output.subarray(seen, seen + count));
    seen += count;
  }
}

function readFixed(cursor: PageCursor, bytes: number): number {
  const start = claim(cursor, bytes);
  let value = 0;
  for (let index = bytes - 1; index >= 0; index--) value = value * 256 + byteAt(cursor, start + index);
  return value;
}

/** Values of `bitWidth` bits, up to 32, the lowest bit first. The caller has claimed the bytes. */
export function unpackBits(
  bytes: Uint8Array,
  start: number,
  bitWidth: number,
  output: Uint32Array | Uint8Array,
): void {
  if (bitWidth === 0) {
    output.fill(0);
    return;
  }
  const mask = bitWidth === 32 ? 0xffffffff : (1 << bitWidth) - 1;
  let at = start;
  let held = 0;
  let bits = 0;
  for (let index = 0; index < output.length; index++) {
    if (bitWidth <= 24) {
      while (bits < bitWidth) {
        held |= (bytes[at++] ?? 0) << bits;
        bits += 8;
      }
      output[index] = held & mask;
      held >>>= bitWidth;
      bits -= bitWidth;
    } else {
      output[index] = wideValue(bytes, start, index * bitWidth, bitWidth);
    }
  }
}

/** Above 24 bits, 32 bits of integer arithmetic can't hold a value and what is left of a byte. */
function wideValue(bytes: Uint8Array, start: number, bitOffset: number, bitWidth: number): number {
  let at = start + Math.floor(bitOffset / 8);
  const skipped = bitOffset % 8;
  let value = 0;
  let scale = 1;
  for (let have = -skipped; have < bitWidth; have += 8) {
    value += (bytes[at++] ?? 0) * scale;
    scale *= 256;
  }
  return Math.floor(value / 2 ** skipped) % 2 ** bitWidth;
}
