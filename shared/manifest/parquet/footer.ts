// The footer of a Parquet file: its columns and where its row groups lie (apache/parquet-format, parquet.thrift).
//
//   row group      some rows of the file: each of its columns lies in one chunk
//   column chunk   the pages of one column in one row group, the dictionary's page first
import type { ConversionFile, ConversionInput } from '../conversions/conversion.ts';
import {
  damaged,
  FREE_ROWS,
  MAX_COLUMNS,
  MAX_FOOTER_BYTES,
  MAX_ROW_GROUPS,
  MAX_ROWS_PER_BYTE,
  tooLarge,
  unsupported,
} from './limits.ts';
import { columnsOf, type ParquetColumn, readElement, type SchemaElement } from './schema.ts';
import { ThriftCutOff, ThriftReader } from './thrift.ts';

/** Any bytes of a file, whole. */
export interface RandomAccess {
  sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export function randomAccess({ read }: Pick<ConversionInput, 'read'>, file: ConversionFile): RandomAccess {
  return {
    sizeBytes: file.sizeBytes,
    read: async (start, end) => Buffer.concat(await Array.fromAsync(read(file, start, end))),
  };
}

export interface ColumnChunk {
  startOffset: number;
  endOffset: number;
  codec: number;
}

export interface RowGroup {
  rows: number;
  /** By the leaf of the column: those that were asked for. */
  chunks: ReadonlyMap<number, ColumnChunk>;
}

export interface ParquetFooter {
  columns: ParquetColumn[];
  rows: number;
  rowGroups: RowGroup[];
}

const MAGIC = 'PAR1';
const ENCRYPTED_MAGIC = 'PARE';
/** The footer's length and the magic. */
const TAIL_BYTES = 8;
const DECRYPT = 'write it without encryption';

/**
 * Reads the footer, in two reads at most.
 * @param isWanted names of the columns whose chunks are kept
 * @throws ConversionFault
 */
export async function readFooter(
  file: RandomAccess,
  isWanted: (name: string) => boolean,
): Promise<ParquetFooter> {
  const { sizeBytes } = file;
  if (sizeBytes < MAGIC.length + TAIL_BYTES) throw damaged(`it has ${sizeBytes} bytes, too few for Parquet`);
  const tail = Buffer.from(await file.read(sizeBytes - TAIL_BYTES, sizeBytes));
  const magic = tail.toString('latin1', 4);
  if (magic === ENCRYPTED_MAGIC) throw unsupported(`the Parquet file is encrypted (${magic}): ${DECRYPT}`);
  if (magic !== MAGIC) throw damaged(`it does not end in ${MAGIC}: its end is missing`);
  const lengthBytes = tail.readUInt32LE(0);
  if (lengthBytes > sizeBytes - TAIL_BYTES - MAGIC.length)
    throw damaged(`its footer of ${lengthBytes} bytes is longer than the file`);
  if (lengthBytes > MAX_FOOTER_BYTES)
    throw tooLarge(`the Parquet file's footer has ${lengthBytes} bytes, above ${MAX_FOOTER_BYTES}`);
  const bytes = await file.read(sizeBytes - TAIL_BYTES - lengthBytes, sizeBytes - TAIL_BYTES);
  try {
    const footer = parseFooter(new ThriftReader(bytes), sizeBytes - TAIL_BYTES - lengthBytes, isWanted);
    checkRows(footer, sizeBytes);
    return footer;
  } catch (error) {
    if (error instanceof ThriftCutOff) throw damaged('its footer ends within a value');
    throw error;
  }
}

/** @param dataEnd where the footer begins: no page reaches beyond it */
function parseFooter(
  reader: ThriftReader,
  dataEnd: number,
  isWanted: (name: string) => boolean,
): ParquetFooter {
  const elements: SchemaElement[] = [];
  let schema: { columns: ParquetColumn[]; leaves: number } | undefined;
  let rows = -1;
  const rowGroups: RowGroup[] = [];
  reader.struct({
    2: (field, type) =>
      field.list(type, MAX_COLUMNS, 'columns', (element) => elements.push(readElement(field, element))),
    3: (field, type) => {
      rows = field.int(type);
    },
    4: (field, type) => {
      schema ??= columnsOf(elements);
      const { columns, leaves } = schema;
      const wanted = new Set(columns.filter(({ name }) => isWanted(name)).map(({ leaf }) => leaf));
      field.list(type, MAX_ROW_GROUPS, 'row groups', (element, index) =>
        rowGroups.push(
          readRowGroup(field.expect(element), { dataEnd, wanted, leaves, place: `row group ${index + 1}` }),
        ),
      );
    },
    8: () => {
      throw unsupported(`columns of the Parquet file are encrypted: ${DECRYPT}`);
    },
  });
  const { columns } = schema ?? columnsOf(elements);
  return { columns, rows, rowGroups };
}

function checkRows({ rows, rowGroups }: ParquetFooter, sizeBytes: number): void {
  const inGroups = rowGroups.reduce((sum, group) => sum + group.rows, 0);
  if (rows !== inGroups) throw damaged(`its footer tells of ${rows} rows, its row groups of ${inGroups}`);
  if (rows > FREE_ROWS && rows > MAX_ROWS_PER_BYTE * sizeBytes)
    throw tooLarge(
      `the Parquet file tells of ${rows} rows in ${sizeBytes} bytes, above ${MAX_ROWS_PER_BYTE} a byte`,
    );
}

interface GroupContext {
  dataEnd: number;
  wanted: ReadonlySet<number>;
  leaves: number;
  place: string;
}

function readRowGroup(reader: ThriftReader, context: GroupContext): RowGroup {
  const chunks = new Map<number, ColumnChunk>();
  let leaves = 0;
  let rows = -1;
  reader.struct({
    1: (field, type) => {
      leaves = field.list(type, MAX_COLUMNS, `columns of ${context.place}`, (element, leaf) => {
        field.expect(element);
        if (context.wanted.has(leaf)) chunks.set(leaf, readChunk(field, context));
        else field.struct({});
      });
    },
    3: (field, type) => {
      rows = field.int(type);
    },
  });
  if (leaves !== context.leaves)
    throw damaged(`${context.place} has ${leaves} columns, the schema ${context.leaves}`);
  if (rows < 0 || !Number.isSafeInteger(rows)) throw damaged(`${context.place} has ${rows} rows`);
  // Without rows there is no page to read, and pyarrow then gives 0 as the place of the first.
  if (rows === 0) return { rows, chunks: new Map() };
  for (const { startOffset, endOffset } of chunks.values())
    if (startOffset < MAGIC.length || endOffset < startOffset || endOffset > context.dataEnd)
      throw damaged(`a column of ${context.place} lies outside of the file`);
  return { rows, chunks };
}

function readChunk(reader: ThriftReader, { place }: GroupContext): ColumnChunk {
  const chunk = { codec: -1, sizeBytes: -1, dataOffset: -1, dictionaryOffset: 0 };
  reader.struct({
    1: (field, type) => {
      if (field.binary(type).length === 0) return;
      throw unsupported(`columns of ${place} of the Parquet file lie in another file: write it as one file`);
    },
    3: (field, type) =>
      field
        .expect(type)
        .struct({ 4: 'codec', 7: 'sizeBytes', 9: 'dataOffset', 11: 'dictionaryOffset' }, chunk),
    8: () => {
      throw unsupported(`columns of ${place} of the Parquet file are encrypted: ${DECRYPT}`);
    },
  });
  const { codec, sizeBytes, dataOffset, dictionaryOffset } = chunk;
  // Some writers give a dictionary's offset of 0 where there is none.
  const startOffset = dictionaryOffset > 0 ? Math.min(dictionaryOffset, dataOffset) : dataOffset;
  return { startOffset, endOffset: startOffset + sizeBytes, codec };
}
