// A job's own rate in virtual time: production's upload on a standard queue, with one worker and with many. In any ten seconds
// the job starts 0.9 to 1.1 times the objects that its rate allows.
import { describe, expect, it } from 'vitest';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import type { RateOptions } from '../../shared/job/options.ts';
import { createFeed } from '../../shared/ledger/feed.ts';
import { rescaleTurns } from '../../shared/ledger/rescale-turns.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { createTable } from '../../shared/ledger/table.ts';
import { createTurns } from '../../shared/ledger/turns.ts';
import { isBounded } from '../../shared/pacing/job-rate.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import type { OutcomeRecord } from '../../shared/report/outcome.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createMemoryTable } from '../helpers/memory-table.ts';
import { aJob, anUploadMessage } from '../helpers/records.ts';
import { createWorker, slowDown, type WorkerWorld } from '../helpers/upload-worker.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SECOND_MS = 1000;
const START_MS = Date.UTC(2026, 0, 1);
const BATCH = 100;
const BLOCK = 500;
const WINDOW_MS = 10 * SECOND_MS;
/** A change of the rate is read within 5 s, and what was reserved by the old one is used up. */
const SETTLED_MS = 15 * SECOND_MS;

interface Setting extends Partial<RateOptions> {
  workers: number;
  items: number;
  bytes?: number;
  seed?: number;
  /** Whether rows say how large their objects are. */
  isSized?: boolean;
  /** Whether S3 says how many bytes it wrote: of a copy it does not. */
  tellsBytes?: boolean;
  /** What S3 does with a write at this time. */
  answer?: (nowMs: number) => 'stored' | 'slow down';
  retryForSeconds?: number;
}

function startJob({
  workers,
  items,
  maxRatePerSecond = 0,
  maxBytesPerSecond = 0,
  bytes = 1,
  seed = 1,
  isSized = true,
  tellsBytes = true,
  answer = () => 'stored',
  retryForSeconds = 3600,
}: Setting) {
  const clock = createVirtualClock(START_MS);
  const random = createRandom(seed);
  const sqs = createMemorySqs(
    { clock, random },
    {
      queues: {
        upload: {
          VisibilityTimeout: 1_080,
          MessageRetentionPeriod: 864_000,
          RedrivePolicy: { deadLetterTargetArn: 'dead', maxReceiveCount: 5 },
        },
        dead: {},
      },
      shuffleWindow: 200,
    },
  );
  const queue = sqs.queue('upload');
  const memory = createMemoryTable(clock);
  const table = createTable({ dynamodb: memory.client, table: 't', clock, random });
  const rows = { ...createTurns(table), ...createFeed(table) };
  const options = { ...aJob().options, retryForSeconds, maxRatePerSecond, maxBytesPerSecond };
  const job = { current: aJob({ options }) };
  /** As the API does it. */
  const setRate = async (rate: Partial<RateOptions>) => {
    const before = job.current.options;
    job.current = aJob({ options: { ...before, ...rate } });
    await rescaleTurns(table, aJob().id, rateOf(before), rateOf(job.current.options));
  };
  const none = new Set<number>();
  const block = {
    ...{ size: items, movedAtMs: 0, openings: 1, cancelled: none, rejected: none },
    ...{ done: new Set<number>(), failed: new Set<number>() },
  };
  const starts: number[] = [];
  const outcomes: OutcomeRecord[] = [];
  const write = async () => {
    const nowMs = clock.now();
    if (answer(nowMs) === 'slow down') throw slowDown();
    starts.push(nowMs);
    await clock.sleep(20 + 40 * random());
    return { etag: '"e"', ...(tellsBytes ? { bytes } : {}) };
  };
  const ledger: WorkerWorld['ledger'] = {
    ...rows,
    getJobs: async () => ({ jobs: new Map([[job.current.id, job.current]]), unreadable: new Map() }),
    readBlocks: async () => new Map([[blockName({ job: job.current.id, slice: 0, block: 0 }), block]]),
    recordEnds: async (_, ends) => {
      await clock.sleep(10);
      for (const number of ends.done ?? []) block.done.add(number);
      for (const number of ends.failed ?? []) block.failed.add(number);
      return 'in time';
    },
  };
  const keepOutcomes: WorkerWorld['keepOutcomes'] = async (_slice, _name, records) => {
    await clock.sleep(40);
    outcomes.push(...records);
  };
  const counts = new Map<string, number>();
  const count = (sums: Record<string, number>) => {
    for (const [name, value] of Object.entries(sums)) counts.set(name, (counts.get(name) ?? 0) + value);
  };
  let invocations = 0;
  let receives = 0;
  let mostReceives = 0;
  let mostQueued = 0;
  const longest = { ms: 0 };

  async function work(index: number, isOver: () => boolean): Promise<void> {
    const error = (...line: unknown[]) => faults.push(line);
    const upload = createWorker(
      { clock, sqs, write, ledger, keepOutcomes, count, error },
      seed * 1000 + index,
    );
    while (!isOver()) {
      const Records = await queue.receive(BATCH);
      if (Records.length === 0) {
        // The batching window: messages gather for a second.
        await clock.sleep(SECOND_MS * random());
        continue;
      }
      invocations++;
      receives += Records.length;
      mostReceives = Math.max(
        mostReceives,
        ...Records.map(({ attributes }) => Number(attributes.ApproximateReceiveCount)),
      );
      const startMs = clock.now();
      queue.settle(Records, await upload(Records));
      longest.ms = Math.max(longest.ms, clock.now() - startMs);
    }
  }

  const faults: unknown[] = [];
  /** Sends rows as ingest does: in blocks, no more than the rate takes for some time. */
  async function ingest(isOver: () => boolean): Promise<void> {
    for (let sent = 0; sent < items && !isOver(); ) {
      const count = Math.min(BLOCK, items - sent);
      const rate = rateOf(job.current.options);
      const of = { job: aJob().id, slice: 0 };
      const feed = isBounded(rate)
        ? await rows.feed(of, rate, { count, bytes: isSized ? count * bytes : 0 }, items)
        : { kind: 'send' as const };
      if (feed.kind === 'wait') {
        await clock.sleep(Math.ceil(feed.delayMs / SECOND_MS) * SECOND_MS);
        continue;
      }
      for (const last = sent + count; sent < last; sent++) {
        const source = { key: `${sent}.txt`, source: 's3://source/a', ...(isSized ? { size: bytes } : {}) };
        const item = isSized && bytes === 1 ? { key: `${sent}.txt`, text: 'x' } : source;
        queue.put(
          messageBody(anUploadMessage({ number: sent, item, firstSentAtMs: Math.floor(clock.now()) })),
        );
      }
      const { visible, inFlight, delayed } = queue.standard.depth();
      mostQueued = Math.max(mostQueued, visible + inFlight + delayed);
    }
  }

  return {
    ...{ clock, rows, setRate, starts, outcomes, counts, block, longest, faults },
    seen: () => ({ invocations, receives, mostReceives, mostQueued, writes: memory.writes() }),
    deadLetters: () => sqs.queue('dead').standard.depth().visible,
    /** Runs until this time, or until every row has ended. */
    async run(untilMs: number) {
      const isOver = () => block.done.size + block.failed.size === items || clock.now() >= untilMs;
      await Promise.all([
        ingest(isOver),
        ...Array.from({ length: workers }, (_, index) => work(index, isOver)),
      ]);
    },
  };
}

