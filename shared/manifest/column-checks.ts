// What the checks of columns have in common: how a fault is told, and what no column of text may hold.
import * as z from 'zod/mini';
import { visibleText } from '../text/visible.ts';
import type { RowFault } from './faults.ts';

// Lone surrogates have no UTF-8. The two noncharacters are outside XML 1.0: SQS refuses a message that holds them, and
// JSON.stringify does not escape them. All other characters are accepted, as in S3: control characters reach SQS as
// JSON escapes, and S3 accepts any UTF-8 in a key.
const nonCharacters = /[\uFFFE\uFFFF]/;

export type Check<T> = z.core.CheckFn<T>;

export function fault<T>(payload: z.core.ParsePayload<T>, code: RowFault, message: string): void {
  payload.issues.push({
    code: 'custom',
    input: payload.value,
    params: { fault: code },
    message,
    continue: true,
  });
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

export const string = (column: string) => z.string({ error: (issue) => wrongType(column, issue.input) });

export function wrongType(column: string, input: unknown, expected = 'a string'): string {
  const kind = Array.isArray(input)
    ? 'a list'
    : input === null
      ? 'null'
      : typeof input === 'object'
        ? 'an object'
        : `a ${typeof input}`;
  if (input === undefined) return `${column} is missing`;
  const remedy = typeof input === 'number' ? quoteNumber : typeof input === 'boolean' ? ': quote it' : '';
  return `${column} is ${kind}, not ${expected}${remedy}`;
}

const quoteNumber =
  ': quote it, so that no digit is lost (key, text and source_version take numbers up to 2^53, without an exponent or closing zeros)';

/** Without this, a name with a zero-width space would look like the right one. */
export function quoted(text: string): string {
  return visibleText(JSON.stringify(text));
}
