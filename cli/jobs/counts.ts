// How far a job is, by its rows: of a live one from its progress, of an ended one from its counts.
import type { JobView } from '../../shared/job/view.ts';

export type JobCounts = ReturnType<typeof countsOf>;

export function countsOf(job: JobView) {
  const { rows = 0, stored, skipped = 0, progress } = job;
  /** Stored or skipped. */
  const done = stored === undefined ? (progress?.done ?? 0) : stored + skipped;
  const { failed = 0, cancelled = 0, rejected = 0 } = stored === undefined ? (progress ?? {}) : job;
  const ended = done + failed + cancelled + rejected;
  // Rows are counted when a slice of them is known, and may end before that is read.
  return { rows: Math.max(rows, ended), ended, done, failed, cancelled, rejected };
}

const LIVE: ReadonlySet<JobView['state']> = new Set([
  'submitted',
  'planning',
  'running',
  'paused',
  'cancelling',
  'expiring',
]);

export function hasEnded({ state }: JobView): boolean {
  return !LIVE.has(state);
}

/** Whether a new job could take up rows of this one. */
export function canBeRedriven(job: JobView): boolean {
  const { failed, cancelled } = countsOf(job);
  return hasEnded(job) && failed + cancelled > 0;
}
