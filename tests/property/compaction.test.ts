// A block's row is compacted while workers add to it: no row is lost, each counts once, and a write stays one unit.
import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Item, itemSizeBytes } from '../../local/aws/dynamodb/item-size.ts';
import { BLOCK_ROWS, type JobId } from '../../shared/job/identity.ts';
import { compactionOf } from '../../shared/ledger/compaction.ts';
import { encodeMap, encodeNumbers } from '../../shared/ledger/row-numbers.ts';
import { blockName, readBlockRow } from '../../shared/ledger/rows.ts';
import { isBlockClosed, ROW_ENDS, type RowEnd } from '../../shared/ledger/tally.ts';
import { createRandom, type Random } from '../../shared/time/random.ts';
import { type CallFault, refusal } from '../helpers/failing.ts';
import { openLedger } from '../helpers/ledger-table.ts';
import { createMemoryTable } from '../helpers/memory-table.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const JOB = '0123456789abcdef0123' as JobId;
const BLOCK = { job: JOB, slice: 32_767, block: 63 };
const MOST_LATENCY_MS = 20;
const KB = 1024;
/** What its expiry adds to a row when its job has ended: the name `expiresAt` and a number of ten digits. */
const EXPIRY_BYTES = 9 + 6;

/** @param faultOfCompaction what the n-th compaction meets, from 0 */
function startBlock(random: Random, faultOfCompaction?: (nth: number) => CallFault | undefined) {
  const clock = createVirtualClock();
  const memory = createMemoryTable(clock, 0);
  const seen = { compactions: 0, mostBytes: 0 };
  const client = {
    // Requests overtake each other.
    async send(command: UpdateItemCommand) {
      await clock.sleep(random() * MOST_LATENCY_MS);
      const isCompaction =
        command instanceof UpdateItemCommand && command.input.UpdateExpression?.includes('DELETE') === true;
      const fault = isCompaction ? faultOfCompaction?.(seen.compactions) : undefined;
      if (isCompaction) seen.compactions++;
      if (fault?.when === 'before') throw fault.error;
      const answer: unknown = await memory.client.send(command);
      if (fault?.when === 'after') throw fault.error;
      const row = memory.row(blockName(BLOCK));
      if (row !== undefined) seen.mostBytes = Math.max(seen.mostBytes, itemSizeBytes(row as unknown as Item));
      await clock.sleep(random() * MOST_LATENCY_MS);
      return answer;
    },
  } as unknown as DynamoDBClient;
  const ledger = openLedger({ dynamodb: client, table: 'ledger' });
  const readEnds = () => readBlockRow(memory.row(blockName(BLOCK)) ?? {});
  return { ledger, seen, readEnds };
}

/** As SQS hands them out: each from the 500 that have waited longest. */
function shuffled(rows: number, random: Random): number[] {
  const left = Array.from({ length: rows }, (_, row) => row);
  return Array.from(
    { length: rows },
    () => left.splice(Math.floor(random() * Math.min(500, left.length)), 1)[0] as number,
  );
}

it.each([1, 2, 4, 15, 76])(
  'a block of 2,000 rows that ends in batches of %d is never above 1 KB, and is compacted a few times',
  async (batch) => {
    const random = createRandom(batch);
    const { ledger, seen, readEnds } = startBlock(random);
    await ledger.openBlock(BLOCK, BLOCK_ROWS, []);
    const rows = shuffled(BLOCK_ROWS, random);
    while (rows.length > 1) {
      // Three workers at once. The last row stays open: its block has no slice here.
      const batches = Array.from({ length: 3 }, () => rows.splice(0, Math.min(batch, rows.length - 1)));
      await Promise.all(batches.map((done) => ledger.recordEnds(BLOCK, { done })));
    }
    expect(readEnds().done.size).toBe(BLOCK_ROWS - 1);
    expect(seen.mostBytes).toBeLessThanOrEqual(KB - EXPIRY_BYTES);
    expect(seen.compactions).toBeGreaterThan(0);
    expect(seen.compactions).toBeLessThanOrEqual(30);
  },
);

