// A job's end: its report, its event, and then its row, so that whoever takes the step again after a crash finds it still to do.
import type { Ledger } from '../ledger/ledger.ts';
import type { SliceResult } from '../ledger/rows.ts';
import type { JobEvents } from '../report/job-event.ts';
import { type ReportDependencies, writeJobReport } from '../report/report.ts';
import type { EndedJob, EndState, Job, JobFault } from './job.ts';

export interface EndDependencies {
  reports: Pick<ReportDependencies, 's3' | 'bucket'>;
  events: JobEvents;
  ledger: Pick<Ledger, 'endJob' | 'createJob' | 'getResults' | 'expireSlices'>;
}

/**
 * Completes a job all of whose slices have settled.
 * @returns the ended job, and whether it was this call that ended it: two last slices at once may both come here
 */
export async function completeJob(
  { reports, events, ledger }: EndDependencies,
  job: Job,
): Promise<{ ended: EndedJob; endedHere: boolean }> {
  const results = await ledger.getResults(job.id, job.slices ?? 0);
  if (results.length !== job.slices) {
    throw new Error(
      `job ${job.id} has ${job.slices} settled slices, but only ${results.length} frozen results`,
    );
  }
  const ended = await reportJob(reports, { ...job, state: endStateOf(job) }, results);
  await events.ended(ended);
  // Before the job's own end, behind which nobody comes back to it.
  await ledger.expireSlices(job.id, results.length);
  return { ended, endedHere: await ledger.endJob(job.id, ended) };
}

/** A job that was stopped for a fault has failed, whatever the order that stopped it. */
function endStateOf({ control, fault }: Pick<Job, 'control' | 'fault'>): EndState {
  if (fault !== undefined) return 'failed';
  return control === 'cancelling' ? 'cancelled' : 'completed';
}

/** Ends a job that can't be processed. What its slices had stored stays stored, and the report says so. */
export async function failJob(
  { reports, events, ledger }: EndDependencies,
  job: Job,
  fault: JobFault,
): Promise<EndedJob> {
  const results = await ledger.getResults(job.id, job.plan.slices);
  const ended = await reportJob(reports, { ...job, state: 'failed', fault }, results);
  await events.ended(ended);
  // It may have no row yet: a manifest that can't be opened ends at first sight.
  await ledger.createJob(ended);
  await ledger.endJob(job.id, ended);
  return ended;
}

async function reportJob(
  reports: EndDependencies['reports'],
  job: EndedJob,
  results: readonly SliceResult[],
): Promise<EndedJob> {
  return { ...job, ...(await writeJobReport(reports, job, results)) };
}
