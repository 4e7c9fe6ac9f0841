// A job's control while work on it goes on: read again every few seconds, so that a pause or a cancel takes effect in mid work.
import { isLive, type Job, type JobControl } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** Milliseconds for which a reading is good: a pause is to take effect within 15 s, and this is the longest part of it. */
const GOOD_FOR_MS = 5_000;

export type ControlWatch = () => Promise<JobControl | 'ended'>;

/** @param job as it was read just now */
export function watchControl(
  { ledger, clock }: { ledger: Pick<Ledger, 'getJob'>; clock: Clock },
  job: Job,
): ControlWatch {
  let readAtMs = clock.now();
  let reading = Promise.resolve(controlOf(job));
  return () => {
    if (clock.now() - readAtMs >= GOOD_FOR_MS) {
      readAtMs = clock.now();
      reading = ledger.getJob(job.id).then(controlOf);
    }
    return reading;
  };
}

function controlOf(job: Job | undefined): JobControl | 'ended' {
  return job === undefined || !isLive(job) ? 'ended' : job.control;
}
