// Carries out what a job needs so that it continues or ends (job-needs.ts decides): for a part of its slices, its plan, its end.
// The next sweep continues where this one ran out of time.
import pMap from 'p-map';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import { isEnding, type LiveJob, type Progress, type UnopenedJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { addSlices, emptyProgress, openBlocks } from '../../shared/ledger/progress.ts';
import type { Round } from '../../shared/ledger/rounds.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { SLICE_PAGE } from '../../shared/ledger/slice-rows.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import type { IngestRequest } from '../../shared/queue/ingest-request.ts';
import { SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import type { SettleNotice } from '../../shared/queue/settle-notice.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import {
  type Allowance,
  allowanceFor,
  backlogFor,
  isNoticeDue,
  needOfPlan,
  needOfSlice,
  type Situation,
  type SliceNeed,
  slicesToRead,
} from './job-needs.ts';
import { describeLost, lostNumbers } from './lost-slices.ts';

/** Slices of one job that are worked on at the same time. */
const SLICE_CONCURRENCY = 8;

export interface ReconcileDependencies {
  ledger: Pick<
    Ledger,
    | 'getRound'
    | 'putRound'
    | 'getSlice'
    | 'getSlices'
    | 'readBlocks'
    | 'unsettledSlices'
    | 'beginReplay'
    | 'recordProgress'
  >;
  requestIngest: IngestRequest;
  notifySettle: SettleNotice;
  clock: Clock;
  random: Random;
}

/** How often each was done for a job. */
export interface ReconcileDone {
  replayed: number;
  settleRequests: number;
  planRequests: number;
}

export interface ReconciledJob {
  /** By the last complete round over the slices; in the first round, by the slices read so far. */
  progress: Progress;
  done: ReconcileDone;
  /** Slices that could not be read, with the reasons; absent: none. */
  lost?: string;
}

/** @param untilMs epoch ms after which no further slice is started */
export async function reconcileJob(
  dependencies: ReconcileDependencies,
  job: LiveJob | UnopenedJob,
  situation: Situation,
  untilMs: number,
): Promise<ReconciledJob> {
  const { ledger } = dependencies;
  if (job.ending !== undefined) {
    // Only the end of the job is left to complete. An abandoned job has slices that never settle.
    const settleRequests = await requestEnd(dependencies, { job: job.id }, situation);
    const known = job.state === 'unopened' ? undefined : job.progress;
    return { progress: known ?? emptyProgress(), done: { replayed: 0, settleRequests, planRequests: 0 } };
  }
  const round = await ledger.getRound(job.id);
  const { done, lost } = await reconcileSlices(dependencies, job, round, situation, untilMs);
  done.planRequests += await reconcilePlan(dependencies, job, round, situation);
  if (isSettled(job)) done.settleRequests += await requestEnd(dependencies, { job: job.id }, situation);
  const { sum } = round;
  const isWhole = round.next >= job.plan.slices;
  if (isWhole) {
    await ledger.recordProgress(job.id, sum);
    Object.assign(round, { next: 0, sum: emptyProgress() });
  }
  await ledger.putRound(job.id, round);
  const fault = await describeLost(ledger, job.id, lost);
  return {
    ...{ progress: isWhole ? sum : (job.progress ?? sum), done },
    ...(fault === undefined ? {} : { lost: fault }),
  };
}

/** Requests the end of a job or of a slice from settle, unless that notice may be in its queue. @returns the number of notices */
async function requestEnd(
  { notifySettle, random }: ReconcileDependencies,
  of: Parameters<SettleNotice>[0],
  { backlog }: Situation,
): Promise<number> {
  if (backlog.settle > 0 && !isNoticeDue(random)) return 0;
  await notifySettle(of);
  return 1;
}

/** Reconciles and sums the next slices of the round, and advances the round. */
async function reconcileSlices(
  dependencies: ReconcileDependencies,
  job: LiveJob,
  round: Round,
  situation: Situation,
  untilMs: number,
): Promise<{ done: ReconcileDone; lost: number[] }> {
  const { ledger, clock } = dependencies;
  const unsettled = new Set(await ledger.unsettledSlices(job));
  const allowance = allowanceFor(job, situation.backlog);
  const done: ReconcileDone = { replayed: 0, settleRequests: 0, planRequests: 0 };
  const lost: number[] = [];

  /** @returns whether the time was enough for all of them */
  const reconcileAll = async (slices: readonly SliceRow[]): Promise<boolean> => {
    let isInTime = true;
    const reconcileInTime = async (slice: SliceRow) => {
      isInTime &&= clock.now() < untilMs;
      if (isInTime) await reconcileSlice(dependencies, job, slice, situation, allowance, done);
    };
    await pMap(slices, reconcileInTime, { concurrency: SLICE_CONCURRENCY });
    return isInTime;
  };

  const end = Math.min(job.plan.slices, round.next + slicesToRead(job, situation.backlog));
  while (round.next < end && clock.now() < untilMs) {
    const to = Math.min(end, round.next + SLICE_PAGE);
    const page = await ledger.getSlices(job.id, round.next, to);
    // The next sweep reads an unfinished page again.
    if (!(await reconcileAll(page.filter(({ slice }) => unsettled.has(slice))))) break;
    const lostHere = lostNumbers(page, round.next, to);
    lost.push(...lostHere);
    const [slice] = endsWithoutThem(job, situation) ? lostHere : [];
    // Settle can't settle a lost slice. Its message is tried until well after the deadline, and then ends the job: one is enough.
    if (slice !== undefined && lostHere.some((each) => unsettled.has(each)))
      done.settleRequests += await requestEnd(dependencies, { job: job.id, slice }, situation);
    round.sum = await addSlices(ledger, job, round.sum, page);
    round.next = to;
  }
  return { done, lost };
}

/** Whether the job is being ended, and nothing of its lost slices can end by itself any more. */
function endsWithoutThem(job: LiveJob, { limits, nowMs }: Situation): boolean {
  return isEnding(job) && uploadsAreOver(job, limits.uploadMs, nowMs);
}

async function reconcileSlice(
  { ledger, requestIngest, notifySettle, random }: ReconcileDependencies,
  job: LiveJob,
  slice: SliceRow,
  common: Situation,
  allowance: Allowance,
  done: ReconcileDone,
): Promise<void> {
  const id = { job: job.id, slice: slice.slice };
  const situation = { ...common, backlog: backlogFor(job, slice, job.plan.slices, common, random) };
  const need = async (): Promise<SliceNeed> => {
    const atOnce = needOfSlice(job, slice, undefined, situation);
    if (atOnce !== 'look') return atOnce;
    if (!take(allowance, 'looks')) return 'none';
    const blocks = await ledger.readBlocks(openBlocks(job, slice));
    return needOfSlice(job, slice, [...blocks.values()], situation);
  };
  switch (await need()) {
    case 'none':
    case 'look':
      return;
    case 'settle':
      await notifySettle(id);
      done.settleRequests++;
      return;
    case 'replay':
      // When two sweeps run at the same time, only one of them starts the replay.
      if (!take(allowance, 'replays') || !(await ledger.beginReplay(id, slice.replays))) return;
      await requestIngest({ v: SCHEMA_VERSION, kind: 'slice', ...id });
      done.replayed++;
  }
}

/** @returns the number of plans that were requested again */
async function reconcilePlan(
  { requestIngest }: ReconcileDependencies,
  job: LiveJob,
  round: Round,
  situation: Situation,
): Promise<number> {
  const { isLost, seen } = needOfPlan(job, round.plan, situation);
  if (isLost) await requestIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
  if (seen === undefined) delete round.plan;
  else round.plan = seen;
  return isLost ? 1 : 0;
}

/** Takes one of what is allowed, if there is one left. */
function take(allowance: Allowance, of: keyof Allowance): boolean {
  if (allowance[of] <= 0) return false;
  allowance[of]--;
  return true;
}
