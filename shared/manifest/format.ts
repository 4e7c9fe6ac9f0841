// The port of a manifest format: how its files are recognised, opened, cut into slices and read.
//
// To add a format: write formats/<name>.ts, add a line to formats/all.ts, and add its samples to
// tests/contract/formats.test.ts, whose rules every format must pass.
import type { ManifestItem } from './columns.ts';
import type { ManifestFault } from './faults.ts';
import type { ByteRange, Place } from './slice-place.ts';

/** What the job's row keeps of an opened manifest, as JSON. Each format adds what its rows can't be read without. */
export interface FormatHead {
  /** The format's name. */
  format: string;
  /** Bytes before the first row. */
  bodyOffset: number;
  /** The physical line at which the body begins, from 1. */
  bodyLine: number;
}

/** The start of a manifest: 256 KiB of it, or all of it. */
export interface ManifestStart {
  bytes: Buffer;
  /** Of the whole manifest. */
  sizeBytes: number;
}

export interface Unreadable {
  kind: 'unreadable';
  /** One of `manifestFaults`. */
  code: string;
  /** Every fault found, and what to do. */
  message: string;
}

export type Opened<Head> = { kind: 'readable'; head: Head } | Unreadable;

/**
 * own       plainly a file of this format; `shows` says by what, for a message
 * refused   a relative of this format that no format reads, whatever the file's name is
 */
export type Detected = { kind: 'own'; shows: string } | { kind: 'refused'; fault: Unreadable };

/** Bytes of the manifest's file from `start` up to, not including, `end`. */
export type ReadBytes = (start: number, end: number) => AsyncIterable<Uint8Array>;

export interface SliceLimits {
  sliceBytes: number;
  rows: number;
}

/** A slice's bytes and the number of its rows. Slices follow each other without a gap. */
export interface SlicePlan {
  range: ByteRange;
  rows: number;
  /** Where the next slice starts: at the range's end. */
  next: Place;
}

export type ManifestRow =
  | { kind: 'good'; place: Place; item: ManifestItem }
  | {
      kind: 'bad';
      place: Place;
      /** One of `rowFaults`: the first, where the row has several. */
      code: string;
      /** Everything that is wrong with the row. */
      message: string;
      /** The row's text, cut to 1 KiB; U+FFFD for what is not UTF-8. */
      raw: string;
      /** The known columns that the row fills, where they could be separated. */
      columns?: Record<string, string | Record<string, string>>;
    };

export interface ManifestFormat<Head extends FormatHead> {
  readonly name: Head['format'];
  /** Endings of file names, in lower case, without the dot; `name` is one of them. */
  readonly endings: readonly string[];
  /** Media types, in lower case; a manifest posted to the API is stored with the first. */
  readonly contentTypes: readonly [string, ...string[]];
  /** Completes "save it as …". */
  readonly saveAs: string;
  /** Completes "name it …". */
  readonly nameIt: string;

  /** Looks at the content alone; undefined where it does not plainly show this format. Never throws. */
  detect(start: ManifestStart): Detected | undefined;

  /** Reads the head of a file that is taken for this format. Never throws. */
  open(start: ManifestStart): Opened<Head>;

  /**
   * Cuts a range, which begins where a row or the body begins, into slices. A slice has at most `limits.rows` rows and
   * `limits.sliceBytes` bytes, except that a single larger row is a slice. A range without rows gives one slice without rows.
   */
  split(head: Head, range: ByteRange, read: ReadBytes, limits: SliceLimits): AsyncIterable<SlicePlan>;

  /**
   * Rows of a range that `split` made, in batches. A row and its place depend on the file's bytes alone: however the
   * bytes arrive, and in whichever slice the row lies.
   */
  read(head: Head, range: ByteRange, read: ReadBytes): AsyncIterable<ManifestRow[]>;
}

export function unreadable(code: ManifestFault, message: string): Unreadable {
  return { kind: 'unreadable', code, message };
}
