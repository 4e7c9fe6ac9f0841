// The steps of the commands about jobs: read, order, follow, print.
import type { JobView } from '../../shared/job/view.ts';
import { steadyClock, systemClock } from '../../shared/time/clock.ts';
import type { ApiClient, Order } from '../api/client.ts';
import { openApi } from '../api/open.ts';
import type { ApiOptions } from '../api/options.ts';
import { Failure, usageFailure } from '../failure.ts';
import { endOfProcess, onInterrupt } from '../interrupt.ts';
import { terminal } from '../terminal/terminal.ts';
import { line } from '../terminal/text.ts';
import { hasEnded } from './counts.ts';
import { followJob, type WaitFor } from './follow.ts';
import { forgetsText, jobListText, jobText, rateText } from './job-text.ts';

export interface WaitOptions extends ApiOptions {
  wait?: true;
}

export interface StatusOptions extends WaitOptions {
  limit: number;
}

const LIVE_JOBS_ASKED = 10;

/** What an order has done, once the API has taken it. */
const TAKEN: Readonly<Record<Order, string>> = {
  pause: 'is paused: what is under way finishes, and nothing more is begun',
  resume: 'runs again: what it lacks is sent again',
  cancel: 'is being cancelled: what is under way finishes, the rest is booked as cancelled',
  redrive: 'takes up the rows that were not stored',
};

/** How the job may stand once the order has been followed: a job may be done before the order meets it. */
const WISHED: Readonly<Record<Order, readonly JobView['state'][]>> = {
  pause: ['paused', 'completed'],
  resume: ['completed'],
  cancel: ['cancelled', 'completed'],
  redrive: ['completed'],
};

export async function runStatus(id: string | undefined, options: StatusOptions): Promise<void> {
  const api = openApi(options.api);
  if (id === undefined) return await listJobs(api, options);
  const job = await api.job(id);
  const last = options.wait && !hasEnded(job) ? await follow(api, job, 'end') : job;
  print(last, options);
}

export async function runOrder(id: string, order: Order, options: WaitOptions): Promise<void> {
  const api = openApi(options.api);
  const job = await api.order(id, order);
  terminal.err(line`Job ${job.job} ${TAKEN[order]}.`);
  if (!options.wait) return print(job, options);
  const last = await follow(api, job, order === 'pause' ? 'still' : 'end');
  print(last, options);
  assertWished(last, order);
}

export interface RateCommandOptions extends ApiOptions {
  bytes?: number;
}

export async function runRate(
  id: string,
  objects: number | undefined,
  { bytes, ...options }: RateCommandOptions,
): Promise<void> {
  if (objects === undefined && bytes === undefined)
    throw usageFailure('nothing to change: give objects a second, --bytes, or both');
  const job = await openApi(options.api).setRate(id, { objects, bytes });
  const rate = job.options === undefined ? undefined : rateText(job.options);
  terminal.err(line`Job ${job.job} writes ${rate ?? 'as fast as S3 takes it'}, within 15 seconds.`);
  print(job, options);
}

async function listJobs(api: ApiClient, { limit, json }: StatusOptions): Promise<void> {
  const { jobs: listed, embeddedSince } = await api.jobs(limit);
  // The list shows what sweep summed last; the newest of those that live are asked for their present state.
  const live = listed.filter((job) => !hasEnded(job) && job.state !== 'unreadable').slice(0, LIVE_JOBS_ASKED);
  const fresh = new Map(
    (await Promise.all(live.map(({ job }) => api.job(job)))).map((job) => [job.job, job]),
  );
  const jobs = listed.map((job) => fresh.get(job.job) ?? job);
  if (json) terminal.json({ jobs });
  else if (jobs.length > 0) {
    terminal.out(jobListText(jobs));
    for (const { state, fault } of jobs)
      if (state === 'unreadable') terminal.err(line`${fault?.message ?? state}`);
  } else {
    terminal.out(line`No jobs yet: drop a manifest in the inbox, or post one to the API.`);
    if (embeddedSince !== undefined) terminal.out(forgetsText(embeddedSince));
  }
}

async function follow(api: ApiClient, job: JobView, waitFor: WaitFor): Promise<JobView> {
  const interrupt = onInterrupt(async () => {
    terminal.err(line`\nNo longer followed; the job goes on: spillway status ${job.job}`);
  });
  const last = await followJob({ api, clock: steadyClock }, job, waitFor);
  if (interrupt.isInterrupted()) await endOfProcess();
  return last;
}

function print(job: JobView, { json }: ApiOptions): void {
  if (json) terminal.json(job);
  else terminal.out(jobText(job, systemClock.now()));
}

/** @throws Failure where the job has ended otherwise than the order meant it to */
function assertWished(job: JobView, order: Order): void {
  const { state, unaccounted = 0 } = job;
  if (!WISHED[order].includes(state)) throw new Failure(`job ${job.job} has ended as ${state}`);
  if (unaccounted !== 0) throw new Failure(`job ${job.job} has rows without an end: ${unaccounted}`);
}
