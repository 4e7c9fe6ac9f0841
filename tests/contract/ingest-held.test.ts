// A slice that is held by its job's rate requests itself: of several deliveries that do so, one chain of requests is left. One that
// waits in place for the slice before it stops waiting when its job is halted or its time is over.
import type { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { IngestDependencies } from '../../functions/ingest/dependencies.ts';
import { ingestSlice } from '../../functions/ingest/ingest-slice.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { hashedJobId } from '../../shared/job/identity.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { openLedger, startLedgerTable } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';

const CSV = 'key,text\na,1\n';
const RATE = { objectsPerSecond: 1, bytesPerSecond: 0 };
/** Longer than any wait in place. */
const TIME_MS = 60_000;
/** So many messages keep the queue fed: no help is wanted. */
const fedQueue = { send: async () => ({ Attributes: { ApproximateNumberOfMessages: '5000' } }) };

let jobs = 0;
const table = duringTests(startLedgerTable);

async function start(options: { maxRatePerSecond?: number } = { maxRatePerSecond: 1 }) {
  const ledger = openLedger(table);
  const { client: s3, write, object } = createMemoryS3({ versioned: ['inbox'] });
  const own = aJob();
  const { bucket, key } = own.manifest;
  write(bucket, key, CSV);
  const job = {
    ...own,
    id: hashedJobId('held', String(jobs++)),
    manifest: { ...own.manifest, sizeBytes: CSV.length, etag: object(bucket, key)?.etag ?? '' },
    options: { ...own.options, ...options },
  };
  await ledger.createJob(job);
  const id = { job: job.id, slice: 1 };
  await ledger.recordSlice(id, { place: manifestBytes(9, CSV.length, 2), rows: 1, blocks: 1 });
  // The slice before it sends first, for as long as the test runs.
  const first = { job: job.id, slice: 0 };
  if (options.maxRatePerSecond === undefined) await ledger.lead(first);
  else await ledger.feed(first, RATE, { bytes: 0, count: 1 }, 1);
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
    queue: { sqs: fedQueue as unknown as SQSClient },
    clock: ledger.clock,
    telemetry: { logger: { info: () => undefined, error: () => undefined }, count: () => undefined },
    requestSlice: async ({ ask }: { ask?: number }) => void sent.push(ask),
  } as unknown as Parameters<typeof ingestSlice>[0] & IngestDependencies;
  const deliver = async (ask?: number, timeMs = TIME_MS) => {
    await ingestSlice(dependencies, job, { slice: 1, ask }, ledger.clock.now() + timeMs);
    return sent.splice(0);
  };
  return { ledger, job, deliver, down, sent, asks: async () => (await ledger.getSlice(id))?.asks };
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

describe('a slice that waits in place', () => {
  it('stops within seconds of a pause, and requests nothing: the resume does', async () => {
    const { ledger, job, deliver, asks } = await start({});
    const startedAtMs = ledger.clock.now();
    const delivered = deliver();
    await ledger.clock.sleep(3_000);
    await ledger.controlJob(job.id, 'paused');
    expect(await delivered).toEqual([]);
    expect(ledger.clock.now() - startedAtMs).toBeLessThan(10_000);
    expect(await asks()).toBeUndefined();
  });

  it('leaves the rest to another invocation once its own time is over', async () => {
    const { ledger, deliver, asks } = await start({});
    const startedAtMs = ledger.clock.now();
    expect(await deliver(undefined, 5_000)).toEqual([undefined]);
    expect(ledger.clock.now() - startedAtMs).toBeLessThan(6_000);
    expect(await asks()).toBeUndefined();
  });
});
