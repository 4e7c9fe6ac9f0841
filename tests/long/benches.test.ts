// The benchmarks that no other test runs, each in small: one that fails to run, or leaves out a field, is seen. No figure is judged.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../lab/bench/main.ts', import.meta.url));

const INGEST_FIELDS = [
  'rowsPerSecond',
  'parserRowsPerSecond',
  'sentRowsPerSecond',
  'bareSentRowsPerSecond',
  'peakRssMiB',
];
const LIMIT_FIELDS = ['name', 'seconds', 'efficiency', 'attemptsPerObject', 'stored'];

it.each<{ bench: string; args: string[]; top: string[]; each: string[] }>([
  {
    bench: 'ingest',
    args: ['--rows', '3000'],
    top: INGEST_FIELDS,
    each: ['format', ...INGEST_FIELDS],
  },
  {
    bench: 'convert',
    args: ['--megabytes', '1'],
    top: ['results'],
    each: ['name', 'expandedBytes', 'cpuSeconds', 'peakRssMiB'],
  },
  {
    bench: 'limit',
    args: ['--objects', '300', '--limit', '2000', '--rounds', '1', '--only', 'engine,pipeline'],
    top: ['objects', 'limitPerSecond', 'results'],
    each: LIMIT_FIELDS,
  },
  {
    bench: 'cost',
    args: ['--objects', '100', '--workers', '2', '--limit', '350'],
    top: ['objects', 'results'],
    each: ['costPerMillionUsd'],
  },
  {
    bench: 'plan',
    args: ['--only', 'usual.csv'],
    top: ['results'],
    each: ['name', 'rows', 'cpuSeconds', 'lambdaSeconds'],
  },
])('runs $bench, and prints its fields', { timeout: 300_000 }, async ({ bench, args, top, each }) => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, bench, ...args, '--json']);
  const printed = JSON.parse(stdout) as Record<string, unknown>;
  for (const field of top) expect(printed, field).toHaveProperty(field);
  const results = (printed['results'] ?? printed['formats']) as Record<string, unknown>[];
  expect(results.length).toBeGreaterThan(0);
  for (const result of results) for (const field of each) expect(result, field).toHaveProperty(field);
});
