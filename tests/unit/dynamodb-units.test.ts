// What one call uses of DynamoDB's units, where the emulator's own answer does not say it.
import { describe, expect, it } from 'vitest';
import { createDynamodbMeter } from '../../local/aws/dynamodb/dynamodb-meter.ts';
import { failedWriteOf, usageOf } from '../../local/aws/dynamodb/dynamodb-units.ts';

const TABLE = 'ledger';
const keys = {
  hashKeys: new Map([[TABLE, 'pk']]),
  indexKeys: new Map([
    [
      TABLE,
      [
        ['listing', 'listedAt'],
        ['live', 'pk'],
      ],
    ],
  ]),
};
const pk = { S: 'J#1' };
const answer = { ConsumedCapacity: { CapacityUnits: 2 } };

describe('the units of a write', () => {
  it.each([
    { title: 'of an item that is in no index', item: { pk }, units: 2 },
    { title: 'of an item with half of an index’s keys', item: { pk, listing: { S: 'jobs' } }, units: 2 },
    { title: 'of an item in one index', item: { pk, live: { S: 'live' } }, units: 3 },
    {
      title: 'of an item in both',
      item: { pk, live: { S: 'live' }, listing: { S: 'jobs' }, listedAt: { S: '2026' } },
      units: 4,
    },
  ])('$title', ({ item, units }) => {
    expect(usageOf('PutItem', { TableName: TABLE, Item: item }, answer, keys)).toEqual([
      { table: TABLE, key: 'J#1', readUnits: 0, writeUnits: units },
    ]);
  });

  it.each([
    { title: 'an update of other attributes', UpdateExpression: 'SET progress = :live', names: {}, units: 2 },
    {
      title: 'an update that removes a key of an index',
      UpdateExpression: 'REMOVE #a',
      names: { '#a': 'live' },
      units: 3,
    },
    { title: 'an update that sets one', UpdateExpression: 'SET live = :live', names: {}, units: 3 },
    {
      title: 'an attribute whose name only begins so',
      UpdateExpression: 'SET livery = :v',
      names: {},
      units: 2,
    },
  ])('$title', ({ UpdateExpression, names, units }) => {
    const call = { TableName: TABLE, Key: { pk }, UpdateExpression, ExpressionAttributeNames: names };
    expect(usageOf('UpdateItem', call, answer, keys)[0]?.writeUnits).toBe(units);
  });
});

describe('a conditional write that fails', () => {
  const call = { TableName: TABLE, Key: { pk } };

  it('is known by its error', () => {
    const refused = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' };
    expect(failedWriteOf('UpdateItem', call, refused, keys)).toEqual({ table: TABLE, key: 'J#1' });
    expect(failedWriteOf('PutItem', { TableName: TABLE, Item: { pk } }, refused, keys)).toEqual({
      table: TABLE,
      key: 'J#1',
    });
    expect(failedWriteOf('GetItem', call, refused, keys)).toBeUndefined();
    expect(failedWriteOf('UpdateItem', call, { __type: 'x#ValidationException' }, keys)).toBeUndefined();
  });

  it('counts as much as the last write of its key, at least one unit', () => {
    const meter = createDynamodbMeter({ clock: { now: () => 0, sleep: () => Promise.resolve() } });
    expect(meter.lastWriteUnits(TABLE, 'J#1')).toBe(1);
    meter.add('UpdateItem', false, usageOf('UpdateItem', call, answer, keys));
    meter.add('GetItem', false, usageOf('GetItem', call, answer, keys));
    expect(meter.lastWriteUnits(TABLE, 'J#1')).toBe(2);
  });
});
