// Announces a job's start and its progress as events, and remembers on the job what was announced.
//
//   start     announced, then remembered: after a crash between the two, sweep announces it again
//   progress  remembered, then announced: of several that find the same step one announces it. A crash may leave a step out
//
// An event never holds up the job: where the bus refuses it, the fault is reported to the caller's log.
import type { LiveJob, Progress } from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { outstandingRows } from '../ledger/progress.ts';
import { isSettled } from '../ledger/tally.ts';
import type { JobEvents, Measure } from './job-event.ts';

/** Percent between two announcements: at most nine a job. */
const STEP_PERCENT = 10;

export interface AnnounceDependencies {
  events: Pick<JobEvents, 'started' | 'progressed'>;
  ledger: Pick<Ledger, 'recordAnnounced' | 'unsettledSlices'>;
  /** An announcement that failed. */
  failed(error: Error): void;
}

export type Announcer = ReturnType<typeof createAnnouncer>;

export function createAnnouncer({ events, ledger, failed }: AnnounceDependencies) {
  async function attempt(announcement: () => Promise<void>): Promise<void> {
    try {
      await announcement();
    } catch (error) {
      failed(error as Error);
    }
  }

  async function progress(job: LiveJob, measure: Measure): Promise<void> {
    if (measure.percent <= (job.announcedPercent ?? 0)) return;
    if (await ledger.recordAnnounced(job.id, measure.percent)) await events.progressed(job, measure);
  }

  return {
    /** Unless it was announced before. */
    start: (job: LiveJob): Promise<void> =>
      attempt(async () => {
        if (job.announcedPercent !== undefined) return;
        await events.started(job);
        await ledger.recordAnnounced(job.id, 0);
      }),

    /** By its rows, as sweep has summed them. */
    rows: (job: LiveJob, sum: Progress): Promise<void> =>
      attempt(async () => {
        if (!isMeasured(job)) return;
        const { done, failed: failedRows, cancelled, rejected } = sum;
        const { rows } = job.plan;
        const percent = stepOf(rows - outstandingRows({ ...sum, rows }), rows);
        await progress(job, { percent, rows, counts: { done, failed: failedRows, cancelled, rejected } });
      }),

    /** By its slices, after one has settled. They have about as many bytes each, so about as many rows. */
    slices: (job: LiveJob): Promise<void> =>
      attempt(async () => {
        if (!isMeasured(job) || isSettled(job)) return;
        const { slices, rows } = job.plan;
        const percent = stepOf(slices - (await ledger.unsettledSlices(job)).length, slices);
        await progress(job, { percent, rows });
      }),
  };
}

/** Before its plan ends, the number of its rows is unknown. A job that is being ended has its rows booked, not written. */
function isMeasured(job: LiveJob): boolean {
  return job.state === 'running' && job.control === 'run' && job.ending === undefined;
}

/** 100% is not a step: the event of the job's end says it. */
function stepOf(ended: number, all: number): number {
  const steps = all === 0 ? 0 : Math.floor((ended * 100) / all / STEP_PERCENT);
  return Math.min(steps * STEP_PERCENT, 100 - STEP_PERCENT);
}
