// The footer of a Parquet file: its columns and where its row groups lie (apache/parquet-format, parquet.thrift).
//
//   row group      some rows of the file: each of its columns lies in one chunk
//   column chunk   the pages of one column in one row group, the dictionary's page first
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
import { ThriftCutOff, ThriftReader } from './thrift.ts';

/** Any bytes of a file, whole. */
export interface RandomAccess {
  sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export const PHYSICAL_TYPES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;
export type PhysicalType = (typeof PHYSICAL_TYPES)[number];

/** ConvertedType, by its number: what a physical type stands for. */
const CONVERTED = [
  ...['UTF8', 'MAP', 'MAP_KEY_VALUE', 'LIST', 'ENUM', 'DECIMAL', 'DATE', 'TIME_MILLIS', 'TIME_MICROS'],
  ...['TIMESTAMP_MILLIS', 'TIMESTAMP_MICROS', 'UINT_8', 'UINT_16', 'UINT_32', 'UINT_64', 'INT_8', 'INT_16'],
  ...['INT_32', 'INT_64', 'JSON', 'BSON', 'INTERVAL'],
] as const;

/** LogicalType, by the field of its union. */
const LOGICAL: Readonly<Record<number, string>> = {
  1: 'UTF8',
  2: 'MAP',
  3: 'LIST',
  4: 'ENUM',
  5: 'DECIMAL',
  6: 'DATE',
  7: 'TIME',
  8: 'TIMESTAMP',
  12: 'JSON',
  13: 'BSON',
  14: 'UUID',
  15: 'FLOAT16',
  16: 'VARIANT',
};

/** A column at the top of the schema. */
export interface ParquetColumn {
  name: string;
  /** Undefined for a group: a list, a map or a structure. */
  type: PhysicalType | undefined;
  /** What the values stand for, as UTF8 or DATE; undefined where the file does not say. */
  meaning: string | undefined;
  isUnsigned: boolean;
  repetition: 'required' | 'optional' | 'repeated';
  /** Among the columns of every row group. */
  leaf: number;
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

interface SchemaElement {
  name: string;
  type: PhysicalType | undefined;
  children: number;
  repetition: ParquetColumn['repetition'];
  converted: string | undefined;
  logical: string | undefined;
  isUnsigned: boolean;
}

const REPETITIONS = ['required', 'optional', 'repeated'] as const;

function readElement(reader: ThriftReader, elementType: number): SchemaElement {
  const element: SchemaElement = {
    name: '',
    type: undefined,
    children: 0,
    repetition: 'required',
    converted: undefined,
    logical: undefined,
    isUnsigned: false,
  };
  reader.expect(elementType).struct({
    1: (field, type) => {
      const number = field.int(type);
      element.type = PHYSICAL_TYPES[number];
      if (element.type === undefined) throw damaged(`a column of the unknown type ${number}`);
    },
    3: (field, type) => {
      element.repetition = REPETITIONS[field.int(type)] ?? 'repeated';
    },
    4: (field, type) => {
      element.name = field.text(type);
    },
    5: (field, type) => {
      element.children = field.int(type);
    },
    6: (field, type) => {
      element.converted = CONVERTED[field.int(type)] ?? 'an unknown type';
      if (element.converted.startsWith('UINT_')) element.isUnsigned = true;
    },
    10: (field, type) => readLogicalType(field.expect(type), element),
  });
  return element;
}

/** A union: the one field that is there names the type. */
function readLogicalType(reader: ThriftReader, element: SchemaElement): void {
  const named = Object.entries(LOGICAL).map(([id, name]) => [
    id,
    (field: ThriftReader, type: number) => {
      field.expect(type).struct({});
      element.logical = name;
    },
  ]);
  reader.struct({
    ...Object.fromEntries(named),
    10: (field: ThriftReader, type: number) =>
      field.expect(type).struct({
        2: (flag, flagType) => {
          element.isUnsigned = !flag.bool(flagType);
        },
      }),
  });
}

/** The tree is stored as a list, each element before its children. */
function columnsOf(elements: readonly SchemaElement[]): { columns: ParquetColumn[]; leaves: number } {
  const root = elements[0];
  if (root === undefined) throw damaged('its footer has no schema before its row groups');
  const columns: ParquetColumn[] = [];
  let leaves = 0;
  for (let at = 1; at < elements.length; ) {
    const element = elements[at] as SchemaElement;
    columns.push({
      name: element.name,
      type: element.children === 0 ? element.type : undefined,
      meaning: meaningOf(element),
      isUnsigned: element.isUnsigned,
      repetition: element.repetition,
      leaf: leaves,
    });
    // A group's elements follow it: they are passed over, and their leaves are counted.
    for (let open = 1; open > 0; at++) {
      const next = elements[at];
      if (next === undefined || next.children < 0) throw damaged('its schema ends within a group');
      if (next.children === 0) leaves += 1;
      open += next.children - 1;
    }
  }
  if (columns.length !== root.children)
    throw damaged(`its schema tells of ${root.children} columns and has ${columns.length}`);
  return { columns, leaves };
}

function meaningOf({ converted, logical, children }: SchemaElement): string | undefined {
  if (children > 0) return logical ?? converted ?? 'a group';
  return logical ?? (converted !== undefined && /^U?INT_/.test(converted) ? undefined : converted);
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
  return { rows, chunks };
}

function readChunk(reader: ThriftReader, { dataEnd, place }: GroupContext): ColumnChunk {
  let codec = -1;
  let sizeBytes = -1;
  let dataOffset = -1;
  let dictionaryOffset = 0;
  reader.struct({
    1: (field, type) => {
      if (field.binary(type).length === 0) return;
      throw unsupported(`columns of ${place} of the Parquet file lie in another file: write it as one file`);
    },
    3: (chunk, chunkType) =>
      chunk.expect(chunkType).struct({
        4: (field, type) => {
          codec = field.int(type);
        },
        7: (field, type) => {
          sizeBytes = field.int(type);
        },
        9: (field, type) => {
          dataOffset = field.int(type);
        },
        11: (field, type) => {
          dictionaryOffset = field.int(type);
        },
      }),
    8: () => {
      throw unsupported(`columns of ${place} of the Parquet file are encrypted: ${DECRYPT}`);
    },
  });
  // Some writers give a dictionary's offset of 0 where there is none.
  const startOffset = dictionaryOffset > 0 ? Math.min(dictionaryOffset, dataOffset) : dataOffset;
  const endOffset = startOffset + sizeBytes;
  if (startOffset < MAGIC.length || sizeBytes < 0 || endOffset > dataEnd)
    throw damaged(`a column of ${place} lies outside of the file`);
  return { startOffset, endOffset, codec };
}
