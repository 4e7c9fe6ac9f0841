// The header of a page: what lies in it, and how large it is. Checked before the page is read.
import {
  damaged,
  MAX_DICTIONARY_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGE_ROWS,
  tooLarge,
  unsupported,
} from './limits.ts';
import type { FieldReader, ThriftReader } from './thrift.ts';

const ENCODINGS = [
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

/** Of all pages: bytes in the file, and unpacked; the checksum of the former, signed, where the writer gave one. */
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
  const sizes: PageSizes = { compressedBytes: -1, uncompressedBytes: -1, crc32: undefined };
  const page = { ...sizes, type: -1, values: -1, encoding: -1, repetitionBytes: 0, definitionBytes: 0 };
  /** Undefined where there is no header of version 2. */
  let isCompressed: boolean | undefined;
  const content: FieldReader = (field, type) =>
    field.expect(type).struct({ 1: 'values', 2: 'encoding' }, page);
  reader.struct(
    {
      1: 'type',
      2: 'uncompressedBytes',
      3: 'compressedBytes',
      4: 'crc32',
      5: content,
      7: content,
      8: (field, type) => {
        isCompressed = true;
        field.expect(type).struct(
          {
            1: 'values',
            4: 'encoding',
            5: 'definitionBytes',
            6: 'repetitionBytes',
            7: (flag, flagType) => {
              isCompressed = flag.bool(flagType);
            },
          },
          page,
        );
      },
    },
    page,
  );
  const { type, compressedBytes, uncompressedBytes, crc32 } = page;
  checkSizes(page, type === DICTIONARY_PAGE ? MAX_DICTIONARY_BYTES : MAX_PAGE_BYTES);
  const header = { compressedBytes, uncompressedBytes, crc32 };
  if (type !== DICTIONARY_PAGE && type !== DATA_PAGE && type !== DATA_PAGE_V2)
    return { ...header, kind: 'other' };
  const levels = type === DATA_PAGE_V2 ? checkLevels(page, isCompressed) : undefined;
  const data = { values: checkValues(page.values), encoding: encodingOf(page.encoding) };
  return type === DICTIONARY_PAGE
    ? { ...header, kind: 'dictionary', ...data }
    : { ...header, kind: 'data', ...data, levels };
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

function checkLevels(page: PageSizes & Omit<V2Levels, 'isCompressed'>, isCompressed?: boolean): V2Levels {
  if (isCompressed === undefined) throw damaged('a page of version 2 without its header');
  const { compressedBytes, uncompressedBytes, repetitionBytes, definitionBytes } = page;
  const bytes = repetitionBytes + definitionBytes;
  if (repetitionBytes < 0 || definitionBytes < 0 || bytes > compressedBytes || bytes > uncompressedBytes)
    throw damaged('levels that are longer than their page');
  return { repetitionBytes, definitionBytes, isCompressed };
}

function encodingOf(encoding: number): Encoding {
  const name = ENCODINGS[encoding];
  if (name === undefined)
    throw unsupported(
      `the Parquet file has pages of the unknown encoding ${encoding}: write its text columns as plain or dictionary`,
    );
  return name;
}
