// How numbers are shown to people.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countText } from '../../cli/text.ts';

describe('a count', () => {
  it('has commas between thousands, as Intl puts them', () => {
    const intl = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
    const values = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.integer(),
      fc.double({ min: 0, max: 1e15, noNaN: true }),
    );
    fc.assert(fc.property(values, (value) => countText(value) === intl.format(value)));
    expect([0, 999, 1000, 1234567, 0.4].map(countText)).toEqual(['0', '999', '1,000', '1,234,567', '0']);
  });
});
