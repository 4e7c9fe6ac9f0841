// The destination keys of a slice's rows, to find the rows that would write the same object.
//
// It is made for each reading of a slice, which begins at the slice's first row. So every reading finds the same duplicates.
// Memory: a slice has up to 128,000 rows (SLICE_BLOCKS blocks), whose keys have up to 1,024 bytes each.

export interface KeySet {
  /** @returns the line of the first row with this key; undefined where this one is the first */
  take(key: string, line: number): number | undefined;
}

export function createKeySet(): KeySet {
  const lines = new Map<string, number>();
  return {
    take(key, line) {
      // Joined, since a key cut from a row's text would keep that text in memory.
      const own = `/${key}`;
      const first = lines.get(own);
      if (first === undefined) lines.set(own, line);
      return first;
    },
  };
}
