// What a schema's issue says. zod/mini has no texts of its own but "Invalid input": it leaves out what the value takes.
import type * as z from 'zod/mini';

const NO_TEXT = 'Invalid input';
/** By zod's names. Others are said as they are. */
const NAMES: Readonly<Record<string, string>> = {
  array: 'an array',
  int: 'a whole number',
  object: 'an object',
  record: 'an object',
  tuple: 'an array',
};

export function issueText(issue: z.core.$ZodIssue): string {
  if (issue.message !== NO_TEXT) return issue.message;
  if (issue.code === 'too_small')
    return `takes ${issue.inclusive === false ? 'more than' : 'at least'} ${counted(issue.minimum, issue.origin)}`;
  if (issue.code === 'too_big')
    return `takes ${issue.inclusive === false ? 'less than' : 'at most'} ${counted(issue.maximum, issue.origin)}`;
  if (issue.code === 'invalid_value')
    return `takes ${issue.values.map((value) => `"${String(value)}"`).join(', ')}`;
  const types = [...new Set(typesOf(issue))];
  return types.length === 0 ? NO_TEXT : `takes ${types.join(' or ')}`;
}

/** Of a number, its own value is compared. */
function counted(bound: number | bigint, origin: string): string {
  const unit = { array: 'element', string: 'character' }[origin];
  if (unit === undefined) return String(bound);
  return `${bound} ${unit}${Number(bound) === 1 ? '' : 's'}`;
}

/** The types that the value itself may have. */
function typesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [NAMES[issue.expected] ?? `a ${issue.expected}`];
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flat().flatMap((each) => (each.path.length === 0 ? typesOf(each) : []));
}
