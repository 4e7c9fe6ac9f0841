// Carries out what a job needs so that it goes on, or ends (upkeep.ts decides): a stretch of its slices, its plan, its end. What
// there is no time for is left to the next sweep, which goes on where this one stopped.
import pMap from 'p-map';
import type { Job, Progress } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { addSlices, emptyProgress, openBlocks, PROGRESS_PAGE } from '../../shared/ledger/progress.ts';
import type { Round } from '../../shared/ledger/rounds.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { type IngestMessage, SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import type { SettleNotice } from '../../shared/queue/settle-notice.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Random } from '../../shared/time/random.ts';
import {
  type Allowance,
  allowanceFor,
  backlogFor,
  careOf,
  isNoticeDue,
  planCareOf,
  type SliceCare,
  slicesToRead,
  type Upkeep,
} from './job-needs.ts';

/** Slices of one job looked at or sent again at once. */
const SLICE_CONCURRENCY = 8;

export interface CareDependencies {
  ledger: Pick<
    Ledger,
    | 'getRound'
    | 'putRound'
    | 'getSlices'
    | 'readBlocks'
    | 'unsettledSlices'
    | 'beginReplay'
    | 'recordProgress'
  >;
  tellIngest(message: IngestMessage): Promise<void>;
  notifySettle: SettleNotice;
  clock: Clock;
  random: Random;
}

/** What was done for a job. */
export interface CareDone {
  replayed: number;
  toldSettle: number;
  toldPlan: number;
}

/**
 * @param untilMs epoch ms after which no further slice is begun
 * @returns how far the job is by the last whole round over its slices, in its first by as much of it as is read
 */
export async function careForJob(
  dependencies: CareDependencies,
  job: Job,
  upkeep: Upkeep,
  untilMs: number,
): Promise<{ progress: Progress; done: CareDone }> {
  const { ledger } = dependencies;
  if (job.ending !== undefined) {
    // Nothing of it goes on but the telling of its end; an abandoned one has slices that never settle.
    const toldSettle = await tellOfEnd(dependencies, job, upkeep);
    return { progress: job.progress ?? emptyProgress(), done: { replayed: 0, toldSettle, toldPlan: 0 } };
  }
  const round = await ledger.getRound(job.id);
  const done = await careForStretch(dependencies, job, round, upkeep, untilMs);
  done.toldPlan += await careForPlan(dependencies, job, round, upkeep);
  if (isSettled(job)) done.toldSettle += await tellOfEnd(dependencies, job, upkeep);
  const { sum } = round;
  const isWhole = round.next >= slicesOf(job);
  if (isWhole) {
    await ledger.recordProgress(job.id, sum);
    Object.assign(round, { next: 0, sum: emptyProgress() });
  }
  await ledger.putRound(job.id, round);
  return { progress: isWhole ? sum : (job.progress ?? sum), done };
}

/** Tells settle to end the job, unless that may wait in its queue. @returns how often */
async function tellOfEnd(
  { notifySettle, random }: CareDependencies,
  job: Job,
  { backlog }: Upkeep,
): Promise<number> {
  if (backlog.settle > 0 && !isNoticeDue(random)) return 0;
  await notifySettle({ job: job.id });
  return 1;
}

/** Sums and cares for the slices that the round comes to next, and moves the round on. */
async function careForStretch(
  dependencies: CareDependencies,
  job: Job,
  round: Round,
  upkeep: Upkeep,
  untilMs: number,
): Promise<CareDone> {
  const { ledger, clock } = dependencies;
  const unsettled = new Set(await ledger.unsettledSlices(job));
  const allowance = allowanceFor(job, upkeep.backlog);
  const done: CareDone = { replayed: 0, toldSettle: 0, toldPlan: 0 };

  /** @returns whether there was time for all of them */
  const careForAll = async (slices: readonly SliceRow[]): Promise<boolean> => {
    let isInTime = true;
    const careInTime = async (slice: SliceRow) => {
      isInTime &&= clock.now() < untilMs;
      if (isInTime) await careForSlice(dependencies, job, slice, upkeep, allowance, done);
    };
    await pMap(slices, careInTime, { concurrency: SLICE_CONCURRENCY });
    return isInTime;
  };

  const end = Math.min(slicesOf(job), round.next + slicesToRead(job, upkeep.backlog));
  while (round.next < end && clock.now() < untilMs) {
    const to = Math.min(end, round.next + PROGRESS_PAGE);
    const page = await ledger.getSlices(job.id, round.next, to);
    // A page that was not finished is read again by the next sweep.
    if (!(await careForAll(page.filter(({ slice }) => unsettled.has(slice))))) break;
    round.sum = await addSlices(ledger, job, round.sum, page);
    round.next = to;
  }
  return done;
}

async function careForSlice(
  { ledger, tellIngest, notifySettle, random }: CareDependencies,
  job: Job,
  slice: SliceRow,
  common: Upkeep,
  allowance: Allowance,
  done: CareDone,
): Promise<void> {
  const id = { job: job.id, slice: slice.slice };
  const upkeep = { ...common, backlog: backlogFor(job, slice, slicesOf(job), common, random) };
  const need = async (): Promise<SliceCare> => {
    const atOnce = careOf(job, slice, undefined, upkeep);
    if (atOnce !== 'look') return atOnce;
    if (!take(allowance, 'looks')) return 'none';
    const blocks = await ledger.readBlocks(openBlocks(job, slice));
    return careOf(job, slice, [...blocks.values()], upkeep);
  };
  switch (await need()) {
    case 'none':
    case 'look':
      return;
    case 'settle':
      await notifySettle(id);
      done.toldSettle++;
      return;
    case 'replay':
      // Of two sweeps at once, one begins it.
      if (!take(allowance, 'replays') || !(await ledger.beginReplay(id, slice.replays))) return;
      await tellIngest({ v: SCHEMA_VERSION, kind: 'slice', ...id });
      done.replayed++;
  }
}

/** @returns plans that were sent on their way again */
async function careForPlan(
  { tellIngest }: CareDependencies,
  job: Job,
  round: Round,
  upkeep: Upkeep,
): Promise<number> {
  const { isLost, seen } = planCareOf(job, round.plan, upkeep);
  if (isLost) await tellIngest({ v: SCHEMA_VERSION, kind: 'plan', job: job.id });
  if (seen === undefined) delete round.plan;
  else round.plan = seen;
  return isLost ? 1 : 0;
}

function slicesOf({ slices, plan }: Job): number {
  return slices ?? plan.slices;
}

/** Takes one of what is allowed, if there is one left. */
function take(allowance: Allowance, of: keyof Allowance): boolean {
  if (allowance[of] <= 0) return false;
  allowance[of]--;
  return true;
}
