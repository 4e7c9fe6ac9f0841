// The bytes of a column chunk, read forwards in pieces: neither the chunk nor a page that is passed over is held as a whole.
import type { RandomAccess } from './footer.ts';
import { damaged } from './limits.ts';

/** One request to S3 brings so much: pages of writers are about as large. */
const READ_AHEAD_BYTES = 1024 * 1024;

export type ChunkBytes = ReturnType<typeof createChunkBytes>;

export function createChunkBytes(
  file: RandomAccess,
  { startOffset, endOffset }: { startOffset: number; endOffset: number },
) {
  let held: Uint8Array = new Uint8Array();
  /** Where `held` begins in the file. */
  let offset = startOffset;

  /** The next bytes, without moving on: at least `bytes`, or all that are left. */
  const peek = async (bytes: number): Promise<Uint8Array> => {
    const wanted = Math.min(bytes, endOffset - offset);
    if (held.length >= wanted) return held;
    const start = offset + held.length;
    const end = Math.min(endOffset, start + Math.max(READ_AHEAD_BYTES, wanted - held.length));
    const more = await file.read(start, end);
    if (more.length !== end - start) throw damaged(`it ends at byte ${start + more.length}, within a column`);
    held = held.length === 0 ? more : Buffer.concat([held, more]);
    return held;
  };

  /** Moves on, within the chunk. */
  const skip = (bytes: number): void => {
    offset += bytes;
    held = bytes >= held.length ? new Uint8Array() : held.subarray(bytes);
  };

  return {
    leftBytes: () => endOffset - offset,
    peek,
    skip,
    async take(bytes: number): Promise<Uint8Array> {
      if (bytes > endOffset - offset) throw damaged('a page that is longer than its column');
      const taken = (await peek(bytes)).subarray(0, bytes);
      skip(bytes);
      return taken;
    },
  };
}
