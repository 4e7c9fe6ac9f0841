// What a Parquet file may ask for, and the fault of one that asks for more or is damaged. Every size in a file is checked
// against these before memory is allocated for it.
//
// Writers stay far below: pages of 1 MiB or 20,000 rows and dictionaries of 1 MiB (pyarrow, Spark, Trino); DuckDB's pages hold
// one row group of 122,880 rows.
import { ConversionFault } from '../conversions/conversion.ts';

/** Footers have about 100 bytes for each column of each row group. A footer is read as a whole. */
export const MAX_FOOTER_BYTES = 16 * 1024 * 1024;
/** Columns of a file. A manifest has a dozen, but it may be one of a wide table's exports. */
export const MAX_COLUMNS = 10_000;
/** Row groups of a file: 100,000 of 10,000 rows are a billion rows. */
export const MAX_ROW_GROUPS = 100_000;
/** Statistics in a page's header may hold two whole values. */
export const MAX_PAGE_HEADER_BYTES = 1024 * 1024;
/** A page, compressed or not. */
export const MAX_PAGE_BYTES = 64 * 1024 * 1024;
export const MAX_DICTIONARY_BYTES = 32 * 1024 * 1024;
/** A few bytes can stand for any number of equal rows. */
export const MAX_PAGE_ROWS = 4_000_000;
/** What all columns that are read hold at once, decoded. Ingest has 1 GiB, and a page is there twice while it is unpacked. */
export const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** Every row has a key of its own, which takes some bits. More rows than this show a file that is made to exhaust. */
export const MAX_ROWS_PER_BYTE = 64;
/** So many rows are accepted whatever the bytes are. */
export const FREE_ROWS = 1_000_000;

export function damaged(what: string): ConversionFault {
  return new ConversionFault(
    'ParquetDamaged',
    `the Parquet file is damaged: ${what}; write it again, or upload it again`,
  );
}

export function tooLarge(what: string): ConversionFault {
  return new ConversionFault(
    'ParquetTooLarge',
    `${what}: write the file with smaller pages and row groups, or as several files`,
  );
}

export function unsupported(what: string): ConversionFault {
  return new ConversionFault('ParquetUnsupported', what);
}
