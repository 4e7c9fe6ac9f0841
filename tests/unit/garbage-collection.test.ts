// How V8 collects garbage. It is asked in a process of its own, since its flags hold for all of one.
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

/**
 * Keeps some blocks of 0.3 MB, then replaces as many as asked for, in turns of the event loop. What is replaced has outlived the
 * young generation, which is small here.
 * @returns the most megabytes of the old generation, and how often it was collected, both while blocks were replaced
 */
function replacing(kept: number, replaced: number): { mostOldMb: number; collections: number } {
  const code = `${CALL};
    import { constants, PerformanceObserver } from 'node:perf_hooks';
    import { getHeapSpaceStatistics } from 'node:v8';
    const blocks = [];
    const turn = async (at) => {
      blocks[at % ${kept}] = Array.from({ length: 2_000 }, (_, at) => ({ at, values: [at] }));
      await new Promise(setImmediate);
    };
    for (let at = 0; at < ${kept}; at++) await turn(at);
    let collections = 0;
    const ofAll = ({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
    const count = (list) => { collections += list.getEntries().filter(ofAll).length; };
    new PerformanceObserver(count).observe({ entryTypes: ['gc'] });
    let mostOldMb = 0;
    for (let at = 0; at < ${replaced}; at++) {
      await turn(at);
      const old = getHeapSpaceStatistics().find((space) => space.space_name === 'old_space');
      mostOldMb = Math.max(mostOldMb, old.space_used_size / 1e6);
    }
    console.log(JSON.stringify({ mostOldMb, collections }))`;
  const flags = ['--max-semi-space-size=1', '--input-type=module'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', code], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ReturnType<typeof replacing>;
}

it('old garbage is collected before it grows to a multiple of what is kept', () => {
  // 30 MB are kept, and 300 MB become garbage.
  expect(replacing(100, 1_000).mostOldMb).toBeLessThan(80);
});

it('where much is kept, more garbage comes together before all is collected', () => {
  // 150 MB are kept, and 150 MB become garbage: twenty times what starts a collection where little is kept.
  expect(replacing(500, 500).collections).toBeLessThan(6);
});

it('a thread leaves the collection of its process as it is', () => {
  const ofThread = [
    "import { Worker } from 'node:worker_threads'",
    "import { once } from 'node:events'",
    `await once(new Worker(new URL(${JSON.stringify(`data:text/javascript,${CALL}`)})), 'exit')`,
  ];
  expect(stepsAfter(ofThread.join('; '))).toBeGreaterThan(0);
});
