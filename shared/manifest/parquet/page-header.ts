// The header of a page: what lies in it, and how large it is. Checked before the page is read.
import {
  damaged,
  MAX_DICTIONARY_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  tooLarge,
  unsupported,
} from './limits.ts';
import type { ThriftReader } from './thrift.ts';

export const ENCODINGS = [
  'PLAIN',
  'GROUP_VAR_INT',
  'PLAIN_DICTIONARY',
  'RLE',
  'BIT_PACKED',
  'DELTA_BINARY_PACKED',
  'DELTA_LENGTH_BYTE_ARRAY',
  'DELTA_BYTE_ARRAY',
  'RLE_DICTIONARY',
  'BYTE_STREAM_SPLIT',
] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Of all pages: bytes in the file, and unpacked; the checksum of the former, where the writer gave one. */
interface PageSizes {
  compressedBytes: number;
  uncompressedBytes: number;
  crc32: number | undefined;
}

/**
 * dictionary   the values that the pages behind it name by number
 * data         rows; with `levels` (version 2) the bytes of their presence, which are not compressed
 * other        an index, which is passed over
 */
export type PageHeader = PageSizes &
  (
    | { kind: 'dictionary'; values: number; encoding: Encoding }
    | { kind: 'data'; values: number; encoding: Encoding; levels: V2Levels | undefined }
    | { kind: 'other' }
  );

interface V2Levels {
  repetitionBytes: number;
  definitionBytes: number;
  isCompressed: boolean;
}

const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;

/** @throws ThriftCutOff where the header does not end within the bytes */
export function readPageHeader(reader: ThriftReader): PageHeader {
  const page = { type: -1, values: -1, encoding: -1, levels: undefined as V2Levels | undefined };
  const sizes: PageSizes = { compressedBytes: -1, uncompressedBytes: -1, crc32: undefined };
  const values = (field: ThriftReader, type: number) => {
    page.values = field.int(type);
  };
  const encoding = (field: ThriftReader, type: number) => {
    page.encoding = field.int(type);
  };
  reader.struct({
    1: (field, type) => {
      page.type = field.int(type);
    },
    2: (field, type) => {
      sizes.uncompressedBytes = field.int(type);
    },
    3: (field, type) => {
      sizes.compressedBytes = field.int(type);
    },
    4: (field, type) => {
      sizes.crc32 = field.int(type) >>> 0;
    },
    5: (field, type) => field.expect(type).struct({ 1: values, 2: encoding }),
    7: (field, type) => field.expect(type).struct({ 1: values, 2: encoding }),
    8: (field, type) => {
      const levels: V2Levels = { repetitionBytes: 0, definitionBytes: 0, isCompressed: true };
      page.levels = levels;
      field.expect(type).struct({
        1: values,
        4: encoding,
        5: (level, levelType) => {
          levels.definitionBytes = level.int(levelType);
        },
        6: (level, levelType) => {
          levels.repetitionBytes = level.int(levelType);
        },
        7: (level, levelType) => {
          levels.isCompressed = level.bool(levelType);
        },
      });
    },
  });
  checkSizes(sizes, page.type === DICTIONARY_PAGE ? MAX_DICTIONARY_BYTES : MAX_PAGE_BYTES);
  switch (page.type) {
    case DICTIONARY_PAGE:
      return { ...sizes, kind: 'dictionary', values: checkValues(page.values), encoding: encodingOf(page) };
    case DATA_PAGE:
    case DATA_PAGE_V2: {
      const levels = page.type === DATA_PAGE_V2 ? checkLevels(page.levels, sizes) : undefined;
      return { ...sizes, kind: 'data', values: checkValues(page.values), encoding: encodingOf(page), levels };
    }
    default:
      return { ...sizes, kind: 'other' };
  }
}

function checkSizes({ compressedBytes, uncompressedBytes }: PageSizes, most: number): void {
  if (compressedBytes < 0 || uncompressedBytes < 0) throw damaged('a page without a size');
  const largest = Math.max(compressedBytes, uncompressedBytes);
  if (largest > most) throw tooLarge(`a page of the Parquet file has ${largest} bytes, above ${most}`);
}

function checkValues(values: number): number {
  if (values < 0) throw damaged('a page without a number of values');
  if (values > MAX_PAGE_ROWS)
    throw tooLarge(`a page of the Parquet file has ${values} rows, above ${MAX_PAGE_ROWS}`);
  return values;
}

function checkLevels(
  levels: V2Levels | undefined,
  { compressedBytes, uncompressedBytes }: PageSizes,
): V2Levels {
  if (levels === undefined) throw damaged('a page of version 2 without its header');
  const { repetitionBytes, definitionBytes } = levels;
  const bytes = repetitionBytes + definitionBytes;
  if (repetitionBytes < 0 || definitionBytes < 0 || bytes > compressedBytes || bytes > uncompressedBytes)
    throw damaged('levels that are longer than their page');
  return levels;
}

function encodingOf({ encoding }: { encoding: number }): Encoding {
  const name = ENCODINGS[encoding];
  if (name === undefined)
    throw unsupported(
      `the Parquet file has pages of the unknown encoding ${encoding}: write its text columns as plain or dictionary`,
    );
  return name;
}
