// When the rows of a slice are sent: those of a job without a rate wait for the slices before, while these keep the queue fed.
import { describe, expect, it } from 'vitest';
import { createHold } from '../../functions/ingest/hold-slice.ts';
import type { Block } from '../../shared/blocks/read-blocks.ts';
import type { LiveJob } from '../../shared/job/job.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { aJob } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const BLOCK = { block: 0, size: 500, accepted: [] } as unknown as Block;

function world(slice: number, { job = aJob(), replays = 0 }: { job?: LiveJob; replays?: number } = {}) {
  const clock = createVirtualClock(1_000_000);
  const state = { before: 0, visible: 0, leads: 0, looks: 0, mustStop: false };
  const ledger = {
    feed: () => Promise.reject(new Error('the job has no rate')),
    lead: async () => {
      state.leads++;
      return state.before;
    },
  };
  const visibleMessages = async () => {
    state.looks++;
    return state.visible;
  };
  const mustStop = async () => state.mustStop;
  const hold = createHold({ ledger, clock, visibleMessages, mustStop }, job, {
    slice,
    replays,
  } as SliceRow);
  return { clock, state, hold: () => hold(BLOCK), startedAtMs: clock.now() };
}

describe('a slice of a job without a rate', () => {
  it('is sent where it leads, and takes the lead again every 20 seconds', async () => {
    const { clock, state, hold } = world(0);
    for (let block = 0; block < 30; block++) {
      expect(await hold()).toBeUndefined();
      await clock.sleep(1_000);
    }
    expect(state).toMatchObject({ leads: 2, looks: 0 });
  });

  it('waits in place for the slice before it, and is sent as soon as that one has let go', async () => {
    const { clock, state, hold, startedAtMs } = world(1);
    state.before = 1;
    const held = hold();
    await clock.sleep(550);
    state.before = 0;
    expect(await held).toBeUndefined();
    expect(clock.now() - startedAtMs).toBeLessThan(800);
    expect(state.looks).toBe(0);
  });

  it('is held while those before it keep the queue fed, the longer the more of them there are', async () => {
    for (const [before, heldMs] of [
      [2, 2_000],
      [3, 3_000],
      [4, 4_000],
      [1_000, 240_000],
    ] as const) {
      const { state, hold } = world(before);
      Object.assign(state, { before, visible: 2_000 });
      expect(await hold()).toBe(heldMs);
    }
  });

  it('stops its help once it is far behind: a slice long before it leads', async () => {
    const { clock, state, hold } = world(6);
    Object.assign(state, { before: 1, visible: 0 });
    expect(await hold()).toBeUndefined();
    Object.assign(state, { before: 6, visible: 50_000 });
    await clock.sleep(2_000);
    expect(await hold()).toBe(6_000);
  });

  it('waits for none where it is replayed: its open blocks are to have their messages again', async () => {
    const { state, hold } = world(2, { replays: 1 });
    Object.assign(state, { before: 2, visible: 50_000 });
    expect(await hold()).toBeUndefined();
    expect(state.leads).toBe(0);
  });

  it('waits in place for half a minute where it is the next one', async () => {
    const { clock, state, hold, startedAtMs } = world(1);
    Object.assign(state, { before: 1, visible: 2_000 });
    expect(await hold()).toBe(1_000);
    expect(clock.now() - startedAtMs).toBeGreaterThanOrEqual(30_000);
    expect(state.looks).toBeLessThan(35);
  });

  it('ends its wait in place as soon as the invocation sends nothing more', async () => {
    const { clock, state, hold, startedAtMs } = world(1);
    Object.assign(state, { before: 1, visible: 2_000 });
    const held = hold();
    await clock.sleep(5_050);
    state.mustStop = true;
    await held;
    expect(clock.now() - startedAtMs).toBeLessThan(5_300);
  });

  it('helps the slice before it while the queue is not fed, and stops helping once it is full', async () => {
    const { clock, state, hold } = world(2);
    Object.assign(state, { before: 2, visible: 1_999 });
    expect(await hold()).toBeUndefined();
    state.visible = 19_999;
    await clock.sleep(1_000);
    expect(await hold()).toBeUndefined();
    state.visible = 20_000;
    expect(await hold()).toBeUndefined();
    await clock.sleep(1_000);
    expect(await hold()).toBe(2_000);
    expect(state.looks).toBe(4);
  });

  it('is held while the queue fills by itself, as at the start of a job', async () => {
    const { clock, state, hold } = world(2);
    Object.assign(state, { before: 2, visible: 0 });
    const held = hold();
    await clock.sleep(1_500);
    state.visible = 200;
    expect(await held).toBe(2_000);
    expect(state.looks).toBe(2);
  });

  it('helps where the queue gains too little', async () => {
    const { clock, state, hold } = world(2);
    Object.assign(state, { before: 2, visible: 0 });
    const held = hold();
    await clock.sleep(1_500);
    state.visible = 199;
    expect(await held).toBeUndefined();
  });

  it('helps nobody from far behind: that slice would keep a place of ingest waiting', async () => {
    const { clock, state, hold, startedAtMs } = world(4);
    state.before = 4;
    expect(await hold()).toBe(4_000);
    expect(clock.now()).toBe(startedAtMs);
  });

  it('asks once for blocks that are sent at the same time', async () => {
    const { state, hold } = world(0);
    await Promise.all([hold(), hold(), hold(), hold()]);
    expect(state.leads).toBe(1);
  });

  it('asks nothing where it is the only one', async () => {
    const job = { ...aJob(), state: 'running', slices: 1 } as unknown as LiveJob;
    const { state, hold } = world(0, { job });
    expect(await hold()).toBeUndefined();
    expect(state.leads).toBe(0);
  });
});
