// A slice that is held by its job's rate requests itself: of several deliveries that do so, one chain of requests is left.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IngestDependencies } from '../../functions/ingest/dependencies.ts';
import { ingestSlice } from '../../functions/ingest/ingest-slice.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { hashedJobId } from '../../shared/job/identity.ts';
import { type LedgerTable, openLedger, startLedgerTable } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';

const CSV = 'key,text\na,1\n';
const RATE = { objectsPerSecond: 1, bytesPerSecond: 0 };

let table: LedgerTable;
let jobs = 0;
beforeAll(async () => {
  table = await startLedgerTable();
});
afterAll(() => table?.stop());

async function start() {
  const ledger = openLedger(table);
  const { client: s3, write, object } = createMemoryS3({ versioned: ['inbox'] });
  const own = aJob();
  const { bucket, key } = own.manifest;
  write(bucket, key, CSV);
  const job = {
    ...own,
    id: hashedJobId('held', String(jobs++)),
    manifest: { ...own.manifest, sizeBytes: CSV.length, etag: object(bucket, key)?.etag ?? '' },
    options: { ...own.options, maxRatePerSecond: 1 },
  };
  await ledger.createJob(job);
  const id = { job: job.id, slice: 1 };
  await ledger.recordSlice(id, { place: manifestBytes(9, CSV.length, 2), rows: 1, blocks: 1 });
  // The slice before it sends first, for as long as the test runs.
  await ledger.feed({ job: job.id, slice: 0 }, RATE, { bytes: 0, count: 1 }, 1);
  const sent: (number | undefined)[] = [];
  const down = { isDown: false };
  const dependencies = {
    blocks: { s3, clock: ledger.clock, random: () => 0, sources: { buckets: [] } },
    ledger: {
      ...ledger,
      recordAsk: async (...asked: Parameters<typeof ledger.recordAsk>) => {
        if (down.isDown) throw new Error('the worker died');
        await ledger.recordAsk(...asked);
      },
    },
    clock: ledger.clock,
    telemetry: { logger: { info: () => undefined, error: () => undefined }, count: () => undefined },
    requestSlice: async ({ ask }: { ask?: number }) => void sent.push(ask),
  } as unknown as Parameters<typeof ingestSlice>[0] & IngestDependencies;
  const deliver = async (ask?: number) => {
    await ingestSlice(dependencies, job, { slice: 1, ask }, ledger.clock.now() + 60_000);
    return sent.splice(0);
  };
  return { deliver, down, sent, asks: async () => (await ledger.getSlice(id))?.asks };
}

describe('a held slice', () => {
  it('drops what was requested before its last request', async () => {
    const { deliver, asks } = await start();
    expect(await deliver()).toEqual([1]);
    expect(await deliver(1)).toEqual([2]);
    expect(await deliver(1)).toEqual([]);
    expect(await asks()).toBe(2);
  });

  it('has one chain of requests left after duplicates and a resume', async () => {
    const { deliver } = await start();
    // SQS delivers the first message twice, and the resume of the job sends one more.
    let queue = [...(await deliver()), ...(await deliver()), ...(await deliver())];
    expect(queue).toHaveLength(3);
    for (let round = 0; round < 3; round++) {
      const next = [];
      for (const ask of queue) next.push(...(await deliver(ask)));
      queue = next;
    }
    expect(queue).toHaveLength(1);
  });

  it('goes on after a worker that died between its request and the note of it', async () => {
    const { deliver, down, sent, asks } = await start();
    await deliver();
    down.isDown = true;
    await expect(deliver(1)).rejects.toThrow('the worker died');
    expect(sent.splice(0)).toEqual([2]);
    down.isDown = false;
    expect(await deliver(1)).toEqual([2]);
    expect(await asks()).toBe(2);
    expect(await deliver(2)).toEqual([3]);
    expect(await deliver(2)).toEqual([]);
  });
});
