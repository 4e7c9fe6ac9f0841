// The rows that ingest sends: in which order, and that each counts once, in the call that opened its block first, also where the call
// fails half-way.
import { setImmediate } from 'node:timers/promises';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { IngestDependencies } from '../../functions/ingest/dependencies.ts';
import { ingestSlice } from '../../functions/ingest/ingest-slice.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { hashedJobId } from '../../shared/job/identity.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { createWatchedSqs, meddled } from '../helpers/failing.ts';
import { openLedger, startLedgerTable } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';

/** Two rows of each block are good, one is bad. */
const BLOCKS = 3;
const CSV = `key,text\n${Array.from({ length: BLOCKS }, (_, block) => `a${block},1\nbad\nb${block},1\n`).join('')}`;

let jobs = 0;
const table = duringTests(startLedgerTable);

/** After everything else that can go on meanwhile. */
const answeredLate = (client: SQSClient) =>
  meddled(client, async (_, pass) => {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    return pass();
  });

async function start({ csv = CSV, blocks = BLOCKS, blockRows = 3, isSlow = false } = {}) {
  const ledger = openLedger(table);
  const { client: s3, write, object } = createMemoryS3({ versioned: ['inbox'] });
  const own = aJob();
  const { bucket, key } = own.manifest;
  write(bucket, key, csv);
  const job = {
    ...own,
    id: hashedJobId('counts', String(jobs++)),
    manifest: { ...own.manifest, sizeBytes: csv.length, etag: object(bucket, key)?.etag ?? '' },
    options: { ...own.options, maxFailedPercent: 100 },
    blockRows,
  };
  await ledger.createJob(job);
  const id = { job: job.id, slice: 0 };
  await ledger.recordSlice(id, {
    place: manifestBytes(9, csv.length, 2),
    rows: blocks * blockRows,
    blocks,
  });
  const counted: Record<string, number> = {};
  const sqs = createWatchedSqs();
  const state = { brokenBlock: -1, forgets: false };
  const dependencies = {
    blocks: { s3, clock: ledger.clock, random: () => 0, sources: { buckets: [] } },
    ledger: {
      ...ledger,
      openBlock: async (...asked: Parameters<typeof ledger.openBlock>) => {
        if (asked[0].block === state.brokenBlock) throw new Error('DynamoDB is away');
        return await ledger.openBlock(...asked);
      },
      markSent: async (...asked: Parameters<typeof ledger.markSent>) => {
        if (!state.forgets) await ledger.markSent(...asked);
      },
    },
    outcomes: { write: async () => undefined },
    queue: { sqs: isSlow ? answeredLate(sqs.client) : sqs.client, clock: ledger.clock, random: () => 0 },
    uploadQueueUrl: 'upload',
    clock: ledger.clock,
    telemetry: {
      logger: { info: () => undefined, error: () => undefined },
      count: (values: Record<string, number>) => {
        for (const [name, value] of Object.entries(values)) counted[name] = (counted[name] ?? 0) + value;
      },
    },
    requestSlice: async () => undefined,
  } as unknown as Parameters<typeof ingestSlice>[0] & IngestDependencies;
  const deliver = () => ingestSlice(dependencies, job, { slice: 0 }, ledger.clock.now() + 60_000);
  return { deliver, counted, state, sqs };
}

describe('the rows of a slice', () => {
  it('are counted once, when they are sent', async () => {
    const { deliver, counted } = await start();
    await deliver();
    expect(counted).toEqual({ RowsAccepted: 6, RowsRejected: 3, RowsSentAgain: 0, SlicesIngested: 1 });
  });

  it('are counted as far as they were sent where the slice fails, and the rest by the next call', async () => {
    const { deliver, counted, state } = await start();
    state.brokenBlock = 1;
    await expect(deliver()).rejects.toThrow('DynamoDB is away');
    expect(counted.RowsAccepted).toBeGreaterThan(0);
    expect(counted.RowsAccepted).toBeLessThan(6);
    state.brokenBlock = -1;
    await deliver();
    expect(counted).toEqual({ RowsAccepted: 6, RowsRejected: 3, RowsSentAgain: 0, SlicesIngested: 1 });
  });

  it('are counted as sent again where an earlier call had begun their block', async () => {
    const { deliver, counted, state } = await start();
    state.forgets = true;
    await deliver();
    state.forgets = false;
    await deliver();
    expect(counted).toEqual({ RowsAccepted: 6, RowsRejected: 3, RowsSentAgain: 6, SlicesIngested: 2 });
  });
});

it('the messages of a slice are sent block by block: neighbours in the queue lie in one block', async () => {
  const [blocks, blockRows] = [3, 500];
  const rows = Array.from({ length: blocks * blockRows }, (_, row) => `k${row},1\n`).join('');
  const { deliver, sqs } = await start({ csv: `key,text\n${rows}`, blocks, blockRows, isSlow: true });
  await deliver();
  const sent = sqs.calls.map(({ entries }) =>
    entries.map(({ MessageBody }) => (JSON.parse(MessageBody ?? '{}') as { block: number }).block),
  );
  expect(sent.every((batch) => new Set(batch).size === 1)).toBe(true);
  const order = sent.flatMap(([block = -1]) => block);
  expect(order).toHaveLength((blocks * blockRows) / 10);
  const changes = order.filter((block, index) => block !== order[index - 1]);
  expect(new Set(changes).size).toBe(blocks);
  expect(changes).toHaveLength(blocks);
});
