// How long a chaos run waits for its work: a slow machine gets more time, and what stands still is given up.
import { expect, it } from 'vitest';
import { createPatience } from '../../lab/chaos/patience.ts';

function world() {
  const state = { nowMs: 0, sweeps: 0, stretched: 0 };
  const patience = createPatience(
    { clock: { now: () => state.nowMs } },
    {
      limitMs: 300_000,
      sweeps: () => state.sweeps,
      stretch: async () => {
        state.stretched += 1;
      },
    },
  );
  return { state, isOver: patience.isOver };
}

it('waits for as long as the work gets on, however slowly', async () => {
  const { state, isOver } = world();
  for (let progress = 0; progress < 50; progress++) {
    expect(await isOver(progress)).toBe(false);
    state.nowMs += 59_000;
    state.sweeps += 100;
  }
  expect(state.stretched).toBe(0);
});

it('gives the functions more time once a minute while nothing gets on', async () => {
  const { state, isOver } = world();
  await isOver(1);
  for (let second = 0; second < 150; second++) {
    state.nowMs += 1_000;
    await isOver(1);
  }
  expect(state.stretched).toBe(2);
});

it('gives up what stands still, but not before sweeps had time to find it', async () => {
  const { state, isOver } = world();
  await isOver(1);
  state.nowMs = 1_000_000;
  state.sweeps = 19;
  expect(await isOver(1)).toBe(false);
  state.sweeps = 20;
  expect(await isOver(1)).toBe(true);
});

it('does not take for progress what goes back and forth', async () => {
  const { state, isOver } = world();
  await isOver(5);
  state.sweeps = 100;
  state.nowMs = 299_000;
  expect(await isOver(4)).toBe(false);
  state.nowMs = 300_000;
  expect(await isOver(5)).toBe(true);
});
