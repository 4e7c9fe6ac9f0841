// What is made on first use is made once, and not before.
import { expect, it } from 'vitest';
import { onFirstUse } from '../../shared/time/on-first-use.ts';

it('makes the value when it is first used, and once', () => {
  let made = 0;
  const value = onFirstUse(() => ({ number: ++made }));
  expect(made).toBe(0);
  expect([value(), value()]).toEqual([{ number: 1 }, { number: 1 }]);
  expect(value()).toBe(value());
});

it('tries again after an error', () => {
  let tries = 0;
  const value = onFirstUse(() => {
    if (++tries === 1) throw new Error('not yet');
    return { tries };
  });
  expect(value).toThrow('not yet');
  expect(value()).toEqual({ tries: 2 });
});

it('tries again after a promise that failed, once for all who ask at the same time', async () => {
  let tries = 0;
  const value = onFirstUse(async () => {
    if (++tries === 1) throw new Error('not yet');
    return tries;
  });
  const both = await Promise.allSettled([value(), value()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await Promise.all([value(), value()])).toEqual([2, 2]);
});
