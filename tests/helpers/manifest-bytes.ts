// Bytes of a manifest as streams deliver them, and the rows that come of them.

/** The bytes in chunks that end at the given offsets; those out of range or order are left out. */
export async function* cutInto(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    if (cut > start && cut <= bytes.length) {
      yield bytes.subarray(start, cut);
      start = cut;
    }
  }
}

/** All that batches of a generator hold. */
export async function collect<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) {
    all.push(...batch);
  }
  return all;
}
