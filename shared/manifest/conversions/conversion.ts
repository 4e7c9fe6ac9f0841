// The port of a conversion: how a manifest that can't be read from its middle, or whose rows stand in other files, becomes
// plain text that a format reads.
//
//   unit   a part of the manifest that is converted alone and from its start, into one file of text. A compressed manifest is one
//          unit; a list of files or a Parquet file may have many.
//
// A conversion happens once a job, before any of its rows is sent. Rows, lines and byte offsets are then those of the text. A
// unit may be converted again after a crash: the same bytes must give the same text.
//
// To add a conversion: write conversions/<name>.ts, add a line to conversions/all.ts, and add its samples to
// tests/contract/conversions.test.ts, whose rules every conversion must pass.
import type { StoredObject } from '../../keys/stored-object.ts';
import type { ManifestFault } from '../faults.ts';
import { type ManifestStart, type Unreadable, unreadable } from '../format.ts';
import type { ManifestHead } from '../formats/all.ts';
import type { AboutManifest } from '../open.ts';

/** A file of known size. Its version or its ETag is named, so that every read gives the same bytes. */
export interface ConversionFile extends StoredObject {
  sizeBytes: number;
}

/**
 * found     the object as it is now
 * missing   there is no such object, or the pipeline may not see it
 * refused   the deployment does not read this bucket; `message` names the remedy
 */
export type FoundFile =
  | { kind: 'found'; file: ConversionFile }
  | { kind: 'missing' }
  | { kind: 'refused'; message: string };

/** What a conversion reads. Reading and finding throw what S3 throws, which is not a fault of the manifest. */
export interface ConversionInput {
  manifest: ConversionFile;
  /** The manifest's first bytes: 256 KiB, or all of it; and the columns that only the job's key template names. */
  start: ManifestStart;
  /** Bytes of a file, from `start` up to, not including, `end`. */
  read(file: ConversionFile, start: number, end: number): AsyncIterable<Uint8Array>;
  /** Looks up an object that the manifest names. */
  find(object: StoredObject): Promise<FoundFile>;
}

/** What is known of a manifest beside its bytes. */
export type AboutConversion = Pick<AboutManifest, 'key' | 'contentType'>;

/** `head` is of every unit's text: how its rows are read. `units` are in the order of the rows. */
export type OpenedConversion<Unit> =
  | { kind: 'convertible'; head: ManifestHead; units: readonly [Unit, ...Unit[]] }
  | Unreadable;

/** @param empty what is said of a manifest without units */
export function convertible<Unit>(
  [first, ...rest]: readonly Unit[],
  empty: string,
  headOf: () => ManifestHead,
): OpenedConversion<Unit> {
  return first === undefined
    ? unreadable('Empty', empty)
    : { kind: 'convertible', head: headOf(), units: [first, ...rest] };
}

export interface ManifestConversion<Unit = unknown> {
  /** As messages and answers name it. */
  readonly name: string;
  /** Endings of file names, in lower case, without the dot. */
  readonly endings: readonly string[];
  /** Media types, in lower case; a manifest posted to the API is stored with the first. */
  readonly contentTypes: readonly [string, ...string[]];

  /** Whether the content plainly is of this kind; where it can't show that, the name decides. Never throws. */
  detect(start: ManifestStart, about: AboutConversion): boolean;

  /**
   * Finds the units, and how the rows of their text are read. It reads as little as it can: the rows are not checked.
   * @throws ConversionFault, as `convert`
   */
  open(input: ConversionInput, about: AboutConversion): Promise<OpenedConversion<Unit>>;

  /**
   * The text of a unit, in chunks of any size. Memory is bounded, whatever the bytes say. A reader may stop before the end.
   * @throws ConversionFault where the manifest is broken or beyond a limit, at the latest at the unit's end
   */
  convert(unit: Unit, input: ConversionInput): AsyncIterable<Uint8Array>;
}

/** Why a manifest can't be converted: its job fails with this code and message, before any row is sent. */
export class ConversionFault extends Error {
  /** One of `manifestFaults`; or ManifestGone, where a file was deleted or replaced while it was read. */
  readonly code: ManifestFault | 'ManifestGone';

  /** @param message names the place and the remedy */
  constructor(code: ManifestFault | 'ManifestGone', message: string) {
    super(message);
    this.name = 'ConversionFault';
    this.code = code;
  }
}
