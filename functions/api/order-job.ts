// POST /jobs/{id}/pause, resume, cancel, rate and redrive. An order changes the job's row alone: the functions that work on the job
// read it there. An order may be repeated, with the same answer.
import type { JobId } from '../../shared/job/identity.ts';
import { isLive, type Job, type JobControl } from '../../shared/job/job.ts';
import { describeState, type JobView, viewJob } from '../../shared/job/view.ts';
import type { Controlled } from '../../shared/ledger/job-rows.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { type ProgressReader, progressOf, unopenedJob } from './find-job.ts';
import type { OptionBounds } from './job-options.ts';
import { json, type RouteHandler } from './json-api.ts';
import { HttpError } from './problem.ts';
import type { Inbox } from './submit-manifest.ts';
import { redrivableOf, submitRedrive } from './submit-redrive.ts';

type Order = 'pause' | 'resume' | 'cancel';

/** What each order changes in the ledger, and the end of the sentence that refuses it. */
const ORDERS: Readonly<Record<Order, { control: JobControl; cannot: string }>> = {
  pause: { control: 'paused', cannot: "it can't be paused" },
  resume: {
    control: 'run',
    cannot: "it can't be resumed; a redrive takes up what an ended job has not stored",
  },
  cancel: { control: 'cancelling', cannot: "it can't be cancelled" },
};

export interface OrderJobDependencies extends Inbox, OptionBounds {
  ledger: Pick<Ledger, 'getJob' | 'controlJob' | 'changeRate'> & ProgressReader;
  /** Has ingest send the rows again that had not ended at the pause. */
  notifyResume: (job: JobId) => Promise<void>;
}

export function createOrderJob(dependencies: OrderJobDependencies) {
  const { ledger, notifyResume } = dependencies;

  const viewNow = async (job: Job) => viewJob(job, await progressOf(ledger, job));

  /** @throws HttpError where the order was not taken */
  async function ordered(id: JobId, answer: Controlled, cannot: string): Promise<Job> {
    if (answer.kind === 'unknown') throw await unopenedJob(dependencies, id);
    if (answer.kind !== 'refused') return answer.job;
    throw new HttpError(409, `job ${id} ${describeState(answer.job)}: ${cannot}`);
  }

  const give =
    (order: Order): RouteHandler<`${Order}Job`> =>
    async ({ parameters: { id } }) => {
      const { control, cannot } = ORDERS[order];
      const job = await ordered(id, await ledger.controlJob(id, control), cannot);
      // After the row, so that ingest finds the job running. Sent with each repeat, since the first may be lost. A job that was
      // never paused lacks nothing.
      if (order === 'resume' && isLive(job) && job.resumedAtMs !== undefined) await notifyResume(id);
      return json(202, await viewNow(job));
    };

  const rateJob: RouteHandler<'rateJob'> = async ({ parameters: { id }, query }) => {
    const objects = query['max-rate-per-second'];
    const bytes = query['max-bytes-per-second'];
    const changed = await ledger.changeRate(id, {
      ...(objects === undefined ? {} : { maxRatePerSecond: objects }),
      ...(bytes === undefined ? {} : { maxBytesPerSecond: bytes }),
    });
    return json(200, await viewNow(await ordered(id, changed, "its rate can't be changed")));
  };

  const redriveJob: RouteHandler<'redriveJob'> = async ({ parameters: { id }, basePath }) => {
    const former = await ledger.getJob(id);
    if (former === undefined) throw await unopenedJob(dependencies, id);
    const redrivable = redrivableOf(former, dependencies);
    if (redrivable.kind === 'refused') throw new HttpError(409, redrivable.message);
    const { kind, job, manifest } = await submitRedrive(dependencies, redrivable.job);
    if (kind === 'conflict') {
      throw new HttpError(
        409,
        `${manifest} is no redrive of job ${id}: delete it, and order the redrive again`,
      );
    }
    const opened = kind === 'repeated' ? await ledger.getJob(job) : undefined;
    const view: JobView =
      opened === undefined ? { job, state: 'submitted', manifest, redriveOf: id } : await viewNow(opened);
    return json(kind === 'accepted' ? 202 : 200, view, { location: `${basePath}/jobs/${job}` });
  };

  return {
    pauseJob: give('pause'),
    resumeJob: give('resume'),
    cancelJob: give('cancel'),
    rateJob,
    redriveJob,
  };
}
