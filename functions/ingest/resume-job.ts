// Resumes a job that was paused. Upload dropped the messages of its rows, so every slice without a result is sent again: ingest
// then sends the rows that have not ended.

import { rateOf } from '../../shared/job/frozen-options.ts';
import { CLOCK_MARGIN_MS } from '../../shared/job/halted-uploads.ts';
import { type LiveJob, PLAN_REMEMBER_EVERY } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { isCovered } from '../../shared/ledger/tally.ts';
import { isBounded } from '../../shared/pacing/job-rate.ts';
import type { IngestRequest, SliceRequest } from '../../shared/queue/ingest-request.ts';
import { SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { LOG } from '../runtime/log-messages.ts';
import type { Telemetry } from '../runtime/telemetry.ts';

/** Slices read at a time. */
const PAGE = 100;

export interface ResumeDependencies {
  ledger: Pick<Ledger, 'getSlices' | 'beginReplay' | 'closeSlice' | 'restartFeed'>;
  requestSlice: SliceRequest;
  clock: Clock;
}

/** Requests the slices of the job from `from` on, and a further invocation for those that there is no time for. */
export async function resumeJob(
  dependencies: ResumeDependencies & { requestIngest: IngestRequest; telemetry: Pick<Telemetry, 'logger'> },
  job: LiveJob,
  from: number,
  deadlineMs: number,
): Promise<void> {
  const { ledger, requestIngest, telemetry } = dependencies;
  if (from === 0 && isBounded(rateOf(job.options))) await ledger.restartFeed(job.id, job.resumedAtMs ?? 0);
  if (job.state === 'planning' && from === 0)
    await requestIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
  const next = await resumeSlices(dependencies, job, from, deadlineMs);
  if (next !== undefined) await requestIngest({ v: SCHEMA_VERSION, kind: 'resume', job: job.id, from: next });
  telemetry.logger.info(LOG.jobResumed, { job: job.id, from, next });
}

/** @returns the slice at which another invocation continues; undefined when all are done */
export async function resumeSlices(
  { ledger, requestSlice, clock }: ResumeDependencies,
  job: LiveJob,
  from: number,
  deadlineMs: number,
): Promise<number | undefined> {
  // The cursor of an unfinished plan may lag behind the slices that it has recorded.
  const slices = job.state === 'running' ? job.slices : job.plan.slices + PLAN_REMEMBER_EVERY;
  const resumedAtMs = (job.resumedAtMs ?? 0) + CLOCK_MARGIN_MS;
  for (let start = from; start < slices; start += PAGE) {
    if (clock.now() >= deadlineMs) return start;
    const page = await ledger.getSlices(job.id, start, Math.min(slices, start + PAGE));
    for (const row of page) {
      const id = { job: job.id, slice: row.slice };
      if (row.result !== undefined) continue;
      if (isCovered(row.closedBlocks, row.blocks)) await ledger.closeSlice(id);
      // The order and its message may be repeated: a slice that was replayed since the resume is not reset a second time.
      else if (row.replayedAtMs >= resumedAtMs || (await ledger.beginReplay(id, row.replays)))
        await requestSlice(id);
      // Another invocation resumes it at the same time, and may end before it has sent the request.
      else if (row.sentBlocks.size === 0) await requestSlice(id);
    }
  }
  return undefined;
}
