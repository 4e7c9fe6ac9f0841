// V8 says when it begins to mark in steps. It is asked in a process of its own, since its flags hold for all of one.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const MODULE = new URL('../../functions/runtime/garbage-collection.ts', import.meta.url).href;

/** Fills most of the heap with objects that are kept, in turns of the event loop: at its end V8 may begin to mark. */
const HEAP_MB = 128;
const FILL = `const kept = [];
for (let turn = 0; turn < 8; turn++) {
  kept.push(Array.from({ length: 300_000 }, (_, at) => ({ at })));
  await new Promise(setImmediate);
}`;

/** @returns how often V8 began to mark in steps while `code` ran and then filled its memory */
function stepsAfter(code: string): number {
  const flags = [`--max-heap-size=${HEAP_MB}`, '--trace-incremental-marking', '--input-type=module'];
  const args = [...flags, '-e', `${code}; ${FILL}`];
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