/** The fewest and the most objects of any ten seconds between these times, as shares of what the rate allows. */
function shares(starts: readonly number[], ratePerSecond: number, fromMs: number, toMs: number) {
  const inOrder = starts.filter((atMs) => atMs >= fromMs && atMs <= toMs).toSorted((a, b) => a - b);
  const counts = [];
  let first = 0;
  let behind = 0;
  for (let atMs = fromMs; atMs + WINDOW_MS <= toMs; atMs += 100) {
    while ((inOrder[first] ?? Number.POSITIVE_INFINITY) < atMs) first++;
    while ((inOrder[behind] ?? Number.POSITIVE_INFINITY) < atMs + WINDOW_MS) behind++;
    counts.push(behind - first);
  }
  const allowed = (ratePerSecond * WINDOW_MS) / SECOND_MS;
  return { least: Math.min(...counts) / allowed, most: Math.max(...counts) / allowed };
}

const end = (starts: readonly number[]) => Math.max(...starts);

describe.each([1, 3, 10])('with %i workers', (workers) => {
  it.each([
    { maxRatePerSecond: 1, items: 120 },
    { maxRatePerSecond: 7, items: 400 },
    { maxRatePerSecond: 50, items: 1_500 },
    { maxRatePerSecond: 150, items: 2_500 },
  ])('starts $maxRatePerSecond objects a second in any ten seconds', async ({ maxRatePerSecond, items }) => {
    const job = startJob({ workers, items, maxRatePerSecond });
    await job.run(START_MS + 3600 * SECOND_MS);
    expect(job.faults).toEqual([]);
    expect(job.block.done.size).toBe(items);
    const { least, most } = shares(job.starts, maxRatePerSecond, START_MS, end(job.starts));
    expect(most).toBeLessThanOrEqual(1.1);
    expect(least).toBeGreaterThanOrEqual(0.9);
    // What has no turn yet goes from hand to hand, about three times and no more; it is counted as untried.
    expect(job.seen().receives).toBeLessThan(Math.max(5, 35 / maxRatePerSecond) * items);
    // A count that is zero is left out.
    expect(job.counts.get('Throttled')).toBeUndefined();
    expect(job.counts.get('Attempts')).toBe(items);
    expect(job.deadLetters()).toBe(0);
  });

  it.each([
    { from: 20, to: 60 },
    { from: 60, to: 20 },
    { from: 10, to: 120 },
  ])('keeps to the rate after a change from $from to $to a second', async ({ from, to }) => {
    const changedAtMs = START_MS + 30 * SECOND_MS;
    const job = startJob({ workers, items: 30 * from + 30 * to, maxRatePerSecond: from });
    const changing = (async () => {
      await job.clock.sleep(changedAtMs - START_MS);
      await job.setRate({ maxRatePerSecond: to });
    })();
    await Promise.all([changing, job.run(START_MS + 3600 * SECOND_MS)]);
    expect(job.faults).toEqual([]);
    const before = shares(job.starts, from, START_MS, changedAtMs);
    expect(before.least).toBeGreaterThanOrEqual(0.9);
    expect(before.most).toBeLessThanOrEqual(1.1);
    const after = shares(job.starts, to, changedAtMs + SETTLED_MS, end(job.starts));
    expect(after.least).toBeGreaterThanOrEqual(0.9);
    expect(after.most).toBeLessThanOrEqual(1.1);
    // Between the two no more than the higher one.
    const most = Math.max(from, to);
    expect(shares(job.starts, most, START_MS, end(job.starts)).most).toBeLessThanOrEqual(1.1);
  });

  it('makes up for nothing when S3 takes nothing for a while', async () => {
    const awayMs = [START_MS + 20 * SECOND_MS, START_MS + 50 * SECOND_MS] as const;
    const job = startJob({
      workers,
      items: 2_000,
      maxRatePerSecond: 50,
      answer: (nowMs) => (nowMs >= awayMs[0] && nowMs < awayMs[1] ? 'slow down' : 'stored'),
    });
    await job.run(START_MS + 3600 * SECOND_MS);
    expect(job.block.done.size).toBe(2_000);
    expect(shares(job.starts, 50, START_MS, end(job.starts)).most).toBeLessThanOrEqual(1.1);
  });

  it('loses the turns of a worker that dies, and no more', async () => {
    const job = startJob({ workers, items: 2_500, maxRatePerSecond: 50 });
    const dying = (async () => {
      for (let deaths = 0; deaths < 3; deaths++) {
        await job.clock.sleep(15 * SECOND_MS);
        const costs = Array.from({ length: 25 }, () => ({ objectsMs: 20, bytesMs: 0 }));
        await job.rows.reserveTurns(aJob().id, { objectsPerSecond: 50, bytesPerSecond: 0 }, costs, 2_000);
      }
    })();
    await Promise.all([job.run(START_MS + 3600 * SECOND_MS), dying]);
    const { least, most } = shares(job.starts, 50, START_MS, end(job.starts));
    expect(most).toBeLessThanOrEqual(1.1);
    expect(least).toBeGreaterThanOrEqual(0.85);
  });

  it.each([
    { what: 'whose sizes the rows tell', isSized: true },
    { what: 'whose sizes are known when they end', isSized: false },
  ])('writes 10 MB a second of objects $what', async ({ isSized }) => {
    const job = startJob({ workers, items: 800, bytes: 500_000, maxBytesPerSecond: 10_000_000, isSized });
    await job.run(START_MS + 3600 * SECOND_MS);
    expect(job.faults).toEqual([]);
    // Twenty objects a second; of unknown size, the first ones are guessed.
    const fromMs = START_MS + (isSized ? 0 : SETTLED_MS);
    const { least, most } = shares(job.starts, 20, fromMs, end(job.starts));
    expect(most).toBeLessThanOrEqual(1.1);
    expect(least).toBeGreaterThanOrEqual(0.9);
  });
});

