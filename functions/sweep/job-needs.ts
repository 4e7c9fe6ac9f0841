// What a live job needs from outside so that it goes on, or ends: pure decisions, which sweep carries out (care.ts).
//
// At-least-once delivery is the queue's promise, yet messages can be lost: deleted by hand, kept longer than the queue's
// retention, dropped by a fault. The ledger knows what has ended, so whatever stands still can be sent again. Twice does no harm.
import { faultOfProgress } from '../../shared/job/failure-thresholds.ts';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import {
  isEnding,
  isRunning,
  type Job,
  type JobControl,
  type JobFault,
  type Progress,
} from '../../shared/job/job.ts';
import type { Round } from '../../shared/ledger/rounds.ts';
import type { SliceRow, StoredBlockRow } from '../../shared/ledger/rows.ts';
import { isBlockClosed, isCovered } from '../../shared/ledger/tally.ts';
import type { Random } from '../../shared/time/random.ts';

/** Messages on each queue: to be received, in flight, delayed. */
export interface Backlog {
  ingest: number;
  upload: number;
  settle: number;
}

export interface UpkeepLimits {
  /** Milliseconds that a slice may stand still while ingest and upload have no message at all. */
  idleMs: number;
  /** The same while they have: its messages may wait behind others. It doubles with each replay of the slice. */
  busyMs: number;
  /** Upload's timeout in milliseconds. */
  uploadMs: number;
}

/** What a decision rests on beside the rows. */
export interface Upkeep {
  backlog: Backlog;
  limits: UpkeepLimits;
  nowMs: number;
}

/** Slices of one job that a sweep reads while its messages are on their way: of 25,000 each is read every 25 minutes. */
const SLICES_A_SWEEP = 1_000;
/** Replays after which the patience of a busy queue grows no more. */
const DOUBLINGS_MOST = 8;
/**
 * Settle's queue being busy, a notice more likely waits in it than is lost, and no queue tells which. After so many milliseconds
 * it is told again, about as often: settle finds what is settled by one read. Were the queue's emptiness waited for, one slice
 * that can't be settled would keep every job's lost notices from being told.
 */
const NOTICE_WAITS_MS = 15 * 60_000;
const SWEEPS_A_NOTICE = NOTICE_WAITS_MS / 60_000;
/** Milliseconds for which the plan of a job that is being ended may stand still: the pause that it was under dropped its message. */
const ENDING_PLAN_WAITS_MS = 5 * 60_000;
/**
 * While queues are busy, a slice that stands still more likely waits in line than is lost. So in one sweep of a job few such
 * are looked at (each costs up to 256 reads of block rows), and fewer are sent again: two of 100,000 rows a minute are what a
 * partition of S3 takes, and add no more than half as much again to what ingest sends.
 */
const BUSY_ALLOWANCE = { looks: 16, replays: 2 };

/** The control that a running job comes under by itself, and why. */
export function orderFor(
  job: Job,
  progress: Progress | undefined,
  nowMs: number,
): { control: JobControl; fault: JobFault } | undefined {
  if (!isRunning(job) || job.ending !== undefined) return undefined;
  if (nowMs >= job.deadlineMs) {
    return {
      control: 'expiring',
      fault: {
        code: 'DeadlineExceeded',
        message: `the job's deadline ${new Date(job.deadlineMs).toISOString()} has passed: rows that had not ended are booked as lost`,
      },
    };
  }
  const fault = faultOfProgress(job.options, progress);
  return fault === undefined ? undefined : { control: 'cancelling', fault };
}

/** How many of the job's slices are to be read now. Where nothing is on its way, all that there is time for: they stand still. */
export function slicesToRead(job: Job, { ingest, upload, settle }: Backlog): number {
  const isQuiet = settle === 0 && (isEnding(job) || ingest + upload === 0);
  return isQuiet ? Number.POSITIVE_INFINITY : SLICES_A_SWEEP;
}

/** How many slices of one job may be looked at closely, and how many sent again, in one sweep. */
export interface Allowance {
  looks: number;
  replays: number;
}

