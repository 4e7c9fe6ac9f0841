// Bytes of a manifest as streams deliver them, and the rows that come of them.
import type { ManifestRow, ReadBytes } from '../../shared/manifest/format.ts';
import { formatOf, type ManifestHead } from '../../shared/manifest/formats/all.ts';
import type { ByteRange } from '../../shared/manifest/slice-place.ts';

/** The bytes in chunks that end at the given offsets; those out of range or order are left out. */
async function* cutInto(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    if (cut > start && cut <= bytes.length) {
      yield bytes.subarray(start, cut);
      start = cut;
    }
  }
}

/** Reads ranges of the bytes, each in chunks that end at the given offsets of the range. */
export function readerOf(bytes: Uint8Array, cuts: number[] = []): ReadBytes {
  return (start, end) => cutInto(bytes.subarray(start, end), cuts);
}

/** The bytes behind the head. */
export function bodyOf(head: ManifestHead, sizeBytes: number): ByteRange {
  return { startOffset: head.bodyOffset, startLine: head.bodyLine, endOffset: sizeBytes };
}

/** Rows of a whole manifest. */
export function rowsOf(head: ManifestHead, bytes: Uint8Array, cuts: number[] = []): Promise<ManifestRow[]> {
  return collect(formatOf(head).read(head, bodyOf(head, bytes.length), readerOf(bytes, cuts)));
}

/** All that batches of a generator hold. */
export async function collect<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) {
    all.push(...batch);
  }
  return all;
}
