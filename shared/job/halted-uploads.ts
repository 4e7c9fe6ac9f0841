// When nothing of a halted job is uploaded any more: pure.
import type { Job } from './job.ts';

/** Milliseconds by which the clocks of two machines may differ, at most; those of AWS differ by less than one (Time Sync Service). */
export const CLOCK_MARGIN_MS = 15_000;

/** Whether no upload that began before the job was halted still runs: nothing more of it is stored. */
export function uploadsAreOver(job: Pick<Job, 'haltedAtMs'>, uploadMs: number, nowMs: number): boolean {
  return job.haltedAtMs !== undefined && nowMs >= job.haltedAtMs + uploadMs + CLOCK_MARGIN_MS;
}
