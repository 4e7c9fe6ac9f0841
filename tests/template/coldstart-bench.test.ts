// The benchmark of cold starts, in small: it bundles as packaging does, and upload starts from that bundle. No time is judged.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../lab/bench/main.ts', import.meta.url));

it('prints the size of upload’s bundle, its start, and that of bare clients', async () => {
  const args = [MAIN, 'coldstart', '--runs', '1', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const printed = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(printed)).toEqual([
    ...['bundleKb', 'startKb', 'initMs', 'bareInitMs', 'initCpuMs', 'bareInitCpuMs'],
  ]);
  for (const value of Object.values(printed)) expect(value).toBeGreaterThan(0);
  expect(printed['bundleKb']).toBeLessThanOrEqual(600);
});
