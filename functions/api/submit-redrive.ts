// Redrives: whether an ended job can be redriven, and the order for it, which is put into the inbox.
import { hashedJobId, type JobId } from '../../shared/job/identity.ts';
import { isLive, type Job } from '../../shared/job/job.ts';
import { REDRIVE_CONTENT_TYPE, type RedriveOrder } from '../../shared/job/redrive-order.ts';
import { standingOf } from '../../shared/job/view.ts';
import { type Inbox, type Submitted, submitObject } from './submit-manifest.ts';

/** An ended job whose report names rows that were not stored. */
export type RedrivableJob = Job & { report: string };

export type Redrivable = { kind: 'redrivable'; job: RedrivableJob } | { kind: 'refused'; message: string };

/** Whether a redrive of this job would have rows to write, and may write them. */
export function redrivableOf(job: Job, destinationBuckets: readonly string[]): Redrivable {
  const refused = (why: string): Redrivable => ({ kind: 'refused', message: `job ${job.id} ${why}` });
  if (isLive(job))
    return refused(`${standingOf(job)}: only what a job has left when it ended can be redriven`);
  const { report, totals, options } = job;
  if (report === undefined || totals === undefined || totals.failed + totals.cancelled === 0) {
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
  return { kind: 'redrivable', job: { ...job, report } };
}

/** Requests the redrive of an ended job. The new job's id is derived from that job's, so a repeated redrive is one job. */
export async function submitRedrive(
  inbox: Inbox,
  { id, report }: Pick<RedrivableJob, 'id' | 'report'>,
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
