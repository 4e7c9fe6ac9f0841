// The million-row run in small: a manifest of several slices through the whole embedded cloud, with destination writes stubbed.
import { expect, it } from 'vitest';
import { countFates } from '../../lab/bench/million/rows.ts';
import { benchMillion } from '../../lab/bench/million/run.ts';

const ROWS = 20_000;
/** No measure: it bounds a run that stands still. */
const MOST_MS = 1_800_000;

it('ends each of 20,000 rows as it must, and reports it once', { timeout: MOST_MS }, async () => {
  const result = await benchMillion(ROWS, { sliceBytes: 1024 ** 2 });
  expect(result).toMatchObject({
    rows: ROWS,
    state: 'completed',
    ...countFates(ROWS),
    skipped: 0,
    cancelled: 0,
    unaccounted: 0,
    countedTwice: 0,
    misreported: 0,
  });
  expect(countFates(ROWS)).toEqual({ stored: 19_960, failed: 20, rejected: 20 });
});
