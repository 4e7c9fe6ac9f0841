// Reads a posted manifest: its bytes, or its rows as JSON, and the options beside them.
import * as z from 'zod/mini';
import { OPTION_NAMES } from '../../shared/job/options.ts';
import { FORMATS, type FormatName, formatOfContentType } from '../../shared/manifest/formats/all.ts';
import { hasNumberAsText, parseKeepingNumbers } from '../../shared/manifest/written-numbers.ts';
import { boundedName, boundedText, describeIssues } from '../../shared/text/bounded.ts';
import { bytesOfText, holdsReplaced } from '../../shared/text/replaced.ts';

export interface Posted {
  contentType: string | undefined;
  /** Option texts by name. */
  options: Readonly<Record<string, string | undefined>>;
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
      format: FormatName;
      bytes: Uint8Array;
      wasText: boolean;
      options: Record<string, string>;
    }
  | { kind: 'unknown type'; message: string }
  | { kind: 'invalid'; message: string };

/** Bytes that a message gives to faults: the body's shape follows as the remedy, and must stay visible. */
const FAULTS_BYTES = 600;

const jsonSubmission = z.strictObject({
  rows: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
  options: z.optional(z.record(z.string(), z.union([z.string(), z.number()]))),
});

export function readSubmission({ contentType = '', options, body }: Posted): ReadSubmission {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const format = formatOfContentType(type)?.name;
  if (format !== undefined && body.kind === 'bytes') {
    const { bytes, wasText } = body;
    return { kind: 'read', format, bytes, wasText, options: definedTexts(options) };
  }
  if (type === 'application/json') {
    const json = body.kind === 'json' ? body : { value: undefined, text: '' };
    return readJson(json, definedTexts(options));
  }
  return {
    kind: 'unknown type',
    message: `content type "${boundedName(type)}": send the manifest as ${FORMATS.flatMap(({ contentTypes }) => contentTypes).join(', ')}, or application/json { rows, options }`,
  };
}

/** Options in the body win over those in the query string. */
function readJson(
  { value, text: body }: Omit<PostedJson, 'kind'>,
  options: Record<string, string>,
): ReadSubmission {
  const parsed = jsonSubmission.safeParse(value);
  if (!parsed.success) {
    const faults = boundedText(describeIssues(parsed.error.issues, 'body'), FAULTS_BYTES);
    return {
      kind: 'invalid',
      message: `${faults}. The body is { "rows": [{ "key": ..., "source": ... }], "options": {...} }; options are ${OPTION_NAMES.join(', ')}`,
    };
  }
  const { options: inBody = {} } = parsed.data;
  const own = Object.entries(inBody).map(([name, text]) => [name, String(text)]);
  const text = linesOf(parsed.data.rows, body);
  if (text === undefined)
    return { kind: 'invalid', message: 'a row is nested too deeply: a row is { "key": ..., "source": ... }' };
  const wasReplaced = holdsReplaced(body);
  return {
    kind: 'read',
    format: 'ndjson',
    bytes: wasReplaced ? bytesOfText(text) : Buffer.from(text),
    wasText: wasReplaced,
    options: { ...options, ...Object.fromEntries(own) },
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

function definedTexts(texts: Posted['options']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
