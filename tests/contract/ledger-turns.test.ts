// The schedules of a job that has a rate of its own, on DynamoDB: turns, rows that ingest sends ahead, and changes of the rate.
import { describe, expect, it } from 'vitest';
import { hashedJobId } from '../../shared/job/identity.ts';
import { emptyTotals } from '../../shared/job/job.ts';
import { CATCH_UP_MS, costOf, type JobRate, turnTimes } from '../../shared/pacing/job-rate.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { openLedger, startLedgerTable } from '../helpers/ledger-table.ts';
import { aJob } from '../helpers/records.ts';

let jobs = 0;
const table = duringTests(startLedgerTable);

const TEN: JobRate = { objectsPerSecond: 10, bytesPerSecond: 0 };
const newJob = () => hashedJobId('turns', String(jobs++));
const costs = (rate: JobRate, count: number, bytes = 0) => Array(count).fill(costOf(rate, bytes));

function start() {
  const ledger = openLedger(table);
  const job = newJob();
  const startMs = ledger.clock.now();
  const reserve = async (count: number, mostWaitMs = 1_000, rate = TEN, bytes = 0) => {
    const reserved = await ledger.reserveTurns(job, rate, costs(rate, count, bytes), mostWaitMs);
    if (reserved.kind === 'ahead') return 'ahead';
    return turnTimes(reserved.start, costs(rate, count, bytes)).map((atMs) => Math.round(atMs - startMs));
  };
  return { ledger, job, startMs, reserve };
}

describe('turns', () => {
  it('are given once, one behind the other, whichever worker asks', async () => {
    const { reserve } = start();
    expect(await reserve(3)).toEqual([0, 100, 200]);
    const all = (await Promise.all(Array.from({ length: 4 }, () => reserve(2)))).flat();
    expect(all.toSorted((a, b) => Number(a) - Number(b))).toEqual([300, 400, 500, 600, 700, 800, 900, 1000]);
  });

  it('are not given far ahead', async () => {
    const { ledger, reserve } = start();
    expect(await reserve(20)).toHaveLength(20);
    expect(await reserve(1)).toBe('ahead');
    expect(await reserve(1, 2_000)).toEqual([2000]);
    ledger.clock.advance(1_200);
    expect(await reserve(1)).toEqual([2100]);
  });

  it('are lost where nobody took them in time', async () => {
    const { ledger, reserve } = start();
    await reserve(1);
    ledger.clock.advance(60_000);
    expect(await reserve(2)).toEqual([60_000 - CATCH_UP_MS, 60_000 - CATCH_UP_MS + 100]);
  });

  it('go on from now where a wrong clock had put them in the future', async () => {
    const { ledger, reserve } = start();
    ledger.clock.advance(3_600_000);
    await reserve(1);
    ledger.clock.advance(-3_600_000);
    expect(await reserve(1)).toEqual([-CATCH_UP_MS]);
  });

  it('keep to both bounds', async () => {
    const { reserve } = start();
    const both = { objectsPerSecond: 10, bytesPerSecond: 1_000 };
    expect(await reserve(2, 1_000, both, 50)).toEqual([0, 100]);
    expect(await reserve(1, 1_000, both, 900)).toEqual([200]);
    // The bytes hold it now.
    expect(await reserve(1, 1_000, both, 0)).toEqual([1000]);
  });

  it('move by what objects of unknown size had, and their mean is known to all', async () => {
    const { ledger, job, reserve } = start();
    const bytes = { objectsPerSecond: 0, bytesPerSecond: 1_000 };
    expect(ledger.meanBytes(job)).toBeUndefined();
    await reserve(1, 1_000, bytes, 500);
    await ledger.chargeBytes(job, bytes, { bytes: 300, ended: [800] });
    expect(ledger.meanBytes(job)).toBe(800);
    expect(await reserve(1, 1_000, bytes, 1)).toEqual([800]);
  });

  it('of bytes that were written ahead come sooner by a higher rate, and later by a lower one', async () => {
    const { ledger, job, reserve } = start();
    const slow = { objectsPerSecond: 0, bytesPerSecond: 1_000 };
    const fast = { objectsPerSecond: 0, bytesPerSecond: 1_000_000 };
    expect(await reserve(1, 1_000, slow, 1_000_000)).toEqual([0]);
    expect(await reserve(1, 2_000, fast, 1_000)).toBe('ahead');
    await ledger.rescaleTurns(job, slow, fast);
    expect(await reserve(1, 2_000, fast, 1_000)).toEqual([1_000]);
    await ledger.rescaleTurns(job, fast, slow);
    expect(await reserve(1, 2_000_000, slow, 1)).toEqual([1_001_000]);
  });

  it('are booked for what comes back, each at a time of its own and within SQS’s longest delay', async () => {
    const { ledger, job } = start();
    const some = await ledger.bookReturns(job, costs(TEN, 3));
    const more = await ledger.bookReturns(job, costs(TEN, 3));
    const all = [...some, ...more];
    expect(all).toEqual(all.toSorted((a, b) => a - b));
    expect(new Set(all).size).toBe(6);
    const one = { objectsPerSecond: 1, bytesPerSecond: 0 };
    const many = await ledger.bookReturns(job, costs(one, 100_000));
    expect(Math.max(...many)).toBe(900_000);
  });
});

