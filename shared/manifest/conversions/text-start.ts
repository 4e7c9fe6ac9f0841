// The start of converted text, from which the head of its rows is read.
import type { ManifestStart } from '../format.ts';

/** As many as are read of a manifest that needs no conversion. */
const START_BYTES = 256 * 1024;

/** Reads no further than it must. `sizeBytes` of a longer text is not known: it is infinite. */
export async function startOfText(text: AsyncIterable<Uint8Array>): Promise<ManifestStart> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of text) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > START_BYTES) {
      return {
        bytes: Buffer.concat(chunks).subarray(0, START_BYTES),
        sizeBytes: Number.POSITIVE_INFINITY,
      };
    }
  }
  return { bytes: Buffer.concat(chunks), sizeBytes: bytes };
}
