// A program that a bench runs does not outlive the bench.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const PROCESS = new URL('../../lab/bench/process.ts', import.meta.url).href;
const WITHIN = { timeout: 120_000, interval: 50 };

it.each(['SIGINT', 'SIGTERM'] as const)('is ended with a bench that %s ends', async (signal) => {
  const folder = await folderOfTest();
  const file = path.join(folder, 'pid');
  const endless = `require('node:fs').writeFileSync(${JSON.stringify(file)}, process.pid + '.'); setInterval(() => {}, 1000)`;
  const bench = `import { runProgram } from ${JSON.stringify(PROCESS)};
    await runProgram(process.execPath, ['-e', ${JSON.stringify(endless)}]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', bench], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const pid = await vi.waitFor(async () => {
    const written = await readFile(file, 'utf8');
    expect(written).toMatch(/^\d+\.$/);
    return Number.parseInt(written, 10);
  }, WITHIN);
  child.kill(signal);
  expect(await exited).toEqual([1, null]);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), WITHIN);
});
