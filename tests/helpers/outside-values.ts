// Values from outside, for tests of what reads them: any JSON, good values with one member changed, and deep nests.
import fc from 'fast-check';

/** A good value in which one member, at any depth, is another value or is gone. */
export function mutated(sample: unknown, change: unknown, at: number): unknown {
  let number = 0;
  const visit = (value: unknown): unknown => {
    if (number++ === at) return change;
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, visit(member)]));
  };
  return visit(sample);
}

export const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>('', '%', 'x'.repeat(5_000), -1, 1e308, null, [], {}, { __proto__: null }),
);
export const nested = fc.integer({ min: 1, max: 20_000 }).map((depth) => '['.repeat(depth));

/** The last code point, and the half surrogate pairs, which are none of a text's. */
const LAST_CODE_POINT = 0x10_ffff;
const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any code point, as a text's unit: the same as fast-check's own unit 'binary'. That one keeps a million code points in a map, which
 * takes over a second in each process of the tests.
 */
export const codePoint = fc.integer({ min: 0, max: LAST_CODE_POINT - SURROGATES.count }).map(
  (number) => String.fromCodePoint(number < SURROGATES.first ? number : number + SURROGATES.count),
  (text) => {
    if (typeof text !== 'string' || [...text].length !== 1) throw new Error('it is not one code point');
    const code = text.codePointAt(0) ?? 0;
    return code < SURROGATES.first ? code : code - SURROGATES.count;
  },
);
