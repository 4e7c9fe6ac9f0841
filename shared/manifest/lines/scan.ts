// Where rows of text begin and end: the one scanner under reading and splitting, so that both find the same rows.
//
// - A line ends in LF or CRLF. Blank lines (only spaces, tabs, CR) are not rows.
// - A row is a line, unless the format's RowEnds finds its end behind a later line.
// - A line above maximumRowBytes is one row, overlong.
// - A row whose end is not found within maximumRowBytes is its first line alone, unclosed. Scanning goes on at the next
//   line, so that one stray quote costs one row.
//
// What a row is depends on the bytes from its start alone, not on the chunks. It also does not depend on where the bytes
// stop, if that is the end of another row (a slice's end): a row that was unclosed there stays unclosed.
//
// Bytes are scanned as latin1 text: one character a byte, so text positions are byte offsets. Every character that matters
// here is ASCII, which in UTF-8 is never part of another character.
import type { ReadBytes } from '../format.ts';
import type { ByteRange, Place } from '../slice-place.ts';
import { windowBytes, windows } from './windows.ts';

/**
 * Line ends included. Four times the largest inline object: 64 KiB of text grow to 128 KiB if every character is a
 * doubled quote, and a little more as JSON escapes.
 */
export const maximumRowBytes = 256 * 1024;

/**
 * Rows of one stretch. All objects of a stretch are alive at once. V8 moves what it makes at a place to the old generation if
 * 85% of at least 100 samples were alive at a collection; with stretches of a whole window it did so for every row, and one
 * reader took 300 MiB (Node 24.13). Of 100 rows in a sample at most 64 can be alive here.
 */
const MAX_STRETCH_ROWS = 64;

/** Bytes kept of an overlong line. */
const keptBytes = 1024;

/** Positions in the text: where the row begins, where its first line ends, and where the row must have ended. */
export interface OpenRow {
  start: number;
  lineEnd: number;
  bound: number;
}

/**
 * ends        the row ends at this position: a line feed, or the end of the text
 * unclosed    it does not end properly; up to `quotedUntil`, every line end after its start lies within its quotes
 * undecided   more text is needed
 */
export type RowEnd =
  | { kind: 'ends'; at: number }
  | { kind: 'unclosed'; quotedUntil: number }
  | { kind: 'undecided' };

/** How rows of a format may run over line ends. A format whose rows are lines has none. */
export interface RowEnds {
  /** A row without this character is a line. */
  quote: string;
  /**
   * Where a row with a quote in its first line ends.
   * @param isLast nothing follows the text
   * @param quotedUntil a row that has crossed a line end before this position is still within quotes there
   */
  find(text: string, row: OpenRow, isLast: boolean, quotedUntil: number): RowEnd;
}

/** A row within its stretch. `quoted`: it has a quote somewhere, and RowEnds found its end. */
export interface RowSpan {
  kind: 'plain' | 'quoted' | 'unclosed' | 'overlong';
  /** Characters of the stretch's text, without the line end. */
  start: number;
  end: number;
  line: number;
  /** Where the row after this one may start, after the line end: a position from the stretch's start, and its line. */
  next: number;
  nextLine: number;
}

/**
 * Consecutive rows, up to 64 of them, and bytes that hold them. Several stretches may have the same bytes. `bytes` and `rows` are
 * valid until the next stretch is asked for: their memory is used again.
 */
export interface Stretch {
  bytes: Buffer;
  /** The bytes as latin1. */
  text: string;
  /** The file's offset of the first byte. */
  offset: number;
  rows: RowSpan[];
}

/** Memory: one window and one row. */
export async function* scanRows(
  rowEnds: RowEnds | undefined,
  { startLine, startOffset, endOffset }: ByteRange,
  read: ReadBytes,
): AsyncGenerator<Stretch> {
  const scanner = new RowScanner(rowEnds, { line: startLine, offset: startOffset });
  for await (const window of windows(read(startOffset, endOffset))) {
    yield* scanner.scan(window, false);
  }
  yield* scanner.scan(Buffer.alloc(0), true);
}

/** @param offset the stretch's */
export function placeAfter({ next, nextLine }: RowSpan, offset: number): Place {
  return { line: nextLine, offset: offset + next };
}

const newLine = 0x0a;
const carriageReturn = 0x0d;

/** A position in a window's text, and where its next quote is: one that lies behind is not looked for again. */
interface Cursor {
  at: number;
  nextQuote: number;
}

