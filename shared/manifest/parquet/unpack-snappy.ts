// Snappy blocks (google/snappy, format_description.txt): Parquet's usual compression, which node:zlib does not have.
import { damaged } from './limits.ts';

/**
 * @param sizeBytes of what comes out
 * @throws ConversionFault for bytes that reach beyond the input or the output
 */
export function unpackSnappy(input: Uint8Array, sizeBytes: number): Uint8Array {
  const output = new Uint8Array(sizeBytes);
  let at = skipLength(input);
  let end = 0;
  while (at < input.length) {
    const tag = input[at++] as number;
    if ((tag & 3) === 0) {
      const inTag = tag >> 2;
      const lengthBytes = inTag < 60 ? 0 : inTag - 59;
      const length = lengthBytes === 0 ? inTag + 1 : littleEndian(input, at, lengthBytes) + 1;
      at += lengthBytes;
      if (length > input.length - at || length > sizeBytes - end) throw broken();
      // A loop is faster than a copy for the short stretches that are most.
      if (length < 24)
        for (let index = 0; index < length; index++) output[end + index] = input[at + index] as number;
      else output.set(input.subarray(at, at + length), end);
      at += length;
      end += length;
      continue;
    }
    const offsetBytes = (tag & 3) === 3 ? 4 : tag & 3;
    const isShort = offsetBytes === 1;
    const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = littleEndian(input, at, offsetBytes) + (isShort ? (tag >> 5) * 256 : 0);
    at += offsetBytes;
    if (offset === 0 || offset > end || length > sizeBytes - end) throw broken();
    // Byte by byte: where the copy overlaps itself it repeats.
    for (const stop = end + length; end < stop; end++) output[end] = output[end - offset] as number;
  }
  if (end !== sizeBytes) throw broken();
  return output;
}

/** The stream begins with the size of what comes out: the page's header has it too. */
function skipLength(input: Uint8Array): number {
  for (let at = 0; at < 5; at++) {
    if ((input[at] ?? 0) < 0x80) return at + 1;
  }
  throw broken();
}

function littleEndian(input: Uint8Array, at: number, bytes: number): number {
  if (at + bytes > input.length) throw broken();
  let value = 0;
  for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (input[at + index] as number);
  return value;
}

function broken() {
  return damaged('a page whose Snappy block is broken');
}
