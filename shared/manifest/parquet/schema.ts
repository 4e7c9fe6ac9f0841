// The columns of a Parquet file: their types, and what their values stand for (parquet.thrift, SchemaElement).
import { damaged } from './limits.ts';
import type { ThriftReader } from './thrift.ts';

const PHYSICAL_TYPES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;
type PhysicalType = (typeof PHYSICAL_TYPES)[number];

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

export interface SchemaElement extends Omit<ParquetColumn, 'meaning' | 'leaf'> {
  children: number;
  converted?: string;
  logical?: string;
}

const REPETITIONS = ['required', 'optional', 'repeated'] as const;

export function readElement(reader: ThriftReader, elementType: number): SchemaElement {
  const element: SchemaElement = {
    name: '',
    type: undefined,
    children: 0,
    repetition: 'required',
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
export function columnsOf(elements: readonly SchemaElement[]): { columns: ParquetColumn[]; leaves: number } {
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