it('a block keeps every end, in whatever order its batches come and come again', async () => {
  const batch = fc.record({
    end: fc.constantFrom<RowEnd>(...ROW_ENDS),
    numbers: fc.uniqueArray(fc.nat({ max: BLOCK_ROWS - 2 }), { minLength: 1, maxLength: 150 }),
    times: fc.integer({ min: 1, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(batch, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 }),
      fc.integer(),
      async (rounds, seed) => {
        const { ledger, readEnds } = startBlock(createRandom(seed));
        await ledger.openBlock(BLOCK, BLOCK_ROWS, []);
        const expected = new Map(ROW_ENDS.map((end) => [end, new Set<number>()]));
        for (const round of rounds) {
          for (const { end, numbers } of round) for (const each of numbers) expected.get(end)?.add(each);
          const writes = round.flatMap(({ end, numbers, times }) =>
            Array.from({ length: times }, () => ledger.recordEnds(BLOCK, { [end]: numbers })),
          );
          await Promise.all(writes);
        }
        const row = readEnds();
        for (const end of ROW_ENDS) expect(row[end], end).toEqual(expected.get(end));
      },
    ),
    { numRuns: 40 },
  );
});

it.each([
  { when: 'before' as const, error: refusal('ThrottlingException', 400) },
  { when: 'before' as const, error: refusal('ProvisionedThroughputExceededException', 400) },
  { when: 'before' as const, error: refusal('InternalServerError', 500) },
  { when: 'after' as const, error: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) },
])('a batch is booked though its compaction meets $error.name $when it is done', async (fault) => {
  const random = createRandom(3);
  const { ledger, seen, readEnds } = startBlock(random, (nth) => (nth < 3 ? fault : undefined));
  await ledger.openBlock(BLOCK, BLOCK_ROWS, []);
  const rows = shuffled(BLOCK_ROWS, random).slice(1);
  while (rows.length > 0)
    expect(await ledger.recordEnds(BLOCK, { done: rows.splice(0, 15) })).toBe('in time');
  expect(readEnds().done.size).toBe(BLOCK_ROWS - 1);
  expect(seen.compactions).toBeGreaterThan(3);
});

it('a compaction that DynamoDB does not understand is a fault', async () => {
  const fault = { when: 'before' as const, error: refusal('ValidationException', 400) };
  const { ledger } = startBlock(createRandom(4), () => fault);
  await ledger.openBlock(BLOCK, BLOCK_ROWS, []);
  const done = Array.from({ length: 700 }, (_, row) => row * 2);
  await expect(ledger.recordEnds(BLOCK, { done })).rejects.toThrow('ValidationException');
});

it.each([
  ['number set', { done: { NS: ['0', '2', '7'] } }],
  ['member', { doneRows: { BS: [encodeNumbers([0, 2, 7])] } }],
  ['map', { doneMap: { B: encodeMap([0, 2, 7]) } }],
])('numbers behind the end of the block, in a damaged %s, close no block', (_, damaged) => {
  const row = readBlockRow({ size: { N: '2' }, ...damaged });
  expect([...row.done]).toEqual([0]);
  expect(isBlockClosed(row)).toBe(false);
});

it('keeps a damaged member apart, and what others know', () => {
  const members = Array.from({ length: 200 }, (_, row) => Uint8Array.of(0x80 | (row & 0x7f), 1 + (row >> 7)));
  const damaged = Uint8Array.of(0x80);
  const change = compactionOf(
    { doneRows: { BS: [...members, damaged] }, failedRows: { BS: members } },
    1_000,
  );
  expect(change?.ExpressionAttributeValues?.[':done']?.BS).toEqual(members);
});

it.each([
  ['few rows have ended', 10, 1_990],
  ['the rows that are left fit as well', 330, 10],
])('does not compact where %s', (_, ended, openRows) => {
  const members = Array.from({ length: ended }, (_unused, row) =>
    Uint8Array.of(0x80 | (row & 0x7f), 1 + (row >> 7)),
  );
  expect(compactionOf({ doneRows: { BS: members } }, openRows)).toBeUndefined();
});