describe('rows that ingest sends ahead', () => {
  const feed = (
    { ledger, job }: ReturnType<typeof start>,
    slice: number,
    { rate = TEN, count = 100 }: { rate?: JobRate; count?: number } = {},
  ) => ledger.feed({ job, slice }, rate, { bytes: 0, count }, 10_000);

  it('are held back once they suffice for a while', async () => {
    const world = start();
    for (let blocks = 0; blocks < 3; blocks++) expect(await feed(world, 0)).toEqual({ kind: 'send' });
    expect(await feed(world, 0)).toEqual({ kind: 'wait', delayMs: 10_000 });
    world.ledger.clock.advance(10_000);
    expect(await feed(world, 0)).toEqual({ kind: 'send' });
  });

  it('come from one slice at a time: the others wait the longer, the more are before them', async () => {
    const world = start();
    expect(await feed(world, 2)).toEqual({ kind: 'send' });
    expect(await feed(world, 3)).toEqual({ kind: 'wait', delayMs: 10_000 });
    expect(await feed(world, 9)).toEqual({ kind: 'wait', delayMs: 70_000 });
    // Not so long that sweep takes the slice for lost.
    expect(await feed(world, 5_000)).toEqual({ kind: 'wait', delayMs: 240_000 });
    // A lower one takes precedence.
    expect(await feed(world, 1)).toEqual({ kind: 'send' });
    expect(await feed(world, 2)).toEqual({ kind: 'wait', delayMs: 10_000 });
  });

  it('come from the next slice once the first has sent all, or has sent nothing for a minute', async () => {
    const world = start();
    await feed(world, 0);
    await world.ledger.endFeeding({ job: world.job, slice: 0 });
    expect(await feed(world, 4)).toEqual({ kind: 'send' });
    expect(await feed(world, 5)).toMatchObject({ kind: 'wait' });
    world.ledger.clock.advance(61_000);
    expect(await feed(world, 5)).toEqual({ kind: 'send' });
  });

  it('come from one slice of a job without a rate, until it has let go or sends nothing for a minute', async () => {
    const { job, ledger } = start();
    const lead = (slice: number) => ledger.lead({ job, slice });
    expect(await lead(2)).toBe(0);
    expect(await lead(2)).toBe(0);
    expect([await lead(3), await lead(9)]).toEqual([1, 7]);
    expect(await lead(1)).toBe(1);
    expect(await lead(2)).toBe(0);
    await ledger.endFeeding({ job, slice: 1 });
    expect(await lead(1)).toBe(1);
    await ledger.endFeeding({ job, slice: 2 });
    expect(await lead(4)).toBe(0);
    ledger.clock.advance(61_000);
    expect(await lead(5)).toBe(0);
  });

  it('suffice for less time by a higher rate', async () => {
    const world = start();
    await feed(world, 0, { count: 400 });
    expect(await feed(world, 0)).toMatchObject({ kind: 'wait' });
    await world.ledger.rescaleTurns(world.job, TEN, { objectsPerSecond: 100, bytesPerSecond: 0 });
    expect(await feed(world, 0)).toEqual({ kind: 'send' });
  });

  it('suffice for less time where the bound that held them back is raised or gone, whatever the other', async () => {
    const bytes = { objectsPerSecond: 1_000, bytesPerSecond: 10 };
    for (const bytesPerSecond of [1_000, 0]) {
      const world = start();
      const ask = (rate: JobRate) =>
        world.ledger.feed({ job: world.job, slice: 0 }, rate, { bytes: 10_000, count: 1 }, 10_000);
      expect(await ask(bytes)).toEqual({ kind: 'send' });
      expect(await ask(bytes)).toMatchObject({ kind: 'wait' });
      const after = { ...bytes, bytesPerSecond };
      await world.ledger.rescaleTurns(world.job, bytes, after);
      expect(await ask(after)).toEqual({ kind: 'send' });
    }
  });

  it('are sent again at once after a pause, whose rows were dropped', async () => {
    const world = start();
    await feed(world, 0, { count: 100_000 });
    await world.ledger.bookReturns(world.job, costs(TEN, 10_000));
    expect(await feed(world, 0)).toMatchObject({ kind: 'wait' });
    world.ledger.clock.advance(5_000);
    const resumedAtMs = world.ledger.clock.now();
    await world.ledger.restartFeed(world.job, resumedAtMs);
    const [bookedMs = 0] = await world.ledger.bookReturns(world.job, costs(TEN, 1));
    expect(bookedMs).toBeCloseTo(1_000, 2);
    expect(await feed(world, 3, { count: 100_000 })).toEqual({ kind: 'send' });
    // The order may be repeated: what was sent since the resume counts.
    await world.ledger.restartFeed(world.job, resumedAtMs);
    expect(await feed(world, 3)).toMatchObject({ kind: 'wait' });
  });
});

