// The Parquet files of an S3 Inventory. Their keys are not URL-encoded, unlike those in CSV.
import { randomAccess, readFooter } from '../parquet/footer.ts';
import { type RowBatch, readRows } from '../parquet/rows.ts';
import type { ParquetColumn } from '../parquet/schema.ts';
import { textOfValue } from '../parquet/values.ts';
import { ConversionFault, type ConversionInput } from './conversion.ts';
import { findFile, type ListedFile, placeOf, readChecked } from './listed-files.ts';
import { copyLine } from './table-rows.ts';

/** The columns that are read, and what each may be stored as. */
const TYPES = {
  bucket: ['BYTE_ARRAY'],
  key: ['BYTE_ARRAY'],
  version_id: ['BYTE_ARRAY'],
  is_latest: ['BOOLEAN'],
  is_delete_marker: ['BOOLEAN'],
  size: ['INT64', 'INT32'],
} as const satisfies Record<string, readonly ParquetColumn['type'][]>;
type InventoryColumn = keyof typeof TYPES;

export async function* inventoryParquetLines(
  input: ConversionInput,
  listed: ListedFile,
): AsyncGenerator<Uint8Array> {
  const found = await findFile(input, listed);
  // The checksum is of all bytes in order, and Parquet is read from its end: so the file is read twice.
  for await (const chunk of readChecked(input, listed, found)) void chunk;
  const file = randomAccess(input, found);
  const footer = await readFooter(file, isInventoryColumn);
  const columns = columnsOf(footer.columns, placeOf(listed));
  for await (const batch of readRows(file, footer, columns, { from: 0, to: footer.rows })) {
    // A batch is as large as a page: its lines are given out in parts.
    for (let from = 0; from < batch.rows; from += ROWS_A_PART) {
      const lines = linesOf(batch, from, Math.min(batch.rows, from + ROWS_A_PART));
      if (lines !== '') yield Buffer.from(lines);
    }
  }
}

/** Keys have up to 1,024 bytes: a part stays below 3 MB. */
const ROWS_A_PART = 1_000;

function linesOf(batch: RowBatch, from: number, to: number): string {
  const columns = new Map(batch.columns.map((each) => [each.column.name, each]));
  const textAt = (name: InventoryColumn, row: number): string => {
    const column = columns.get(name);
    const slot = column === undefined ? -1 : (column.page.slots[column.at + row] ?? -1);
    return column === undefined || slot < 0 ? '' : textOfValue(column.page.values, slot);
  };
  let lines = '';
  for (let row = from; row < to; row++) {
    if (textAt('is_latest', row) === 'false' || textAt('is_delete_marker', row) === 'true') continue;
    lines += copyLine({
      bucket: textAt('bucket', row),
      key: textAt('key', row),
      version: textAt('version_id', row),
      size: textAt('size', row),
    });
  }
  return lines;
}

function columnsOf(columns: readonly ParquetColumn[], place: string): ParquetColumn[] {
  const read = columns.filter(({ name }) => isInventoryColumn(name));
  const names = new Set(read.map(({ name }) => name));
  for (const name of ['bucket', 'key'] as const) {
    if (!names.has(name)) throw new ConversionFault('ListedFileBroken', `${place} has no column ${name}`);
  }
  const wrong = read.find(({ name, type, repetition }) => {
    const fit: readonly ParquetColumn['type'][] = TYPES[name as InventoryColumn];
    return !fit.includes(type) || repetition === 'repeated';
  });
  if (wrong !== undefined || names.size !== read.length)
    throw new ConversionFault(
      'ListedFileBroken',
      `${place} has columns of other types than an inventory: ${wrong?.name}`,
    );
  return read;
}

function isInventoryColumn(name: string): boolean {
  return Object.hasOwn(TYPES, name);
}
