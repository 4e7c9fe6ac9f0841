// The head of a manifest: which format it is in, what its columns are, where its rows begin, or why it can't be read.

export type ManifestFormat = 'csv' | 'ndjson';

export interface ManifestHead {
  format: ManifestFormat;
  /** CSV only: the header's names in order, `spillway_*` ones included. */
  columns?: string[];
  /** Bytes before the first row: byte order mark and header. */
  bodyOffset: number;
  /** The physical line of the first row, from 1. */
  bodyLine: number;
}

export type OpenedManifest =
  | { kind: 'readable'; head: ManifestHead }
  | { kind: 'unreadable'; code: string; message: string };

export function openManifest(
  _firstBytes: Uint8Array,
  _about: { key: string; contentType?: string; sizeBytes: number },
): OpenedManifest {
  throw new Error('not built yet');
}
