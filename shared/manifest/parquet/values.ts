// The values of a page, as they lie in its bytes: texts are not decoded, since most are copied into a line as they are.
import { claim, type PageCursor, readHybrid } from './bits.ts';
import { readDelta32, readDelta64 } from './delta.ts';
import { damaged, MAX_PAGE_BYTES, tooLarge, unsupported } from './limits.ts';
import type { Encoding } from './page-header.ts';
import type { ParquetColumn } from './schema.ts';

/**
 * texts      `bytes` from `starts[i]` up to `ends[i]`
 * numbers    integers, exact, or floats: of 32 or 64 bits
 * booleans   0 or 1
 */
export type Values =
  | { kind: 'texts'; bytes: Uint8Array; starts: Uint32Array; ends: Uint32Array }
  | { kind: 'numbers'; numbers: Numbers }
  | { kind: 'booleans'; numbers: Uint8Array };

type Numbers = Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;
interface NumbersClass {
  new (bytes: ArrayBufferLike): Numbers;
  readonly BYTES_PER_ELEMENT: number;
}

/** What holds the numbers of a type, and what holds those without a sign. */
const NUMBERS: Readonly<Record<NumberType, readonly [NumbersClass, NumbersClass]>> = {
  INT32: [Int32Array, Uint32Array],
  INT64: [BigInt64Array, BigUint64Array],
  FLOAT: [Float32Array, Float32Array],
  DOUBLE: [Float64Array, Float64Array],
};
type NumberType = 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE';

/** @param count values, without those that are null */
export function readValues(
  cursor: PageCursor,
  column: ParquetColumn,
  encoding: Encoding,
  count: number,
): Values {
  switch (column.type) {
    case 'BYTE_ARRAY':
      return readTexts(cursor, encoding, count, column.name);
    case 'INT32':
    case 'INT64':
    case 'FLOAT':
    case 'DOUBLE':
      return { kind: 'numbers', numbers: readNumbers(cursor, column.type, column, encoding, count) };
    case 'BOOLEAN':
      return { kind: 'booleans', numbers: readBooleans(cursor, encoding, count) };
    default:
      throw unsupported(`column ${column.name} of the Parquet file is ${column.type}: cast it to a string`);
  }
}

/** About what the values hold in memory. */
export function bytesOfValues(values: Values): number {
  return values.kind === 'texts'
    ? values.bytes.byteLength + 2 * values.starts.byteLength
    : values.numbers.byteLength;
}

export function countOfValues(values: Values): number {
  return values.kind === 'texts' ? values.starts.length : values.numbers.length;
}

function readTexts(cursor: PageCursor, encoding: Encoding, count: number, name: string): Values {
  switch (encoding) {
    case 'PLAIN':
      return readPlainTexts(cursor, count);
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return textsOfLengths(cursor, readDelta32(cursor, count));
    case 'DELTA_BYTE_ARRAY':
      return readPrefixedTexts(cursor, count);
    default:
      throw unsupportedEncoding(encoding, name);
  }
}

function readPlainTexts(cursor: PageCursor, count: number): Values {
  // Each has a length of 4 bytes.
  if (count * 4 > cursor.bytes.length - cursor.at) throw damaged('a page with fewer texts than rows');
  const { bytes } = cursor;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let at = cursor.at;
  for (let index = 0; index < count; index++) {
    if (at + 4 > bytes.length) throw damaged('a page that ends within its texts');
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw damaged('a page that ends within its texts');
    starts[index] = at + 4;
    ends[index] = end;
    at = end;
  }
  cursor.at = at;
  return { kind: 'texts', bytes, starts, ends };
}

function textsOfLengths(cursor: PageCursor, lengths: Int32Array): Values & { kind: 'texts' } {
  const starts = new Uint32Array(lengths.length);
  const ends = new Uint32Array(lengths.length);
  for (let index = 0; index < lengths.length; index++) {
    starts[index] = claim(cursor, lengths[index] ?? 0);
    ends[index] = cursor.at;
  }
  return { kind: 'texts', bytes: cursor.bytes, starts, ends };
}

