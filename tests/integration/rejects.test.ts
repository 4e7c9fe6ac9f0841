// Manifests of bad rows through the whole pipeline: a job that is mostly bad stops, with a report that is small.
// One that is bad in part while S3 throttles the rest: tests/long/throttled-rejects.test.ts.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** Writes a second: good rows wait, while bad ones are known at once. */
const LIMIT_PER_SECOND = 300;
const SWEEP_EVERY_MS = 1_000;

let cloud: PipelineCloud;
let sweeping: NodeJS.Timeout;

beforeAll(async () => {
  cloud = await startPipelineCloud({
    visibilitySeconds: 3,
    limit: { limitPerSecond: LIMIT_PER_SECOND },
    adjust({ functions: { sweep, settle } }) {
      for (const each of [sweep, settle]) {
        if (each !== undefined) each.environment['SPILLWAY_UPLOAD_SECONDS'] = '1';
      }
    },
  });
  sweeping = setInterval(() => void cloud.trigger('sweep').catch(() => undefined), SWEEP_EVERY_MS);
});
afterAll(async () => {
  clearInterval(sweeping);
  await cloud?.stop();
});

const off = { spread: 'off' };
const badRows = (count: number) => `key,text\n${'x\n'.repeat(count)}`;

async function reportBytes(job: string): Promise<number> {
  const keys = [
    ...(await cloud.keys(cloud.names.reports, `jobs/${job}/`)),
    ...(await cloud.keys(cloud.names.reports, `outcomes/${job}/`)),
  ];
  const files = await Promise.all(keys.map((key) => cloud.read(cloud.names.reports, key)));
  return files.reduce((sum, file) => sum + (file?.length ?? 0), 0);
}

describe('a job of bad rows alone', () => {
  it('is stopped by ingest, with a report that is small, and every row accounted for', async () => {
    const rows = 10_000;
    const end = await cloud.ended(await cloud.drop('lists/bad.csv', badRows(rows), { options: off }));
    expect(end).toMatchObject({
      state: 'failed',
      fault: { code: 'TooManyRejected', message: expect.stringMatching(/^\d+ of the first \d+ rows read/) },
      rows,
      rejected: rows,
      unaccounted: 0,
    });
    // Ingest itself stops: sweep, a minute apart on AWS, would have come when all was read.
    const stopped = cloud.logs().filter(({ line }) => line.includes('job stopped') && line.includes(end.job));
    expect(stopped[0]).toMatchObject({ functionName: expect.stringContaining('ingest') });

    const rejected = await cloud.rows(end, 'rejected');
    const sum = rejected.reduce((total, row) => total + Number(row['spillway_rows'] ?? 1), 0);
    expect(sum).toBe(rows);
    expect(rejected.length).toBeLessThan(1_100);
    expect(rejected[0]).toMatchObject({ spillway_code: 'ColumnCount', spillway_raw: 'x' });
    expect(rejected.at(-1)).toMatchObject({ spillway_code: 'ColumnCount', spillway_rows: 2_000 });
    expect(await reportBytes(end.job)).toBeLessThan(400_000);
  });

  it('cancels the good rows behind them, each with its own columns', async () => {
    const good = Array.from({ length: 5_000 }, (_, row) => `behind/${row},text`).join('\n');
    const dropped = await cloud.drop('lists/bad-first.csv', `${badRows(3_000)}${good}\n`, { options: off });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ state: 'failed', rows: 8_000, rejected: 3_000, unaccounted: 0 });
    expect(end.stored + end.cancelled).toBe(5_000);
    expect(end.cancelled).toBeGreaterThan(4_000);
    const cancelled = await cloud.rows(end, 'failed');
    expect(cancelled).toHaveLength(end.cancelled);
    expect(cancelled[0]).toMatchObject({
      text: 'text',
      spillway_message: 'its job was ended (TooManyRejected) before it was stored',
    });
  });

  it.each([
    { of: 'of fewer rows than max-failed-after-rows', rows: 400, options: {} },
    { of: 'that allows every reject', rows: 3_000, options: { 'max-failed-percent': '100' } },
  ])('ends as completed $of', async ({ rows, options }) => {
    const dropped = await cloud.drop(`lists/bad-${rows}.csv`, badRows(rows), {
      options: { ...off, ...options },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ state: 'completed', rows, rejected: rows, unaccounted: 0 });
    expect(end).not.toHaveProperty('fault');
    const rejected = await cloud.rows(end, 'rejected');
    if (rows < 1_000) expect(rejected).toHaveLength(rows);
  });
});
