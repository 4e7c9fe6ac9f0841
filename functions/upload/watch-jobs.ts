// The jobs whose items are being worked on: read again and again by itself, so that whether an item may still be begun
// can be asked at any moment, without waiting.
import type { JobId } from '../../shared/job/identity.ts';
import { isLive, isRunning, type Job } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** An order takes effect within this, and the requests that are under way: it is to be 15 s in all. */
const READ_EVERY_MS = 5_000;

/**
 * What is to become of an item that is not finished, by what its job is under.
 *
 *   go-on   it is transferred, or given back
 *   cancel  it is booked as cancelled
 *   drop    it is acknowledged unaccounted: resume sends it again, or settle books it, or its job has ended
 */
export type Standing = 'go-on' | 'cancel' | 'drop';

export interface JobWatch {
  /** By the last reading. */
  standingOf(job: JobId): Standing;
  /** The job as it was last read. */
  jobOf(job: JobId): Job | undefined;
  /** Ends the watch. @returns why readings failed; what was known stood on then */
  end(): Promise<Error[]>;
}

/**
 * @param jobs as they were read just now
 * @param untilMs epoch ms: nothing is begun beyond it, so nothing needs to be known
 */
export function watchJobs(
  { ledger, clock }: { ledger: Pick<Ledger, 'getJobs'>; clock: Clock },
  jobs: ReadonlyMap<JobId, Job>,
  untilMs: number,
): JobWatch {
  let known = jobs;
  const errors: Error[] = [];
  const ended = new AbortController();

  async function watch(): Promise<void> {
    while (clock.now() + READ_EVERY_MS < untilMs) {
      await clock.sleep(READ_EVERY_MS, ended.signal).catch(ignoreEnd);
      if (ended.signal.aborted) return;
      try {
        known = await ledger.getJobs([...jobs.keys()]);
      } catch (error) {
        errors.push(error as Error);
      }
    }
  }
  const watching = jobs.size === 0 ? Promise.resolve() : watch();

  return {
    standingOf(id) {
      const job = known.get(id);
      if (job === undefined || !isLive(job)) return 'drop';
      if (isRunning(job)) return 'go-on';
      return job.control === 'cancelling' ? 'cancel' : 'drop';
    },
    jobOf: (id) => known.get(id),
    async end() {
      ended.abort();
      await watching;
      return errors;
    },
  };
}

/** The batch is done: the watch's sleep is cancelled. */
function ignoreEnd(): void {}
