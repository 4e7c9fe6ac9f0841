// A worker that watches the upload queue: whether it asks at all, how long its items wait in place, and when it goes faster.
import { describe, expect, test } from 'vitest';
import { watchQueue } from '../../functions/upload/watch-queue.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const BUCKET = 'destination';

function world(pacePerSecond: number, visible: () => number) {
  const clock = createVirtualClock(1_000_000);
  const looks: number[] = [];
  const drains: number[] = [];
  const startedAtMs = clock.now();
  const pacer = { ratePerSecond: () => pacePerSecond, drain: (untilMs: number) => void drains.push(untilMs) };
  const visibleMessages = async () => {
    looks.push(clock.now() - startedAtMs);
    return visible();
  };
  const watch = (items: number) =>
    watchQueue({ pacer, clock, visibleMessages }, Array<string>(items).fill(BUCKET));
  return { clock, looks, drains, watch };
}

describe('the watch over the upload queue', () => {
  test('asks nothing where the pace ends the batch at once', async () => {
    const { clock, looks, watch } = world(1_000, () => 0);
    const { inPlaceMs, end } = await watch(100);
    await clock.sleep(10_000);
    expect(await end()).toEqual([]);
    expect({ looks, inPlaceMs }).toEqual({ looks: [], inPlaceMs: 2_000 });
  });

  test('asks before items would go back, and lets them wait where the end is near', async () => {
    const far = await world(20, () => 1_201).watch(100);
    const near = await world(20, () => 1_200).watch(100);
    expect([far.inPlaceMs, near.inPlaceMs]).toEqual([2_000, 6_000]);
    await Promise.all([far.end(), near.end()]);
  });

  test('lets no item wait longer in an outage, where the pace is down', async () => {
    const outage = await world(1, () => 0).watch(5);
    const slow = await world(10, () => 0).watch(100);
    expect([outage.inPlaceMs, slow.inPlaceMs]).toEqual([2_000, 2_000]);
    await Promise.all([outage.end(), slow.end()]);
  });

  test('lets the rates grow once the queue is empty, and no longer where it fills again', async () => {
    let messages = 1_000;
    const { clock, looks, drains, watch } = world(50, () => messages);
    const { end } = await watch(75);
    await clock.sleep(400);
    expect(drains).toEqual([0]);
    messages = 0;
    await clock.sleep(500);
    expect(drains.at(-1)).toBe(1_000_000 + 800 + 2_000);
    messages = 1_000;
    await clock.sleep(500);
    expect(drains.at(-1)).toBe(0);
    expect(await end()).toEqual([]);
    expect(looks).toEqual([300, 800, 1_300]);
  });

  test('ends by itself where something else than the pace holds the batch', async () => {
    const { clock, looks, watch } = world(50, () => 0);
    const { end } = await watch(75);
    await clock.sleep(60_000);
    expect(looks.length).toBeLessThan(6);
    await end();
  });

  test('a failed request is told once, and the batch goes on as if the queue were full', async () => {
    const { clock, drains, looks, watch } = world(20, () => {
      throw new Error('no answer');
    });
    const { inPlaceMs, end } = await watch(100);
    await clock.sleep(5_000);
    expect((await end()).map(({ message }) => message)).toEqual(['no answer']);
    expect({ inPlaceMs, looks: looks.length, drains }).toEqual({ inPlaceMs: 2_000, looks: 1, drains: [0] });
  });
});
