// What a live job needs from outside so that it goes on, or ends: pure decisions, which sweep carries out.
//
// At-least-once delivery is the queue's promise, yet messages can be lost: deleted by hand, kept longer than the queue's
// retention, dropped by a fault. The ledger knows what has ended, so whatever stands still can be sent anew. Twice does no harm.
import type { SliceRow, StoredBlockRow } from '../ledger/rows.ts';
import { isBlockClosed, isCovered } from '../ledger/tally.ts';
import { isEnding, isRunning, type Job, type JobControl, type JobFault, type Progress } from './job.ts';

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

/** Milliseconds by which the clocks of two machines may differ, at most; AWS keeps them within a second. */
const CLOCK_MARGIN_MS = 60_000;
/** Milliseconds between two sums of a job, for each of its slices: 25,000 slices are read each 25 minutes. */
const SUM_EVERY_MS_PER_SLICE = 60;
/** Replays after which the patience of a busy queue grows no more. */
const DOUBLINGS_MOST = 8;

/** Whether no upload that began before the job was halted still runs: nothing more of it is stored. */
export function uploadsAreOver(job: Pick<Job, 'haltedAtMs'>, uploadMs: number, nowMs: number): boolean {
  return job.haltedAtMs !== undefined && nowMs >= job.haltedAtMs + uploadMs + CLOCK_MARGIN_MS;
}

/** Whether the job's slices are to be read now. While it ends they always are. */
export function isSumDue(job: Job, nowMs: number): boolean {
  if (isEnding(job) || job.progress?.atMs === undefined) return true;
  return nowMs - job.progress.atMs >= (job.slices ?? job.plan.slices) * SUM_EVERY_MS_PER_SLICE;
}

/** The control that a running job comes under by itself, and why. */
export function orderFor(
  job: Job,
  progress: Progress | undefined,
  nowMs: number,
): { control: JobControl; fault: JobFault } | undefined {
  if (!isRunning(job)) return undefined;
  if (nowMs >= job.deadlineMs) {
    return {
      control: 'expiring',
      fault: {
        code: 'DeadlineExceeded',
        message: `the job's deadline ${new Date(job.deadlineMs).toISOString()} has passed: rows that had not ended are booked as lost`,
      },
    };
  }
  const { maxFailedPercent, maxFailedAfterRows } = job.options;
  const tried = (progress?.done ?? 0) + (progress?.failed ?? 0);
  const failed = progress?.failed ?? 0;
  if (tried < maxFailedAfterRows || failed * 100 <= tried * maxFailedPercent) return undefined;
  return {
    control: 'cancelling',
    fault: {
      code: 'TooManyFailures',
      message: `${failed} of the first ${tried} rows to end have failed, more than ${maxFailedPercent}% (max-failed-percent): the rest is cancelled`,
    },
  };
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
  { backlog, limits, nowMs }: { backlog: Backlog; limits: UpkeepLimits; nowMs: number },
): SliceCare {
  const settle = backlog.settle === 0 ? 'settle' : 'none';
  if (slice.result !== undefined || isCovered(slice.closedBlocks, slice.blocks)) return settle;
  if (isEnding(job)) {
    if (uploadsAreOver(job, limits.uploadMs, nowMs)) return settle;
    if (openBlocks === undefined) return 'look';
    return openBlocks.every(isBlockClosed) ? settle : 'none';
  }
  if (!isRunning(job)) return 'none';
  const isIdle = backlog.ingest + backlog.upload === 0;
  const patienceMs = isIdle ? limits.idleMs : limits.busyMs * 2 ** Math.min(slice.replays, DOUBLINGS_MOST);
  const stoodStill = (movedAtMs: number) => nowMs - movedAtMs >= patienceMs;
  if (!stoodStill(slice.movedAtMs)) return 'none';
  if (openBlocks === undefined) return 'look';
  return openBlocks.every(({ movedAtMs }) => stoodStill(movedAtMs)) ? 'replay' : 'none';
}
