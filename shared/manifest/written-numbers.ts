// Numbers of another type than their column: a size as text, and in JSON a number where a column holds text ("key": 20240101).
//
// A JSON number is accepted as text if every JSON reader keeps its spelling: decimal digits, up to 2^53, without an exponent
// or closing zeros. All others (1.10, 1e3, 9007199254740993) could become another key: the row must quote them.
import { isRecord } from '../text/parse-json.ts';

/** A source or a content type is never a number; digits in base64 may have lost their leading zeros. */
const TEXT_COLUMNS = ['key', 'text', 'source_version'] as const;

const PLAIN = /^-?\d+(?:\.\d+)?$/;

/** A number of so many digits is exact, and S3's largest object needs 14. */
const MAX_SIZE_DIGITS = 15;

/** The number that the digits of a size stand for. Other text is returned unchanged, for the schema to refuse. */
export function sizeOf(text: string): number | string {
  if (text === '' || text.length > MAX_SIZE_DIGITS) return text;
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return text;
    size = size * 10 + digit;
  }
  return size;
}

/** ECMAScript's "JSON.parse source text access": the library definitions of this TypeScript do not have it yet. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): { readonly rawJSON: string };
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}
const json = JSON as unknown as JsonWithSource;

/**
 * Whether a number stands where text is expected.
 * @param extraColumns of text, beside the manifest's own
 */
export function hasNumberAsText(
  record: Readonly<Record<string, unknown>>,
  extraColumns: readonly string[] = [],
): boolean {
  const isNumber = (column: string) => typeof record[column] === 'number';
  return TEXT_COLUMNS.some(isNumber) || extraColumns.some(isNumber);
}

/**
 * The value, in which every number keeps its spelling: `JSON.stringify` gives the same digits back.
 * @throws SyntaxError, or RangeError for a text that is nested too deeply
 */
export function parseKeepingNumbers(text: string): unknown {
  return json.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined ? json.rawJSON(source) : value,
  );
}

/** The same; undefined for a text that is no JSON, or is nested too deeply for a reviver. */
export function keepingNumbers(text: string): unknown {
  try {
    return parseKeepingNumbers(text);
  } catch {
    return undefined;
  }
}

/** The digits of a number that `parseKeepingNumbers` read; undefined for all other values. */
export function keptDigits(value: unknown): string | undefined {
  return json.isRawJSON(value) ? value.rawJSON : undefined;
}

/** The digits of this column's number; undefined where it can't be read: it is then neither accepted nor shown. */
export function writtenDigits(text: string, column: string): string | undefined {
  const record = keepingNumbers(text);
  return isRecord(record) ? keptDigits(record[column]) : undefined;
}

/**
 * The row with its numbers as text where that loses no digit. Other numbers stay, for the schema to refuse.
 * @param text the row's JSON
 */
export function withNumbersAsText(
  record: Record<string, unknown>,
  text: string,
  extraColumns: readonly string[] = [],
): Record<string, unknown> {
  if (!hasNumberAsText(record, extraColumns)) return record;
  const taken = { ...record };
  for (const column of [...TEXT_COLUMNS, ...extraColumns]) {
    const value = record[column];
    if (typeof value !== 'number') continue;
    const digits = writtenDigits(text, column);
    if (digits !== undefined && isKept(value, digits)) taken[column] = digits;
  }
  return taken;
}

function isKept(value: number, digits: string): boolean {
  return PLAIN.test(digits) && String(value) === digits && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}
