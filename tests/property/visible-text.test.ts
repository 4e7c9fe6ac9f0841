// Whatever a value holds, what is shown of it holds no character that hides, reorders or steers.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { line, lines } from '../../cli/terminal/text.ts';
import { visibleLines, visibleText } from '../../shared/text/visible.ts';
import { codePoint } from '../helpers/outside-values.ts';

/** Written out by code points, apart from the Unicode properties that the code goes by. */
const UNSEEN: [from: number, to: number][] = [
  [0x00, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x1680, 0x1680],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xfffe, 0xffff],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
const isUnseen = (point: number) => UNSEEN.some(([from, to]) => point >= from && point <= to);
const unseenIn = (text: string) =>
  Array.from(text, (character) => character.codePointAt(0) ?? 0).filter(isUnseen);

const unseen = fc
  .constantFrom(...UNSEEN)
  .chain(([from, to]) => fc.integer({ min: from, max: to }))
  .map((point) => String.fromCodePoint(point));
/** Text as it is met, cut anywhere: pairs of surrogates too. */
const hostile = fc
  .array(
    fc.oneof(
      unseen,
      fc.string({ unit: codePoint }),
      fc.constantFrom('\u001b]52;c;aGk=\u0007', '\\u001b', '\\'),
    ),
  )
  .chain((parts) => {
    const text = parts.join('');
    return fc.nat(text.length).map((at) => text.slice(at));
  });
const printable = fc.string({ unit: 'grapheme-ascii' });

describe('visible text', () => {
  it('holds no unseen character', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(unseenIn(visibleText(text))).toEqual([]);
      }),
    );
    for (const [from, to] of UNSEEN)
      for (let point = from; point <= to; point++)
        expect(unseenIn(visibleText(String.fromCodePoint(point))), point.toString(16)).toEqual([]);
  });

  it('leaves printable text as it is, and so what is visible already', () => {
    fc.assert(
      fc.property(printable, (text) => {
        expect(visibleText(text)).toBe(text);
      }),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        expect(visibleText(visibleText(text))).toBe(visibleText(text));
      }),
    );
    for (const text of ['größe', '日本語', '🌊', 'C:\\new', '×·–█░', 'a  b'])
      expect(visibleText(text)).toBe(text);
  });

  it('says which characters those were, as JSON does', () => {
    expect(visibleText('a\u001b]52\n\u202e\u{e0041}\ud800z')).toBe(
      'a\\u001b]52\\u000a\\u202e\\udb40\\udc41\\ud800z',
    );
  });

  it('keeps the values of JSON', () => {
    fc.assert(
      fc.property(hostile, hostile, (name, text) => {
        const value = { [`-${name}`]: [text] };
        const shown = visibleText(JSON.stringify(value));
        expect(JSON.parse(shown)).toEqual(value);
        expect(unseenIn(shown)).toEqual([]);
      }),
    );
  });

  it('keeps no other character than the line feed where text has lines', () => {
    fc.assert(
      fc.property(fc.array(hostile), (parts) => {
        const text = parts.join('\n');
        expect(visibleLines(text)).toBe(text.split('\n').map(visibleText).join('\n'));
      }),
    );
  });
});

describe('a line for the terminal', () => {
  it('shows values of any kind on one line, and its own layout as it is', () => {
    fc.assert(
      fc.property(hostile, fc.oneof(hostile, fc.array(hostile)), (text, other) => {
        // What an API answers may be a list where a string should be.
        const shown = String(line`a\t${text}: ${other as string}`);
        expect(shown.startsWith('a\t')).toBe(true);
        expect(unseenIn(shown.slice(2))).toEqual([]);
      }),
    );
  });

  it('joins lines to as many as there are', () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1 }), (parts) => {
        expect(String(lines(parts)).split('\n')).toHaveLength(parts.length);
      }),
    );
  });

  it('shows a bounded part of any value', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 100_000 }), (text, times) => {
        // An escape takes six characters for one.
        expect(String(line`${text.repeat(times).slice(0, 300_000)}`).length).toBeLessThan(6 * 1_024 + 100);
      }),
      { numRuns: 30 },
    );
  });
});
