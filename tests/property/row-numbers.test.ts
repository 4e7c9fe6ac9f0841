// Numbers of rows as the bytes of a set's members: what is read back is what was written, and little else can be read.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BLOCK_ROWS } from '../../shared/job/identity.ts';
import { decodeMap, decodeNumbers, encodeMap, encodeNumbers } from '../../shared/ledger/row-numbers.ts';

const numbers = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 600 });

it('are read back in ascending order, each once', () => {
  fc.assert(
    fc.property(numbers, (given) => {
      const read = decodeNumbers(encodeNumbers(given));
      expect(read).toEqual([...new Set(given)].sort((left, right) => left - right));
    }),
  );
});

it('are read back from a map, which has a bit for each row', () => {
  fc.assert(
    fc.property(numbers, (given) => {
      const map = encodeMap(given);
      expect(decodeMap(map)).toEqual([...new Set(given)].sort((left, right) => left - right));
      expect(map.length).toBe(Math.floor(Math.max(...given) / 8) + 1);
    }),
  );
});

it('are never read from a map beyond the bound, however long it is', () => {
  const read = decodeMap(new Uint8Array(50_000).fill(0xff));
  expect(read).toHaveLength(100_001);
  expect(read.at(-1)).toBe(100_000);
});

it('are the same bytes in whatever order they come, so that a set holds them once', () => {
  fc.assert(
    fc.property(numbers, (given) => {
      expect(encodeNumbers(given.toReversed())).toEqual(encodeNumbers(given));
    }),
  );
});

it('of any block take a byte each, and one more for a member', () => {
  const inBlock = fc.uniqueArray(fc.integer({ min: 0, max: BLOCK_ROWS - 1 }), { minLength: 1 });
  fc.assert(
    fc.property(inBlock, (given) => {
      // Beyond 127 a distance takes two bytes, and few of those fit into a block.
      expect(encodeNumbers(given).length).toBeLessThanOrEqual(given.length + Math.floor(BLOCK_ROWS / 128));
    }),
  );
});

it('are never read beyond the bound, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = decodeNumbers(bytes) ?? [];
      for (const number of read) expect(number <= 100_000 && Number.isInteger(number)).toBe(true);
    }),
  );
});

it.each([
  ['an unfinished number', [0x80]],
  ['a number of four bytes', [0x80, 0x80, 0x80, 0x01]],
  ['a number beyond the bound', [0xff, 0xff, 0x7f]],
])('are not read from %s', (_, bytes) => {
  expect(decodeNumbers(Uint8Array.from(bytes))).toBeUndefined();
});
