// Parquet files of tests, and what is read of them.
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { isManifestColumn } from '../../shared/manifest/columns.ts';
import { type RandomAccess, readFooter } from '../../shared/manifest/parquet/footer.ts';
import { manifestColumns, manifestLines } from '../../shared/manifest/parquet/manifest-rows.ts';
import type { RowRange } from '../../shared/manifest/parquet/rows.ts';

export function parquetOf(columnData: ColumnSource[], rowGroupSize = 1_000): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize }));
}

export function fileOf(bytes: Uint8Array): RandomAccess {
  return { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

/** The rows as lines of NDJSON. */
export async function parquetLines(
  bytes: Uint8Array,
  range?: RowRange,
  extraColumns: readonly string[] = [],
): Promise<Buffer> {
  const file = fileOf(bytes);
  const footer = await readFooter(file, (name) => isManifestColumn(name, extraColumns));
  const rows = range ?? { from: 0, to: footer.rows };
  const columns = manifestColumns(footer, extraColumns);
  return Buffer.concat(await Array.fromAsync(manifestLines(file, footer, columns, rows)));
}
