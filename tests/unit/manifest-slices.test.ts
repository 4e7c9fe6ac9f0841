// Where a manifest is cut, by rows and by bytes.
import { describe, expect, it } from 'vitest';
import type { SliceLimits, SlicePlan } from '../../shared/manifest/format.ts';
import { formatOf, type ManifestHead } from '../../shared/manifest/formats/all.ts';
import { bodyOf, readerOf } from '../helpers/manifest-bytes.ts';

const head: ManifestHead = { format: 'csv', columns: ['key', 'text'], bodyOffset: 9, bodyLine: 2 };

async function plan(body: string, limits: SliceLimits): Promise<SlicePlan[]> {
  const bytes = Buffer.from(`key,text\n${body}`);
  return Array.fromAsync(formatOf(head).split(head, bodyOf(head, bytes.length), readerOf(bytes), limits));
}

describe('the split into slices', () => {
  it.each([
    [
      'by rows',
      'a,1\nb,2\nc,3\n',
      { sliceBytes: 999, rows: 2 },
      [
        [2, 9, 17, 2],
        [4, 17, 21, 1],
      ],
    ],
    [
      'by bytes, never above the limit',
      'a,1\nb,2\nc,3\n',
      { sliceBytes: 11, rows: 9 },
      [
        [2, 9, 17, 2],
        [4, 17, 21, 1],
      ],
    ],
    [
      'by bytes, at the limit',
      'a,1\nb,2\nc,3\n',
      { sliceBytes: 8, rows: 9 },
      [
        [2, 9, 17, 2],
        [4, 17, 21, 1],
      ],
    ],
    [
      'around a row above the limit',
      'a,1\nb,22222222\nc,3',
      { sliceBytes: 8, rows: 9 },
      [
        [2, 9, 13, 1],
        [3, 13, 24, 1],
        [4, 24, 27, 1],
      ],
    ],
    [
      'after a line end in quotes',
      '"a\n",1\nb,2\n',
      { sliceBytes: 999, rows: 1 },
      [
        [2, 9, 16, 1],
        [4, 16, 20, 1],
      ],
    ],
    [
      'with blank lines before a row in its slice',
      'a,1\n\n\nb,2\n',
      { sliceBytes: 999, rows: 1 },
      [
        [2, 9, 13, 1],
        [3, 13, 19, 1],
      ],
    ],
    [
      'into one slice without rows where there are none',
      '\n\n',
      { sliceBytes: 999, rows: 1 },
      [[2, 9, 9, 0]],
    ],
    ['into one slice without rows where there is nothing', '', { sliceBytes: 999, rows: 1 }, [[2, 9, 9, 0]]],
  ])('cuts %s', async (_, text, limits, expected) => {
    const plans = await plan(text, limits);
    expect(
      plans.map(({ range, rows }) => [range.startLine, range.startOffset, range.endOffset, rows]),
    ).toEqual(expected);
    expect(plans.map(({ next }) => next.offset)).toEqual(plans.map(({ range }) => range.endOffset));
  });
});
