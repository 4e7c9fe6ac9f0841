// The rows of a manifest, each with its place, good or bad. A row's identity is its place, so the same bytes give the
// same rows and places: in any chunking, and from the start of any slice.
import { isAscii, isUtf8 } from 'node:buffer';
import papaparse from 'papaparse';
import { boundedText } from '../text/bounded.ts';
import { maximumRowBytes, type Place, type RowSpan, type Stretch, scanRows } from './boundaries.ts';
import { isReservedColumn, knownColumns, type ManifestItem, parseItem } from './columns.ts';
import type { RowFault } from './faults.ts';
import { isHeaderLine } from './header-line.ts';
import type { ManifestHead } from './open.ts';
import { columnCountMessage, invalidJsonMessage } from './row-messages.ts';
import { namedSeparator } from './separators.ts';
import { hasNumberAsText, withNumbersAsText, writtenDigits } from './written-numbers.ts';

export type { Place } from './boundaries.ts';

export type ManifestRow =
  | { kind: 'good'; place: Place; item: ManifestItem }
  | {
      kind: 'bad';
      place: Place;
      /** One of `rowFaults`: the first, where the row has several. */
      code: string;
      /** All that is wrong with the row. */
      message: string;
      /** The row as it stands, cut to 1 KiB; U+FFFD for what is not UTF-8. */
      raw: string;
      /** The known columns that the row fills, where they could be told apart. */
      columns?: Record<string, string>;
    };

/** Rows come in batches: an await for each would cost more than reading it. */
const rowsPerBatch = 1_000;

const maximumRawBytes = 1024;

/** Why a row gives no record: nothing of it can be told apart. */
interface Unreadable {
  code: RowFault;
  message: string;
}

/** A row whose columns have been told apart: what to judge, with absent ones left out. */
interface Told {
  record: Record<string, unknown>;
}

/** Turns a row's text into its record. */
type Teller = (text: string, span: RowSpan) => Told | Unreadable;

