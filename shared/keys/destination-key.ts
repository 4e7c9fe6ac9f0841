// Where the object of a row goes: the one place in which a destination key is made, and in which S3's limits on it are checked.
// The order: strip-prefix and strip-suffix, key-template, then the spread of what that gives, then the destination's folder.
import { isAbove } from '../text/bounded.ts';
import { MAX_KEY_BYTES } from './destination.ts';
import {
  type MadeKey,
  makeKey,
  parseKeyTemplate,
  type TemplateFault,
  type TemplateRow,
} from './key-template.ts';
import { destinationKey, parseSpread } from './spread.ts';

/** The options of a job, or of a command, that decide where objects go. */
export interface DestinationOptions {
  /** The prefix is empty or ends in `/`, except in jobs that were stored before a destination was always a folder. */
  destination: { bucket: string; prefix: string };
  /** `binary`, `hex:N` or `off`, as it was validated. */
  spread: string;
  /** As they were validated; without them a key stays as it is. */
  keyTemplate?: string;
  stripPrefix?: string;
  stripSuffix?: string;
}

export interface Destination {
  bucket: string;
  key: string;
}

export interface KeyFault {
  code: 'KeyTooLong' | 'KeyRefused';
  /** Follows a name of the key: `has 1100 bytes, …`. */
  message: string;
}

export type Located =
  | { kind: 'destination'; destination: Destination }
  | { kind: 'fault'; fault: TemplateFault };

/**
 * Prepares the options once for many rows.
 * @throws where the spread or the template is not valid: options are validated before they are stored
 */
export function createLocator(options: DestinationOptions): (row: TemplateRow) => Located {
  const place = createPlacer(options);
  const keyOf = createKeyMaker(options);
  return (row) => {
    const made = keyOf(row);
    return made.kind === 'fault' ? made : { kind: 'destination', destination: place(made.key) };
  };
}

/** From the key that the template made. */
function createPlacer({ destination, spread }: DestinationOptions): (key: string) => Destination {
  const { bucket, prefix } = destination;
  const parsed = parseSpread(spread);
  if (parsed.kind === 'invalid') throw new Error(`the stored spread is not valid: ${parsed.message}`);
  return (key) => ({ bucket, key: destinationKey(key, parsed.spread, prefix) });
}

function createKeyMaker({
  keyTemplate = '{key}',
  stripPrefix = '',
  stripSuffix = '',
}: DestinationOptions): (row: TemplateRow) => MadeKey {
  if (keyTemplate === '{key}' && stripPrefix === '' && stripSuffix === '')
    return ({ key }) => ({ kind: 'key', key });
  const parsed = parseKeyTemplate(keyTemplate);
  if (parsed.kind === 'invalid') throw new Error(`the stored key-template is not valid: ${parsed.message}`);
  const rules = { template: parsed.template, stripPrefix, stripSuffix };
  return (row) => makeKey(row, rules);
}

/** @throws as `createLocator`, and for a row without such a key: ingest rejects it, so it is not sent */
export function destinationOf(row: TemplateRow, options: DestinationOptions): Destination {
  const located = createLocator(options)(row);
  if (located.kind === 'fault') throw new Error(located.fault.message);
  return located.destination;
}

/**
 * Why S3 refuses a destination key, prefix and spread included. S3 itself answers 400 and gives no reason:
 *
 * - more than 1,024 bytes of UTF-8
 * - `soap` alone: "aren't supported for virtual-hosted-style requests"
 * - `..` segments that lead out of the bucket: read from the left, there are never more of them than of other segments
 *
 * The last two are legal behind a folder or a spread: `a/soap`, `a/../b`. (S3 user guide, "Naming Amazon S3 objects")
 * @returns undefined for a key that S3 takes
 */
export function faultOfKey(key: string, spread: string): KeyFault | undefined {
  if (isAbove(key, MAX_KEY_BYTES)) {
    const message = `has ${Buffer.byteLength(key)} bytes, S3 takes ${MAX_KEY_BYTES}: prefix and spread (${spread}) count`;
    return { code: 'KeyTooLong', message };
  }
  if (key === 'soap') {
    const remedy = 'write it under another name, into a folder, or with a spread';
    return { code: 'KeyRefused', message: `is "soap", which S3 refuses in its URLs: ${remedy}` };
  }
  if (key.includes('..') && leadsOut(key)) {
    const message =
      'has more ".." segments than segments before them, which S3 refuses: write it without them';
    return { code: 'KeyRefused', message };
  }
  return undefined;
}

/** Characters of the longest path that a spread puts before a key: `bbbb/bbbb/bbbb/bbbbbbbb/`. */
const MAX_SPREAD_LENGTH = 24;

/**
 * The key is the one without prefix and spread. Both add the same to the same key, so rows share a destination exactly if they
 * share this key.
 */
export type CheckedKey = MadeKey | { kind: 'fault'; fault: KeyFault };

/**
 * Prepares the options once for the checks of many rows. Most keys need no look at their spread, whose hash takes longer than the
 * rest of the checks of a row.
 * @throws as `createLocator`
 */
export function createKeyCheck(options: DestinationOptions): (row: TemplateRow) => CheckedKey {
  const { spread } = options;
  const { prefix } = options.destination;
  const keyOf = createKeyMaker(options);
  const place = createPlacer(options);
  return (row) => {
    const made = keyOf(row);
    if (made.kind === 'fault' || isPlainlyTaken(prefix + made.key)) return made;
    const fault = faultOfKey(place(made.key).key, spread);
    if (fault === undefined) return made;
    return { kind: 'fault', fault: { ...fault, message: `the destination key ${fault.message}` } };
  };
}

/** @param key without its spread, whose path of hexadecimal digits never makes a key that S3 refuses */
function isPlainlyTaken(key: string): boolean {
  return (key.length + MAX_SPREAD_LENGTH) * 3 <= MAX_KEY_BYTES && key !== 'soap' && !key.includes('..');
}

function leadsOut(key: string): boolean {
  let depth = 0;
  for (const name of key.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
