// The ledger's benchmark, in small: two slices, whose rows each end once, in the counts and in the report.
import { expect, it } from 'vitest';
import { benchLedger } from '../../lab/bench/ledger.ts';
import { BLOCK_ROWS, sliceRowsOf } from '../../shared/job/identity.ts';

const ROWS = sliceRowsOf(BLOCK_ROWS) + 500;

it('has each of its rows stored, and reported once, within DynamoDB’s limits', async () => {
  const result = await benchLedger(ROWS);
  expect(result).toMatchObject({ rows: ROWS, stored: ROWS, slices: 2, unaccounted: 0, countedTwice: 0 });
  // A block's row is written once for each batch that holds rows of it: 100 rows are of a few blocks.
  expect(result.writeUnitsPerThousandRows).toBeLessThan(200);
  expect(result.hottestKey.writeUnitsPerSecond).toBeLessThan(1_000);
});
