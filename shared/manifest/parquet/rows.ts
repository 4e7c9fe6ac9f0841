// Rows of a Parquet file, column by column: a range of them is read without the pages before it.
import { type ColumnPage, createColumnReader, type Holding } from './column-reader.ts';
import type { ParquetFooter, RandomAccess, RowGroup } from './footer.ts';
import { damaged } from './limits.ts';
import type { ParquetColumn } from './schema.ts';

/** Rows of the file from `from` up to, not including, `to`, from 0. */
export interface RowRange {
  from: number;
  to: number;
}

/** Some rows, with the pages that hold them: the first row is at `at` of its column's page. */
export interface RowBatch {
  rows: number;
  columns: { column: ParquetColumn; page: ColumnPage; at: number }[];
}

/**
 * The range's rows in their order, in batches that end where a page ends.
 * @param columns those to read, whose chunks the footer has kept
 * @throws ConversionFault
 */
export async function* readRows(
  file: RandomAccess,
  { rowGroups }: ParquetFooter,
  columns: readonly ParquetColumn[],
  { from, to }: RowRange,
): AsyncGenerator<RowBatch> {
  let start = 0;
  for (const group of rowGroups) {
    const first = Math.max(from, start) - start;
    const last = Math.min(to, start + group.rows) - start;
    if (first < last) yield* readGroup(file, group, columns, { from: first, to: last });
    start += group.rows;
    if (start >= to) return;
  }
}

async function* readGroup(
  file: RandomAccess,
  { chunks }: RowGroup,
  columns: readonly ParquetColumn[],
  { from, to }: RowRange,
): AsyncGenerator<RowBatch> {
  const holding: Holding = { bytes: 0 };
  const readers = columns.map((column) => {
    const chunk = chunks.get(column.leaf);
    if (chunk === undefined) throw damaged(`a row group without column ${column.name}`);
    return { column, reader: createColumnReader(file, column, chunk, from, holding) };
  });
  for (let row = from; row < to; ) {
    const batch: RowBatch = { rows: to - row, columns: [] };
    // One after the other: the limit on what they hold together counts each before the next is read.
    for (const { column, reader } of readers) {
      const { page, at } = await reader.current();
      batch.rows = Math.min(batch.rows, page.slots.length - at);
      batch.columns.push({ column, page, at });
    }
    yield batch;
    for (const { reader } of readers) reader.advance(batch.rows);
    row += batch.rows;
  }
}
