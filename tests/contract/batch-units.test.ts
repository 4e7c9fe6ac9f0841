// What DynamoDB bills for one batch of upload: its look-up, its outcomes and its blocks. Counted by the units that DynamoDB answers.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import type { Delivery } from '../../functions/upload/delivery.ts';
import { lookUp } from '../../functions/upload/look-up.ts';
import { BLOCK_ROWS, hashedJobId, type ItemId } from '../../shared/job/identity.ts';
import { accountFor, type EndedRow } from '../../shared/report/account.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { createRandom } from '../../shared/time/random.ts';
import { changed, meddled } from '../helpers/failing.ts';
import { openLedger, useLedgerTable } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** Messages from which SQS draws, in the embedded cloud as well. */
const WINDOW = 500;

const table = useLedgerTable();
let jobs = 0;

/** Sums the units of all that is asked through it. */
function metered(dynamodb: DynamoDBClient) {
  const units = { reads: 0, writes: 0 };
  const client = meddled(dynamodb, async (command, pass) => {
    const answer = (await pass(changed(command, { ...command.input, ReturnConsumedCapacity: 'TOTAL' }))) as {
      ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
    };
    const consumed = [answer.ConsumedCapacity ?? []].flat();
    const kind = /^(Get|BatchGet|Query)/.test(command.constructor.name) ? 'reads' : 'writes';
    units[kind] += consumed.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    return answer;
  });
  return { client, units };
}

function chunksOf(numbers: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(numbers.length / size) }, (_, index) =>
    numbers.slice(index * size, (index + 1) * size),
  );
}

const outcomeOf = (row: number): EndedRow['outcome'] => ({
  status: 'stored',
  line: row + 2,
  item: { key: `copies/${String(row).padStart(9, '0')}.bin`, source: 's3://photos/object' },
  destination: `s3://archive/0101/1100/0011/${String(row).padStart(8, '0')}/copies/${row}.bin`,
  etag: '"d41d8cd98f00b204e9800998ecf8427e"',
  bytes: 1024,
  attempts: 1,
  throttled: 0,
  ms: 25 + (row % 10),
});

/** A job, with what upload asks of its tables for a batch that is transferred. */
async function startJob() {
  const { client, units } = metered(table.dynamodb);
  const ledger = openLedger({ ...table, dynamodb: client });
  const job = { ...aJob(), id: hashedJobId('units', String(jobs++)) };
  const rows = createOutcomeRows({
    dynamodb: client,
    table: table.outcomes,
    clock: createVirtualClock(),
    keepDays: 100,
  });
  const files = {
    write: () => Promise.reject(new Error('a row of the table costs less')),
    list: async () => [],
    read: async () => new Uint8Array(),
  };
  const outcomes = createOutcomeStore({ files, rows });
  await ledger.createJob(job);
  let batches = 0;
  async function work(ids: readonly ItemId[]): Promise<void> {
    const item = { key: 'k', text: 't' };
    const deliveries = ids.map(
      (id) =>
        ({ messageId: `${id.number}`, receiptHandle: 'r', message: { ...id, item } }) as unknown as Delivery,
    );
    const { open } = await lookUp(ledger, deliveries);
    expect(open).toHaveLength(ids.length);
    const { unbooked, errors } = await accountFor(
      { outcomes, ledger },
      ids.map((id) => ({ id, outcome: outcomeOf(id.block * BLOCK_ROWS + id.number) })),
      `11111111-2222-3333-4444-${String(batches++).padStart(12, '0')}`,
    );
    expect({ unbooked, errors }).toEqual({ unbooked: [], errors: [] });
  }
  return { ledger, job, units, work };
}

it.each([
  { batch: 4, most: { reads: 620, writes: 620 } },
  { batch: 15, most: { reads: 185, writes: 185 } },
])(
  'a thousand rows that come shuffled, in batches of $batch, cost at most $most',
  async ({ batch, most }) => {
    const { ledger, job, units, work } = await startJob();
    // A whole block, and half of one: enough for the batches with rows of both, and for both to close.
    const rows = 1.5 * BLOCK_ROWS;
    await ledger.recordSlice({ job: job.id, slice: 0 }, { place: manifestBytes(0, 2, 1), rows, blocks: 2 });
    for (const [block, size] of [BLOCK_ROWS, BLOCK_ROWS / 2].entries())
      await ledger.openBlock({ job: job.id, slice: 0, block }, size, []);
    Object.assign(units, { reads: 0, writes: 0 });

    const random = createRandom(batch);
    const left = Array.from({ length: rows }, (_, row) => row);
    const next = () => left.splice(Math.floor(random() * Math.min(WINDOW, left.length)), 1);
    while (left.length > 0) {
      const drawn = Array.from({ length: Math.min(batch, left.length) }, next).flat();
      await work(
        drawn.map((row) => ({
          ...{ job: job.id, slice: 0 },
          block: Math.floor(row / BLOCK_ROWS),
          number: row % BLOCK_ROWS,
        })),
      );
    }
    expect(ledger.closed).toEqual([{ job: job.id, slice: 0 }]);
    expect((units.reads * 1000) / rows).toBeLessThanOrEqual(most.reads);
    expect((units.writes * 1000) / rows).toBeLessThanOrEqual(most.writes);
  },
);

it.each([
  { batch: 5, blocks: 1, most: { reads: 2, writes: 2 } },
  { batch: 5, blocks: 2, most: { reads: 3, writes: 3 } },
  { batch: 20, blocks: 1, most: { reads: 2, writes: 2 } },
  { batch: 20, blocks: 2, most: { reads: 3, writes: 3 } },
  { batch: 100, blocks: 2, most: { reads: 3, writes: 5 } },
])(
  'a batch of $batch in $blocks blocks that are nearly full costs at most $most',
  async ({ batch, blocks, most }) => {
    const { ledger, job, units, work } = await startJob();
    const ids = Array.from(
      { length: batch },
      (_, index): ItemId => ({ job: job.id, slice: 0, block: index % blocks, number: index * 5 }),
    );
    const inBatch = new Set(ids.map(({ number }) => number));
    for (let block = 0; block < blocks; block++) {
      await ledger.openBlock({ job: job.id, slice: 0, block }, BLOCK_ROWS, []);
      const others = Array.from({ length: BLOCK_ROWS }, (_, number) => number).filter(
        (number) => !inBatch.has(number),
      );
      // All but one: a block that closes costs a write of its slice, too.
      for (const done of chunksOf(others.slice(1), 20))
        await ledger.recordEnds({ job: job.id, slice: 0, block }, { done });
    }
    Object.assign(units, { reads: 0, writes: 0 });

    await work(ids);
    expect(units.reads).toBeLessThanOrEqual(most.reads);
    expect(units.writes).toBeLessThanOrEqual(most.writes);
  },
);
