// A manifest that is bad in part goes on while S3 throttles its good rows: paced by S3's limit, beside a sweep each second.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** Writes a second: good rows wait, while bad ones are known at once. */
const LIMIT_PER_SECOND = 300;
const SWEEP_EVERY_MS = 1_000;

let cloud: PipelineCloud;

beforeAll(async () => {
  cloud = await startPipelineCloud({
    visibilitySeconds: 3,
    sweepEveryMs: SWEEP_EVERY_MS,
    limit: { limitPerSecond: LIMIT_PER_SECOND },
    adjust({ functions: { sweep, settle } }) {
      for (const each of [sweep, settle]) {
        if (each !== undefined) each.environment['SPILLWAY_UPLOAD_SECONDS'] = '1';
      }
    },
  });
});
afterAll(async () => {
  await cloud?.stop();
});

it('a job of which 5% is bad completes while S3 throttles the rest', async () => {
  const rows = 3_000;
  const lines = Array.from({ length: rows }, (_, row) => (row % 20 === 0 ? 'x' : `part/${row},text`));
  const dropped = await cloud.drop('lists/part.csv', `key,text\n${lines.join('\n')}\n`, {
    options: { spread: 'off', 'max-failed-after-rows': '100' },
  });
  const end = await cloud.ended(dropped);
  expect(end).toMatchObject({ state: 'completed', rows, rejected: 150, stored: 2_850, unaccounted: 0 });
});
