// NDJSON: a row is a line that holds one JSON object, and a member of value null is an absent one.
import { isRecord } from '../../text/parse-json.ts';
import { visibleText } from '../../text/visible.ts';
import type { ItemFault } from '../column-checks.ts';
import { isReservedColumn } from '../columns.ts';
import {
  type Detected,
  type FormatHead,
  type ManifestFormat,
  type ManifestStart,
  unreadable,
} from '../format.ts';
import { type RowRecord, type RowRules, readRows } from '../lines/read.ts';
import { splitRows } from '../lines/split.ts';
import { firstRowOf, holdsNul, refusalOfText, textPlace } from '../lines/start.ts';
import { plainJsonRows } from '../plain-row.ts';
import { sizeOf, withNumbersAsText, writtenDigits } from '../written-numbers.ts';

interface NdjsonHead extends FormatHead {
  format: 'ndjson';
}

export const ndjson: ManifestFormat<NdjsonHead> = {
  name: 'ndjson',
  endings: ['ndjson', 'jsonl'],
  contentTypes: ['application/x-ndjson', 'application/jsonl', 'application/jsonlines'],
  saveAs: 'NDJSON',
  nameIt: '.ndjson',
  detect,
  open(start) {
    const { offset, line } = textPlace(start);
    return (
      refusalOfText(start) ?? {
        kind: 'readable',
        head: { format: 'ndjson', bodyOffset: offset, bodyLine: line },
      }
    );
  },
  split: (_, range, read, limits) => splitRows(undefined, range, read, limits),
  read: ({ extraColumns }, range, read) => readRows(rulesFor(extraColumns), range, read),
};

function detect(start: ManifestStart): Detected | undefined {
  if (holdsNul(start)) return undefined;
  const first = firstRowOf(start);
  if (first.kind === 'blank') return undefined;
  const other = otherJson(first.text.trim());
  if (other !== undefined) return { kind: 'refused', fault: unreadable('UnsupportedFormat', other) };
  const isObject = first.text.trimStart().startsWith('{');
  return isObject ? { kind: 'own', shows: 'a JSON object, as in NDJSON' } : undefined;
}

/** JSON that is not NDJSON, by its first line. A JSON array is converted before (conversions/json-array.ts). */
function otherJson(line: string): string | undefined {
  if (line === '{')
    return 'an object over several lines is no NDJSON: write one object a line (jq -c . does)';
  if (line.startsWith('\u001e'))
    return "a JSON text sequence (RFC 7464) is no NDJSON: leave out the record separators U+001E (tr -d '\\036' does)";
  return undefined;
}

const rulesFor = (extraColumns?: readonly string[]): RowRules => ({
  readPlain: extraColumns === undefined ? plainJsonRows() : undefined,
  recordOf(line) {
    const text = withoutMark(line);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return { code: 'InvalidJson', message: invalidJsonMessage(text, error as Error) };
    }
    if (!isRecord(value)) return notAnObject;
    const kept = withoutIgnored(value);
    // Exporters choose the types: a number may be quoted, and text that looks like a number may not be.
    if (typeof kept['size'] === 'string') kept['size'] = sizeOf(kept['size']);
    const record = withNumbersAsText(kept, text, extraColumns);
    return extraColumns === undefined ? { record } : withColumns(record, extraColumns);
  },
  digitsOf: (line, column) => writtenDigits(withoutMark(line), column),
});

/** Takes the extra columns out of the record. `Object.fromEntries` makes own properties, also of `__proto__`. */
function withColumns(record: Record<string, unknown>, extraColumns: readonly string[]): RowRecord {
  const entries = Object.entries(record);
  const isExtra = ([name]: [string, unknown]) => extraColumns.includes(name);
  return {
    record: Object.fromEntries(entries.filter((entry) => !isExtra(entry))),
    columns: Object.fromEntries(entries.filter((entry) => isExtra(entry) && entry[1] !== '')),
  };
}

const notAnObject: ItemFault = {
  code: 'NotAnObject',
  message: 'the line is JSON, but no object: a row is {"key": ..., ...}',
};

const byteOrderMark = 0xfeff;

/** Each of several joined files may begin with a byte order mark. */
function withoutMark(line: string): string {
  return line.charCodeAt(0) === byteOrderMark ? line.slice(1) : line;
}

function withoutIgnored(record: Record<string, unknown>): Record<string, unknown> {
  for (const name in record) {
    if (record[name] === null || isReservedColumn(name)) {
      const kept = Object.entries(record).filter(([key, value]) => value !== null && !isReservedColumn(key));
      return Object.fromEntries(kept);
    }
  }
  return record;
}

/** Characters of the JSON parser's message that are shown. */
const MAX_SHOWN = 200;

function invalidJsonMessage(line: string, error: Error): string {
  const message = `no JSON: ${visibleText(error.message.slice(0, MAX_SHOWN))}`;
  const text = line.trim();
  if (text.startsWith('{') && text.endsWith('},'))
    return `${message}: leave out the comma at the end of the line, NDJSON has none between objects`;
  // Within a string JSON takes no raw one: this one stands between objects, and `trim` has removed that of the line's end.
  if (text.startsWith('{') && text.includes('\r'))
    return `${message}: the line holds a lone carriage return: save the manifest with LF or CRLF line ends`;
  if (text.startsWith('\u001e'))
    return `${message}: leave out the record separator U+001E at the start of the line`;
  if (text === '\u001a')
    return `${message}: the row is Ctrl-Z, which old programs write at the end of a file: remove it`;
  return `${message}: each line is one whole object, as jq -c writes it`;
}
