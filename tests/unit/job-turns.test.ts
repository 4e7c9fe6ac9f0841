// A batch's turns of its job's own rate: what passes, what is given back, and what happens when the schedule can't be asked.
import { describe, expect, it } from 'vitest';
import type { JobRate } from '../../shared/pacing/job-rate.ts';
import { createJobTurns, type TurnSchedule } from '../../shared/transfer/job-turns.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const TEN: JobRate = { objectsPerSecond: 10, bytesPerSecond: 0 };

function start(
  schedule: Partial<TurnSchedule>,
  {
    items = 3,
    rate = { current: TEN },
    bytes = 1,
  }: { items?: number; rate?: { current: JobRate }; bytes?: number | undefined } = {},
) {
  const clock = createVirtualClock(0);
  const turns = createJobTurns(
    {
      schedule: {
        reserveTurns: async () => ({ kind: 'reserved', start: { objectsMs: clock.now() } }),
        bookReturns: async (costs) => costs.map((_, index) => 1_000 * (index + 1)),
        chargeBytes: async () => undefined,
        meanBytes: () => undefined,
        ...schedule,
      },
      clock,
    },
    { bytes: Array(items).fill(bytes), rateNow: () => rate.current, stopAtMs: 160_000 },
  );
  return { turns, clock, rate };
}

describe('the turns of a batch', () => {
  it('come one after the other, evenly', async () => {
    const { turns, clock } = start({});
    const atMs: number[] = [];
    for (let item = 0; item < 3; item++) {
      expect(await turns.next()).toEqual({ kind: 'passed' });
      atMs.push(clock.now());
    }
    expect(atMs).toEqual([0, 100, 200]);
  });

  it('are given up together where others hold the next ones, each with a time of its own', async () => {
    const { turns } = start({ reserveTurns: async () => ({ kind: 'ahead' }) });
    const given = [await turns.next(), await turns.next(), await turns.next()];
    expect(given).toEqual([1_000, 2_000, 3_000].map((turnInMs) => ({ kind: 'shed', turnInMs })));
  });

  it('are given up with an error where the ledger does not answer', async () => {
    const { turns } = start({ reserveTurns: () => Promise.reject(new Error('DynamoDB is away')) });
    expect(await turns.next()).toMatchObject({ kind: 'shed', turnInMs: 5_000 });
    expect(await turns.next()).toMatchObject({ kind: 'shed', turnInMs: 5_000 });
    expect(await turns.end()).toEqual([new Error('DynamoDB is away')]);
  });

  it('are lost when they are used late, so that late ones do not come at once', async () => {
    let reservations = 0;
    const { turns, clock } = start({
      reserveTurns: async () => {
        reservations++;
        return { kind: 'reserved', start: { objectsMs: clock.now() } };
      },
    });
    await turns.next();
    clock.advance(30_000);
    await turns.next();
    expect(reservations).toBe(2);
    expect(clock.now()).toBe(30_000);
  });

  it('are waited for no more once the job is halted, or has no rate any more', async () => {
    const { turns, clock, rate } = start({ reserveTurns: () => Promise.reject(new Error('not asked')) });
    expect(await turns.next(() => true)).toEqual({ kind: 'passed' });
    rate.current = { objectsPerSecond: 0, bytesPerSecond: 0 };
    expect(await turns.next()).toEqual({ kind: 'passed' });
    expect(clock.now()).toBe(0);
    expect(await turns.end()).toEqual([]);
  });

  it('have their bytes corrected by what items did with them', async () => {
    const charged: unknown[] = [];
    const { turns } = start(
      {
        reserveTurns: async () => ({ kind: 'reserved', start: { bytesMs: 0 } }),
        chargeBytes: async (_, charge) => void charged.push(charge),
      },
      { rate: { current: { objectsPerSecond: 0, bytesPerSecond: 1_000 } }, bytes: 100 },
    );
    const next = async () => {
      const turn = await turns.next();
      return turn.kind === 'passed' ? turn.reservedBytes : undefined;
    };
    turns.used(await next(), { kind: 'kept' });
    turns.used(await next(), { kind: 'returned' });
    turns.used(await next(), { kind: 'wrote', bytes: 130 });
    expect(await turns.end()).toEqual([]);
    expect(charged).toEqual([{ bytes: -70, ended: [130] }]);
  });

  it('return no bytes that were never reserved', async () => {
    const rate = { current: { objectsPerSecond: 0, bytesPerSecond: 1_000 } };
    const { turns } = start({ chargeBytes: () => Promise.reject(new Error('charged')) }, { rate });
    const turn = await turns.next(() => true);
    expect(turn).toEqual({ kind: 'passed' });
    turns.used(undefined, { kind: 'returned' });
    expect(await turns.end()).toEqual([]);
  });
});
