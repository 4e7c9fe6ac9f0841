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
