// Waiting for turns on a virtual clock: order, rate, shedding, and that no group starves another.
import { describe, expect, it } from 'vitest';
import { createAdaptivePacer, type Pacer } from '../../shared/pacing/adaptive-pacer.ts';
import { ADAPTIVE_RATE } from '../../shared/pacing/adaptive-rate.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** Ten turns a second. */
function steadyPacer(): Pacer {
  const next = new Map<string, number>();
  let booked = 0;
  return {
    groupOf: (bucket) => bucket,
    take(group, nowMs) {
      const atMs = next.get(group) ?? nowMs;
      if (atMs > nowMs) return atMs - nowMs;
      next.set(group, nowMs + 100);
      return 0;
    },
    observe: () => undefined,
    mostWaitMs: () => Number.POSITIVE_INFINITY,
    book: (_, waiting) => (waiting + ++booked) * 100,
    ratePerSecond: () => 10,
    drain: () => undefined,
  };
}

describe('the rate limiter', () => {
  it('lets requests through in the order of arrival, each at its turn', async () => {
    const clock = createVirtualClock();
    const rateLimiter = createRateLimiter({ pacer: steadyPacer(), clock });
    const startMs = clock.now();
    const passed: [number, number][] = [];
    await Promise.all(
      [0, 1, 2, 3].map(async (index) => {
        await rateLimiter.pass('a', 10_000);
        passed.push([index, clock.now() - startMs]);
      }),
    );
    expect(passed).toEqual([
      [0, 0],
      [1, 100],
      [2, 200],
      [3, 300],
    ]);
  });

  it('sheds requests that would wait longer than they may, and promises each a turn of its own', async () => {
    const clock = createVirtualClock();
    const rateLimiter = createRateLimiter({ pacer: steadyPacer(), clock });
    const passages = await Promise.all(Array.from({ length: 30 }, () => rateLimiter.pass('a', 2_000)));
    expect(passages.filter(({ kind }) => kind === 'passed')).toHaveLength(21);
    const turns = passages.filter((passage) => passage.kind === 'shed').map(({ turnInMs }) => turnInMs);
    expect(turns).toEqual([2_200, 2_300, 2_400, 2_500, 2_600, 2_700, 2_800, 2_900, 3_000]);
  });

  it('sheds requests that wait twice as long as they may because the rate has fallen', async () => {
    const clock = createVirtualClock();
    let turnMs = 100;
    const pacer = steadyPacer();
    const slowing: Pacer = {
      ...pacer,
      take: (group, nowMs) => (turnMs > 100 ? turnMs : pacer.take(group, nowMs)),
    };
    const rateLimiter = createRateLimiter({ pacer: slowing, clock });
    const startMs = clock.now();
    const waiting = Array.from({ length: 20 }, () =>
      rateLimiter.pass('a', 2_000).then(({ kind }) => ({ kind, atMs: clock.now() - startMs })),
    );
    await clock.sleep(550);
    turnMs = 3_000;
    const passages = await Promise.all(waiting);
    expect(passages.filter(({ kind }) => kind === 'passed').map(({ atMs }) => atMs)).toEqual([
      0, 100, 200, 300, 400, 500,
    ]);
    expect(Math.max(...passages.map(({ atMs }) => atMs))).toBeLessThanOrEqual(4_000);
  });

  it('keeps no group waiting for another', async () => {
    const clock = createVirtualClock();
    const rateLimiter = createRateLimiter({ pacer: steadyPacer(), clock });
    const startMs = clock.now();
    const slow = Promise.all(Array.from({ length: 10 }, () => rateLimiter.pass('slow', 10_000)));
    await rateLimiter.pass('other', 10_000);
    expect(clock.now() - startMs).toBe(0);
    await slow;
  });

  it('follows a new rate at once: turns are not booked ahead', async () => {
    const clock = createVirtualClock();
    const pacer = createAdaptivePacer({
      ...ADAPTIVE_RATE,
      startPerSecond: 2,
      measuredAnswers: 2,
      floorPerSecond: 0.1,
    });
    const rateLimiter = createRateLimiter({ pacer, clock });
    const startMs = clock.now();
    await rateLimiter.pass('a', 10_000);
    const waiting = Promise.all([rateLimiter.pass('a', 10_000), rateLimiter.pass('a', 10_000)]);
    for (const sentAtMs of [startMs, startMs, startMs])
      rateLimiter.observe('a', { throttled: true, sentAtMs });
    const cut = pacer.ratePerSecond('a', clock.now());
    expect(cut).toBeLessThan(2);
    await waiting;
    expect(clock.now() - startMs).toBeGreaterThan(900);
  });
});

describe('a turn that is booked', () => {
  const pacer = (startPerSecond = 10, growth = ADAPTIVE_RATE.growth) =>
    createAdaptivePacer({ ...ADAPTIVE_RATE, startPerSecond, growth });

  it('comes after the turns of waiting requests and those promised before', () => {
    const paced = pacer();
    const told = [paced.book('a', 5, 0), paced.book('a', 5, 0), paced.book('a', 0, 0)];
    // A little before six, seven and eight turns of 100 ms: the rate grows meanwhile.
    expect(told.map((ms) => Math.ceil(ms / 100))).toEqual([6, 7, 8]);
    expect(paced.book('b', 0, 0)).toBeCloseTo(100, -1);
  });

  it('comes when the rate, growing from now on, has given as many', () => {
    const paced = pacer(1, 0.25);
    for (let booked = 0; booked < 199; booked++) paced.book('a', 0, 0);
    const seconds = paced.book('a', 0, 0) / 1000;
    let turns = 0;
    let rate = 1;
    for (let at = 0; at < seconds; at += 0.001) {
      turns += rate * 0.001;
      rate += 0.25 * Math.sqrt(rate) * 0.001;
    }
    expect(turns).toBeCloseTo(200, 0);
    expect(seconds).toBeLessThan(30);
  });

  it('is free again once its time has passed, and never further off than a queue can delay', () => {
    const paced = pacer();
    const first = paced.book('a', 0, 0);
    expect(paced.book('a', 0, 60_000)).toBe(first);
    for (let booked = 0; booked < 20_000; booked++) paced.book('a', 0, 60_000);
    const last = paced.book('a', 0, 60_000);
    expect(last).toBeLessThanOrEqual(900_000);
    expect(paced.book('a', 0, 60_000)).toBe(last);
    // The clock was set back an hour.
    expect(paced.book('a', 0, 60_000 - 3_600_000)).toBe(last);
  });
});