/** Each text is a number of bytes of the one before, and a rest. */
function readPrefixedTexts(cursor: PageCursor, count: number): Values {
  const prefixes = readDelta32(cursor, count);
  const rests = textsOfLengths(cursor, readDelta32(cursor, count));
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let total = 0;
  for (let index = 0; index < count; index++) {
    const prefix = prefixes[index] ?? 0;
    const before = index === 0 ? 0 : (ends[index - 1] ?? 0) - (starts[index - 1] ?? 0);
    if (prefix < 0 || prefix > before) throw damaged('a text that begins as none before it');
    starts[index] = total;
    total += prefix + (rests.ends[index] ?? 0) - (rests.starts[index] ?? 0);
    if (total > MAX_PAGE_BYTES)
      throw tooLarge(`a page of the Parquet file has more than ${MAX_PAGE_BYTES} bytes of text`);
    ends[index] = total;
  }
  const bytes = new Uint8Array(total);
  for (let index = 0; index < count; index++) {
    const start = starts[index] ?? 0;
    const prefix = prefixes[index] ?? 0;
    if (prefix > 0) bytes.copyWithin(start, starts[index - 1] ?? 0, (starts[index - 1] ?? 0) + prefix);
    bytes.set(rests.bytes.subarray(rests.starts[index], rests.ends[index]), start + prefix);
  }
  return { kind: 'texts', bytes, starts, ends };
}

function readNumbers(
  cursor: PageCursor,
  type: NumberType,
  { isUnsigned, name }: ParquetColumn,
  encoding: Encoding,
  count: number,
): Numbers {
  const NumbersOf = NUMBERS[type][isUnsigned ? 1 : 0];
  if (encoding === 'PLAIN') return new NumbersOf(copyOf(cursor, count * NumbersOf.BYTES_PER_ELEMENT));
  if (encoding !== 'DELTA_BINARY_PACKED' || type === 'FLOAT' || type === 'DOUBLE')
    throw unsupportedEncoding(encoding, name);
  const numbers = type === 'INT64' ? readDelta64(cursor, count) : readDelta32(cursor, count);
  return isUnsigned ? new NumbersOf(numbers.buffer) : numbers;
}

function readBooleans(cursor: PageCursor, encoding: Encoding, count: number): Uint8Array {
  const booleans = new Uint8Array(count);
  if (encoding === 'RLE') {
    claim(cursor, 4);
    readHybrid(cursor, 1, booleans);
    return booleans;
  }
  if (encoding !== 'PLAIN') throw unsupportedEncoding(encoding, 'of booleans');
  const start = claim(cursor, Math.ceil(count / 8));
  for (let index = 0; index < count; index++)
    booleans[index] = ((cursor.bytes[start + (index >> 3)] ?? 0) >> (index & 7)) & 1;
  return booleans;
}

/** Parquet is little-endian, as the machines that Node runs on; a typed array needs an aligned start. */
function copyOf(cursor: PageCursor, bytes: number): ArrayBuffer {
  const start = claim(cursor, bytes);
  const copy = new ArrayBuffer(bytes);
  new Uint8Array(copy).set(cursor.bytes.subarray(start, start + bytes));
  return copy;
}

function unsupportedEncoding(encoding: Encoding, name: string) {
  return unsupported(
    `column ${name} of the Parquet file has the encoding ${encoding}: write it as plain or dictionary`,
  );
}

/** As JSON would show it, without quotes. Bytes that are not UTF-8 become U+FFFD. */
export function textOfValue(values: Values, slot: number): string {
  switch (values.kind) {
    case 'texts': {
      const { buffer, byteOffset, byteLength } = values.bytes;
      return Buffer.from(buffer, byteOffset, byteLength).toString(
        'utf8',
        values.starts[slot],
        values.ends[slot],
      );
    }
    case 'booleans':
      return values.numbers[slot] === 1 ? 'true' : 'false';
    case 'numbers':
      return String(values.numbers[slot]);
  }
}