/** Rows from `from`, a row's start or the body's, to the end of `chunks`, whose first byte stands at `from.offset`. */
export async function* readRows(
  head: ManifestHead,
  from: Place,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ManifestRow[]> {
  const tell = head.format === 'csv' ? csvTeller(head.columns ?? []) : tellJson;
  for await (const stretch of scanRows(head.format, from, chunks)) {
    const encoding = encodingOf(stretch);
    for (let first = 0; first < stretch.rows.length; first += rowsPerBatch) {
      const spans = stretch.rows.slice(first, first + rowsPerBatch);
      yield spans.map((span) => readRow(stretch, span, tell, encoding));
    }
  }
}

function readRow(stretch: Stretch, span: RowSpan, tell: Teller, encoding: Encoding): ManifestRow {
  const place = { line: span.line, offset: stretch.offset + span.start };
  if (span.kind === 'overlong') {
    return bad(stretch, span, place, {
      code: 'RowTooLong',
      message: `the line is above ${maximumRowBytes} bytes`,
    });
  }
  if (span.kind === 'unclosed') {
    return bad(stretch, span, place, { code: 'QuoteNotClosed', message: quoteNotClosed });
  }
  const text = decode(stretch, span, encoding);
  if (text === undefined) {
    return bad(stretch, span, place, {
      code: 'InvalidUtf8',
      message: notUtf8,
    });
  }
  const told = tell(text, span);
  if ('code' in told) {
    return bad(stretch, span, place, told);
  }
  const parsed = parseItem(told.record);
  if (parsed.kind === 'good') {
    return { kind: 'good', place, item: parsed.item };
  }
  const message = boundedText(parsed.faults.map((fault) => fault.message).join('; '));
  const columns = shownColumns(stretch, span, tell);
  return { ...bad(stretch, span, place, { code: parsed.faults[0]?.code ?? 'WrongType', message }), columns };
}

/** A byte that was replaced on its way through API Gateway can't be told from a U+FFFD that the manifest holds. */
const notUtf8 =
  'the row is not UTF-8: save the manifest as UTF-8. In one posted to the API as text or JSON, U+FFFD counts as a byte that was not: post it as application/csv or application/x-ndjson, or drop it into the inbox';

const quoteNotClosed =
  'a field that begins with a quote on this line does not end with one before a comma or line end (a quote within is doubled: "")';

function bad(stretch: Stretch, span: RowSpan, place: Place, { code, message }: Unreadable) {
  return { kind: 'bad' as const, place, code, message, raw: rawText(stretch, span) };
}

/** Decoded from the bytes, not cut from the text: a report that keeps a bad row does not keep the window around it. */
function rawText({ bytes }: Stretch, { start, end }: RowSpan): string {
  let cut = Math.min(end, start + maximumRawBytes);
  // Not within a character: UTF-8 has at most three bytes of the form 10xxxxxx in a row.
  for (let back = 0; back < 3 && cut < end && ((bytes[cut] ?? 0) & 0xc0) === 0x80; back++) {
    cut -= 1;
  }
  return bytes.toString('utf8', start, cut);
}

function shownColumns(stretch: Stretch, span: RowSpan, tell: Teller): Record<string, string> {
  const text = stretch.bytes.toString('utf8', span.start, span.end);
  const told = tell(text, span);
  const record = 'record' in told ? told.record : {};
  const columns: Record<string, string> = {};
  for (const name of knownColumns) {
    const value = record[name];
    // The report is a manifest again: a rounded number there would be another key.
    const shown =
      typeof value === 'number' && name !== 'size' ? writtenDigits(withoutMark(text), name) : value;
    if (typeof shown === 'string' || typeof shown === 'number' || typeof shown === 'boolean') {
      columns[name] = String(shown);
    }
  }
  return columns;
}

/** What holds of all rows of a stretch, so that it is not asked of each. */
type Encoding = 'ascii' | 'utf8' | 'unknown';

function encodingOf({ bytes, rows }: Stretch): Encoding {
  // What follows the last row is unfinished, and may end within a character.
  const seen = bytes.subarray(0, rows.at(-1)?.end);
  if (isAscii(seen)) {
    return 'ascii';
  }
  return isUtf8(seen) ? 'utf8' : 'unknown';
}

/** The row's text; undefined when its bytes are not UTF-8. */
function decode({ bytes, text }: Stretch, { start, end }: RowSpan, encoding: Encoding): string | undefined {
  if (encoding === 'ascii') {
    return text.slice(start, end);
  }
  const isKnown = encoding === 'utf8' || isUtf8(bytes.subarray(start, end));
  return isKnown ? bytes.toString('utf8', start, end) : undefined;
}

/** CSV: fields by the header's names; an empty field is an absent one. */
function csvTeller(columns: string[]): Teller {
  const names = columns.map((name) => (isReservedColumn(name) ? undefined : name));
  return (text, span) => {
    const fields = span.kind === 'quoted' ? splitQuotedRow(text) : text.split(',');
    if (namedSeparator(text) !== undefined) {
      return { code: 'HeaderRepeated', message: separatorRepeated };
    }
    if (fields.length !== names.length) {
      return { code: 'ColumnCount', message: columnCountMessage(fields, names.length) };
    }
    if (isHeaderLine(fields, names)) {
      return { code: 'HeaderRepeated', message: headerRepeated };
    }
    const record: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) {
      const name = names[index];
      const field = fields[index];
      if (name !== undefined && field !== '') {
        record[name] = name === 'size' ? sizeOf(field ?? '') : field;
      }
    }
    return { record };
  };
}

const headerRepeated =
  'the row is a header line: files were joined with their headers; leave out all but the first (rows behind it are read by the first)';

const separatorRepeated =
  'the row is the line sep= that Excel reads as the name of the separator: files were joined with it; leave it out';

/** Fields of a CSV row that has quotes: papaparse, on text whose one row end is the text's. */
export function splitQuotedRow(text: string): string[] {
  const parser = new papaparse.Parser({ delimiter: ',', newline: '\n', fastMode: false });
  return parser.parse(text, 0, false).data[0];
}

/** Anything but digits is left as it stands, for the schema to refuse. */
function sizeOf(field: string): number | string {
  return /^[0-9]{1,15}$/.test(field) ? Number(field) : field;
}

const byteOrderMark = 0xfeff;

/** NDJSON: an object a line; a member of value null is an absent one. Each of several joined files may begin with a mark. */
function tellJson(line: string): Told | Unreadable {
  const text = withoutMark(line);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { code: 'InvalidJson', message: invalidJsonMessage(text, error as Error) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { code: 'NotAnObject', message: 'the line is JSON, but no object: a row is {"key": ..., ...}' };
  }
  return { record: asExported(withoutIgnored(value as Record<string, unknown>), text) };
}

/** Exporters choose the types: a number may be quoted, and text that looks like a number may not be. */
function asExported(record: Record<string, unknown>, text: string): Record<string, unknown> {
  if (typeof record['size'] === 'string') record['size'] = sizeOf(record['size']);
  return hasNumberAsText(record) ? withNumbersAsText(record, text) : record;
}

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
