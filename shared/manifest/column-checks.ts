// What the checks of columns have in common: how a fault is told, and what no column of text may hold.
import type { RowFault } from './faults.ts';

// Lone surrogates have no UTF-8. The two noncharacters are outside XML 1.0: SQS refuses a message that holds them, and
// JSON.stringify does not escape them. All other characters are accepted, as in S3: control characters reach SQS as
// JSON escapes, and S3 accepts any UTF-8 in a key.
const nonCharacters = /[\uFFFE\uFFFF]/;

/** What S3 can be sent of an object: 10,000 parts of 5 GiB, which is 48.8 TiB. */
export const maximumObjectBytes = 10_000 * 5 * 1024 ** 3;

/** What is wrong with a row. */
export interface ItemFault {
  code: RowFault;
  message: string;
}

/** A value that is checked, its column, and what was found wrong so far with the row that it is in. */
export interface Payload<Value> {
  column: string;
  value: Value;
  faults: ItemFault[];
}

/** Adds each fault of the value. */
export type Check<Value> = (payload: Payload<Value>) => void;

export function fault({ faults }: Pick<Payload<unknown>, 'faults'>, code: RowFault, message: string): void {
  faults.push({ code, message });
}

export function isFitText(text: string): boolean {
  return text.isWellFormed() && !nonCharacters.test(text);
}

export function isObjectSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maximumObjectBytes;
}

export const fitCharacters: Check<string> = (payload) => {
  const { column, value } = payload;
  if (!value.isWellFormed()) fault(payload, 'UnfitCharacters', `${column} holds a lone surrogate`);
  else if (!isFitText(value))
    fault(payload, 'UnfitCharacters', `${column} holds U+FFFE or U+FFFF, which SQS refuses`);
};

/** @param faultOf what is wrong with the text, for a sentence that begins with the column's name */
export function checked(code: RowFault, faultOf: (text: string) => string | undefined): Check<string> {
  return (payload) => {
    const found = faultOf(payload.value);
    if (found !== undefined) fault(payload, code, `${payload.column} ${found}`);
  };
}

/** A column of text: the checks see no other value. */
export function string(...checks: readonly Check<string>[]): Check<unknown> {
  return ({ column, value, faults }) => {
    if (typeof value !== 'string') fault({ faults }, 'WrongType', wrongType(column, value));
    else for (const check of checks) check({ column, value, faults });
  };
}

const TEXT = 'a string';

export function wrongType(column: string, input: unknown, expected: string = TEXT): string {
  const kind = Array.isArray(input)
    ? 'a list'
    : input === null
      ? 'null'
      : typeof input === 'object'
        ? 'an object'
        : `a ${typeof input}`;
  if (input === undefined) return `${column} is missing`;
  return `${column} is ${kind}, not ${expected}${expected === TEXT ? quoting(input) : ''}`;
}

/** The remedy where a string is expected. */
function quoting(input: unknown): string {
  if (typeof input === 'number') return quoteNumber;
  return typeof input === 'boolean' ? ': quote it' : '';
}

const quoteNumber =
  ': quote it, so that no digit is lost (key, text and source_version take numbers up to 2^53, without an exponent or closing zeros)';
