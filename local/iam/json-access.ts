// What calls to SQS, DynamoDB and EventBridge need to be allowed. Batch calls need the permission of the single call, except in
// DynamoDB. (Service authorization reference)
import type { AccessRequest } from './policy.ts';

interface Place {
  region: string;
  accountId: string;
}

type Body = Readonly<Record<string, unknown>>;

/** @param queue the queue's name; undefined where the call names none */
export function sqsAccess(
  action: string,
  queue: string | undefined,
  { region, accountId }: Place,
): AccessRequest[] {
  const resource = queue === undefined ? '*' : `arn:aws:sqs:${region}:${accountId}:${queue}`;
  return [{ action: `sqs:${action.replace(/Batch$/, '')}`, resource }];
}

/** @param hashKeys name of the partition key by table */
export function dynamodbAccess(
  operation: string,
  body: Body,
  hashKeys: ReadonlyMap<string, string>,
  place: Place,
): AccessRequest[] {
  return tablesOf(body).map(({ table, index, keys }) => {
    const arn = `arn:aws:dynamodb:${place.region}:${place.accountId}:table/${table}`;
    const hashKey = hashKeys.get(table) ?? '';
    const leading = keys.flatMap((key) => keyText(key[hashKey]));
    return {
      action: `dynamodb:${operation}`,
      resource: index === undefined ? arn : `${arn}/index/${index}`,
      context: { 'dynamodb:LeadingKeys': leading },
    };
  });
}

interface TableCall {
  table: string;
  index?: string;
  /** Keys or items that the call names. */
  keys: Body[];
}

function tablesOf({ TableName, IndexName, Key, Item: item, RequestItems }: Body): TableCall[] {
  if (typeof TableName === 'string') {
    return [
      {
        table: TableName,
        keys: [Key, item].map(asObject),
        ...(typeof IndexName === 'string' ? { index: IndexName } : {}),
      },
    ];
  }
  return Object.entries(asObject(RequestItems)).map(([table, asked]) => ({
    table,
    keys: keysOfBatch(asked),
  }));
}

/** BatchGetItem has keys, BatchWriteItem a list of puts and deletions. */
function keysOfBatch(asked: unknown): Body[] {
  const keys = Array.isArray(asked)
    ? asked
        .map(asObject)
        .map((each) => asObject(each['PutRequest'])['Item'] ?? asObject(each['DeleteRequest'])['Key'])
    : [asObject(asked)['Keys']].flat();
  return keys.map(asObject);
}

/** What is no object names nothing: the service itself refuses it. */
function asObject(value: unknown): Body {
  return typeof value === 'object' && value !== null ? (value as Body) : {};
}

function keyText(value: unknown): string[] {
  return Object.values(asObject(value)).map(String);
}

/** A call puts events on several buses, each with a source. */
export function eventAccess(body: unknown, { region, accountId }: Place): AccessRequest[] {
  const entries = asObject(body)['Entries'];
  if (!Array.isArray(entries)) return [];
  return entries.map(asObject).map(({ EventBusName = 'default', Source, DetailType }) => ({
    action: 'events:PutEvents',
    resource: `arn:aws:events:${region}:${accountId}:event-bus/${String(EventBusName)}`,
    context: { 'events:source': [String(Source)], 'events:detail-type': [String(DetailType)] },
  }));
}
