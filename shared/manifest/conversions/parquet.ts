// Parquet as a manifest: rows are read in ranges, each of which becomes lines of NDJSON.
import { isManifestColumn } from '../columns.ts';
import { type ManifestStart, unreadable } from '../format.ts';
import { type ParquetFooter, randomAccess, readFooter } from '../parquet/footer.ts';
import { manifestColumns, manifestLines } from '../parquet/manifest-rows.ts';
import type { RowRange } from '../parquet/rows.ts';
import { endingOf } from '../refused-files.ts';
import { type ConversionInput, convertible, type ManifestConversion } from './conversion.ts';
import { lineHead } from './line-head.ts';

/** Rows of a unit: about a second of one core. */
const UNIT_ROWS = 500_000;
/** Bytes of a unit's columns in the file: rows with inline objects are larger. */
const UNIT_BYTES = 64 * 1024 * 1024;

export const parquet: ManifestConversion<RowRange> = {
  name: 'Parquet',
  endings: ['parquet'],
  contentTypes: ['application/vnd.apache.parquet'],
  detect: begins,

  async open(input, { key }) {
    if (input.start.bytes.length === 0) return unreadable('Empty', 'the manifest is empty');
    if (!begins(input.start))
      return unreadable(
        'FormatMismatch',
        `a manifest in Parquet by its name, but its first bytes are not those of Parquet: leave the ending .${endingOf(key)} out of its name`,
      );
    const { footer } = await readTable(input);
    const empty = 'the Parquet file is empty: it has no rows';
    return convertible(unitsOf(footer), empty, () => lineHead(input.start));
  },

  async *convert(range, input) {
    const { file, footer, columns } = await readTable(input);
    yield* manifestLines(file, footer, columns, range);
  },
};

/** @throws ConversionFault where its columns are not those of a manifest */
async function readTable(input: ConversionInput) {
  const { extraColumns } = input.start;
  const file = randomAccess(input, input.manifest);
  const footer = await readFooter(file, (name) => isManifestColumn(name, extraColumns));
  return { file, footer, columns: manifestColumns(footer, extraColumns) };
}

/** `PARE`: with an encrypted footer, which is refused by name. */
function begins({ bytes }: ManifestStart): boolean {
  return /^PAR[1E]$/.test(bytes.toString('latin1', 0, 4));
}

/** Small row groups together, and large ones in parts. */
export function unitsOf({ rowGroups }: ParquetFooter): RowRange[] {
  const units: RowRange[] = [];
  let from = 0;
  let bytes = 0;
  let at = 0;
  const end = (to: number) => {
    if (to > from) units.push({ from, to });
    from = to;
    bytes = 0;
  };
  for (const { rows, chunks } of rowGroups) {
    const groupBytes = [...chunks.values()].reduce(
      (sum, chunk) => sum + chunk.endOffset - chunk.startOffset,
      0,
    );
    if (at + rows - from > UNIT_ROWS || bytes + groupBytes > UNIT_BYTES) end(at);
    const parts = Math.max(
      Math.ceil(rows / UNIT_ROWS),
      Math.min(rows, Math.ceil(groupBytes / UNIT_BYTES)),
      1,
    );
    for (let part = 1; part < parts; part++) end(at + Math.floor((rows * part) / parts));
    at += rows;
    bytes += groupBytes / parts;
  }
  end(at);
  return units;
}
