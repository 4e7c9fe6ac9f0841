// Writes each element of a JSON array as one line, its text unchanged but for line ends.
//
// Only the array itself is read here: brackets, strings and commas. What an element says is read by the NDJSON format, so
// a broken element is one rejected row, and numbers keep their digits. A row's line is the number of its element, from 1.
import type { Place } from '../slice-place.ts';
import { ConversionFault } from './conversion.ts';

/**
 * start        before the array's bracket
 * first        behind it: an element, or the array's end
 * value        behind a comma: an element
 * scalar       within a number or a word
 * string       within an element that is a string
 * container    within an element that is an object or an array
 * after        behind an element: a comma, or the array's end
 * end          behind the array
 */
type State = 'start' | 'first' | 'value' | 'scalar' | 'string' | 'container' | 'after' | 'end';

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * @param chunks of the array's text, from its start
 * @throws ConversionFault with line and byte, where brackets and commas are not those of an array
 */
export async function* elementLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const reader = new ArrayReader();
  for await (const chunk of chunks) {
    const lines = reader.read(chunk);
    if (lines.length > 0) yield lines;
  }
  reader.end();
}

/** As `elementLines`, of an array that is held as a whole. */
export function linesOfArray(array: Uint8Array): Buffer {
  const reader = new ArrayReader();
  const lines = reader.read(array);
  reader.end();
  return lines;
}

/** Reads an array chunk by chunk. */
export class ArrayReader {
  #state: State = 'start';
  #elements = 0;
  #elementAt: Place = { line: 1, offset: 0 };
  /** Brackets and braces that are open within the element. Whether they match is for the reader of the row to say. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** Of the next byte. */
  #line = 1;
  #offset = 0;

  /** @returns the elements' text that the chunk holds, with a line end behind each element that ends in it */
  read(chunk: Uint8Array): Buffer {
    // Between two elements there is a comma, so only one line end more than the chunk has bytes can be written.
    const lines = Buffer.allocUnsafe(chunk.length + 1);
    let written = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === 'container' || this.#state === 'string') {
        const copied = this.#copyElement(chunk, at, lines, written);
        at += copied;
        written += copied;
        if (this.#depth === 0 && !this.#isInString) {
          lines[written++] = LF;
          this.#state = 'after';
        }
        continue;
      }
      const byte = chunk[at] as number;
      if (this.#state === 'scalar') {
        if (isSpace(byte) || byte === COMMA || byte === CLOSE_BRACKET) {
          lines[written++] = LF;
          this.#state = 'after';
        } else {
          lines[written++] = byte;
          this.#offset += 1;
          at += 1;
        }
        continue;
      }
      // The first byte of an element is read again, as a part of it.
      if (!this.#isBetween(byte)) continue;
      if (byte === LF) this.#line += 1;
      this.#offset += 1;
      at += 1;
    }
    return lines.subarray(0, written);
  }

  /** Copies what the chunk holds of an object, an array or a string. @returns its bytes */
  #copyElement(chunk: Uint8Array, from: number, lines: Buffer, written: number): number {
    let depth = this.#depth;
    let isInString = this.#isInString;
    let isEscaped = this.#isEscaped;
    let lineFeeds = 0;
    let at = from;
    for (let to = written; at < chunk.length; to++) {
      const byte = chunk[at++] as number;
      lines[to] = byte;
      if (byte === LF) {
        // A line end within a string is no JSON. As CR it stays none, and does not end the row.
        lines[to] = isInString ? CR : SPACE;
        lineFeeds += 1;
      }
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) {
          isInString = false;
          if (depth === 0) break;
        }
      } else if (byte === QUOTE) {
        isInString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth === 0) break;
      }
    }
    this.#depth = depth;
    this.#isInString = isInString;
    this.#isEscaped = isEscaped;
    this.#line += lineFeeds;
    this.#offset += at - from;
    return at - from;
  }

  /** Takes a byte outside of elements. @returns false where an element begins with it */
  #isBetween(byte: number): boolean {
    if (isSpace(byte)) return true;
    switch (this.#state) {
      case 'start':
        if (this.#offset < BYTE_ORDER_MARK.length && byte === BYTE_ORDER_MARK[this.#offset]) return true;
        if (byte !== OPEN_BRACKET) throw this.#broken('a JSON array begins with [');
        this.#state = 'first';
        return true;
      case 'first':
      case 'value':
        if (byte === COMMA) throw this.#broken('a comma stands where an element is expected');
        if (byte === CLOSE_BRACKET && this.#state === 'value') {
          throw this.#broken('a comma stands before the closing bracket');
        }
        if (byte === CLOSE_BRACKET) {
          this.#state = 'end';
          return true;
        }
        this.#beginElement(byte);
        return false;
      case 'after':
        if (byte !== COMMA && byte !== CLOSE_BRACKET) {
          throw this.#broken(`a comma is missing behind element ${this.#elements}`);
        }
        this.#state = byte === COMMA ? 'value' : 'end';
        return true;
      default:
        throw this.#broken('other text follows the closing bracket');
    }
  }

  #beginElement(byte: number): void {
    this.#elements += 1;
    this.#elementAt = { line: this.#line, offset: this.#offset };
    const isContainer = byte === OPEN_BRACE || byte === OPEN_BRACKET;
    this.#state = isContainer ? 'container' : byte === QUOTE ? 'string' : 'scalar';
  }

  /** @throws ConversionFault where the array has not ended */
  end(): void {
    if (this.#state === 'end') return;
    const { line, offset } = this.#elementAt;
    const isWithin =
      this.#state === 'container' || this.#state === 'string'
        ? `, within element ${this.#elements}, which begins at line ${line}, byte ${offset}`
        : ', without the closing bracket';
    throw new ConversionFault(
      'JsonArrayBroken',
      `the JSON array is cut off: it ends at line ${this.#line}, byte ${this.#offset}${isWithin}; drop it again as a whole`,
    );
  }

  #broken(what: string): ConversionFault {
    return new ConversionFault(
      'JsonArrayBroken',
      `the JSON array is broken at line ${this.#line}, byte ${this.#offset}: ${what}; write it again (jq . checks it)`,
    );
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}
