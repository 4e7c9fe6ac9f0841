// Cuts a manifest into slices, each ending where a row ends, without reading what its rows say.
import { type Place, scanRows } from './boundaries.ts';
import type { ManifestHead } from './open.ts';

/** Bytes from `start.offset` up to `end.offset` hold `rows` rows. Slices follow on each other without a gap. */
export interface SlicePlan {
  start: Place;
  /** Where the next slice starts. */
  end: Place;
  rows: number;
}

/**
 * Slices of at most `rows` rows and at most `sliceBytes` bytes; a row larger than that is a slice of its own. A manifest
 * without rows is one slice without rows, so that a job always has a slice to settle.
 */
export async function* planSlices(
  head: ManifestHead,
  from: Place,
  chunks: AsyncIterable<Uint8Array>,
  limits: { sliceBytes: number; rows: number },
): AsyncGenerator<SlicePlan> {
  let start = from;
  let end = from;
  let rows = 0;
  for await (const stretch of scanRows(head.format, from, chunks)) {
    for (const row of stretch.rows) {
      if (rows > 0 && (rows >= limits.rows || row.next.offset - start.offset > limits.sliceBytes)) {
        yield { start, end, rows };
        start = end;
        rows = 0;
      }
      end = row.next;
      rows += 1;
    }
  }
  yield { start, end, rows };
}