it('holds copies of unknown size, of which S3 never says how many bytes it copied', async () => {
  const job = startJob({
    workers: 3,
    items: 80,
    maxBytesPerSecond: 1_000,
    isSized: false,
    tellsBytes: false,
  });
  await job.run(START_MS + 3600 * SECOND_MS);
  expect(job.block.done.size).toBe(80);
  // Each counts as half a second.
  const { least, most } = shares(job.starts, 2, START_MS, end(job.starts));
  expect(most).toBeLessThanOrEqual(1.1);
  expect(least).toBeGreaterThanOrEqual(0.9);
});

it('ages no item that waits for its turn, however long', async () => {
  const job = startJob({ workers: 2, items: 300, maxRatePerSecond: 1, retryForSeconds: 60 });
  const away = (nowMs: number) => nowMs > START_MS + 100 * SECOND_MS && nowMs < START_MS + 130 * SECOND_MS;
  const late = startJob({
    ...{ workers: 2, items: 300, maxRatePerSecond: 1, retryForSeconds: 60 },
    answer: (nowMs) => (away(nowMs) ? 'slow down' : 'stored'),
  });
  await Promise.all([job.run(START_MS + 7200 * SECOND_MS), late.run(START_MS + 7200 * SECOND_MS)]);
  expect([job.block.failed.size, late.block.failed.size]).toEqual([0, 0]);
  expect([job.block.done.size, late.block.done.size]).toEqual([300, 300]);
});

it('asks the ledger nothing for a job without a rate', async () => {
  const job = startJob({ workers: 3, items: 2_000 });
  await job.run(START_MS + 3600 * SECOND_MS);
  expect(job.block.done.size).toBe(2_000);
  expect(job.seen().writes).toBe(0);
});
