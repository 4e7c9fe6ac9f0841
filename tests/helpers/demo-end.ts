// A demo that is told to end ends at once, and leaves nothing.
import { expect } from 'vitest';
import { startSpillway } from './spillway.ts';

/** @param when what the demo has written by then */
export async function endsWhole(cwd: string, when: string, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  const run = startSpillway(['demo', '--files', '400', '--limit', '20', '--json'], { cwd });
  await run.until(when);
  run.child.kill(signal);
  // Its output closes only when no process of its own holds it any more.
  const { code, stdout, stderr } = await run.ended;
  expect(code).toBe(130);
  expect(stdout).toBe('');
  expect(stderr).toContain('Interrupted');
  expect(stderr).not.toMatch(/^\s+at /m);
}
