// Texts that others wrote (a fault of S3, a name in a manifest, a value in a request), cut before they are kept or answered.
// A DynamoDB item holds 400 KB and Lambda's answer 6 MB: one long text must not cost the job, or the page that lists it.
import type * as z from 'zod/mini';
import { issueText } from './issue-text.ts';
import { redacted } from './redacted.ts';

/** Bytes of UTF-8 of one text: a sentence with its place and remedy has about 200. */
export const MAX_TEXT_BYTES = 1024;
/** Bytes of a name or a code within a text. */
const MAX_NAME_BYTES = 100;
/** Faults, names or places that one text lists. */
const MAX_LISTED = 10;

/** Bytes of an issue's place and message, so that a list of ten keeps its last one. */
const ISSUE_PLACE_BYTES = 40;
const ISSUE_MESSAGE_BYTES = 60;

/**
 * The text, or its first characters and a mark that says how long it was: at most `mostBytes` of UTF-8 in all. It is kept and
 * answered without the credentials in it.
 */
export function boundedText(others: string, mostBytes: number = MAX_TEXT_BYTES): string {
  // Before it is cut: without its end a credential is not recognised.
  const text = redacted(others);
  if (!isAbove(text, mostBytes)) return text;
  const mark = `… [cut, ${Buffer.byteLength(text)} bytes]`;
  // Each unit is at least one byte: what is behind these can't be kept.
  const start = Buffer.from(text.slice(0, mostBytes));
  let end = Math.max(0, mostBytes - Buffer.byteLength(mark));
  // Not within a character: UTF-8 continues it with bytes of the form 10xxxxxx.
  while (end > 0 && ((start[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return start.toString('utf8', 0, end) + mark;
}

/** Whether the text has more bytes of UTF-8. A UTF-16 unit is at most 3 of them, so most texts need no counting. */
export function isAbove(text: string, mostBytes: number): boolean {
  return text.length * 3 > mostBytes && Buffer.byteLength(text) > mostBytes;
}

/** A name as others wrote it, to be quoted within a sentence. */
export function boundedName(name: string): string {
  return boundedText(name, MAX_NAME_BYTES);
}

/** The first ten, and how many more there are. */
export function boundedList<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string = String,
  separator = '; ',
): string {
  const listed = items.slice(0, MAX_LISTED).map(textOf).join(separator);
  const more = items.length - MAX_LISTED;
  return more > 0 ? `${listed}${separator}and ${more} more` : listed;
}

/** A text whose end matters as much as its start, such as a remedy: where both are too long, the first is cut. */
export function boundedWithTail(text: string, tail: string): string {
  const end = boundedText(tail, MAX_TEXT_BYTES / 2);
  return boundedText(text, MAX_TEXT_BYTES - Buffer.byteLength(end)) + end;
}

/**
 * What a schema found wrong, each with its place.
 * @param whole what the value itself is called, where the issue has no path
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[], whole: string): string {
  const texts = boundedList(issues, (issue) => {
    const place =
      issue.path.length === 0 ? whole : boundedText(issue.path.map(String).join('.'), ISSUE_PLACE_BYTES);
    return issue.code === 'unrecognized_keys'
      ? `${place}: unknown ${boundedNames(issue.keys)}`
      : `${place}: ${boundedText(issueText(issue), ISSUE_MESSAGE_BYTES)}`;
  });
  return boundedText(texts);
}

/** Names in quotes, the first ten of them. */
export function boundedNames(names: readonly string[]): string {
  return boundedList(names, (name) => `"${boundedName(name)}"`, ', ');
}
