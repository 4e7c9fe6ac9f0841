// Old garbage does not fill ingest's heap. With a small young generation V8 moves much to the old one, and without marking in steps
// it leaves it there until the heap is full: these rows took 660 MB, and take 160 now.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Order } from '../../lab/bench/ingest/measure-process.ts';

const MEASURE = fileURLToPath(new URL('../../lab/bench/ingest/measure-process.ts', import.meta.url));
const BYTES_PER_MB = 1_000_000;

it('ingests three million rows in a few times the memory of its code', { timeout: 300_000 }, async () => {
  const order: Order = { part: 'ingest', input: { format: 'csv', rows: 3_000_000, folder: '/none' } };
  const flags = ['--max-semi-space-size=8', '--max-old-space-size=922'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, MEASURE, JSON.stringify(order)]);
  const { peakRssBytes } = JSON.parse(stdout) as { peakRssBytes: number };
  expect(peakRssBytes / BYTES_PER_MB).toBeLessThan(300);
});
