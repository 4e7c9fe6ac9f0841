// A job's end: its report, its event, and then its row. After a crash the step is taken again, and finds it still to do.
import { MOST_SLICES } from '../job/identity.ts';
import {
  type EndedJob,
  type EndState,
  emptyTotals,
  isLive,
  type Job,
  type JobFault,
  PLAN_REMEMBER_EVERY,
  type PlanCursor,
} from '../job/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SliceResult, SliceRow } from '../ledger/rows.ts';
import { boundedWithTail } from '../text/bounded.ts';
import type { JobEvents } from './job-event.ts';
import { type ReportDependencies, writeJobReport } from './report.ts';

/** Slices read at a time: of each no more is kept than its result, for a row may hold the counts of 256 blocks. */
const PAGE = 1_000;
/** Numbers of slices that a fault names. */
const NAMED_SLICES = 10;

export interface EndDependencies {
  reports: Pick<ReportDependencies, 's3' | 'bucket'>;
  events: JobEvents;
  ledger: Pick<
    Ledger,
    | 'endJob'
    | 'sealEnd'
    | 'getResults'
    | 'getSlices'
    | 'expireSlices'
    | 'getJob'
    | 'controlJob'
    | 'finishPlan'
  >;
}

/** Only the functions that open jobs may create their rows: settle has no right to PutItem. */
export interface UnopenedDependencies extends EndDependencies {
  ledger: EndDependencies['ledger'] & Pick<Ledger, 'createJob'>;
}

/**
 * Completes a job all of whose slices have settled.
 * @returns the ended job where it was this call that ended it: two last slices at once may both come here
 */
export async function completeJob(
  { reports, events, ledger }: EndDependencies,
  { id }: Pick<Job, 'id'>,
): Promise<EndedJob | undefined> {
  const job = await ledger.sealEnd(id, endStateOf);
  // An abandoned job's end is being told as it stood.
  if (job === undefined || job.ending === 'abandoned') return undefined;
  const results = await ledger.getResults(job.id, job.slices ?? 0);
  if (results.length !== job.slices) {
    throw new Error(
      `job ${job.id} has ${job.slices} settled slices, but only ${results.length} frozen results`,
    );
  }
  const ended = await reportJob(reports, { ...job, state: job.ending }, results);
  await events.ended(ended);
  // Before the job's own end, behind which nobody comes back to it.
  await ledger.expireSlices(job.id, results.length);
  return (await ledger.endJob(job.id, ended)) ? ended : undefined;
}

/** A job that was stopped for a fault has failed, whatever the order that stopped it. */
function endStateOf({ control, fault }: Pick<Job, 'control' | 'fault'>): EndState {
  if (fault !== undefined) return 'failed';
  return control === 'cancelling' ? 'cancelled' : 'completed';
}

/**
 * Fails a job that could not be opened, and so has no row yet. The row comes first: where another delivery has opened the job
 * meanwhile, that stands, and a crash behind it leaves the rest to settle.
 */
export async function failUnopenedJob(
  dependencies: UnopenedDependencies,
  job: Job,
  fault: JobFault,
): Promise<Job> {
  const { endedAtMs: _, ...unended } = job;
  const sealed: Job = { ...unended, state: 'planning', ending: 'abandoned', fault };
  const standing = await dependencies.ledger.createJob(sealed);
  return standing.ending === 'abandoned' && isLive(standing)
    ? failJob(dependencies, standing, fault)
    : standing;
}

/**
 * Ends a job that can't be processed, in its present state. What its slices had stored stays stored, and the report says so; the
 * rows of slices that have not settled are counted and reported as unaccounted.
 * @returns the job as it stands now: it goes on where all of it has settled meanwhile, and its end is being told
 */
