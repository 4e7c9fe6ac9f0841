// The functions' configuration from their environment: what is missing or no number is named.
import { describe, expect, it } from 'vitest';
import { readEnvironment, wholeNumber, wholeNumbers } from '../../functions/runtime/environment.ts';

it('names every variable that is missing', () => {
  expect(() => readEnvironment(['A', 'B', 'C'], { B: '' })).toThrow(/missing environment variables: A, C /);
});

describe('a whole number', () => {
  it.each(['0', '8388608', '007'])('is read from "%s"', (text) => {
    expect(wholeNumber({ SIZE: text }, 'SIZE')).toBe(Number(text));
  });

  it.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '+5',
    '-5',
    '0x10',
    '1e3',
    '1.5',
    'Infinity',
    'NaN',
    '9007199254740993',
    '٣',
  ])('is not read from "%s", which is named with its variable', (text) => {
    expect(() => wholeNumber({ SIZE: text }, 'SIZE')).toThrow(
      `the environment variable SIZE is "${text}": it takes whole numbers`,
    );
    expect(() => wholeNumbers({ LIST: `1,${text}x` }, 'LIST')).toThrow(/variable LIST is/);
  });

  it('is read from each part of a list', () => {
    expect(wholeNumbers({ LIST: '10, 60,300' }, 'LIST')).toEqual([10, 60, 300]);
  });
});
