// Watches the jobs of a batch: reads them again every few seconds, so that the batch can ask at any moment, without a wait,
// whether an item may still be started.
import type { JobId } from '../../shared/job/identity.ts';
import { isLive, type Job, mayTransfer } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** A pause or cancel takes effect within this time plus the requests under way: 15 s in all. */
const READ_EVERY_MS = 5_000;

/**
 * What happens to an unfinished item, by its job's control.
 *
 *   go-on   it is transferred, or given back
 *   cancel  it is booked as cancelled
 *   drop    it is acknowledged without an outcome: resume sends it again, settle books it, or its job has ended
 */
export type Instruction = 'go-on' | 'cancel' | 'drop';

export type JobWatch = ReturnType<typeof watchJobs>;

/**
 * @param jobs as they were read just now
 * @param untilMs epoch ms after which no item is started
 */
export function watchJobs(
  { ledger, clock }: { ledger: Pick<Ledger, 'getJobs'>; clock: Clock },
  jobs: ReadonlyMap<JobId, Job>,
  untilMs: number,
) {
  let known = jobs;
  const errors: Error[] = [];
  /** Each is reported once: a batch of 15 minutes would otherwise log it 180 times. */
  const reported = new Set<JobId>();
  const ended = new AbortController();

  async function watch(): Promise<void> {
    while (clock.now() + READ_EVERY_MS < untilMs) {
      await clock.sleep(READ_EVERY_MS, ended.signal).catch(ignoreEnd);
      if (ended.signal.aborted) return;
      try {
        const read = await ledger.getJobs([...jobs.keys()]);
        const last = [...known].filter(([id]) => read.unreadable.has(id));
        known = new Map([...last, ...read.jobs]);
        for (const [id, error] of read.unreadable) {
          if (!reported.has(id)) errors.push(error);
          reported.add(id);
        }
      } catch (error) {
        errors.push(error as Error);
      }
    }
  }
  const watching = jobs.size === 0 ? Promise.resolve() : watch();

  return {
    /** As of the last read. */
    instructionFor(id: JobId): Instruction {
      const job = known.get(id);
      if (job === undefined || !isLive(job)) return 'drop';
      if (mayTransfer(job)) return 'go-on';
      return job.control === 'cancelling' ? 'cancel' : 'drop';
    },
    /** The job as it was last read. */
    jobOf: (id: JobId): Job | undefined => known.get(id),
    /** Ends the watch. @returns the errors of reads that failed; the last good read was used then */
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
