// The chaos run in small: every fault at once, and then everything is read back.
import { expect, it } from 'vitest';
import { CHAOS_FAULTS } from '../../lab/chaos/faults.ts';
import { runChaos } from '../../lab/chaos/run.ts';

const RUN = { items: 1_000, seed: 7, intensity: 1, outagesEach: 1, outageMs: 3_000 };
const REPLAY = `npm run chaos -- --items ${RUN.items} --seed ${RUN.seed} --outages ${RUN.outagesEach} --outage-seconds ${RUN.outageMs / 1000}`;
const LIMIT_SECONDS = 300;

it('loses nothing and counts nothing twice, with every fault at once', { timeout: 540_000 }, async () => {
  const { account, breaches, stall, faults, seconds } = await runChaos({
    ...RUN,
    faults: CHAOS_FAULTS,
    limitSeconds: LIMIT_SECONDS,
  });
  console.log(JSON.stringify({ ...account, seconds, faults }));
  expect(stall, REPLAY).toBeUndefined();
  expect(breaches, REPLAY).toEqual([]);
  expect(account).toMatchObject({ items: RUN.items, unaccounted: 0, countedTwice: 0, missingObjects: 0 });
  expect(account.stored).toBeGreaterThan(RUN.items / 2);
  const struck = Object.values(faults).filter((times) => times > 0);
  // A rare one may miss a small run.
  expect(struck.length, JSON.stringify(faults)).toBeGreaterThan(CHAOS_FAULTS.length - 4);
});
