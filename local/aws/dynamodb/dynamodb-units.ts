// The units that one DynamoDB call used, by table and partition key, read from its request and its answer.
//
// dynalite answers the units of a call on one item when asked (the worker always asks); those of batches and queries, which
// it answers as one sum, are shared out here by the size of each item. It leaves out indexes and failed conditional writes:
//
//   - a write that adds, changes or removes a key of an index writes the index too (developer guide, "Provisioned throughput
//     considerations for global secondary indexes"). Its entries here are small: one unit each;
//   - a conditional write that fails uses the units of the item as it stands ("Read and write capacity mode", "Write requests").
//     The answer does not have that item, so it counts with what the last write of its key took.
import { type AttributeValue, type Item, itemSizeBytes, readUnits, writeUnits } from './item-size.ts';

export interface Usage {
  table: string;
  /** The partition key's value, or what stands for it where a call has none. */
  key: string;
  readUnits: number;
  writeUnits: number;
}

export interface TableKeys {
  /** The partition key's name by table. */
  hashKeys: ReadonlyMap<string, string>;
  /** The key attributes of each table's indexes. */
  indexKeys: ReadonlyMap<string, readonly (readonly string[])[]>;
}

interface CallBody {
  TableName?: string;
  IndexName?: string;
  ConsistentRead?: boolean;
  Key?: Item;
  Item?: Item;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  RequestItems?: Record<string, unknown>;
}

interface AnswerBody {
  ConsumedCapacity?: { CapacityUnits?: number };
  Responses?: Record<string, Item[]>;
  Items?: Item[];
}

export function usageOf(
  operation: string,
  call: CallBody,
  answer: AnswerBody,
  { hashKeys, indexKeys }: TableKeys,
): Usage[] {
  const table = call.TableName ?? '';
  const consumed = answer.ConsumedCapacity?.CapacityUnits ?? 0;
  const keyOf = (item: Item | undefined, of = table): string => textOf(item?.[hashKeys.get(of) ?? '']);
  const reads = (key: string, units: number, of = table) => ({
    table: of,
    key,
    readUnits: units,
    writeUnits: 0,
  });
  const writes = (key: string, units: number, of = table) => ({
    table: of,
    key,
    readUnits: 0,
    writeUnits: units,
  });
  switch (operation) {
    case 'GetItem':
      return [reads(keyOf(call.Key), consumed)];
    case 'PutItem':
      return [writes(keyOf(call.Item), consumed + indexesWithAll(indexKeys.get(table), call.Item ?? {}))];
    case 'UpdateItem':
      return [writes(keyOf(call.Key), consumed + indexesTouched(indexKeys.get(table), call))];
    case 'DeleteItem':
      return [writes(keyOf(call.Key), consumed)];
    case 'Query':
    case 'Scan':
      return [reads(`(${operation} ${call.IndexName ?? 'table'})`, consumed)];
    case 'BatchWriteItem':
      return Object.entries(call.RequestItems ?? {}).flatMap(([name, requests]) =>
        (requests as { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } }[]).map((request) => {
          const item = request.PutRequest?.Item ?? request.DeleteRequest?.Key;
          return writes(keyOf(item, name), writeUnits(itemSizeBytes(item ?? {})), name);
        }),
      );
    case 'BatchGetItem':
      return Object.entries(call.RequestItems ?? {}).flatMap(([name, request]) => {
        const { Keys = [], ConsistentRead = false } = request as { Keys?: Item[]; ConsistentRead?: boolean };
        const found = new Map(answer.Responses?.[name]?.map((item) => [keyOf(item, name), item]));
        return Keys.map((key) => {
          const item = found.get(keyOf(key, name)) ?? key;
          return reads(keyOf(key, name), readUnits(itemSizeBytes(item), ConsistentRead), name);
        });
      });
    default:
      return [];
  }
}

/** The key of the item whose conditional write failed; undefined for any other call. */
export function failedWriteOf(
  operation: string,
  call: CallBody,
  answer: { __type?: unknown },
  { hashKeys }: TableKeys,
): { table: string; key: string } | undefined {
  if (!/^(Put|Update|Delete)Item$/.test(operation)) return undefined;
  if (!String(answer.__type).endsWith('ConditionalCheckFailedException')) return undefined;
  const table = call.TableName ?? '';
  return { table, key: textOf((call.Key ?? call.Item)?.[hashKeys.get(table) ?? '']) };
}

/** Only an item with all the keys of an index is in it. */
function indexesWithAll(indexes: readonly (readonly string[])[] | undefined, item: Item): number {
  return (indexes ?? []).filter((keys) => keys.every((key) => key in item)).length;
}

function indexesTouched(indexes: readonly (readonly string[])[] | undefined, call: CallBody): number {
  const expression = call.UpdateExpression ?? '';
  const names = new Set(
    (expression.match(/(?<![:\w])#?[A-Za-z_]\w*/g) ?? []).map(
      (name) => call.ExpressionAttributeNames?.[name] ?? name,
    ),
  );
  return (indexes ?? []).filter((keys) => keys.some((key) => names.has(key))).length;
}

function textOf(value: AttributeValue | undefined): string {
  return value === undefined ? '-' : String(Object.values(value)[0]);
}