export async function failJob(
  { reports, events, ledger }: EndDependencies,
  given: Pick<Job, 'id'>,
  why: JobFault,
): Promise<Job> {
  const sealed = await ledger.sealEnd(given.id, () => 'abandoned', why);
  const standing = sealed ?? (await ledger.getJob(given.id));
  if (standing === undefined) throw new Error(`job ${given.id} has no row in the ledger to end`);
  if (standing.ending !== 'abandoned' || !isLive(standing)) return standing;
  const { fault = why, ...job } = standing;
  const results: SliceResult[] = [];
  const unsettled: Pick<SliceRow, 'slice' | 'rows'>[] = [];
  for await (const page of recordedSlices(ledger, job)) {
    for (const { slice, rows, result } of page) {
      if (result === undefined) unsettled.push({ slice, rows });
      results.push(result ?? { totals: { ...emptyTotals(), rows }, files: [] });
    }
  }
  const ended = await reportJob(
    reports,
    {
      ...job,
      state: 'failed',
      fault: { ...fault, message: boundedWithTail(fault.message, unaccountedClause(unsettled)) },
    },
    results,
  );
  await events.ended(ended);
  // The rows of its slices and blocks stay: they tell what is known of the unaccounted.
  await ledger.endJob(job.id, ended);
  return ended;
}

/** To be put behind a fault's sentence. */
function unaccountedClause(unsettled: readonly Pick<SliceRow, 'slice' | 'rows'>[]): string {
  if (unsettled.length === 0) return '';
  const rows = unsettled.reduce((sum, slice) => sum + slice.rows, 0);
  const named = unsettled.slice(0, NAMED_SLICES).map(({ slice }) => slice);
  const more = unsettled.length > named.length ? ` and ${unsettled.length - named.length} more` : '';
  return (
    `; ${rows} rows, those of slices ${named.join(', ')}${more}, are unaccounted: ` +
    'drop the manifest again, with if-exists skip, to have them written and accounted for'
  );
}

/**
 * Ends a job whose manifest can't be cut any further. Where rows of it are known, the plan is closed behind the last slice
 * that was recorded, and they are accounted for as those of any cancelled job, before the job ends as failed. Where none is,
 * it ends at once.
 * @returns how: `ending` is carried out by sweep and settle
 */
export async function cutOff(
  dependencies: EndDependencies,
  job: Job,
  fault: JobFault,
): Promise<'ending' | 'ended'> {
  const { ledger } = dependencies;
  if (job.plan.slices === 0 && (await ledger.getSlices(job.id, 0, 1)).length === 0) {
    await failJob(dependencies, job, fault);
    return 'ended';
  }
  // The order first: from then on no slice that is recorded has its rows sent, and none ends the job as completed.
  await ledger.controlJob(job.id, 'cancelling', fault);
  const standing = await ledger.getJob(job.id);
  // Another invocation that cuts the manifest at the same time may have finished after all.
  if (standing?.state === 'planning') await ledger.finishPlan(job.id, await planAsRecorded(ledger, standing));
  return 'ending';
}

/** The plan up to the last slice that was recorded: its cursor is remembered now and then only. */
async function planAsRecorded(ledger: Pick<Ledger, 'getSlices'>, job: Job): Promise<PlanCursor> {
  const plan = { ...job.plan };
  for await (const page of slicesBehind(ledger, job)) {
    for (const { slice, rows, place } of page) {
      plan.slices = slice + 1;
      plan.rows += rows;
      plan.offset = place.endOffset;
      // Its end's line is told by cutting alone; nobody goes on from here.
      plan.line = place.startLine;
    }
  }
  return plan;
}

/** Every slice that has a row. */
async function* recordedSlices(ledger: Pick<Ledger, 'getSlices'>, job: Job): AsyncGenerator<SliceRow[]> {
  const { slices } = job.plan;
  for (let from = 0; from < slices; from += PAGE)
    yield await ledger.getSlices(job.id, from, Math.min(slices, from + PAGE));
  yield* slicesBehind(ledger, job);
}

/** The slices that were recorded behind the plan's cursor: while a manifest is cut there may be some. */
async function* slicesBehind(ledger: Pick<Ledger, 'getSlices'>, job: Job): AsyncGenerator<SliceRow[]> {
  if (job.state !== 'planning') return;
  for (let from = job.plan.slices; from < MOST_SLICES; from += PLAN_REMEMBER_EVERY) {
    const page = await ledger.getSlices(job.id, from, from + PLAN_REMEMBER_EVERY);
    yield page.toSorted((left, right) => left.slice - right.slice);
    if (page.length < PLAN_REMEMBER_EVERY) return;
  }
}

async function reportJob(
  reports: EndDependencies['reports'],
  job: EndedJob,
  results: readonly SliceResult[],
): Promise<EndedJob> {
  return { ...job, ...(await writeJobReport(reports, job, results)) };
}
