// How V8 collects the garbage of a function.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/**
 * Bytes that V8's old generation may grow by before it is collected. Ingest has 20 MiB of live objects there, and adds up to 1 MiB of
 * garbage a second, which holds as many bytes of buffers. A collection takes some 20 ms.
 */
const MOST_OLD_GARBAGE_BYTES = 8 * 1024 * 1024;

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
  let mostBytes = oldBytes() + MOST_OLD_GARBAGE_BYTES;
  const look = () => {
    if (oldBytes() < mostBytes) return;
    collectAll();
    // Where much is alive, a collection takes longer: so the next one waits until there is more to free.
    const aliveBytes = oldBytes();
    mostBytes = aliveBytes + Math.max(MOST_OLD_GARBAGE_BYTES, aliveBytes / 2);
  };
  // Each collection of the young generation may have moved more.
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}

function oldBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith('new_'))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
}
