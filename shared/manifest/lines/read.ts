// The rows of a range of lines, each with its place, good or bad. The format turns the text of a row into its columns.
import { isAscii, isUtf8 } from 'node:buffer';
import { boundedText } from '../../text/bounded.ts';
import { isRecord } from '../../text/parse-json.ts';
import type { ItemFault } from '../column-checks.ts';
import { knownColumns, parseItem } from '../columns.ts';
import type { ManifestRow, ReadBytes } from '../format.ts';
import { isPlainText, type ReadPlainRow } from '../plain-row.ts';
import type { ByteRange, Place } from '../slice-place.ts';
import { maximumRowBytes, type RowEnds, type RowSpan, type Stretch, scanRows } from './scan.ts';

const maximumRawBytes = 1024;

export interface RowRecord {
  record: Record<string, unknown>;
  /** Values of the head's extra columns, with own properties only. */
  columns?: Readonly<Record<string, unknown>>;
}

/** What a format of lines knows of its rows. */
export interface RowRules {
  rowEnds?: RowEnds;
  /** As messages call what stands between fields; a comma where it is absent. */
  separatorName?: string;
  /** The row's values by their columns, without those that are absent or ignored. */
  recordOf: (text: string, span: RowSpan) => RowRecord | ItemFault;
  /** Rows that are plainly good, read in one step; absent where the format or the head has none. */
  readPlain?: ReadPlainRow | undefined;
  /** The digits of a number in a column of text, as the file has them; for formats whose values have types. */
  digitsOf?: (text: string, column: string) => string | undefined;
}

/** As `read` of the port: a batch for each stretch, since an await for each row would cost more than reading it. */
export async function* readRows(
  rules: RowRules,
  range: ByteRange,
  read: ReadBytes,
): AsyncGenerator<ManifestRow[]> {
  for await (const stretch of scanRows(rules.rowEnds, range, read)) {
    const decode = decoderOf(stretch);
    const readPlain =
      rules.readPlain !== undefined && isPlainText(seenBytes(stretch)) ? rules.readPlain : undefined;
    yield stretch.rows.map(
      (span) => plainRow(stretch, span, readPlain) ?? readRow(stretch, span, rules, decode),
    );
  }
}

function plainRow(
  { text, offset }: Stretch,
  { kind, start, end, line }: RowSpan,
  readPlain: ReadPlainRow | undefined,
): ManifestRow | undefined {
  if (kind !== 'plain' || readPlain === undefined) return undefined;
  const item = readPlain(text, start, end);
  return item === undefined ? undefined : { kind: 'good', place: { line, offset: offset + start }, item };
}

function readRow(stretch: Stretch, span: RowSpan, rules: RowRules, decode: Decode): ManifestRow {
  const place = { line: span.line, offset: stretch.offset + span.start };
  const read = recordOrFault(span, rules, decode);
  if ('code' in read) return bad(stretch, span, place, read);
  const parsed = parseItem(read.record, read.columns);
  if (parsed.kind === 'good') return { kind: 'good', place, item: parsed.item };
  const message = boundedText(parsed.faults.map((fault) => fault.message).join('; '));
  return {
    ...bad(stretch, span, place, { code: parsed.faults[0]?.code ?? 'WrongType', message }),
    columns: shownColumns(stretch, span, rules),
  };
}

function recordOrFault(span: RowSpan, rules: RowRules, decode: Decode): RowRecord | ItemFault {
  if (span.kind === 'overlong')
    return { code: 'RowTooLong', message: `the line is above ${maximumRowBytes} bytes` };
  if (span.kind === 'unclosed')
    return { code: 'QuoteNotClosed', message: quoteNotClosed(rules.separatorName) };
  const text = decode(span);
  return text === undefined ? { code: 'InvalidUtf8', message: notUtf8 } : rules.recordOf(text, span);
}

/** API Gateway replaces bytes that are not UTF-8; such a byte looks like a U+FFFD that the manifest holds. */
const notUtf8 =
  'the row is not UTF-8: save the manifest as UTF-8. In one posted to the API as text or JSON, U+FFFD counts as a byte that was not: post it as application/csv or application/x-ndjson, or drop it into the inbox';

const quoteNotClosed = (separator = 'comma') =>
  `a field that begins with a quote on this line does not end with one before a ${separator} or line end (a quote within is doubled: "")`;

function bad(stretch: Stretch, span: RowSpan, place: Place, { code, message }: ItemFault) {
  return { kind: 'bad' as const, place, code, message, raw: rawText(stretch, span) };
}

/** Decoded from the bytes, not cut from the text: a bad row that is kept must not keep its whole window in memory. */
function rawText({ bytes }: Stretch, { start, end }: RowSpan): string {
  let cut = Math.min(end, start + maximumRawBytes);
  // Cut before a character, not within it: UTF-8 has at most three bytes 10xxxxxx in sequence.
  for (let back = 0; back < 3 && cut < end && ((bytes[cut] ?? 0) & 0xc0) === 0x80; back++) {
    cut -= 1;
  }
  return bytes.toString('utf8', start, cut);
}

/** The columns of a bad row, for the report: read again, so that they do not keep the window in memory either. */
function shownColumns(
  { bytes }: Stretch,
  span: RowSpan,
  { recordOf, digitsOf }: RowRules,
): Record<string, string | Record<string, string>> {
  const text = bytes.toString('utf8', span.start, span.end);
  const read = recordOf(text, span);
  const { record, columns = {} } = 'record' in read ? read : { record: {} };
  const shownValues: [string, string | Record<string, string>][] = [];
  const show = (name: string, value: unknown): void => {
    if (isRecord(value)) {
      shownValues.push([name, shownNames(value)]);
      return;
    }
    // The report is a manifest again: a rounded number there would be another key.
    const digits = typeof value === 'number' ? digitsOf?.(text, name) : undefined;
    // A size may have been text: then the number is its own. Of all others, unknown digits are not shown.
    const isKept = typeof value !== 'number' || digitsOf === undefined || name === 'size';
    const shown = digits ?? (isKept ? value : undefined);
    if (typeof shown === 'string' || typeof shown === 'number' || typeof shown === 'boolean') {
      shownValues.push([name, String(shown)]);
    }
  };
  for (const name of knownColumns) if (record[name] !== undefined) show(name, record[name]);
  for (const [name, value] of Object.entries(columns)) show(name, value);
  return Object.fromEntries(shownValues);
}

/** Metadata and tags, as far as they are text, so that a corrected row has the rest of them. */
function shownNames(value: object): Record<string, string> {
  // From entries, so that a name such as __proto__ is one like any other.
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Only these rows: what follows the last one may be unfinished, and end within a character. */
function seenBytes({ bytes, rows }: Stretch): Buffer {
  return bytes.subarray(rows[0]?.start, rows.at(-1)?.end);
}

/** A row's text; undefined when its bytes are not UTF-8. */
type Decode = (span: RowSpan) => string | undefined;

/** How the stretch is encoded is found once, not for each row. */
function decoderOf(stretch: Stretch): Decode {
  const { bytes, text } = stretch;
  const seen = seenBytes(stretch);
  if (isAscii(seen)) return ({ start, end }) => text.slice(start, end);
  const isKnown = isUtf8(seen);
  return ({ start, end }) =>
    isKnown || isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : undefined;
}