describe('a change of the rate', () => {
  const open = async () => {
    const ledger = openLedger(table);
    const job = aJob({ id: newJob() });
    await ledger.createJob(job);
    return { ledger, job };
  };

  it('stands in for the option that was frozen, and keeps what is not given', async () => {
    const { ledger, job } = await open();
    expect(await ledger.changeRate(job.id, { maxRatePerSecond: 50 })).toMatchObject({ kind: 'changed' });
    expect(await ledger.changeRate(job.id, { maxBytesPerSecond: 7 })).toMatchObject({ kind: 'changed' });
    const { options } = await ledger.liveJob(job.id);
    expect(options).toEqual({ ...job.options, maxRatePerSecond: 50, maxBytesPerSecond: 7 });
    await ledger.changeRate(job.id, { maxRatePerSecond: 0 });
    expect((await ledger.liveJob(job.id)).options.maxRatePerSecond).toBe(0);
  });

  it('keeps both of two orders that come at once, and moves the turns by each of them once', async () => {
    const { ledger, job } = await open();
    await ledger.changeRate(job.id, { maxRatePerSecond: 10, maxBytesPerSecond: 1_000 });
    const before = { objectsPerSecond: 10, bytesPerSecond: 1_000 };
    await ledger.reserveTurns(job.id, before, costs(before, 1, 1_000_000), 1_000);
    const orders = [{ maxRatePerSecond: 20 }, { maxBytesPerSecond: 1_000_000 }];
    const changed = await Promise.all(orders.map((order) => ledger.changeRate(job.id, order)));
    expect(changed).toMatchObject([{ kind: 'changed' }, { kind: 'changed' }]);
    expect((await ledger.liveJob(job.id)).options).toMatchObject({
      maxRatePerSecond: 20,
      maxBytesPerSecond: 1_000_000,
    });
    const after = { objectsPerSecond: 20, bytesPerSecond: 1_000_000 };
    const reserved = await ledger.reserveTurns(job.id, after, costs(after, 1, 1), 2_000);
    expect(reserved).toMatchObject({ start: { bytesMs: ledger.clock.now() + 1_000 } });
  });

  it('is taken by a paused job, and refused by one that has ended', async () => {
    const { ledger, job } = await open();
    await ledger.controlJob(job.id, 'paused');
    expect(await ledger.changeRate(job.id, { maxRatePerSecond: 5 })).toMatchObject({ kind: 'changed' });
    await ledger.endJob(job.id, { state: 'completed', totals: emptyTotals(), report: 's3://r/m.json' });
    expect(await ledger.changeRate(job.id, { maxRatePerSecond: 6 })).toMatchObject({
      kind: 'refused',
      job: { state: 'completed', options: { maxRatePerSecond: 5 } },
    });
    expect(await ledger.changeRate(newJob(), { maxRatePerSecond: 6 })).toEqual({ kind: 'unknown' });
  });
});
