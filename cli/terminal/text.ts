// Text that may be printed: layout from this program's own source, and values whose unseen characters are escaped and whose
// credentials are hidden.
//
// Values come from outside: keys, file names, messages, arguments. One that reaches a terminal as it is can write the
// clipboard, clear the screen or forge a line. So the terminal takes only TerminalText, and only this module makes it.
import { redacted } from '../../shared/text/redacted.ts';
import { visibleLines, visibleText } from '../../shared/text/visible.ts';

/**
 * Characters (UTF-16 units) of one value that are shown; above that its middle is left out. 1 KiB: no key of S3 is
 * longer, and a message of 257 KB takes a few lines of the terminal.
 */
export const MAX_VALUE_CHARACTERS = 1_024;
/** Of those, the ones from its end: a path ends in the file's name, a message in what to do. */
const TAIL_CHARACTERS = 256;

/** Can't be made elsewhere, so a plain string never passes for it. */
class SafeText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type TerminalText = SafeText;

/** A string is a value, whatever it holds. */
export type Value = string | number | TerminalText;

/** line`${path}: ${message}`: what stands in the template is layout, every string in it a value. */
export function line(layout: TemplateStringsArray, ...values: readonly Value[]): TerminalText {
  return new SafeText(String.raw({ raw: layout }, ...values.map(textOf)));
}

/** A value, or false where there is nothing to show. */
type Part = Value | false;

export function lines(parts: readonly Part[]): TerminalText {
  return joined(parts, '\n');
}

/** @param separator layout, as literal text of this program */
export function joined(parts: readonly Part[], separator: string): TerminalText {
  const shown = parts.filter((part) => part !== false);
  return new SafeText(shown.map(textOf).join(visibleLines(separator)));
}

/** Several lines that this program made, as a page of help. A value in it could forge a line: use `line` where one is. */
export function ownLines(text: string): TerminalText {
  return new SafeText(visibleLines(text));
}

export function padEnd(value: Value, width: number): TerminalText {
  return new SafeText(textOf(value).padEnd(width));
}

/** Rows of a table, their columns as wide as they have to be. */
export function tableLines(
  rows: readonly (readonly Value[])[],
  rightAligned: readonly number[] = [],
): TerminalText[] {
  const cells = rows.map((row) => row.map(textOf));
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...cells.map((row) => row[at]?.length ?? 0)),
  );
  const aligned = (row: readonly string[]) =>
    row.map((cell, at) =>
      rightAligned.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
  return cells.map((row) => new SafeText(aligned(row).join('  ').trimEnd()));
}

/** By what it is, not by its type: what an API answers may be a list where a string should be. */
function textOf(value: Value): string {
  return value instanceof SafeText ? value.toString() : visibleText(bounded(redacted(String(value))));
}

function bounded(value: string): string {
  if (value.length <= MAX_VALUE_CHARACTERS) return value;
  // No character is cut in two: half a pair would be shown as an escape that the value does not hold.
  const head = value.slice(0, MAX_VALUE_CHARACTERS - TAIL_CHARACTERS).replace(/[\ud800-\udbff]$/, '');
  const tail = value.slice(-TAIL_CHARACTERS).replace(/^[\udc00-\udfff]/, '');
  const left = value.length - head.length - tail.length;
  return `${head}… (${left} characters left out) …${tail}`;
}
