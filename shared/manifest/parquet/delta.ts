// Numbers as differences in blocks (parquet-format, Encodings.md, DELTA_BINARY_PACKED): integers, and the lengths of texts.
import { byteAt, claim, type PageCursor, unpackBits, unsignedVarInt } from './bits.ts';
import { damaged } from './limits.ts';

/** Writers make blocks of 128 or 256 values, in 4 or 8 parts. */
const MAX_BLOCK_VALUES = 65_536;
const MAX_PARTS = 512;

function readHead(cursor: PageCursor, count: number) {
  const blockValues = unsignedVarInt(cursor);
  const parts = unsignedVarInt(cursor);
  const total = unsignedVarInt(cursor);
  const partValues = blockValues / parts;
  if (blockValues > MAX_BLOCK_VALUES || parts > MAX_PARTS || partValues < 8 || partValues % 8 !== 0)
    throw damaged(`blocks of ${blockValues} values in ${parts} parts`);
  if (total !== count) throw damaged(`${total} numbers where there should be ${count}`);
  return { partValues, parts };
}

/** Numbers of 32 bits: their sums wrap around. */
export function readDelta32(cursor: PageCursor, count: number): Int32Array {
  const output = new Int32Array(count);
  const deltas = readDelta64(cursor, count);
  for (let index = 0; index < count; index++) output[index] = Number(BigInt.asIntN(32, deltas[index] ?? 0n));
  return output;
}

export function readDelta64(cursor: PageCursor, count: number): BigInt64Array {
  const output = new BigInt64Array(count);
  const { partValues, parts } = readHead(cursor, count);
  let value = signedVarInt(cursor);
  if (count > 0) output[0] = value;
  const part = new BigUint64Array(partValues);
  for (let seen = 1; seen < count; ) {
    const least = signedVarInt(cursor);
    const widths = claim(cursor, parts);
    for (let index = 0; index < parts && seen < count; index++) {
      unpackPart(cursor, byteAt(cursor, widths + index), part, count - seen);
      for (let at = 0; at < partValues && seen < count; at++) {
        value = BigInt.asIntN(64, value + least + (part[at] ?? 0n));
        output[seen++] = value;
      }
    }
  }
  return output;
}

/** @param wanted values of the part that count: a writer may leave out the bytes of the others */
function unpackPart(cursor: PageCursor, bitWidth: number, part: BigUint64Array, wanted: number): void {
  if (bitWidth > 64) throw damaged(`numbers of ${bitWidth} bits`);
  const whole = (part.length * bitWidth) / 8;
  const needed = Math.ceil((Math.min(wanted, part.length) * bitWidth) / 8);
  const start = claim(cursor, Math.min(whole, Math.max(needed, cursor.bytes.length - cursor.at)));
  if (bitWidth <= 32) {
    const small = new Uint32Array(part.length);
    unpackBits(cursor.bytes, start, bitWidth, small);
    for (let index = 0; index < small.length; index++) part[index] = BigInt(small[index] ?? 0);
    return;
  }
  const width = BigInt(bitWidth);
  const mask = (1n << width) - 1n;
  let held = 0n;
  let bits = 0n;
  let at = start;
  for (let index = 0; index < part.length; index++) {
    while (bits < width) {
      held |= BigInt(cursor.bytes[at++] ?? 0) << bits;
      bits += 8n;
    }
    part[index] = held & mask;
    held >>= width;
    bits -= width;
  }
}

function signedVarInt(cursor: PageCursor): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor, cursor.at);
    cursor.at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }
  throw damaged('a number of too many bytes');
}