export function allowanceFor(job: Job, backlog: Backlog): Allowance {
  return isEnding(job) || isIdle(backlog)
    ? { looks: Number.POSITIVE_INFINITY, replays: Number.POSITIVE_INFINITY }
    : { ...BUSY_ALLOWANCE };
}

/**
 * The backlog as it counts for a slice that waits for settle: one that has waited long is told of now and then, however busy
 * settle's queue is.
 * @param slices of the job: the more there are, the less often one of them is looked at
 */
export function backlogFor(
  job: Job,
  slice: Pick<SliceRow, 'movedAtMs'>,
  slices: number,
  { backlog, limits, nowMs }: Upkeep,
  random: Random,
): Backlog {
  const haltedAtMs = job.haltedAtMs === undefined ? 0 : job.haltedAtMs + limits.uploadMs;
  const isOverdue = nowMs - Math.max(slice.movedAtMs, haltedAtMs) >= NOTICE_WAITS_MS;
  const sweepsARound = Math.ceil(slices / SLICES_A_SWEEP);
  return isOverdue && isNoticeDue(random, sweepsARound) ? { ...backlog, settle: 0 } : backlog;
}

/** Whether settle is told again this time of what it may have been told of before, by a sweep each minute. */
export function isNoticeDue(random: Random, sweepsARound = 1): boolean {
  return random() * SWEEPS_A_NOTICE < sweepsARound;
}

/**
 * none     it goes on by itself
 * look     its open blocks' rows tell: ask again with them
 * replay   its messages are lost: ingest is to send what its blocks lack
 * settle   settle is to be told of it
 */
export type SliceCare = 'none' | 'look' | 'replay' | 'settle';

/**
 * What an unsettled slice needs.
 * @param openBlocks the rows, as far as there are any, of its blocks that are not in `closedBlocks`
 */
export function careOf(
  job: Job,
  slice: SliceRow,
  openBlocks: readonly StoredBlockRow[] | undefined,
  { backlog, limits, nowMs }: Upkeep,
): SliceCare {
  const isForSettle = slice.result !== undefined || isCovered(slice.closedBlocks, slice.blocks);
  if (isForSettle || isEnding(job)) {
    // Settle has been told of it, or has its hands full.
    if (backlog.settle > 0) return 'none';
    if (isForSettle || uploadsAreOver(job, limits.uploadMs, nowMs)) return 'settle';
    if (openBlocks === undefined) return 'look';
    return openBlocks.every(isBlockClosed) ? 'settle' : 'none';
  }
  if (!isRunning(job)) return 'none';
  const patienceMs = isIdle(backlog)
    ? limits.idleMs
    : limits.busyMs * 2 ** Math.min(slice.replays, DOUBLINGS_MOST);
  const stoodStill = (movedAtMs: number) => nowMs - movedAtMs >= patienceMs;
  if (!stoodStill(slice.movedAtMs)) return 'none';
  if (openBlocks === undefined) return 'look';
  return openBlocks.every(({ movedAtMs }) => stoodStill(movedAtMs)) ? 'replay' : 'none';
}

/**
 * Whether the job's plan is to be sent on its way again. Ingest's queue being empty, its message is lost; else it may wait
 * behind others.
 * @param seen the plan as it was last seen
 * @returns the plan as it is seen now
 */
export function planCareOf(
  job: Pick<Job, 'state' | 'plan' | 'control'>,
  seen: Round['plan'],
  { backlog, limits, nowMs }: Upkeep,
): { isLost: boolean; seen?: Round['plan'] } {
  if (job.state !== 'planning') return { isLost: false };
  const { slices } = job.plan;
  const sinceMs = seen?.slices === slices ? seen.sinceMs : nowMs;
  const patienceMs = isEnding(job) ? ENDING_PLAN_WAITS_MS : limits.busyMs;
  const isLost = backlog.ingest === 0 || nowMs - sinceMs >= patienceMs;
  return { isLost, seen: { slices, sinceMs: isLost ? nowMs : sinceMs } };
}

function isIdle({ ingest, upload }: Backlog): boolean {
  return ingest + upload === 0;
}
