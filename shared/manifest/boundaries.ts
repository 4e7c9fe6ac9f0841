// Where rows begin and end: the one reader under readRows and planSlices, so that both see the same rows.
//
// - A line ends in LF or CRLF. Blank lines (nothing but spaces, tabs, CR) are no rows.
// - NDJSON: a row is a line.
// - CSV: a row ends at the first line end outside quotes. A quote opens a field only as its first character, `""` within
//   stands for one, and a closing quote is followed by a comma or a line end (RFC 4180).
// - A line above maximumRowBytes is one row, overlong.
// - A row whose quotes do not close so within maximumRowBytes is its first line alone, unclosed; reading goes on at the
//   next line, so a stray quote costs one row.
//
// What a row is follows from the bytes from its start, whatever chunks they came in. It stays so where the bytes stop at
// the end of another row (a slice's end): a row that ran on past that point unclosed is unclosed there, too.
//
// Bytes are scanned as latin1 text: a character a byte, so text positions are byte offsets, and every character that
// matters here is ASCII, which in UTF-8 stands for itself alone.
import type { ManifestFormat } from './open.ts';
import { indexOrInfinity, quotedEnd } from './quoted-row.ts';

/** Where a row starts: a physical line from 1, and a byte of the manifest from 0. */
export interface Place {
  line: number;
  offset: number;
}

/**
 * Line ends included. Four times the largest inline object: 64 KiB of text grow to 128 KiB when every character is a
 * quote to double, and to some more as JSON escapes.
 */
export const maximumRowBytes = 256 * 1024;

/** What is scanned at a time, beside an unfinished row. Planning ran at 4-9 M rows/s with 64 KiB, 1.5 M with 256 KiB. */
const windowBytes = 64 * 1024;

/** What is kept of an overlong line. */
const keptBytes = 1024;

/** A row within its stretch. `quoted`: CSV with a quote somewhere. */
export interface RowSpan {
  kind: 'plain' | 'quoted' | 'unclosed' | 'overlong';
  /** Characters of the stretch's text, without the line end. */
  start: number;
  end: number;
  line: number;
  /** Where the row after this one may start: after the line end. */
  next: Place;
}

/** Consecutive rows, and the bytes that they lie in. */
export interface Stretch {
  bytes: Buffer;
  /** The bytes as latin1. */
  text: string;
  /** The manifest's offset of the first byte. */
  offset: number;
  rows: RowSpan[];
}

/** Rows from `from` to the end of `chunks`, whose first byte stands at `from.offset`. Memory: a window and a row. */
export async function* scanRows(
  format: ManifestFormat,
  from: Place,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Stretch> {
  const scanner = new RowScanner(format, from);
  for await (const window of windows(chunks)) {
    yield* scanner.scan(window, false);
  }
  yield* scanner.scan(Buffer.alloc(0), true);
}

/** Evens chunks out, so that neither tiny nor huge ones cost more than their bytes. */
async function* windows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + windowBytes - gatheredBytes);
      gathered.push(part);
      gatheredBytes += part.length;
      at += part.length;
      if (gatheredBytes === windowBytes) {
        yield joined(gathered);
        gathered = [];
        gatheredBytes = 0;
      }
    }
  }
  yield joined(gathered);
}

/** One buffer of the parts; no copy where there is but one. */
function joined(parts: Uint8Array[]): Buffer {
  const [first] = parts;
  return parts.length === 1 && first !== undefined
    ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
    : Buffer.concat(parts);
}

/** The first line that is not blank, as latin1: all that the head of a manifest is told from. */
export type FirstRow =
  | { kind: 'row'; text: string; isQuoted: boolean; next: Place }
  | { kind: 'broken' | 'unfinished'; text: string }
  | { kind: 'blank' };

/** `bytes` begin at `from`; `isWhole`: nothing follows them. */
export function firstRow(bytes: Buffer, from: Place, isWhole: boolean): FirstRow {
  for (const { text, rows } of new RowScanner('csv', from).scan(bytes, isWhole)) {
    const row = rows[0];
    if (row !== undefined) {
      const line = text.slice(row.start, row.end);
      return row.kind === 'plain' || row.kind === 'quoted'
        ? { kind: 'row', text: line, isQuoted: row.kind === 'quoted', next: row.next }
        : { kind: row.kind === 'overlong' ? 'unfinished' : 'broken', text: line };
    }
  }
  const text = bytes.toString('latin1').trimStart();
  return text === '' ? { kind: 'blank' } : { kind: 'unfinished', text };
}

const newLine = 0x0a;
const carriageReturn = 0x0d;