/** Scans a file window by window. `isLast`: nothing follows the window. */
export class RowScanner {
  readonly #rowEnds: RowEnds | undefined;
  /** The place of the first byte of `#carried`. */
  #line: number;
  #offset: number;
  /** The unfinished row at the end of the last window: the start of `#memory`. */
  #carried: Buffer = Buffer.alloc(0);
  /** Used again for each window: with a new buffer for each, garbage collection took twice as long (Node 24.21). */
  #memory: Buffer = Buffer.alloc(0);
  /** The start of an overlong line whose end has not been seen. */
  #overlong: { bytes: Buffer; offset: number } | undefined;
  /**
   * Up to this offset, every line end lies within quotes for some earlier row that turned out to be unclosed. A row
   * crosses a line end only within quotes. So a later row that crosses one of these is in the same state, and its scan
   * goes on from here. Without this, a file that opens a quote in every line would cost maximumRowBytes a line.
   */
  #quotedUntil = 0;
  /** Used again for each stretch. Objects of its own for each row survived into the old generation (Node 24.21). */
  readonly #spans = Array.from({ length: MAX_STRETCH_ROWS }, emptySpan);

  constructor(rowEnds: RowEnds | undefined, from: Place) {
    this.#rowEnds = rowEnds;
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
    const bytes = this.#carried.length === 0 ? fresh : this.#behindCarried(fresh);
    const text = bytes.toString('latin1');
    const offset = this.#offset;
    const cursor: Cursor = { at: 0, nextQuote: -1 };
    for (;;) {
      const rows = this.#findRows(text, offset, cursor, isLast);
      if (rows.length === 0) break;
      yield { bytes, text, offset, rows };
    }
    this.#carry(bytes.subarray(cursor.at));
    this.#offset += cursor.at;
    if (this.#carried.length > maximumRowBytes && !this.#carried.includes(newLine)) {
      this.#overlong = { bytes: Buffer.from(this.#carried.subarray(0, keptBytes)), offset: this.#offset };
      this.#offset += this.#carried.length;
      this.#carried = Buffer.alloc(0);
    }
  }

  /** @returns the bytes that were carried, and these */
  #behindCarried(fresh: Buffer): Buffer {
    const length = this.#carried.length + fresh.length;
    if (this.#memory.length < length) {
      const larger = Buffer.allocUnsafeSlow(length + windowBytes);
      larger.set(this.#carried);
      this.#memory = larger;
    }
    this.#memory.set(fresh, this.#carried.length);
    return this.#memory.subarray(0, length);
  }

  /** @param rest may be in `#memory` itself */
  #carry(rest: Buffer): void {
    if (this.#memory.length < rest.length) this.#memory = Buffer.allocUnsafeSlow(rest.length + windowBytes);
    this.#memory.set(rest);
    this.#carried = this.#memory.subarray(0, rest.length);
  }

  /** An overlong line as a stretch of its own: its first bytes, and where it ends. */
  #endOverlong({ bytes, offset }: { bytes: Buffer; offset: number }): Stretch {
    const line = this.#line;
    this.#line += 1;
    this.#overlong = undefined;
    const next = this.#offset - offset;
    const row: RowSpan = { kind: 'overlong', start: 0, end: bytes.length, line, next, nextLine: this.#line };
    return { bytes, text: bytes.toString('latin1'), offset, rows: [row] };
  }

  /** @returns the next rows that end within the text. The cursor is then where the first row begins that is not among them */
  #findRows(text: string, offset: number, cursor: Cursor, isLast: boolean): RowSpan[] {
    const rowEnds = this.#rowEnds;
    const spans = this.#spans;
    let count = 0;
    let { at: start, nextQuote } = cursor;
    while (start < text.length && count < MAX_STRETCH_ROWS) {
      const lineFeed = text.indexOf('\n', start);
      if (lineFeed === -1 && !isLast) {
        break;
      }
      const lineEnd = lineFeed === -1 ? text.length : lineFeed;
      if (rowEnds !== undefined && nextQuote < start) {
        nextQuote = indexOrInfinity(text, rowEnds.quote, start);
      }
      let end = lineEnd;
      let kind: RowSpan['kind'] = 'plain';
      if ((lineFeed === -1 ? lineEnd : lineFeed + 1) - start > maximumRowBytes) {
        kind = 'overlong';
      } else if (rowEnds !== undefined && nextQuote < lineEnd) {
        const row = { start, lineEnd, bound: start + maximumRowBytes };
        const found = rowEnds.find(text, row, isLast, this.#quotedUntil - offset);
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
        const span = spans[count++] as RowSpan;
        span.kind = kind;
        span.start = start;
        span.end = end;
        span.line = line;
        span.next = next;
        span.nextLine = this.#line;
      }
      start = next;
    }
    cursor.at = start;
    cursor.nextQuote = nextQuote;
    return count === MAX_STRETCH_ROWS ? spans : spans.slice(0, count);
  }
}

function emptySpan(): RowSpan {
  return { kind: 'plain', start: 0, end: 0, line: 0, next: 0, nextLine: 0 };
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

export function indexOrInfinity(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index === -1 ? Number.POSITIVE_INFINITY : index;
}
