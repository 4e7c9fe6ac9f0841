// Cuts a range of lines into slices, each ending where a row ends, without reading what its rows say.
import type { ReadBytes, SliceLimits, SlicePlan } from '../format.ts';
import type { ByteRange, Place } from '../slice-place.ts';
import { placeAfter, type RowEnds, scanRows } from './scan.ts';

/** As `split` of the port. */
export async function* splitRows(
  rowEnds: RowEnds | undefined,
  range: ByteRange,
  read: ReadBytes,
  limits: SliceLimits,
): AsyncGenerator<SlicePlan> {
  let start: Place = { line: range.startLine, offset: range.startOffset };
  let next = start;
  let rows = 0;
  for await (const stretch of scanRows(rowEnds, range, read)) {
    for (const row of stretch.rows) {
      const end = stretch.offset + row.next;
      if (rows > 0 && (rows >= limits.rows || end - start.offset > limits.sliceBytes)) {
        yield planOf(start, next, rows);
        start = next;
        rows = 0;
      }
      next = placeAfter(row, stretch.offset);
      rows += 1;
    }
  }
  yield planOf(start, next, rows);
}

function planOf(start: Place, next: Place, rows: number): SlicePlan {
  return {
    range: { startOffset: start.offset, startLine: start.line, endOffset: next.offset },
    rows,
    next,
  };
}
