// The units that one DynamoDB call used, by table and partition key, read from its request and its answer.
//
// dynalite answers the units of a call on one item when asked (the worker always asks); those of batches and queries, which
// it answers as one sum, are shared out here by the size of each item.
import { type AttributeValue, type Item, itemSizeBytes, readUnits, writeUnits } from './item-size.ts';

export interface Usage {
  table: string;
  /** The partition key's value, or what stands for it where a call has none. */
  key: string;
  readUnits: number;
  writeUnits: number;
}

/** The partition key's name by table. */
export type HashKeys = ReadonlyMap<string, string>;

interface CallBody {
  TableName?: string;
  IndexName?: string;
  ConsistentRead?: boolean;
  Key?: Item;
  Item?: Item;
  RequestItems?: Record<string, unknown>;
}

interface AnswerBody {
  ConsumedCapacity?: { CapacityUnits?: number };
  Responses?: Record<string, Item[]>;
  Items?: Item[];
}

export function usageOf(operation: string, call: CallBody, answer: AnswerBody, hashKeys: HashKeys): Usage[] {
  const table = call.TableName ?? '';
  const consumed = answer.ConsumedCapacity?.CapacityUnits ?? 0;
  const keyOf = (item: Item | undefined, of = table): string => textOf(item?.[hashKeys.get(of) ?? '']);
  switch (operation) {
    case 'GetItem':
      return [{ table, key: keyOf(call.Key), readUnits: consumed, writeUnits: 0 }];
    case 'PutItem':
      return [{ table, key: keyOf(call.Item), readUnits: 0, writeUnits: consumed }];
    case 'UpdateItem':
    case 'DeleteItem':
      return [{ table, key: keyOf(call.Key), readUnits: 0, writeUnits: consumed }];
    case 'Query':
    case 'Scan':
      return [
        { table, key: `(${operation} ${call.IndexName ?? 'table'})`, readUnits: consumed, writeUnits: 0 },
      ];
    case 'BatchWriteItem':
      return Object.entries(call.RequestItems ?? {}).flatMap(([name, requests]) =>
        (requests as { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } }[]).map((request) => {
          const item = request.PutRequest?.Item ?? request.DeleteRequest?.Key;
          return {
            table: name,
            key: keyOf(item, name),
            readUnits: 0,
            writeUnits: writeUnits(itemSizeBytes(item ?? {})),
          };
        }),
      );
    case 'BatchGetItem':
      return Object.entries(call.RequestItems ?? {}).flatMap(([name, request]) => {
        const { Keys = [], ConsistentRead = false } = request as { Keys?: Item[]; ConsistentRead?: boolean };
        const found = new Map(answer.Responses?.[name]?.map((item) => [keyOf(item, name), item]));
        return Keys.map((key) => {
          const item = found.get(keyOf(key, name)) ?? key;
          return {
            table: name,
            key: keyOf(key, name),
            readUnits: readUnits(itemSizeBytes(item), ConsistentRead),
            writeUnits: 0,
          };
        });
      });
    default:
      return [];
  }
}

function textOf(value: AttributeValue | undefined): string {
  return value === undefined ? '-' : String(Object.values(value)[0]);
}
