// The set of a slice's keys against a plain Map: the same first lines, whatever the keys are and however many.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeySet } from '../../shared/blocks/key-set.ts';
import { codePoint } from '../helpers/outside-values.ts';

/** Fewer than the keys of some of the tests need. */
const SLICE_BYTES = 64 * 1024;

function expectAsMap(keys: Iterable<string>): void {
  const set = createKeySet(SLICE_BYTES);
  const first = new Map<string, number>();
  let line = 0;
  for (const key of keys) {
    line++;
    const found = set.take(key, line);
    if (found !== first.get(key)) expect([key, found]).toEqual([key, first.get(key)]);
    if (!first.has(key)) first.set(key, line);
  }
  // The next set has its memory.
  set.release();
}

/** Pairs of keys of one hash: two such texts keep one hash with whatever follows both. */
function collidingKeys(count: number): string[] {
  const byHash = new Map<number, string>();
  for (let number = 0; ; number++) {
    const key = number.toString(36);
    let hash = 0x811c9dc5;
    for (const unit of key) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x01000193);
    const other = byHash.get(hash);
    if (other !== undefined) return combinationsOf([other, key], count);
    byHash.set(hash, key);
  }
}

function combinationsOf([one, other]: [string, string], count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${at % 2 === 0 ? one : other}/${at >> 1}`);
}

describe('the keys of a slice', () => {
  it('are found again as a Map finds them', () => {
    const key = fc.oneof(
      fc.string({ unit: codePoint }),
      fc.constantFrom('a', 'a/b', 'é', '\u{1f600}', '\ud83d'),
    );
    fc.assert(fc.property(fc.array(key), expectAsMap));
  });

  it('are found where there are more than a slice has rows, and more than a page of them', () => {
    const keys = Array.from({ length: 140_000 }, (_, at) => `photos/${at}.jpg`);
    expectAsMap([...keys, ...keys]);
  });

  it('are told apart where they have the same hash', () => {
    const keys = collidingKeys(2_000);
    expectAsMap([...keys, ...keys]);
  });

  it('are those of their own set, where two are read at once', () => {
    createKeySet(SLICE_BYTES).release();
    const sets = [createKeySet(SLICE_BYTES), createKeySet(SLICE_BYTES)] as const;
    for (const [index, set] of sets.entries()) expect(set.take('a', 1 + index)).toBeUndefined();
    expect(sets.map((set) => set.take('a', 9))).toEqual([1, 2]);
    for (const set of sets) set.release();
    expect(createKeySet(SLICE_BYTES).take('a', 9)).toBeUndefined();
  });

  it('may have 1,024 characters each, at the end of a page too', () => {
    const keys = Array.from({ length: 600 }, (_, at) => `${'x'.repeat(1_020 - (at % 7))}${at}`);
    expectAsMap([...keys, ...keys]);
  });
});
