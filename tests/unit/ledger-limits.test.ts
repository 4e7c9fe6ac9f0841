// DynamoDB's limits, held against the ledger's own rows at the most that they can hold: docs/ledger.md has the arithmetic.
import { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { planJob } from '../../functions/ingest/split-manifest.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { type Item, itemSizeBytes, readUnits, writeUnits } from '../../local/aws/dynamodb/item-size.ts';
import {
  BLOCK_ROWS,
  GROUP_SLICES,
  type JobId,
  MOST_SLICES,
  SLICE_BLOCKS,
  SLICE_BYTES,
  sliceBytesOf,
  sliceGroupsOf,
  sliceRowsOf,
} from '../../shared/job/identity.ts';
import {
  emptyTotals,
  type JobControl,
  type JobFault,
  type NewJob,
  type SettledTotals,
} from '../../shared/job/job.ts';
import type { SliceResult } from '../../shared/ledger/rows.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { openLedger, type TestLedger, useLedgerTable } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** DynamoDB's: 400 KB an item, 1,000 write and 3,000 read units a second for one partition key. */
const ITEM_BYTES = 400 * 1024;
const READ_UNITS_PER_SECOND = 3_000;
/** The largest fleet that serverless.yml allows; each worker reads its job's row about once a second. */
const WORKERS_MOST = 1_000;

/** Of a job with a rate, and of an earlier version's: a slice has most blocks of these. */
const SMALL_BLOCK = 500;
const job = '9'.repeat(64) as JobId;
const slice = MOST_SLICES - 1;
const range = (to: number) => Array.from({ length: to }, (_, index) => index);
const huge = 50_000 * 1024 ** 3;
const totals = Object.fromEntries(
  Object.keys(emptyTotals()).map((name) => [name, huge]),
) as unknown as SettledTotals;

describe('a row at the most that it can hold', () => {
  let ledger: TestLedger;
  const table = useLedgerTable();
  beforeAll(async () => {
    ledger = openLedger(table);
  });

  const sizeOf = async (pk: string) => {
    const { Item } = await table.dynamodb.send(
      new GetItemCommand({ TableName: table.table, Key: { pk: { S: pk } }, ConsistentRead: true }),
    );
    expect(Item, pk).toBeDefined();
    const bytes = itemSizeBytes(Item as unknown as Item);
    return { bytes, writes: writeUnits(bytes), reads: readUnits(bytes, true) };
  };

  const forget = (pk: string) =>
    table.dynamodb.send(new DeleteItemCommand({ TableName: table.table, Key: { pk: { S: pk } } }));

  const block = { job, slice, block: SLICE_BLOCKS - 1 };
  const all = range(BLOCK_ROWS);

  // Their rows lie all over the block, as if messages were shuffled. In batches of one and two:
  // tests/property/compaction.test.ts, at each of their writes.
  it.each([4, 20, 100])('is, for a block whose rows end in batches of %d, one write unit', async (batch) => {
    await forget(blockName(block));
    await ledger.openBlock(block, BLOCK_ROWS, []);
    const batches = BLOCK_ROWS / batch;
    for (const first of range(batches))
      await ledger.recordEnds(block, { done: range(batch).map((row) => first + row * batches) });
    await ledger.expireBlocks(block, SLICE_BLOCKS);
    const { bytes, writes } = await sizeOf(blockName(block));
    expect(bytes).toBeGreaterThan(300);
    expect(writes).toBe(1);
    const row = (await ledger.readBlocks([block])).get(blockName(block));
    expect(row?.done.size).toBe(BLOCK_ROWS);
  });

  it('is, for a block whose rows have each ended in all four ways, 2 KB', async () => {
    await forget(blockName(block));
    await ledger.openBlock(block, BLOCK_ROWS, all);
    // Two bytes a row, as of rows that end one by one, in a quarter of the writes.
    const batches = BLOCK_ROWS / 4;
    for (const first of range(batches)) {
      const rows = range(4).map((row) => first + row * batches);
      await ledger.recordEnds(block, { done: rows, failed: rows, cancelled: rows });
    }
    const { bytes } = await sizeOf(blockName(block));
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThanOrEqual(2 * 1024);
  });

  it('is, for a slice of 256 closed blocks with its result, 8 KB', async () => {
    await ledger.recordSlice(
      { job, slice },
      {
        place: manifestBytes(huge, huge, huge),
        rows: sliceRowsOf(SMALL_BLOCK),
        blocks: SLICE_BLOCKS,
      },
    );
    const ends = { done: range(125), failed: range(250).slice(125), cancelled: range(375).slice(250) };
    for (const block of range(SLICE_BLOCKS)) {
      await ledger.openBlock({ job, slice, block }, SMALL_BLOCK, range(SMALL_BLOCK).slice(375));
      await ledger.recordEnds({ job, slice, block }, ends);
    }
    await ledger.beginReplay({ job, slice }, 0);
    await ledger.markSent({ job, slice }, 1, range(SLICE_BLOCKS));
    const files = (['succeeded', 'failed', 'rejected'] as const).map((kind) => ({
      kind,
      key: `jobs/${job}/${kind}/${String(slice).padStart(6, '0')}-${crypto.randomUUID()}.ndjson`,
      rows: sliceRowsOf(SMALL_BLOCK),
      bytes: huge,
      sha256: 'a'.repeat(64),
    }));
    const result: SliceResult = { totals, files };
    await ledger.freezeSlice({ job, slice }, result);
    const { bytes } = await sizeOf(`S#${job}#${slice}`);
    expect(bytes).toBeGreaterThan(6_000);
    expect(bytes).toBeLessThan(8 * 1024);
  });

  it('is, for a full group of slices, one write unit', async () => {
    for (const number of range(GROUP_SLICES)) await ledger.settleSlice({ job, slice: slice - number });
    const { bytes, writes } = await sizeOf(`G#${job}#${sliceGroupsOf(MOST_SLICES) - 1}`);
    expect(bytes).toBeGreaterThan(700);
    expect(writes).toBe(1);
  });

  it('is, for a job, small enough to be read by 1,000 workers each second', async () => {
    const usual = aJob();
    const fault: JobFault = { code: 'x'.repeat(30), message: 'é'.repeat(500) };
    const largest: NewJob = {
      ...usual,
      id: job,
      redriveOf: job,
      manifest: {
        bucket: 'b'.repeat(63),
        key: 'é'.repeat(512),
        versionId: 'v'.repeat(32),
        sizeBytes: huge,
        etag: '"'.repeat(34),
      },
      head: {
        format: 'csv',
        columns: ['key', 'text', `spillway_${'x'.repeat(2_000)}`],
        bodyOffset: huge,
        bodyLine: huge,
      },
      options: { ...usual.options, destination: { bucket: 'd'.repeat(63), prefix: 'p'.repeat(800) } },
      plan: { slices: MOST_SLICES, rows: huge, offset: huge, line: huge },
    };
    await ledger.createJob(largest);
    await ledger.controlJob(job, 'paused');
    await ledger.controlJob(job, 'run');
    await ledger.controlJob(job, 'cancelling', fault);
    await ledger.finishPlan(job, largest.plan);
    for (const group of range(sliceGroupsOf(MOST_SLICES))) await fillGroup(group);
    await ledger.recordProgress(job, {
      rows: huge,
      done: huge,
      failed: huge,
      cancelled: huge,
      rejected: huge,
    });
    expect((await ledger.liveJob(job)).settledGroups.size).toBe(sliceGroupsOf(MOST_SLICES));
    const { bytes, reads } = await sizeOf(`J#${job}`);
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(ITEM_BYTES / 40);
    expect(reads * WORKERS_MOST).toBeLessThan(READ_UNITS_PER_SECOND);
    await ledger.endJob(job, {
      state: 'failed',
      totals,
      report: `s3://${'r'.repeat(63)}/jobs/${job}/manifest.json`,
      fault,
    });
    expect((await sizeOf(`J#${job}`)).bytes).toBeLessThan(ITEM_BYTES / 40);
  });

  /** All slices of a group but one are booked in one write here, and the last as settle does it. */
  async function fillGroup(group: number): Promise<void> {
    await table.dynamodb.send(
      new UpdateItemCommand({
        TableName: table.table,
        Key: { pk: { S: `G#${job}#${group}` } },
        UpdateExpression: 'ADD settled :numbers',
        ExpressionAttributeValues: { ':numbers': { NS: range(GROUP_SLICES - 1).map(String) } },
      }),
    );
    await ledger.settleSlice({ job, slice: (group + 1) * GROUP_SLICES - 1 });
  }
});

describe('a manifest of any size', () => {
  it.each([
    [0, SLICE_BYTES],
    [128 * 1024 ** 3, SLICE_BYTES],
    [200e9, Math.ceil(200e9 / 16_384)],
    [huge, Math.ceil(huge / 16_384)],
  ])('of %d bytes is cut into slices of %d', (manifestBytes, sliceBytes) => {
    expect(sliceBytesOf(manifestBytes, SLICE_BYTES)).toBe(sliceBytes);
    // Any two neighbours hold more than a slice's bytes together, unless their rows are too many for one.
    expect((2 * manifestBytes) / sliceBytes).toBeLessThanOrEqual(MOST_SLICES);
  });

  it('holds two billion rows at least', () => {
    const byBytes = MOST_SLICES / 2;
    expect((MOST_SLICES - byBytes) * sliceRowsOf(BLOCK_ROWS)).toBeGreaterThan(2e9);
    expect(sliceRowsOf(SMALL_BLOCK)).toBe(sliceRowsOf(BLOCK_ROWS));
  });

  it('with more slices than a job may have is cut that far, and its job fails with what to do', async () => {
    const row = 'a,b\n';
    const bytes = Buffer.from(`key,text\n${row.repeat(MOST_SLICES + 1)}`);
    const planned = aJob({
      id: job,
      sliceBytes: 1,
      manifest: { ...aJob().manifest, sizeBytes: bytes.length },
      plan: { slices: 0, rows: 0, offset: 9, line: 2 },
    });
    const s3 = createMemoryS3({ versioned: ['inbox'] });
    s3.write('inbox', planned.manifest.key, bytes);
    const recorded: number[] = [];
    const controlled: [JobControl, JobFault | undefined][] = [];
    const end = await planJob(
      {
        reader: { s3: s3.client, clock: createVirtualClock(), random: () => 0 },
        clock: createVirtualClock(),
        requestSlice: async () => undefined,
        ledger: {
          getJob: async () => planned,
          recordSlice: async (id) => void recorded.push(id.slice),
          movePlan: async () => undefined,
          finishPlan: async (_, plan) => ({ ...planned, state: 'running', plan, slices: plan.slices }),
          controlJob: async (_, control, fault) => {
            controlled.push([control, fault]);
            return { kind: 'changed', job: planned };
          },
        },
      },
      planned,
      Number.POSITIVE_INFINITY,
    );
    expect(end).toMatchObject({ kind: 'finished', plan: { slices: MOST_SLICES, rows: MOST_SLICES } });
    expect(recorded).toHaveLength(MOST_SLICES);
    expect(controlled).toEqual([
      [
        'cancelling',
        {
          code: 'TooManySlices',
          message: expect.stringMatching(/cut it at line 32770, behind its first 32768 rows/),
        },
      ],
    ]);
  });
});
