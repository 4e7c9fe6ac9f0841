// A table of the ledger in memory, for tests in virtual time: dynalite's own expressions on a map, without its server.
import { createRequire } from 'node:module';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../shared/time/clock.ts';

type Item = Record<string, AttributeValue>;
type Done = (error: (Error & { body?: { __type?: string } }) | null, answer?: unknown) => void;

const dynalite = createRequire(import.meta.url);
const updateItem = dynalite('dynalite/actions/updateItem.js') as (
  store: object,
  data: object,
  done: Done,
) => void;
const { validateExpressions } = dynalite('dynalite/validations/index.js') as {
  validateExpressions(data: object): string | undefined;
};

const TABLE = {
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
};

export interface MemoryTable {
  client: DynamoDBClient;
  /** Writes so far, those that a condition refused among them. */
  writes(): number;
  row(pk: string): Item | undefined;
}

/** @param latencyMs of each request */
export function createMemoryTable(clock: Clock, latencyMs = 5): MemoryTable {
  const rows = new Map<string, Item>();
  let writes = 0;
  const itemDb = {
    lock: (_key: string, run: (release: (done: Done) => Done) => void) => run((done) => done),
    get: (key: string, done: Done) => done(rows.has(key) ? null : notFound(), rows.get(key)),
    put(key: string, item: Item, done: Done) {
      rows.set(key, { ...item });
      done(null);
    },
  };
  const store = {
    options: { maxItemSize: 400 * 1024 },
    getTable: (_name: string, done: Done) => done(null, TABLE),
    getItemDb: () => itemDb,
  };

  async function update(input: UpdateItemCommand['input']): Promise<object> {
    writes++;
    const data = withBinary(input, toBase64) as typeof input;
    const fault = validateExpressions(data);
    if (fault !== undefined && fault !== null) throw new Error(fault);
    return await new Promise((resolve, reject) =>
      updateItem(store, data, (error, answer) => {
        if (error === null || error === undefined) return resolve(withBinary(answer, toBytes) as object);
        const isRefused = error.body?.__type?.endsWith('ConditionalCheckFailedException');
        reject(isRefused ? new ConditionalCheckFailedException({ message: '', $metadata: {} }) : error);
      }),
    );
  }

  const keyOf = (pk: string) => [...rows.keys()].find((key) => rows.get(key)?.['pk']?.S === pk) ?? '';
  const rowOf = (pk: string) => withBinary(rows.get(keyOf(pk)), toBytes) as Item | undefined;
  return {
    client: {
      async send(command: object) {
        await clock.sleep(latencyMs);
        if (command instanceof UpdateItemCommand) return update(command.input);
        if (command instanceof GetItemCommand) return { Item: rowOf(command.input.Key?.['pk']?.S ?? '') };
        throw new Error(`the table in memory does not know ${command.constructor.name}`);
      },
    } as unknown as DynamoDBClient,
    writes: () => writes,
    row: rowOf,
  };
}

const toBase64 = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('base64');
const toBytes = (text: unknown) => Uint8Array.from(Buffer.from(text as string, 'base64'));

/** A copy. Dynalite has binary values as they come over the wire: in base64. */
function withBinary(value: unknown, convert: (binary: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => withBinary(each, convert));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]): [string, unknown] => {
      if (name === 'B') return [name, convert(each)];
      return [name, name === 'BS' ? (each as unknown[]).map(convert) : withBinary(each, convert)];
    }),
  );
}

function notFound(): Error {
  return Object.assign(new Error('no such row'), { name: 'NotFoundError' });
}