class RowScanner {
  readonly #format: ManifestFormat;
  /** Where the first byte of `#carried` stands. */
  #line: number;
  #offset: number;
  /** The unfinished row at the end of the last window. */
  #carried: Buffer = Buffer.alloc(0);
  /** The start of an overlong line whose end has not been seen. */
  #overlong: { bytes: Buffer; offset: number } | undefined;
  /**
   * Up to this offset, every line end lies within quotes for some row that began before it and proved unclosed. A row
   * crosses a line end only within quotes, so a later row that crosses one of these is in that same state and goes on
   * from here. Without it, a file that opens a quote in every line would cost maximumRowBytes a line.
   */
  #quotedUntil = 0;

  constructor(format: ManifestFormat, from: Place) {
    this.#format = format;
    this.#line = from.line;
    this.#offset = from.offset;
  }

  *scan(window: Buffer, isLast: boolean): Generator<Stretch> {
    let fresh = window;
    if (this.#overlong !== undefined) {
      const lineFeed = fresh.indexOf(newLine);
      const skipped = lineFeed === -1 ? fresh.length : lineFeed + 1;
      this.#offset += skipped;
      if (lineFeed === -1 && !isLast) {
        return;
      }
      yield this.#endOverlong(this.#overlong);
      fresh = fresh.subarray(skipped);
    }
    const bytes = joined([this.#carried, fresh].filter((part) => part.length > 0));
    const stretch: Stretch = { bytes, text: bytes.toString('latin1'), offset: this.#offset, rows: [] };
    const end = this.#findRows(stretch, isLast);
    this.#carried = bytes.subarray(end);
    this.#offset += end;
    if (stretch.rows.length > 0) {
      yield stretch;
    }
    if (this.#carried.length > maximumRowBytes && !this.#carried.includes(newLine)) {
      this.#overlong = { bytes: Buffer.from(this.#carried.subarray(0, keptBytes)), offset: this.#offset };
      this.#offset += this.#carried.length;
      this.#carried = Buffer.alloc(0);
    }
  }

  /** An overlong line as a stretch of its own: its first bytes, and where it ends. */
  #endOverlong({ bytes, offset }: { bytes: Buffer; offset: number }): Stretch {
    const line = this.#line;
    this.#line += 1;
    this.#overlong = undefined;
    const next = { line: this.#line, offset: this.#offset };
    const row: RowSpan = { kind: 'overlong', start: 0, end: bytes.length, line, next };
    return { bytes, text: bytes.toString('latin1'), offset, rows: [row] };
  }

  /** Adds the rows that end within the text; returns where the first that does not begins. */
  #findRows({ text, offset, rows }: Stretch, isLast: boolean): number {
    let nextQuote = this.#format === 'csv' ? -1 : Number.POSITIVE_INFINITY;
    let start = 0;
    while (start < text.length) {
      const lineFeed = text.indexOf('\n', start);
      if (lineFeed === -1 && !isLast) {
        break;
      }
      const lineEnd = lineFeed === -1 ? text.length : lineFeed;
      if (nextQuote < start) {
        nextQuote = indexOrInfinity(text, '"', start);
      }
      let end = lineEnd;
      let kind: RowSpan['kind'] = 'plain';
      if ((lineFeed === -1 ? lineEnd : lineFeed + 1) - start > maximumRowBytes) {
        kind = 'overlong';
      } else if (nextQuote < lineEnd) {
        const found = quotedEnd(
          text,
          { start, lineEnd, bound: start + maximumRowBytes },
          isLast,
          this.#quotedUntil - offset,
        );
        if (found.kind === 'undecided') {
          break;
        }
        if (found.kind === 'ends') {
          kind = 'quoted';
          end = found.at;
        } else {
          kind = 'unclosed';
          this.#quotedUntil = Math.max(this.#quotedUntil, offset + found.quotedUntil);
        }
      }
      const line = this.#line;
      this.#line += end === lineEnd ? 1 : 1 + countLineFeeds(text, lineEnd, end);
      const next = end < text.length ? end + 1 : end;
      if (end > start && text.charCodeAt(end - 1) === carriageReturn) {
        end -= 1;
      }
      if (kind !== 'plain' || !isBlank(text, start, end)) {
        rows.push({ kind, start, end, line, next: { line: this.#line, offset: offset + next } });
      }
      start = next;
    }
    return start;
  }
}

function countLineFeeds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) {
    count += 1;
  }
  return count;
}

function isBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && code !== carriageReturn) {
      return false;
    }
  }
  return true;
}
