// A redrive: a new job from what an ended job did not store, with that job's options. It is ordered by a small object in the
// inbox in the place of a manifest. Its rows are the ended job's report files of kind `failed`, which are manifests as they
// stand.
import * as z from 'zod/mini';
import { boundedText, describeIssues } from '../text/bounded.ts';
import { hashedJobId, isJobId, type JobId } from './identity.ts';
import { isLive, type Job } from './job.ts';
import { type Inbox, type Submitted, submitObject } from './submit.ts';
import { standingOf } from './view.ts';

/** Bytes that are shown of a report's place: more than any bucket and key of ours has. */
const REPORT_PLACE_BYTES = 300;
const REDRIVE_CONTENT_TYPE = 'application/vnd.spillway.redrive+json';

/** A job that can be redriven: it has ended, and its report names rows that were not stored. */
export type RedrivableJob = Job & { report: string };

export type Redrivable = { kind: 'redrivable'; job: RedrivableJob } | { kind: 'refused'; message: string };

/** Whether a redrive of this job has anything to do, and may do it. */
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

/** Orders the redrive of an ended job. Its id follows from that job's: the same redrive twice is one job. */
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

/** An order for a redrive, and no manifest. */
export function isRedriveOrder(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === REDRIVE_CONTENT_TYPE;
}

/** Of a job's report; the second form where another drop's report had the first. */
const REPORT_NAME = /^manifest(-\d+)?\.json$/;

const order = z.strictObject({
  redriveOf: z.string().check(z.refine(isJobId, 'is no job id')),
  report: z.string(),
});

interface RedriveOrder {
  redriveOf: JobId;
  /** s3://bucket/key of the ended job's manifest.json. */
  report: string;
}

export type ParsedOrder =
  | { kind: 'order'; redriveOf: JobId; report: { bucket: string; key: string } }
  | { kind: 'invalid'; message: string };

/** @param reportBucket the deployment's: writers to the inbox must not choose another place for ingest to read from */
export function parseRedriveOrder(text: string, reportBucket: string): ParsedOrder {
  const parsed = order.safeParse(parseJson(text));
  if (!parsed.success) {
    const faults = describeIssues(parsed.error.issues, 'it');
    return { kind: 'invalid', message: boundedText(`the order for a redrive can't be read: ${faults}`) };
  }
  const redriveOf = parsed.data.redriveOf as JobId;
  const folder = `s3://${reportBucket}/jobs/${redriveOf}/`;
  const { report } = parsed.data;
  const name = report.startsWith(folder) ? report.slice(folder.length) : '';
  if (!REPORT_NAME.test(name)) {
    return {
      kind: 'invalid',
      message: `the order for a redrive names the report ${boundedText(report, REPORT_PLACE_BYTES)}: that of job ${redriveOf} is ${folder}manifest.json`,
    };
  }
  const key = `jobs/${redriveOf}/${name}`;
  return { kind: 'order', redriveOf, report: { bucket: reportBucket, key } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says that it is no object.
    return undefined;
  }
}
