// What a schema's issue says where the schema has no text of its own.
import { expect, it } from 'vitest';
import * as z from 'zod/mini';
import { issueText } from '../../shared/text/issue-text.ts';

it.each([
  [z.string(), 1, 'takes a string'],
  [z.int(), 'a', 'takes a number'],
  [z.union([z.string(), z.boolean()]), 1, 'takes a string or a boolean'],
  [z.enum(['run', 'pause']), 'stop', 'takes "run", "pause"'],
  [z.array(z.string()).check(z.minLength(1)), [], 'takes at least 1 element'],
  [z.array(z.string()).check(z.maxLength(2)), ['a', 'b', 'c'], 'takes at most 2 elements'],
  [z.string().check(z.minLength(3)), 'ab', 'takes at least 3 characters'],
  [z.string().check(z.maxLength(1)), 'ab', 'takes at most 1 character'],
  [z.number().check(z.gte(5)), 4, 'takes at least 5'],
  [z.number().check(z.positive()), 0, 'takes more than 0'],
  [z.number().check(z.lt(5)), 5, 'takes less than 5'],
  [z.string('a name, please'), 1, 'a name, please'],
])('%#: says what the value takes', (schema, value, says) => {
  const [issue] = z.safeParse(schema, value).error?.issues ?? [];
  expect(issue && issueText(issue)).toBe(says);
});
