// Elements of a JSON array as lines: what an element says reaches its row unchanged.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementLines, linesOfArray } from '../../shared/manifest/conversions/element-lines.ts';
import { maximumRowBytes } from '../../shared/manifest/lines/scan.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';

const HEAD = { format: 'ndjson', bodyOffset: 0, bodyLine: 1 } as const;

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

describe('the elements of an array', () => {
  it('are the lines of the text, whatever they are, and however the text arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 4 }), { minLength: 1, maxLength: 10 }),
        fc.constantFrom(undefined, 1, '\t', '\r\n'),
        fc.integer({ min: 1, max: 30 }),
        async (elements, indent, chunkBytes) => {
          const bytes = Buffer.from(JSON.stringify(elements, undefined, indent));
          const lines = Buffer.concat(await Array.fromAsync(elementLines(inChunks(bytes, chunkBytes))));
          expect(linesOfArray(bytes)).toEqual(lines);
          const texts = lines.toString().split('\n');
          expect(texts.pop()).toBe('');
          expect(texts.map((text) => JSON.parse(text))).toEqual(
            elements.map((each) => JSON.parse(JSON.stringify(each))),
          );
        },
      ),
    );
  });

  it('keep the digits of their numbers', () => {
    const array = '[{"key":12345678901234567890,"size":1e400},-0,1.10]';
    expect(linesOfArray(Buffer.from(array)).toString()).toBe(
      '{"key":12345678901234567890,"size":1e400}\n-0\n1.10\n',
    );
  });

  it.each([
    ['that is no JSON', '{"key" "x"}', 'InvalidJson'],
    ['whose brackets do not match', '{"key":["x"}}', 'InvalidJson'],
    ['with a line end in a string', '{"key":"a\nb"}', 'InvalidJson'],
    ['that is a bare word', 'undefined', 'InvalidJson'],
    ['that is no object', '"x"', 'NotAnObject'],
    ['that is null', 'null', 'NotAnObject'],
    ['with bytes that are not UTF-8', Buffer.from('{"key":"\xff"}', 'latin1'), 'InvalidUtf8'],
    ['that is longer than a row may be', `{"key":"${'x'.repeat(maximumRowBytes)}"}`, 'RowTooLong'],
    ['that is nested deeply', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'NotAnObject'],
  ])('are rows of their own: one %s rejects itself alone', async (_, element, code) => {
    const good = '{"key":"k","text":"t"}';
    const array = Buffer.concat([
      Buffer.from(`[${good},\n`),
      Buffer.from(element),
      Buffer.from(`\n,${good}]`),
    ]);
    const rows = await rowsOf(HEAD, linesOfArray(array));
    expect(rows.map((row) => [row.place.line, row.kind === 'bad' ? row.code : row.kind])).toEqual([
      [1, 'good'],
      [2, code],
      [3, 'good'],
    ]);
  });
});
