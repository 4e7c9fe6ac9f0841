// A Parquet file as a manifest: its columns are those of any manifest, and its rows become lines of NDJSON.
import { isManifestColumn, isReservedColumn } from '../columns.ts';
import { ConversionFault } from '../conversions/conversion.ts';
import { headerFaults } from '../formats/csv-header.ts';
import { type ColumnTarget, isNamedColumn, NAMES_COLUMNS, targetOf } from '../named-columns.ts';
import type { ParquetFooter, RandomAccess } from './footer.ts';
import { createJsonLines, type JsonLines } from './json-lines.ts';
import { type RowBatch, type RowRange, readRows } from './rows.ts';
import type { ParquetColumn } from './schema.ts';
import type { Values } from './values.ts';

/** The only column that holds a number. */
const NUMBER_COLUMN = 'size';
/** The only one that may hold true and false; or text, as all others, as in CSV. */
const BOOLEAN_COLUMN = 'bucket_key';

export interface ManifestColumn extends ParquetColumn {
  /** Where its values go in a row. */
  targets: readonly ColumnTarget[];
}

/**
 * The columns to read, in the file's order.
 * @throws ConversionFault that names every column that can't be read, with the remedy
 */
export function manifestColumns(
  { columns }: ParquetFooter,
  extraColumns: readonly string[] = [],
): ManifestColumn[] {
  const names = columns.map(({ name }) => name);
  const faults = headerFaults(names, extraColumns);
  const read = columns.filter(({ name }) => isManifestColumn(name, extraColumns) && !isReservedColumn(name));
  for (const column of read) {
    const wrong = faultOfType(column);
    if (wrong !== undefined) faults.push({ code: 'ColumnTypeUnfit', message: wrong });
  }
  const first = faults[0];
  if (first === undefined) {
    return read.map((column) => ({ ...column, targets: targetsOf(column.name, extraColumns) }));
  }
  throw new ConversionFault(first.code, faults.map(({ message }) => message).join('; '));
}

/** A column of metadata or tags whose name the key template holds is a column of its own too, as in CSV. */
function targetsOf(name: string, extraColumns: readonly string[]): ColumnTarget[] {
  const isBoth = isNamedColumn(name) && extraColumns.includes(name);
  return [targetOf(name), ...(isBoth ? [{ column: name }] : [])];
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
        (type === 'INT32' ||
          type === 'INT64' ||
          (name === NUMBER_COLUMN && /^(?:FLOAT|DOUBLE)$/.test(type)) ||
          (name === BOOLEAN_COLUMN && type === 'BOOLEAN'));
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
  columns: readonly ManifestColumn[],
  range: RowRange,
): AsyncGenerator<Uint8Array> {
  const lines = createJsonLines();
  const members = membersOf(columns);
  for await (const batch of readRows(file, footer, columns, range)) {
    const writers = writersOf(lines, members, batch);
    for (let row = 0; row < batch.rows; row++) {
      writeLine(lines, writers, row);
      const chunk = lines.take();
      if (chunk !== undefined) yield chunk;
    }
  }
  const last = lines.take(true);
  if (last !== undefined) yield last;
}

/** Which column's values are a member of which object: of `within`, or of the row itself. Names are JSON, with their colons. */
interface Member {
  column: string;
  within?: Uint8Array;
  name: Uint8Array;
}

/** Members of one object follow each other, those of the row first. */
function membersOf(columns: readonly ManifestColumn[]): Member[] {
  const objects = new Map<string, Uint8Array>(NAMES_COLUMNS.map((name) => [name, nameOf(name)]));
  const order = [undefined, ...objects.values()];
  const members = columns.flatMap(({ name, targets }) =>
    targets.map(({ column, member }): Member => {
      const within = member === undefined ? undefined : objects.get(column);
      return within === undefined
        ? { column: name, name: nameOf(column) }
        : { column: name, within, name: nameOf(member ?? '') };
    }),
  );
  return members.toSorted((one, other) => order.indexOf(one.within) - order.indexOf(other.within));
}

function nameOf(column: string): Uint8Array {
  return Buffer.from(`${JSON.stringify(column)}:`);
}

interface Writer extends Pick<Member, 'within' | 'name'> {
  slots: Int32Array;
  write: (name: Uint8Array, slot: number) => void;
}

function writersOf(lines: JsonLines, members: readonly Member[], { rows, columns }: RowBatch): Writer[] {
  const pages = new Map(columns.map((each) => [each.column.name, each]));
  return members.flatMap(({ column, ...member }) => {
    const page = pages.get(column);
    if (page === undefined) return [];
    const slots = page.page.slots.subarray(page.at, page.at + rows);
    return [{ ...member, slots, write: writerOf(lines, column, page.page.values) }];
  });
}

function writeLine(lines: JsonLines, writers: readonly Writer[], row: number): void {
  let open: Uint8Array | undefined;
  for (const { within, name, write, slots } of writers) {
    const slot = slots[row] as number;
    if (slot < 0) continue;
    if (within !== open) {
      if (open !== undefined) lines.close();
      if (within !== undefined) lines.open(within);
      open = within;
    }
    write(name, slot);
  }
  if (open !== undefined) lines.close();
  lines.endLine();
}

function writerOf(lines: JsonLines, column: string, values: Values): Writer['write'] {
  if (values.kind === 'texts') {
    const { starts, ends } = values;
    const { buffer, byteOffset, byteLength } = values.bytes;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    return (name, slot) => {
      lines.member(name);
      lines.text(bytes, starts[slot] as number, ends[slot] as number);
    };
  }
  if (values.kind === 'booleans') {
    const { numbers } = values;
    return (name, slot) => {
      lines.member(name);
      lines.raw(numbers[slot] === 1 ? 'true' : 'false');
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
