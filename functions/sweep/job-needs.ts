// What a live job needs so that it goes on, or ends: pure decisions, which sweep carries out (reconcile-job.ts).
//
// SQS delivers at least once, yet messages can be lost: deleted by hand, kept longer than the queue's retention, dropped by a
// fault. The ledger knows what has ended, so slices and plans that stand still can be sent again. Twice does no harm.
import { faultOfProgress } from '../../shared/job/failure-thresholds.ts';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import {
  isEnding,
  type Job,
  type JobControl,
  type JobFault,
  type LiveJob,
  mayTransfer,
  type Progress,
} from '../../shared/job/job.ts';
import type { Round } from '../../shared/ledger/rounds.ts';
import type { SliceRow, StoredBlockRow } from '../../shared/ledger/rows.ts';
import { isBlockClosed, isCovered } from '../../shared/ledger/tally.ts';
import type { Random } from '../../shared/time/random.ts';

/** Messages in each queue: visible, in flight and delayed. */
export interface Backlog {
  ingest: number;
  upload: number;
  settle: number;
}

export interface ReconcileLimits {
  /** Milliseconds that a slice may stand still while ingest and upload have no message at all. */
  idleMs: number;
  /** The same when they are not empty, since its messages may wait behind others. It doubles with each replay of the slice. */
  busyMs: number;
  /** Upload's timeout in milliseconds. */
  uploadMs: number;
}

/** What the decisions depend on beside the ledger's rows. */
export interface Situation {
  backlog: Backlog;
  limits: ReconcileLimits;
  nowMs: number;
}

/** Slices of one job that a sweep reads while the queues are busy: of 25,000 slices, each is read every 25 minutes. */
const SLICES_A_SWEEP = 1_000;
/** Replays after which the waiting time stops doubling. */
const MAX_DOUBLINGS = 8;
/**
 * While settle's queue is busy, a notice more likely waits in it than is lost, and SQS does not say which. After so many
 * milliseconds settle is notified again, about as often: it finds with one read that a slice is settled. If sweep waited for an
 * empty queue instead, one slice that can't be settled would hold back the lost notices of all jobs.
 */
const NOTICE_WAITS_MS = 15 * 60_000;
const SWEEPS_A_NOTICE = NOTICE_WAITS_MS / 60_000;
/** Milliseconds for which the plan of a job that is being ended may stand still: an earlier pause may have dropped its message. */
const ENDING_PLAN_WAITS_MS = 5 * 60_000;
/**
 * While queues are busy, a slice that stands still more likely waits in line than is lost. So in one sweep few slices of a job
 * are looked at (each costs up to 256 reads of block rows), and fewer are sent again. Two of 100,000 rows a minute are what a
 * partition of S3 takes, and add no more than half as much again to what ingest sends.
 */
const BUSY_ALLOWANCE = { looks: 16, replays: 2 };

/** The control that sweep puts a job under, where its rows are not to be transferred any longer, and why. */
export function orderFor(
  job: Job,
  progress: Progress | undefined,
  nowMs: number,
): { control: JobControl; fault: JobFault } | undefined {
  if (!mayTransfer(job) || job.ending !== undefined) return undefined;
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

/** How many of the job's slices are to be read now. Where no message is on its way, all that there is time for. */
export function slicesToRead(job: LiveJob, { ingest, upload, settle }: Backlog): number {
  const isQuiet = settle === 0 && (isEnding(job) || ingest + upload === 0);
  return isQuiet ? Number.POSITIVE_INFINITY : SLICES_A_SWEEP;
}

/** How many slices of one job a sweep may examine, and how many it may replay. */
export interface Allowance {
  looks: number;
  replays: number;
}

export function allowanceFor(job: LiveJob, backlog: Backlog): Allowance {
  return isEnding(job) || isIdle(backlog)
    ? { looks: Number.POSITIVE_INFINITY, replays: Number.POSITIVE_INFINITY }
    : { ...BUSY_ALLOWANCE };
}

/**
 * The backlog as it counts for a slice that waits for settle. Of one that has waited long settle is notified now and then,
 * however busy its queue is.
 * @param slices of the job: the more there are, the less often one of them is looked at
 */
export function backlogFor(
  job: LiveJob,
  slice: Pick<SliceRow, 'movedAtMs'>,
  slices: number,
  { backlog, limits, nowMs }: Situation,
  random: Random,
): Backlog {
  const haltedAtMs = job.control === 'run' ? 0 : job.haltedAtMs + limits.uploadMs;
  const isOverdue = nowMs - Math.max(slice.movedAtMs, haltedAtMs) >= NOTICE_WAITS_MS;
  const sweepsARound = Math.ceil(slices / SLICES_A_SWEEP);
  return isOverdue && isNoticeDue(random, sweepsARound) ? { ...backlog, settle: 0 } : backlog;
}

/** Whether this sweep, one a minute, repeats a notice that may wait in settle's queue. */
export function isNoticeDue(random: Random, sweepsARound = 1): boolean {
  return random() * SWEEPS_A_NOTICE < sweepsARound;
}

/**
 * none     it goes on by itself
 * look     it depends on its open blocks' rows: decide again with them
 * replay   its messages are lost: ingest is to send what its blocks lack
 * settle   settle is to be notified
 */
export type SliceNeed = 'none' | 'look' | 'replay' | 'settle';

/**
 * What an unsettled slice needs.
 * @param openBlocks the existing rows of its blocks that are not in `closedBlocks`
 */
export function needOfSlice(
  job: LiveJob,
  slice: SliceRow,
  openBlocks: readonly StoredBlockRow[] | undefined,
  { backlog, limits, nowMs }: Situation,
): SliceNeed {
  const isForSettle = slice.result !== undefined || isCovered(slice.closedBlocks, slice.blocks);
  // Its notice may wait in settle's queue.
  if (isForSettle) return backlog.settle > 0 ? 'none' : 'settle';
  if (isEnding(job)) {
    if (backlog.settle > 0) return 'none';
    if (uploadsAreOver(job, limits.uploadMs, nowMs)) return 'settle';
    if (openBlocks === undefined) return 'look';
    return openBlocks.every(isBlockClosed) ? 'settle' : 'none';
  }
  if (!mayTransfer(job)) return 'none';
  const patienceMs = isIdle(backlog)
    ? limits.idleMs
    : limits.busyMs * 2 ** Math.min(slice.replays, MAX_DOUBLINGS);
  const stoodStill = (movedAtMs: number) => nowMs - movedAtMs >= patienceMs;
  if (!stoodStill(slice.movedAtMs)) return 'none';
  if (openBlocks === undefined) return 'look';
  return openBlocks.every(({ movedAtMs }) => stoodStill(movedAtMs)) ? 'replay' : 'none';
}

/**
 * Whether the message of the job's plan is lost, and to be sent again. It is where ingest's queue is empty; else it may wait
 * behind others.
 * @param seen the plan as it was last seen
 * @returns the plan as it is seen now
 */
export function needOfPlan(
  job: LiveJob,
  seen: Round['plan'],
  { backlog, limits, nowMs }: Situation,
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
