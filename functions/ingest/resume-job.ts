// Takes up a job that was paused: the messages of its rows were dropped, so every slice that has no result is sent again, as
// far as its blocks lack something.
import { CLOCK_MARGIN_MS } from '../../shared/job/halted-uploads.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import { PLAN_REMEMBER_EVERY } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { isCovered } from '../../shared/ledger/tally.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** Slices read at a time. */
const PAGE = 100;

export interface ResumeDependencies {
  ledger: Pick<Ledger, 'getSlices' | 'beginReplay' | 'closeSlice'>;
  requestSlice(slice: SliceId): Promise<void>;
  clock: Clock;
}

/** @returns the slice from which another invocation goes on, or undefined where all are done */
export async function resumeSlices(
  { ledger, requestSlice, clock }: ResumeDependencies,
  job: Job,
  from: number,
  deadlineMs: number,
): Promise<number | undefined> {
  // The cursor of an unfinished plan may lag behind the slices that it has recorded.
  const slices = job.slices ?? job.plan.slices + PLAN_REMEMBER_EVERY;
  const resumedAtMs = (job.resumedAtMs ?? 0) + CLOCK_MARGIN_MS;
  for (let start = from; start < slices; start += PAGE) {
    if (clock.now() >= deadlineMs) return start;
    const page = await ledger.getSlices(job.id, start, Math.min(slices, start + PAGE));
    for (const row of page) {
      const id = { job: job.id, slice: row.slice };
      if (row.result !== undefined) continue;
      if (isCovered(row.closedBlocks, row.blocks)) await ledger.closeSlice(id);
      // The order may be given again, and its message may come again: what was sent since the resume is not forgotten twice.
      else if (row.replayedAtMs >= resumedAtMs || (await ledger.beginReplay(id, row.replays)))
        await requestSlice(id);
      // Another resumes it at the same time, and may die before it tells of it.
      else if (row.sentBlocks.size === 0) await requestSlice(id);
    }
  }
  return undefined;
}
