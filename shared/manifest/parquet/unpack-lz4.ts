// LZ4 blocks (lz4/lz4, doc/lz4_Block_format.md), alone and in Hadoop's frames, which Parquet's older codec LZ4 stands for.
import { damaged } from './limits.ts';

/** @param sizeBytes of what comes out */
export function unpackLz4(input: Uint8Array, sizeBytes: number): Uint8Array {
  const output = new Uint8Array(sizeBytes);
  if (unpackBlock(input, output) !== sizeBytes) throw broken();
  return output;
}

/** Frames are two lengths of 4 bytes, most significant first, and a block. Some writers left them out. */
export function unpackLz4Frames(input: Uint8Array, sizeBytes: number): Uint8Array {
  const view = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const output = new Uint8Array(sizeBytes);
  let at = 0;
  let end = 0;
  while (at + 8 <= input.length) {
    const unpacked = view.readUInt32BE(at);
    const packed = view.readUInt32BE(at + 4);
    if (packed > input.length - at - 8 || unpacked > sizeBytes - end) return unpackLz4(input, sizeBytes);
    const block = input.subarray(at + 8, at + 8 + packed);
    if (unpackBlock(block, output.subarray(end, end + unpacked)) !== unpacked) throw broken();
    at += 8 + packed;
    end += unpacked;
  }
  if (at !== input.length || end !== sizeBytes) return unpackLz4(input, sizeBytes);
  return output;
}

function unpackBlock(input: Uint8Array, output: Uint8Array): number {
  let at = 0;
  let end = 0;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; ) {
      byte = input[at++] ?? 0;
      length += byte;
    }
    return length;
  };
  while (at < input.length) {
    const token = input[at++] as number;
    const literals = lengthOf(token >> 4);
    if (literals > input.length - at || literals > output.length - end) throw broken();
    output.set(input.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has literals alone.
    if (at === input.length) return end;
    const offset = (input[at] ?? 0) + (input[at + 1] ?? 0) * 256;
    at += 2;
    const length = lengthOf(token & 15) + 4;
    if (offset === 0 || offset > end || length > output.length - end) throw broken();
    for (const stop = end + length; end < stop; end++) output[end] = output[end - offset] as number;
  }
  return end;
}

function broken() {
  return damaged('a page whose LZ4 block is broken');
}
