// Cuts a manifest into slices, each ending where a row ends.
import type { ManifestHead } from './open.ts';
import type { Place } from './rows.ts';

export interface SlicePlan {
  start: Place;
  endOffset: number;
  rows: number;
}

// biome-ignore lint/correctness/useYield: types first
export async function* planSlices(
  _head: ManifestHead,
  _from: Place,
  _chunks: AsyncIterable<Uint8Array>,
  _limits: { sliceBytes: number; rows: number },
): AsyncGenerator<SlicePlan> {
  throw new Error('not built yet');
}
