// The rows of a manifest, each with its place, good or bad.
import type { ManifestItem } from './columns.ts';
import type { ManifestHead } from './open.ts';

/** Where a row starts: a physical line from 1, and a byte of the manifest from 0. */
export interface Place {
  line: number;
  offset: number;
}

export type ManifestRow =
  | { kind: 'good'; place: Place; item: ManifestItem }
  | {
      kind: 'bad';
      place: Place;
      code: string;
      message: string;
      raw: string;
      columns?: Record<string, string>;
    };

// biome-ignore lint/correctness/useYield: types first
export async function* readRows(
  _head: ManifestHead,
  _from: Place,
  _chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ManifestRow[]> {
  throw new Error('not built yet');
}
