// How V8 collects the garbage of a function.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/**
 * What V8's old generation and the buffers outside of the heap may grow to before all is collected, as a multiple of what is alive.
 * Ingest has some 45 MiB alive, and adds up to 2 MiB of garbage a second. A collection takes some 20 ms, and longer where more is
 * alive. With more collections the process was no smaller (Node 24.21).
 */
const MOST_GROWTH = 1.5;

/**
 * Lets V8 mark all live objects in one pause, not in steps beside the code. For a function that makes much garbage, and that nobody
 * waits for. While steps go on, V8 takes much of the new garbage for live objects, and moves it to the old generation. That is then
 * full sooner, and the next steps begin. Without steps, ingest reads a million rows with 30% less processor time, and its pauses
 * take some 20 ms (Node 24.21, `npm run bench -- ingest`).
 *
 * Without steps V8 leaves what was moved there until its heap is full, and Lambda allows it a heap of nine tenths of the function's
 * memory. So the old generation is collected here once it has grown.
 *
 * The setting holds for a whole process, so the threads of the embedded cloud leave it as it is.
 */
export function markInOnePause(): void {
  if (!isMainThread) return;
  setFlagsFromString('--no-incremental-marking');
  setFlagsFromString('--expose-gc');
  const collectAll = runInNewContext('gc') as () => void;
  let aliveBytes = oldBytes();
  const look = () => {
    const bytes = oldBytes();
    if (bytes < aliveBytes * MOST_GROWTH) {
      // V8 frees the buffers of a collection only after it.
      aliveBytes = Math.min(aliveBytes, bytes);
      return;
    }
    collectAll();
    aliveBytes = oldBytes();
  };
  // Each collection of the young generation may have moved more.
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}

/** With the memory of all buffers: a small object of the old generation may hold a large one. */
function oldBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith('new_'))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, getHeapStatistics().external_memory);
}
