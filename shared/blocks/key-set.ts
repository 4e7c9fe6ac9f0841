// The destination keys of a slice's rows, to find the rows that would write the same object.
//
// It is made for each reading of a slice, which begins at the slice's first row. So every reading finds the same duplicates.
// A hash table in typed arrays: a Map of strings made garbage collection trace every key of the slice, and took a quarter of
// ingest's time (Node 24.21). Memory: 26 bytes for each row that the slice may have, and 2 for each character of the keys.

/** A slice has up to 128,000 rows (SLICE_BLOCKS blocks), and a row has 4 bytes at least: `k,t` and its line end. */
const MAX_ENTRIES = 2 ** 17;
const LEAST_ROW_BYTES = 4;
/** Places that are tried for a key. Keys that find none are in a Map: its hash is secret, so no manifest can force collisions. */
const MAX_PROBES = 16;
/** Characters of a page. A key lies in one page. */
const PAGE_LENGTH = 2 ** 15;

/** Pages that are kept for the next slice: 8 MB. */
const SPARE_PAGES = 128;

/** Memory of a set with up to `most` entries. */
function createTables(most: number) {
  return {
    most,
    /** The number of the entry at each place, from 1. Half of them stay free, so that most keys are found at their first place. */
    places: new Uint32Array(2 * most),
    hashes: new Int32Array(most),
    lines: new Float64Array(most),
    /** Where the entry's key begins: its page and its place there. */
    starts: new Uint32Array(most),
    lengths: new Uint16Array(most),
    pages: [] as Uint16Array[],
  };
}

/** Of the last slice. Left to V8, it stays until the next collection of the old generation: 9 MB a slice. */
let spare: ReturnType<typeof createTables> | undefined;

function takeTables(most: number) {
  const tables = spare?.most === most ? spare : createTables(most);
  if (tables === spare) spare = undefined;
  return tables;
}

export type KeySet = ReturnType<typeof createKeySet>;

/** @param sliceBytes those that the slice's rows have: it may have one key for each four of them */
export function createKeySet(sliceBytes: number) {
  const most = 2 ** Math.ceil(Math.log2(Math.min(MAX_ENTRIES, sliceBytes / LEAST_ROW_BYTES + 2)));
  const tables = takeTables(most);
  const { places, hashes, lines, starts, lengths, pages } = tables;
  const beyond = new Map<string, number>();
  let entries = 1;
  let end = 0;
  let usedPages = 0;

  /** Makes room for a key behind the last one. */
  const reserve = (length: number): Uint16Array => {
    if (end + length > usedPages * PAGE_LENGTH) {
      end = usedPages * PAGE_LENGTH;
      pages[usedPages] ??= new Uint16Array(PAGE_LENGTH);
      usedPages += 1;
    }
    return pages[usedPages - 1] as Uint16Array;
  };
  const isEntry = (entry: number, key: string): boolean => {
    if (lengths[entry] !== key.length) return false;
    const start = starts[entry] as number;
    const page = pages[Math.floor(start / PAGE_LENGTH)] as Uint16Array;
    const from = start % PAGE_LENGTH;
    for (let index = 0; index < key.length; index++) {
      if (page[from + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  };

  return {
    /**
     * @param key of at most 1,024 characters
     * @returns the line of the first row with this key; undefined where this one is the first
     */
    take(key: string, line: number): number | undefined {
      const hash = copyAndHash(key, reserve(key.length), end % PAGE_LENGTH);
      for (let probe = 0; probe < MAX_PROBES; probe++) {
        const place = (hash + probe) & (places.length - 1);
        const entry = places[place] as number;
        if (entry === 0 && entries < most) {
          places[place] = entries;
          hashes[entries] = hash;
          lines[entries] = line;
          starts[entries] = end;
          lengths[entries] = key.length;
          entries++;
          end += key.length;
          return undefined;
        }
        if (entry !== 0 && hashes[entry] === hash && isEntry(entry, key)) return lines[entry];
      }
      const first = beyond.get(key);
      if (first === undefined) beyond.set(key, line);
      return first;
    },
    /** Gives its memory to the next set: no key is taken any more. */
    release(): void {
      places.fill(0);
      pages.length = Math.min(pages.length, SPARE_PAGES);
      spare = tables;
    },
  };
}

/** FNV-1a over UTF-16 units. (Fowler, Noll and Vo, in the public domain) */
function copyAndHash(key: string, page: Uint16Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    page[at + index] = unit;
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
