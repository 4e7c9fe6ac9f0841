// V8 says when it begins to mark in steps. It is asked in a process of its own, since its flags hold for all of one.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../../functions/runtime/garbage-collection.ts', import.meta.url).href;

/** Keeps 1,000,000 objects, which V8 moves to its old generation. */
const FILL = 'const kept = []; for (let at = 0; at < 1e6; at++) kept.push({ at });';

/** @returns how often V8 began to mark in steps while `code` ran and then filled its memory */
function stepsAfter(code: string): number {
  const args = ['--trace-incremental-marking', '--input-type=module', '-e', `${code}; ${FILL}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout.match(/\[IncrementalMarking\] Start marking/g)?.length ?? 0;
}

const CALL = `import { markInOnePause } from '${MODULE}'; markInOnePause()`;

it('V8 marks in one pause, not in steps', () => {
  expect(stepsAfter('')).toBeGreaterThan(0);
  expect(stepsAfter(CALL)).toBe(0);
});

it('a thread leaves the collection of its process as it is', () => {
  const ofThread = [
    "import { Worker } from 'node:worker_threads'",
    "import { once } from 'node:events'",
    `await once(new Worker(new URL(${JSON.stringify(`data:text/javascript,${CALL}`)})), 'exit')`,
  ];
  expect(stepsAfter(ofThread.join('; '))).toBeGreaterThan(0);
});
