// Reads a posted manifest: its bytes, or its rows as JSON, and the options beside them.
import * as z from 'zod/mini';
import { OPTION_NAMES } from '../../shared/job/options.ts';
import { CONVERSIONS } from '../../shared/manifest/conversions/all.ts';
import { linesOfArray } from '../../shared/manifest/conversions/element-lines.ts';
import { jsonArray } from '../../shared/manifest/conversions/json-array.ts';
import { FORMATS, formatNamed } from '../../shared/manifest/formats/all.ts';
import { hasNumberAsText, parseKeepingNumbers } from '../../shared/manifest/written-numbers.ts';
import { boundedName, boundedText, describeIssues } from '../../shared/text/bounded.ts';
import { bytesOfText, holdsReplaced } from '../../shared/text/replaced.ts';
import { optionTexts, optionValues } from './manifest-place.ts';
import { type Fault, faultsOf } from './problem.ts';

export type OptionTexts = Readonly<Record<string, string | undefined>>;

export interface Posted {
  contentType: string | undefined;
  /** Option texts by name. */
  options: OptionTexts;
  body: PostedBytes | PostedJson;
}

interface PostedBytes {
  kind: 'bytes';
  bytes: Uint8Array;
  /** The body came as text: each byte that was not UTF-8 is 0xff. */
  wasText: boolean;
}

interface PostedJson {
  kind: 'json';
  value: unknown;
  /** The text of the value. An unescaped U+FFFD may stand for another byte that was sent. */
  text: string;
}

export type ReadSubmission =
  | {
      kind: 'read';
      /** As the manifest is stored: it names the format, or the compression. */
      contentType: string;
      bytes: Uint8Array;
      wasText: boolean;
      options: Record<string, string>;
    }
  | { kind: 'unknown type'; message: string }
  | { kind: 'invalid'; message: string; faults: readonly Fault[] };

/** Content types of what is stored as it was posted, each with the other names of the same type behind it. */
export const STORED_TYPES: readonly (readonly [string, ...string[]])[] = [
  ...FORMATS,
  ...CONVERSIONS.filter(({ name }) => name !== jsonArray.name),
].map(({ contentTypes }) => contentTypes);

/** Bytes that a message gives to faults: the body's shape follows as the remedy, and must stay visible. */
const FAULTS_BYTES = 600;

const [NDJSON_TYPE] = formatNamed('ndjson').contentTypes;

export const jsonSubmission = z.strictObject({
  rows: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
  options: z.optional(optionValues),
});

/** The type as which a manifest of this one is stored; undefined where none is stored as it is posted. */
export function storedTypeOf(contentType: string): string | undefined {
  const type = plainType(contentType);
  return STORED_TYPES.find((types) => types.includes(type))?.[0];
}

function plainType(contentType: string): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? '';
}

export function readSubmission({ contentType = '', options, body }: Posted): ReadSubmission {
  const type = plainType(contentType);
  const stored = storedTypeOf(contentType);
  if (stored !== undefined && body.kind === 'bytes') {
    const { bytes, wasText } = body;
    return { kind: 'read', contentType: stored, bytes, wasText, options: definedTexts(options) };
  }
  if (type === 'application/json') {
    const json = body.kind === 'json' ? body : { value: undefined, text: '' };
    return readJson(json, definedTexts(options));
  }
  return {
    kind: 'unknown type',
    message: `content type "${boundedName(type)}": send the manifest as ${STORED_TYPES.flat().join(', ')}, or as application/json: an array of rows, or { rows, options }`,
  };
}

/** Options in the body win over those in the query string. */
function readJson(
  { value, text: body }: Omit<PostedJson, 'kind'>,
  options: Record<string, string>,
): ReadSubmission {
  if (Array.isArray(value) && typeof value[0] === 'object') return readArray(body, options);
  const parsed = jsonSubmission.safeParse(value);
  if (!parsed.success) {
    const faults = boundedText(describeIssues(parsed.error.issues, 'body'), FAULTS_BYTES);
    return {
      kind: 'invalid',
      message: `${faults}. The body is [{ "key": ..., "source": ... }], or { "rows": [...], "options": {...} }; options are ${OPTION_NAMES.join(', ')}`,
      faults: faultsOf(parsed.error.issues, 'body'),
    };
  }
  const { options: inBody = {} } = parsed.data;
  const text = linesOf(parsed.data.rows, body);
  if (text === undefined) {
    const message = 'a row is nested too deeply: a row is { "key": ..., "source": ... }';
    return { kind: 'invalid', message, faults: [{ place: 'body.rows', message }] };
  }
  const wasReplaced = holdsReplaced(body);
  return {
    kind: 'read',
    contentType: NDJSON_TYPE,
    bytes: wasReplaced ? bytesOfText(text) : Buffer.from(text),
    wasText: wasReplaced,
    options: { ...options, ...optionTexts(inBody) },
  };
}

/** An array of rows. It is stored as NDJSON, so that its job needs no conversion. */
function readArray(body: string, options: Record<string, string>): ReadSubmission {
  return {
    kind: 'read',
    contentType: NDJSON_TYPE,
    bytes: linesOfArray(bytesOfText(body)),
    wasText: holdsReplaced(body),
    options,
  };
}

/**
 * The rows as NDJSON. Their numbers keep their digits, so that the parser sees what was posted.
 * @returns undefined where a row is nested more deeply than the stack allows
 */
function linesOf(rows: readonly Record<string, unknown>[], body: string): string | undefined {
  try {
    const written = rows.some((row) => hasNumberAsText(row) || holdsInexact(row))
      ? (parseKeepingNumbers(body) as { rows: unknown[] }).rows
      : rows;
    return written.map((row) => `${JSON.stringify(row)}\n`).join('');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether `JSON.stringify` would change a number: it rounds, and writes null for one that is too large. */
function holdsInexact(row: Record<string, unknown>): boolean {
  return Object.values(row).some((value) => typeof value === 'number' && !Number.isSafeInteger(value));
}

export function definedTexts(texts: OptionTexts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
