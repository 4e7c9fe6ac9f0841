// Where a slice's rows are. The place never changes, so that every reading finds the same rows.
import type { StoredObject } from '../keys/stored-object.ts';

/** Where a row starts: a physical line from 1, and a byte of its file from 0. */
export interface Place {
  line: number;
  offset: number;
}

/** Whole rows of one file, from `startOffset` up to, not including, `endOffset`. */
export interface ByteRange {
  startOffset: number;
  /** The physical line at which the range starts, from 1. */
  startLine: number;
  endOffset: number;
}

/**
 * manifest-bytes   a byte range of the job's manifest
 * file-bytes       a byte range of one of the files that a list names, as a redrive's report does
 *
 * A format whose rows are in other parts than byte ranges adds a kind here. The compiler then names every place
 * that must handle it; the ledger's encoding is in ledger/place-attributes.ts.
 */
export type SlicePlace =
  | ({ kind: 'manifest-bytes' } & ByteRange)
  | ({ kind: 'file-bytes'; file: StoredObject } & ByteRange);

/** The file that the place is in. */
export function fileOfPlace(place: SlicePlace, manifest: StoredObject): StoredObject {
  switch (place.kind) {
    case 'manifest-bytes':
      return manifest;
    case 'file-bytes':
      return place.file;
  }
}
