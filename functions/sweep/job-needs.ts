// Decides what a live job needs so that it continues or ends. The decisions are pure; reconcile-job.ts carries them out.
//
// SQS promises at-least-once delivery, yet messages can be lost: deleted by hand, expired in the queue, dropped by a fault. The
// ledger knows which rows have ended, so sweep can send the others again. Sending a row twice does no harm.
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
  /** Milliseconds without progress after which a slice is replayed when the queues of ingest and upload are empty. */
  idleMs: number;
  /** The same when they are not empty, since its messages may wait behind others. It doubles with each replay of the slice. */
  busyMs: number;
  /** Upload's timeout in milliseconds. */
  uploadMs: number;
}

/** What a decision depends on besides the rows of the ledger. */
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
 * Milliseconds after which sweep repeats a notice while settle's queue is busy, and about the time between repeats. The notice
 * probably waits in that queue, but it may be lost. A repeat costs settle one read. If sweep waited until the queue is empty, one
 * slice that can't be settled would hold back the lost notices of all jobs.
 */
const NOTICE_WAITS_MS = 15 * 60_000;
const SWEEPS_A_NOTICE = NOTICE_WAITS_MS / 60_000;
/** Milliseconds without progress after which the plan of an ending job is requested again: an earlier pause dropped its message. */
const ENDING_PLAN_WAITS_MS = 5 * 60_000;
/** How many slices of one job a sweep may examine, and how many it may replay. */
export type Allowance = Record<'looks' | 'replays', number>;

/**
 * While the queues are busy, a slice without progress is probably waiting, not lost. So one sweep of a job examines few of them
 * (each costs up to 256 reads of block rows) and replays fewer. Two slices of 100,000 rows a minute are what one partition of S3
 * takes, and at most half of what ingest sends.
 */
const BUSY_ALLOWANCE: Allowance = { looks: 16, replays: 2 };

/** The order that stops a running job, with its reason; undefined when the job may continue. */
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

/** How many of the job's slices to read in this sweep. With no messages on the way it reads all that there is time for. */
export function slicesToRead(job: LiveJob, { ingest, upload, settle }: Backlog): number {
  const isQuiet = settle === 0 && (isEnding(job) || ingest + upload === 0);
  return isQuiet ? Number.POSITIVE_INFINITY : SLICES_A_SWEEP;
}

export function allowanceFor(job: LiveJob, backlog: Backlog): Allowance {
  return isEnding(job) || isIdle(backlog)
    ? { looks: Number.POSITIVE_INFINITY, replays: Number.POSITIVE_INFINITY }
    : { ...BUSY_ALLOWANCE };
}

/**
 * The backlog to use for a slice that waits for settle. When it has waited long, settle's queue sometimes counts as empty, so that
 * its notice is repeated.
 * @param slices of the job: the more there are, the less often sweep comes to one of them
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

/** Whether this sweep, one of one a minute, repeats a notice that settle may have received before. */
export function isNoticeDue(random: Random, sweepsARound = 1): boolean {
  return random() * SWEEPS_A_NOTICE < sweepsARound;
}

/**
 * none     nothing: it continues by itself
 * look     a decision with the rows of its open blocks: call again with them
 * replay   its messages are lost: ingest must send the rows that have not ended
 * settle   a notice to settle
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
  // The notice may be in settle's queue.
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
 * Whether to request the job's plan again. With ingest's queue empty, the plan's message is lost; otherwise it may wait behind
 * others.
 * @param seen the plan's progress at the last sweep
 * @returns the progress now
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
