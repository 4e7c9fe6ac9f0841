// The keys of a bucket in S3's order, kept for listing.
//
// fauxqs sorts all objects again for each page, in the order of the locale, and then cuts pages by code units: slow, and
// a page can leave keys out. Here new keys wait unsorted until the next listing and are merged then.
import { compareKeys } from './key-order.ts';

export interface KeyIndex {
  add(key: string): void;
  remove(key: string): void;
  /** The keys after `after` that start with the prefix; lazily, in order. */
  from(prefix: string, after: string): Generator<string>;
}

export function createKeyIndex(): KeyIndex {
  let sorted: string[] = [];
  const added = new Set<string>();
  const removed = new Set<string>();

  function settle(): string[] {
    if (added.size === 0 && removed.size === 0) return sorted;
    const news = [...added].sort(compareKeys);
    const kept = removed.size === 0 ? sorted : sorted.filter((key) => !removed.has(key));
    sorted = merge(kept, news);
    added.clear();
    removed.clear();
    return sorted;
  }

  return {
    add(key) {
      removed.delete(key);
      added.add(key);
    },
    remove(key) {
      added.delete(key);
      removed.add(key);
    },
    *from(prefix, after) {
      const keys = settle();
      const beyond = compareKeys(after, prefix) >= 0 && after !== '';
      const start = firstIndex(keys, (key) =>
        beyond ? compareKeys(key, after) > 0 : compareKeys(key, prefix) >= 0,
      );
      for (let index = start; index < keys.length; index += 1) {
        const key = keys[index];
        if (key === undefined || !key.startsWith(prefix)) return;
        yield key;
      }
    },
  };
}

/** A key that is in both lists comes once. */
function merge(left: string[], right: string[]): string[] {
  if (right.length === 0) return left;
  const merged: string[] = [];
  let next = 0;
  for (const key of left) {
    for (let other = right[next]; other !== undefined && compareKeys(other, key) <= 0; other = right[next]) {
      if (other !== key) merged.push(other);
      next += 1;
    }
    merged.push(key);
  }
  for (; next < right.length; next += 1) merged.push(right[next] ?? '');
  return merged;
}

/** The first index whose key fits, where all after it fit as well. */
function firstIndex(keys: string[], fits: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(keys[middle] ?? '')) high = middle;
    else low = middle + 1;
  }
  return low;
}
