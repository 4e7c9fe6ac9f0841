// A job's end: its report, its event, and then its row. A delivery after a crash finds the job not ended, and does all of it again.
import { type JobId, MOST_SLICES } from '../job/identity.ts';
import {
  type DecidedJob,
  type EndedJob,
  type Ending,
  emptyTotals,
  faultOf,
  isEnded,
  type Job,
  type JobFault,
  type LiveJob,
  PLAN_REMEMBER_EVERY,
  type PlanCursor,
  type PlanningJob,
  type ReportedJob,
  type RunningJob,
  type UnopenedJob,
  type UnreportedJob,
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
    | 'decideEnd'
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
 * Completes a job whose slices have all settled.
 * @param settleAgain makes the result of a slice again, where the stored one can't be read
 * @returns the ended job where it was this call that ended it: two last slices at once may both come here
 */
export async function completeJob(
  dependencies: EndDependencies,
  { id, slices }: Pick<RunningJob, 'id' | 'slices'>,
  settleAgain: (slice: number) => Promise<SliceResult | undefined> = async () => undefined,
): Promise<EndedJob | undefined> {
  const { ledger } = dependencies;
  const results = await ledger.getResults(id, slices);
  for (const slice of slicesLacking(results)) results[slice] = await settleAgain(slice);
  const lacking = slicesLacking(results);
  // This throws before the end is decided. So a job whose slices never get a result can still be failed.
  if (lacking.length > 0) {
    throw new Error(
      `job ${id} has ${slices} settled slices, and those without a readable result are ${namesOf(lacking)}: restore their rows in the ledger's table from a backup`,
    );
  }
  const job = await ledger.decideEnd(id, endingOf);
  // The end of an abandoned job is reported by failJob.
  if (job === undefined || job.ending === 'abandoned') return undefined;
  const written = results.filter((result) => result !== undefined);
  const reported = await reportEnd(dependencies, unreported(job), written);
  // Before the job's own end: no later delivery comes back to an ended job.
  await ledger.expireSlices(job.id, results.length);
  return ledger.endJob(job.id, reported);
}

/** Numbers of the slices without a result that can be read. */
function slicesLacking(results: readonly (SliceResult | undefined)[]): number[] {
  return results.flatMap((result, slice) => (result === undefined ? [slice] : []));
}

/** A job that was stopped for a fault has failed, whatever the order that stopped it. */
function endingOf(job: LiveJob): Ending {
  const fault = faultOf(job);
  if (fault !== undefined) return { ending: 'failed', fault };
  return { ending: job.control === 'cancelling' ? 'cancelled' : 'completed' };
}

/**
 * Fails a job that could not be opened, and so has no row yet. The row comes first: where another delivery has opened the job
 * meanwhile, that job is kept, and after a crash sweep and settle do the rest.
 */
export async function failUnopenedJob(dependencies: UnopenedDependencies, job: UnopenedJob): Promise<Job> {
  const current = await dependencies.ledger.createJob(job);
  return !isEnded(current) && current.ending === 'abandoned'
    ? failJob(dependencies, current, current.fault)
    : current;
}

/**
 * Ends a job that can't be processed, in its present state. What its slices had stored stays stored, and the report says so; the
 * rows of slices that have not settled are counted and reported as unaccounted.
 * @returns the job as it is now: not ended where all of it has settled meanwhile, for then its completion is being reported
 */
export async function failJob(
  dependencies: EndDependencies,
  { id }: Pick<Job, 'id'>,
  fault: JobFault,
): Promise<Job> {
  const { ledger } = dependencies;
  const decided = await ledger.decideEnd(id, () => ({ ending: 'abandoned', fault }));
  const job = decided ?? (await currentJob(ledger, id));
  if (isEnded(job) || job.ending !== 'abandoned') return job;
  const results: SliceResult[] = [];
  const unsettled: UnsettledSlice[] = [];
  const read = new Set<number>();
  for await (const page of recordedSlices(ledger, job)) {
    for (const { slice, rows, result } of page) {
      read.add(slice);
      if (result === undefined) unsettled.push({ slice, rows });
      results.push(result ?? unaccounted(rows));
    }
  }
  const lost = slicesNotIn(job, read);
  if (lost.length > 0) {
    const rows = rowsBeside(job, results);
    results.push(unaccounted(rows));
    unsettled.push(...lost.map((slice, index) => ({ slice, rows: index === 0 ? rows : 0 })));
  }
  const clause = unaccountedClause(unsettled) + lostClause(lost);
  const reported = await reportEnd(dependencies, unreported(job, clause), results);
  // The rows of its slices and blocks stay: they are all that is known of the unaccounted.
  return (await ledger.endJob(id, reported)) ?? currentJob(ledger, id);
}

type UnsettledSlice = Pick<SliceRow, 'slice' | 'rows'>;

function unaccounted(rows: number): SliceResult {
  return { totals: { ...emptyTotals(), rows }, files: [] };
}

/** Slices of the plan whose rows in the ledger are missing, or can't be read. */
function slicesNotIn(job: DecidedJob, read: ReadonlySet<number>): number[] {
  if (job.state === 'unopened') return [];
  return Array.from({ length: job.plan.slices }, (_, slice) => slice).filter((slice) => !read.has(slice));
}

/** The rows of the plan that are in no readable slice. For unreadable slices only this total is known. */
function rowsBeside(job: DecidedJob, results: readonly SliceResult[]): number {
  if (job.state === 'unopened') return 0;
  const known = results.reduce((sum, { totals }) => sum + totals.rows, 0);
  return Math.max(0, job.plan.rows - known);
}

async function currentJob(ledger: Pick<Ledger, 'getJob'>, id: JobId): Promise<Job> {
  const job = await ledger.getJob(id);
  if (job === undefined) throw new Error(`job ${id} has no row in the ledger to end`);
  return job;
}

/** @param clause put behind the fault's message */
function unreported(job: DecidedJob, clause = ''): UnreportedJob {
  if (job.ending !== 'failed' && job.ending !== 'abandoned') return { ...job, state: job.ending };
  const { code, message } = job.fault;
  return { ...job, state: 'failed', fault: { code, message: boundedWithTail(message, clause) } };
}

/** To be put behind a fault's message. */
function unaccountedClause(unsettled: readonly UnsettledSlice[]): string {
  if (unsettled.length === 0) return '';
  const rows = unsettled.reduce((sum, slice) => sum + slice.rows, 0);
  return (
    `; ${rows} rows, those of slices ${namesOf(unsettled.map(({ slice }) => slice))}, are unaccounted: ` +
    'drop the manifest again, with if-exists skip, so that they are written and accounted for'
  );
}

/** The same of slices that the ledger has lost. */
function lostClause(slices: readonly number[]): string {
  return slices.length === 0
    ? ''
    : `; the ledger's rows of slices ${namesOf(slices)} are missing or can't be read`;
}

function namesOf(slices: readonly number[]): string {
  const named = slices.slice(0, NAMED_SLICES);
  const more = slices.length > named.length ? ` and ${slices.length - named.length} more` : '';
  return named.join(', ') + more;
}

/**
 * Ends a job whose manifest can't be cut any further. Where rows of it are known, its plan ends with the last slice that was
 * recorded: they are accounted for as those of any cancelled job, before the job ends as failed. Else it ends at once.
 * @returns ending where sweep and settle have still to end it
 */
export async function stopPlanning(
  dependencies: EndDependencies,
  job: LiveJob,
  fault: JobFault,
): Promise<'ending' | 'ended'> {
  const { ledger } = dependencies;
  if (job.plan.slices === 0 && (await ledger.getSlices(job.id, 0, 1)).length === 0) {
    await failJob(dependencies, job, fault);
    return 'ended';
  }
  // The order comes first. After it, no recorded slice sends rows, and none ends the job as completed.
  await ledger.controlJob(job.id, 'cancelling', fault);
  const current = await ledger.getJob(job.id);
  // Another invocation that cuts the manifest at the same time may have finished after all.
  if (current?.state === 'planning') await ledger.finishPlan(job.id, await planAsRecorded(ledger, current));
  return 'ending';
}

/** The plan up to the last slice that was recorded: its cursor is written after every few slices only. */
async function planAsRecorded(ledger: Pick<Ledger, 'getSlices'>, job: PlanningJob): Promise<PlanCursor> {
  const plan = { ...job.plan };
  for await (const page of slicesBehind(ledger, job)) {
    for (const { slice, rows, place } of page) {
      plan.slices = slice + 1;
      plan.rows += rows;
      if (place.kind === 'unreadable') continue;
      plan.offset = place.endOffset;
      // The line of the slice's end is unknown without cutting, and not needed: no plan goes on from here.
      plan.line = place.startLine;
    }
  }
  return plan;
}

/** Every slice that has a row. */
async function* recordedSlices(
  ledger: Pick<Ledger, 'getSlices'>,
  job: DecidedJob,
): AsyncGenerator<SliceRow[]> {
  if (job.state === 'unopened') return;
  const { slices } = job.plan;
  for (let from = 0; from < slices; from += PAGE)
    yield await ledger.getSlices(job.id, from, Math.min(slices, from + PAGE));
  if (job.state === 'planning') yield* slicesBehind(ledger, job);
}

/** The slices that were recorded behind the plan's cursor. */
async function* slicesBehind(
  ledger: Pick<Ledger, 'getSlices'>,
  job: PlanningJob,
): AsyncGenerator<SliceRow[]> {
  for (let from = job.plan.slices; from < MOST_SLICES; from += PLAN_REMEMBER_EVERY) {
    const page = await ledger.getSlices(job.id, from, from + PLAN_REMEMBER_EVERY);
    yield page.toSorted((left, right) => left.slice - right.slice);
    // A slice among them that can't be read is left out: it does not end the plan.
    if (page.length === 0) return;
  }
}

/** Writes the report, and sends the event that names it. */
async function reportEnd(
  { reports, events }: EndDependencies,
  job: UnreportedJob,
  results: readonly SliceResult[],
): Promise<ReportedJob> {
  const reported = { ...job, ...(await writeJobReport(reports, job, results)) };
  await events.ended(reported);
  return reported;
}
