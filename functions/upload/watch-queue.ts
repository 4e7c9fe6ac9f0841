// Watches the upload queue while a batch waits for its turns. Near the end of the work the workers' shares of S3's limit no
// longer fit: some have nothing left, others hold items that are due in seconds. Then a worker keeps what it has, for nobody
// else would send it sooner. Once the queue is empty it also goes faster, as far as S3 takes it.
//
// SQS counts approximately, and up to a minute late. A wrong count costs some refusals, or the end of a job some seconds.
import type { Pacer } from '../../shared/pacing/adaptive-pacer.ts';
import { IN_PLACE_MS } from '../../shared/pacing/retry.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** A batch that its bucket's pace ends sooner is not worth a request. */
const SHORT_BATCH_MS = 300;
const LOOK_EVERY_MS = 500;
/** A reading holds into the next batch: it waited for the batching window, 1 s. */
const GOOD_FOR_MS = 2_000;
/** A queue that this worker alone would empty within this time counts as empty. */
const EMPTY_WITHIN_MS = 250;
/** Where this worker alone would empty the queue within this time, the end is near. */
const NEAR_MS = 60_000;
/** Near the end, a batch that the pace ends within this time waits in place for so long. */
const KEEP_MS = 6_000;
/** Objects a second. A lower pace means an outage, in which items had better wait in the queue. */
const LEAST_PACE = 10;

export interface QueueWatchDependencies {
  pacer: Pick<Pacer, 'ratePerSecond' | 'drain'>;
  clock: Clock;
  /** Messages of the upload queue that may be received now. */
  visibleMessages: () => Promise<number>;
}

/** @param buckets the destination bucket of each item of the batch */
export async function watchQueue(
  { pacer, clock, visibleMessages }: QueueWatchDependencies,
  buckets: readonly string[],
) {
  const errors: Error[] = [];
  const ended = new AbortController();
  const paceOf = (bucket: string) => pacer.ratePerSecond(bucket, clock.now());
  const items = [...Map.groupBy(buckets, (bucket) => bucket)];
  const batchMs = Math.max(0, ...items.map(([bucket, { length }]) => (length * 1000) / paceOf(bucket)));

  /** @returns milliseconds in which this worker alone would empty the queue */
  async function look(): Promise<number> {
    let emptyInMs = Number.POSITIVE_INFINITY;
    try {
      const pace = items.reduce((sum, [bucket]) => sum + paceOf(bucket), 0);
      emptyInMs = ((await visibleMessages()) * 1000) / pace;
    } catch (error) {
      errors.push(error as Error);
    }
    pacer.drain(emptyInMs <= EMPTY_WITHIN_MS ? clock.now() + GOOD_FOR_MS : 0);
    return emptyInMs;
  }

  async function watch(): Promise<void> {
    // A batch that takes longer than this is not held up by its pace.
    const untilMs = clock.now() + Math.max(batchMs, IN_PLACE_MS);
    for (let waitMs = SHORT_BATCH_MS; clock.now() < untilMs; waitMs = LOOK_EVERY_MS) {
      await clock.sleep(waitMs, ended.signal).catch(ignoreEnd);
      if (ended.signal.aborted || errors.length > 0) return;
      await look();
    }
  }

  // Otherwise its items go back at once, or none of them has to.
  const isOutage = items.some(([bucket]) => paceOf(bucket) < LEAST_PACE);
  const mayKeep = batchMs > IN_PLACE_MS && batchMs <= KEEP_MS && !isOutage;
  const inPlaceMs = mayKeep && (await look()) <= NEAR_MS ? KEEP_MS : IN_PLACE_MS;
  const watching = batchMs > SHORT_BATCH_MS ? watch() : Promise.resolve();
  return {
    /** Milliseconds that an item of the batch waits in place before it goes back. */
    inPlaceMs,
    /** Ends the watch. @returns the errors of requests that failed: the batch was worked on as if the queue were full then */
    async end(): Promise<Error[]> {
      ended.abort(ENDED);
      await watching;
      return errors;
    },
  };
}

/** Given as the reason: without one, each batch would make an error with its stack. */
const ENDED = 'the batch has ended';

/** The batch is done: the watch's sleep is cancelled. */
function ignoreEnd(): void {}
