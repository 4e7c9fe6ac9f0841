// A Parquet file as a manifest: its columns are those of any manifest, and its rows become lines of NDJSON.
import { isKnownColumn, isReservedColumn } from '../columns.ts';
import { ConversionFault } from '../conversions/conversion.ts';
import { headerFaults } from '../formats/csv-header.ts';
import type { ParquetFooter, RandomAccess } from './footer.ts';
import { createJsonLines, type JsonLines } from './json-lines.ts';
import { type RowRange, readRows } from './rows.ts';
import type { ParquetColumn } from './schema.ts';
import type { Values } from './values.ts';

/** The only column that holds a number: all others are text, as in CSV. */
const NUMBER_COLUMN = 'size';

export function isManifestColumn(name: string): boolean {
  return isKnownColumn(name);
}

/**
 * The columns to read, in the file's order.
 * @throws ConversionFault that names every column that can't be read, with the remedy
 */
export function manifestColumns({ columns }: ParquetFooter): ParquetColumn[] {
  const faults = headerFaults(columns.map(({ name }) => name));
  const read = columns.filter(({ name }) => isKnownColumn(name) && !isReservedColumn(name));
  for (const column of read) {
    const wrong = faultOfType(column);
    if (wrong !== undefined) faults.push({ code: 'ColumnTypeUnfit', message: wrong });
  }
  const first = faults[0];
  if (first === undefined) return read;
  throw new ConversionFault(first.code, faults.map(({ message }) => message).join('; '));
}

/** What texts may stand for. Without a meaning they are bytes, and are read as UTF-8 too. */
const TEXT_MEANINGS: ReadonlySet<string | undefined> = new Set([undefined, 'UTF8', 'ENUM', 'JSON']);

function faultOfType({ name, type, meaning, repetition }: ParquetColumn): string | undefined {
  const remedy = name === NUMBER_COLUMN ? 'cast it to BIGINT' : 'cast it to a string';
  const shown = meaning ?? type ?? 'a group';
  if (type === undefined || repetition === 'repeated')
    return `column ${name} holds ${shown === 'a group' ? 'structures' : shown}: ${remedy}`;
  const isFit =
    type === 'BYTE_ARRAY'
      ? TEXT_MEANINGS.has(meaning)
      : meaning === undefined &&
        (type === 'INT32' || type === 'INT64' || (name === NUMBER_COLUMN && /^(?:FLOAT|DOUBLE)$/.test(type)));
  return isFit ? undefined : `column ${name} is of type ${shown}: ${remedy}`;
}

/**
 * The rows of the range as NDJSON, a line each, in chunks of about 256 KiB.
 * @param columns as `manifestColumns` gives them
 * @throws ConversionFault
 */
export async function* manifestLines(
  file: RandomAccess,
  footer: ParquetFooter,
  columns: readonly ParquetColumn[],
  range: RowRange,
): AsyncGenerator<Uint8Array> {
  const lines = createJsonLines();
  const names = new Map(columns.map(({ name }) => [name, Buffer.from(`${JSON.stringify(name)}:`)]));
  for await (const batch of readRows(file, footer, columns, range)) {
    const writers = batch.columns.map(({ column, page, at }) => ({
      name: names.get(column.name) as Uint8Array,
      write: writerOf(lines, column.name, page.values),
      slots: page.slots.subarray(at, at + batch.rows),
    }));
    for (let row = 0; row < batch.rows; row++) {
      for (const { name, write, slots } of writers) {
        const slot = slots[row] as number;
        if (slot >= 0) write(name, slot);
      }
      lines.endLine();
      const chunk = lines.take();
      if (chunk !== undefined) yield chunk;
    }
  }
  const last = lines.take(true);
  if (last !== undefined) yield last;
}

function writerOf(
  lines: JsonLines,
  column: string,
  values: Values,
): (name: Uint8Array, slot: number) => void {
  if (values.kind === 'texts') {
    const { bytes, starts, ends } = values;
    return (name, slot) => {
      lines.member(name);
      lines.text(bytes, starts[slot] as number, ends[slot] as number);
    };
  }
  const { numbers } = values;
  const quote = column === NUMBER_COLUMN ? '' : '"';
  return (name, slot) => {
    const number = numbers[slot];
    // pandas writes an integer column with gaps as floats, and its gaps as NaN.
    if (number === undefined || Number.isNaN(number)) return;
    lines.member(name);
    lines.raw(number === Infinity || number === -Infinity ? `"${number}"` : `${quote}${number}${quote}`);
  };
}
