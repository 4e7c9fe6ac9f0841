// What the checks of columns have in common: how a fault is told, and what no column of text may hold.
import { visibleText } from '../text/visible.ts';
import type { RowFault } from './faults.ts';

// Lone surrogates have no UTF-8. The two noncharacters are outside XML 1.0: SQS refuses a message that holds them, and
// JSON.stringify does not escape them. All other characters are accepted, as in S3: control characters reach SQS as
// JSON escapes, and S3 accepts any UTF-8 in a key.
export const nonCharacters = /[\uFFFE\uFFFF]/;

export interface ItemFault {
  code: RowFault;
  message: string;
}

/** A value that is checked, and what was found wrong so far with the row that it is in. */
export interface Payload<Value> {
  value: Value;
  faults: ItemFault[];
}

/** Adds each fault of the value. */
export type Check<Value> = (payload: Payload<Value>) => void;

export function fault(payload: Payload<unknown>, code: RowFault, message: string): void {
  payload.faults.push({ code, message });
}

export const fitCharacters =
  (column: string): Check<string> =>
  (payload) => {
    if (!payload.value.isWellFormed()) {
      fault(payload, 'UnfitCharacters', `${column} holds a lone surrogate`);
    } else if (nonCharacters.test(payload.value)) {
      fault(payload, 'UnfitCharacters', `${column} holds U+FFFE or U+FFFF, which SQS refuses`);
    }
  };

/** A column of text: the checks see no other value. */
export function string(column: string, ...checks: readonly Check<string>[]): Check<unknown> {
  return ({ value, faults }) => {
    if (typeof value !== 'string') faults.push({ code: 'WrongType', message: wrongType(column, value) });
    else for (const check of checks) check({ value, faults });
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

/** Without this, a name with a zero-width space would look like the right one. */
export function quoted(text: string): string {
  return visibleText(JSON.stringify(text));
}
