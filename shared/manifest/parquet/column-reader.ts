// Reads one column of a row group page by page. Pages without wanted rows are passed over unread.
import { crc32 } from 'node:zlib';
import { claim, type PageCursor, readHybrid } from './bits.ts';
import { type ChunkBytes, createChunkBytes } from './chunk-bytes.ts';
import type { ColumnChunk, RandomAccess } from './footer.ts';
import { damaged, MAX_HELD_BYTES, MAX_PAGE_HEADER_BYTES, tooLarge } from './limits.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import type { ParquetColumn } from './schema.ts';
import { ThriftCutOff, ThriftReader } from './thrift.ts';
import { unpackPage } from './unpack.ts';
import { bytesOfValues, countOfValues, readValues, type Values } from './values.ts';

/** Bytes in which a header is sought first. Most have 30. */
const PROBE_BYTES = 16 * 1024;

/** Rows of one column: row `i` has the value `slots[i]`, or is null where that is negative. */
export interface ColumnPage {
  slots: Int32Array;
  values: Values;
}

/** Bytes that the columns of one reading hold together. */
export interface Holding {
  bytes: number;
}

type DataHeader = PageHeader & { kind: 'data' };

/** @param firstRow the row of the row group at which reading begins */
export function createColumnReader(
  file: RandomAccess,
  column: ParquetColumn,
  chunk: ColumnChunk,
  firstRow: number,
  holding: Holding,
) {
  const bytes = createChunkBytes(file, chunk);
  let dictionary: Values | undefined;
  let page: ColumnPage | undefined;
  let pageBytes = 0;
  let at = 0;
  let toSkip = firstRow;

  const hold = (more: number) => {
    holding.bytes += more;
    if (holding.bytes > MAX_HELD_BYTES)
      throw tooLarge(
        `the pages of the Parquet file's columns have more than ${MAX_HELD_BYTES} bytes at once`,
      );
  };

  async function readDictionary(header: PageHeader & { kind: 'dictionary' }): Promise<void> {
    if (dictionary !== undefined) throw damaged('a column with two dictionaries');
    hold(header.uncompressedBytes);
    const unpacked = unpackPage(chunk.codec, await takePage(bytes, header), header.uncompressedBytes);
    // A dictionary's own encoding is plain, under either of two names.
    dictionary = readValues({ bytes: unpacked, at: 0 }, column, 'PLAIN', header.values);
    hold(bytesOfValues(dictionary) - header.uncompressedBytes);
  }

  async function readPage(header: DataHeader): Promise<void> {
    pageBytes = header.uncompressedBytes + header.values * 4;
    hold(pageBytes);
    page = decodePage(await takePage(bytes, header), header, column, chunk.codec, dictionary);
    const inFact = page.slots.byteLength + (page.values === dictionary ? 0 : bytesOfValues(page.values));
    hold(inFact - pageBytes);
    pageBytes = inFact;
    at = toSkip;
    toSkip = 0;
  }

  async function nextPage(): Promise<void> {
    holding.bytes -= pageBytes;
    pageBytes = 0;
    page = undefined;
    while (page === undefined) {
      if (bytes.leftBytes() === 0) throw damaged(`column ${column.name} ends before its row group`);
      const header = await readHeader(bytes);
      if (header.kind === 'dictionary') await readDictionary(header);
      else if (header.kind === 'data' && header.values > toSkip) await readPage(header);
      else {
        if (header.kind === 'data') toSkip -= header.values;
        if (header.compressedBytes > bytes.leftBytes())
          throw damaged('a page that is longer than its column');
        bytes.skip(header.compressedBytes);
      }
    }
  }

  return {
    /** The page that is read, and the first of its rows that was not taken yet. There is one at least. */
    async current(): Promise<{ page: ColumnPage; at: number }> {
      while (page === undefined || at >= page.slots.length) await nextPage();
      return { page, at };
    },
    /** Moves on within the current page. */
    advance(rows: number): void {
      at += rows;
    },
  };
}

async function readHeader(bytes: ChunkBytes): Promise<PageHeader> {
  for (const most of [PROBE_BYTES, MAX_PAGE_HEADER_BYTES]) {
    try {
      const reader = new ThriftReader((await bytes.peek(most)).subarray(0, most));
      const header = readPageHeader(reader);
      bytes.skip(reader.at);
      return header;
    } catch (error) {
      if (!(error instanceof ThriftCutOff)) throw error;
    }
  }
  throw damaged(`a page whose header does not end within ${MAX_PAGE_HEADER_BYTES} bytes`);
}

async function takePage(bytes: ChunkBytes, header: PageHeader): Promise<Uint8Array> {
  const packed = await bytes.take(header.compressedBytes);
  if (header.crc32 !== undefined && crc32(packed) !== header.crc32 >>> 0)
    throw damaged('a page whose checksum is not that of its bytes');
  return packed;
}

function decodePage(
  packed: Uint8Array,
  header: DataHeader,
  column: ParquetColumn,
  codec: number,
  dictionary: Values | undefined,
): ColumnPage {
  const present = new Uint8Array(column.repetition === 'optional' ? header.values : 0);
  let cursor: PageCursor;
  if (header.levels === undefined) {
    cursor = { bytes: unpackPage(codec, packed, header.uncompressedBytes), at: 0 };
    if (present.length > 0) readLengthPrefixed(cursor, present);
  } else {
    const { repetitionBytes, definitionBytes, isCompressed } = header.levels;
    const levels = repetitionBytes + definitionBytes;
    if (present.length > 0)
      readHybrid({ bytes: packed.subarray(repetitionBytes, levels), at: 0 }, 1, present);
    const rest = packed.subarray(levels);
    cursor = {
      bytes: isCompressed ? unpackPage(codec, rest, header.uncompressedBytes - levels) : rest,
      at: 0,
    };
  }
  const { slots, count } = slotsOf(present, header.values);
  if (header.encoding !== 'PLAIN_DICTIONARY' && header.encoding !== 'RLE_DICTIONARY') {
    // A page of nulls alone may have no bytes of its encoding.
    return { slots, values: readValues(cursor, column, count === 0 ? 'PLAIN' : header.encoding, count) };
  }
  if (dictionary === undefined) throw damaged(`column ${column.name} has no dictionary`);
  nameValues(slots, readIndices(cursor, count, countOfValues(dictionary)));
  return { slots, values: dictionary };
}

/** Version 1 has the length of the levels before them. */
function readLengthPrefixed(cursor: PageCursor, present: Uint8Array): void {
  const start = claim(cursor, 4);
  const length = new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset).getUint32(start, true);
  const from = claim(cursor, length);
  readHybrid({ bytes: cursor.bytes.subarray(from, from + length), at: 0 }, 1, present);
}

/** @param present empty where the column has no nulls */
function slotsOf(present: Uint8Array, rows: number): { slots: Int32Array; count: number } {
  const slots = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) slots[row] = present.length === 0 || present[row] === 1 ? count++ : -1;
  return { slots, count };
}

function readIndices(cursor: PageCursor, count: number, size: number): Uint32Array {
  const indices = new Uint32Array(count);
  if (count === 0) return indices;
  const bitWidth = cursor.bytes[claim(cursor, 1)] ?? 0;
  readHybrid(cursor, bitWidth, indices);
  for (const index of indices) {
    if (index >= size) throw damaged(`value ${index} of a dictionary of ${size}`);
  }
  return indices;
}

function nameValues(slots: Int32Array, indices: Uint32Array): void {
  for (let row = 0; row < slots.length; row++) {
    const slot = slots[row] as number;
    if (slot >= 0) slots[row] = indices[slot] as number;
  }
}
