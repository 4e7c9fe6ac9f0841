// A job with a rate of its own on the embedded cloud, and a small job behind a large one. No speed is measured here: the tests
// hold what comes before what, which follows from the rate, however slow the machine.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { startPipelineCloud } from '../helpers/pipeline-cloud.ts';
import { startSpillway } from '../helpers/spillway.ts';

/** Rows of a block: the least that ingest sends at once. */
const BLOCK = 500;
const HOME = fileURLToPath(new URL('../..', import.meta.url));

const cloud = duringTests(startPipelineCloud);

async function post(name: string, rows: number, rate: number): Promise<string> {
  const lines = Array.from({ length: rows }, (_, row) => `${name}/${row},x\n`);
  const query = `spread=off&max-rate-per-second=${rate}`;
  const answer = await fetch(`${cloud.endpoints.api}/jobs?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: `key,text\n${lines.join('')}`,
  });
  return ((await answer.json()) as { job: string }).job;
}

const stored = async (name: string) => (await cloud.keys(cloud.names.destination, `${name}/`)).length;

async function spillway(...args: string[]) {
  const run = startSpillway(args, { cwd: HOME, env: { SPILLWAY_API: cloud.endpoints.api } });
  return await run.ended;
}

describe('a job of one object a second', () => {
  const rows = 4 * BLOCK;
  let large: string;

  it('has a part of its rows in the queue, and writes as it should', async () => {
    large = await post('large', rows, 1);
    await cloud.until('its first objects', async () => (await stored('large')) >= 3);
    const { visible, inFlight, delayed } = (await cloud.queueDepths())['UploadQueue'] ?? fail();
    // One block, or two where the first was sent a while ago.
    expect(visible + inFlight + delayed).toBeLessThanOrEqual(2 * BLOCK);
    expect(cloud.metrics()['Throttled'] ?? 0).toBe(0);
  });

  it('lets a job that comes behind it end first', async () => {
    const end = await cloud.ended(await post('small', 10, 0));
    expect(end).toMatchObject({ state: 'completed', rows: 10, stored: 10 });
    expect(await stored('large')).toBeLessThan(rows);
    expect(cloud.endsOf(large)).toEqual([]);
  });

  it('takes another rate while it runs, and none', async () => {
    const faster = await spillway('rate', large, '20', '--bytes', '5000000', '--json');
    expect(faster).toMatchObject({ code: 0, stderr: expect.stringContaining('at most 20 objects/s and ') });
    expect(JSON.parse(faster.stdout)).toMatchObject({
      options: { maxRatePerSecond: 20, maxBytesPerSecond: 5_000_000 },
    });
    const unbounded = await spillway('rate', large, '0', '--bytes', '0');
    expect(unbounded).toMatchObject({ code: 0, stderr: expect.stringContaining('as fast as S3 takes it') });
    const end = await cloud.ended(large);
    expect(end).toMatchObject({
      state: 'completed',
      rows,
      stored: rows,
      failed: 0,
      throttled: 0,
      unaccounted: 0,
    });
    expect(await stored('large')).toBe(rows);
  });

  it('takes no rate once it has ended, and none that is no number', async () => {
    expect(await spillway('rate', large, '5')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("its rate can't be changed"),
    });
    expect(await spillway('rate', large, '0.5')).toMatchObject({ code: 2 });
    expect(await spillway('rate', large)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give objects a second, --bytes, or both'),
    });
  });
});

function fail(): never {
  throw new Error('serverless.yml has no UploadQueue');
}
