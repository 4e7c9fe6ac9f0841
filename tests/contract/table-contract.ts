// What the ledger takes for granted of its table, asked of any DynamoDB: the one in process, and the embedded cloud's.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import type { JobId } from '../../shared/job/identity.ts';
import { createJobIndex } from '../../shared/ledger/job-index.ts';
import { createTable, numberSet, numeral } from '../../shared/ledger/table.ts';
import { openLedger } from '../helpers/ledger-table.ts';
import { aJob, aJobEnd } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

export function tableContract(subject: () => { dynamodb: DynamoDBClient; table: string }): void {
  let rows = 0;
  const nextKey = () => ({ pk: { S: `contract#${rows++}` } });
  const open = () => createTable({ ...subject(), clock: createVirtualClock(), random: () => 0 });

  it('puts a row once', async () => {
    const table = open();
    const key = nextKey();
    expect(await table.putIfAbsent({ ...key, rowCount: numeral(1) })).toBe(true);
    expect(await table.putIfAbsent({ ...key, rowCount: numeral(2) })).toBe(false);
    expect(await table.get(key)).toEqual({ ...key, rowCount: { N: '1' } });
    expect(await table.get(nextKey())).toBeUndefined();
  });

  it('adds to sets, in any order and repeatedly, and answers the whole row', async () => {
    const table = open();
    const key = nextKey();
    const add = (numbers: number[]) =>
      table.update(key, {
        UpdateExpression: 'ADD done :done SET rowCount = if_not_exists(rowCount, :count)',
        ExpressionAttributeValues: { ':done': numberSet(numbers), ':count': numeral(9) },
      });
    await add([3, 1]);
    const row = await add([2, 3]);
    expect(row?.['rowCount']).toEqual({ N: '9' });
    expect(row?.['done']?.NS?.toSorted()).toEqual(['1', '2', '3']);
  });

  it('writes nothing where the condition does not hold', async () => {
    const table = open();
    const key = nextKey();
    await table.putIfAbsent({ ...key, rowCount: numeral(1) });
    const set = (condition: string) =>
      table.update(key, {
        UpdateExpression: 'SET rowCount = :count',
        ConditionExpression: condition,
        ExpressionAttributeValues: { ':count': numeral(2) },
      });
    expect(await set('attribute_exists(pk) AND rowCount > :count')).toBeUndefined();
    expect(await table.get(key)).toEqual({ ...key, rowCount: { N: '1' } });
    expect(await set('attribute_exists(pk) AND rowCount < :count')).toEqual({ ...key, rowCount: { N: '2' } });
  });

  it('reads more rows than a batch takes, without those that are not there', async () => {
    const table = open();
    const keys = Array.from({ length: 130 }, nextKey);
    const there = keys.filter((_, index) => index % 2 === 0);
    await Promise.all(there.map((key) => table.putIfAbsent(key)));
    const found = await table.getAll(keys);
    expect(found.map(({ pk }) => pk?.S).toSorted()).toEqual(there.map(({ pk }) => pk.S).toSorted());
  });

  it('lets rows expire that are there, and makes no others', async () => {
    const table = open();
    const [there, absent] = [nextKey(), nextKey()];
    await table.putIfAbsent(there);
    await table.expire([there, absent]);
    expect(await table.get(there)).toEqual({ ...there, expiresAt: table.expiry() });
    expect(await table.get(absent)).toBeUndefined();
  });

  it('lists jobs by its indexes, newest first, and those that live', async () => {
    const ledger = openLedger(subject());
    const index = createJobIndex(subject());
    const ids = [0, 1, 2].map((number) => `contract-job-${number}` as JobId);
    for (const [number, id] of ids.entries())
      await ledger.createJob(aJob({ id, startedAtMs: Date.UTC(2026, 0, 1 + number) }));
    await ledger.endJob(ids[1] as JobId, aJobEnd());
    const first = await index.list(2);
    expect(first.jobs.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect((await index.list(2, first.cursor)).jobs.map(({ id }) => id)).toEqual([ids[0]]);
    // Each job's own cursor starts the page behind it.
    const behind = await index.list(2, first.jobs[0]?.cursor);
    expect(behind.jobs.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
    expect((await index.live()).toSorted()).toEqual([ids[0], ids[2]]);
  });
}
