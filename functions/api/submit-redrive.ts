// Redrives: whether an ended job can be redriven, and the order for it, which is put into the inbox.
import { deadlineFault } from '../../shared/job/deadline.ts';
import { hashedJobId, type JobId } from '../../shared/job/identity.ts';
import { type EndedJob, isEnded, type Job } from '../../shared/job/job.ts';
import { parseFrozenOptions } from '../../shared/job/options.ts';
import { REDRIVE_CONTENT_TYPE, type RedriveOrder } from '../../shared/job/redrive-order.ts';
import { describeState } from '../../shared/job/view.ts';
import type { OptionBounds } from './job-options.ts';
import { type Inbox, type Submitted, submitObject } from './submit-manifest.ts';

/** The job that can be redriven has ended, and its report names rows that were not stored. */
export type Redrivable = { kind: 'redrivable'; job: EndedJob } | { kind: 'refused'; message: string };

/** Whether a redrive of this job would have rows to write, and may write them. */
export function redrivableOf(job: Job, { destinationBuckets, keepDays }: OptionBounds): Redrivable {
  const refused = (why: string): Redrivable => ({ kind: 'refused', message: `job ${job.id} ${why}` });
  if (!isEnded(job))
    return refused(`${describeState(job)}: only what a job has left when it ended can be redriven`);
  const { totals, options } = job;
  if (options === undefined || totals.failed + totals.cancelled === 0) {
    return refused('has no failed or cancelled rows: there is nothing to redrive');
  }
  if (options.report === 'none') {
    return refused('kept no rows, its option report was none: send its manifest again, with if-exists skip');
  }
  if (!destinationBuckets.includes(options.destination.bucket)) {
    return refused(
      `wrote to ${options.destination.bucket}, which is no destination of this deployment any more: it writes to ${destinationBuckets.join(', ')}`,
    );
  }
  // As ingest reads them: the redrive would fail there, and keep the id that another redrive of this job needs.
  const parsed = parseFrozenOptions(options, destinationBuckets);
  const fault = parsed.kind === 'invalid' ? parsed : deadlineFault(parsed.options, keepDays);
  if (fault !== undefined) return refused(`has options that this deployment does not take: ${fault.message}`);
  return { kind: 'redrivable', job };
}

/** Requests the redrive of an ended job. The new job's id is derived from that job's, so a repeated redrive is one job. */
export async function submitRedrive(
  inbox: Inbox,
  { id, report }: Pick<EndedJob, 'id' | 'report'>,
): Promise<Submitted & { job: JobId }> {
  const job = hashedJobId('redrive', id);
  const order: RedriveOrder = { redriveOf: id, report };
  const submitted = await submitObject(inbox, {
    job,
    contentType: REDRIVE_CONTENT_TYPE,
    body: Buffer.from(`${JSON.stringify(order)}\n`),
    metadata: {},
  });
  return { job, ...submitted };
}
