// Cuts a job's manifest into slices: each a row in the ledger and a message to ingest. How far it is stands in the job's row,
// so that whoever comes next goes on from there; what it cuts again, it cuts into the same slices.
import type { S3Client } from '@aws-sdk/client-s3';
import { readRange } from '../aws/object-range.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { planSlices } from '../manifest/slices.ts';
import type { Clock } from './clock.ts';
import { watchControl } from './control-watch.ts';
import { MOST_SLICES, SLICE_BLOCKS, type SliceId } from './identity.ts';
import type { Job, JobFault } from './job.ts';

/** Slices after which the plan's cursor is remembered. */
export const PLAN_REMEMBER_EVERY = 16;

export interface PlanDependencies {
  s3: S3Client;
  ledger: Pick<Ledger, 'getJob' | 'recordSlice' | 'movePlan' | 'finishPlan' | 'controlJob'>;
  /** Has the slice ingested. */
  tellSlice(slice: SliceId): Promise<void>;
  clock: Clock;
}

/**
 * finished   every slice is known; `job` is its row, or undefined where it has ended meanwhile
 * out of time   the rest is for another invocation
 * halted   the job was paused or has ended: whoever resumes it has the plan go on
 */
export type PlanEnd =
  | { kind: 'finished'; job: Job | undefined; plan: Job['plan'] }
  | { kind: 'out of time' }
  | { kind: 'halted' };

export async function planJob(
  { s3, ledger, tellSlice, clock }: PlanDependencies,
  job: Job,
  deadlineMs: number,
): Promise<PlanEnd> {
  if (job.head === undefined) throw new Error(`job ${job.id} has no manifest head: it was never opened`);
  const { manifest, id } = job;
  const control = watchControl({ ledger, clock }, job);
  const limits = { sliceBytes: job.sliceBytes, rows: SLICE_BLOCKS * job.blockRows };
  let plan = job.plan;
  const bytes = readRange(s3, manifest, plan.offset, manifest.sizeBytes);
  for await (const { start, end, rows } of planSlices(job.head, plan, bytes, limits)) {
    // Blank lines behind the last slice, met by a plan that carries on from there.
    if (rows === 0 && plan.slices > 0) continue;
    const under = await control();
    if (under === 'paused' || under === 'ended') {
      await ledger.movePlan(id, plan);
      return { kind: 'halted' };
    }
    if (plan.slices === MOST_SLICES) {
      await ledger.controlJob(id, 'cancelling', tooManySlices(plan));
      break;
    }
    const slice = { job: id, slice: plan.slices };
    await ledger.recordSlice(slice, {
      startOffset: start.offset,
      startLine: start.line,
      endOffset: end.offset,
      rows,
      blocks: Math.ceil(rows / job.blockRows),
    });
    // The rows of a job that is being ended are counted, not sent: settle books them.
    if (under === 'run') await tellSlice(slice);
    plan = { slices: plan.slices + 1, rows: plan.rows + rows, offset: end.offset, line: end.line };
    if (clock.now() >= deadlineMs) {
      await ledger.movePlan(id, plan);
      return { kind: 'out of time' };
    }
    if (plan.slices % PLAN_REMEMBER_EVERY === 0) await ledger.movePlan(id, plan);
  }
  return { kind: 'finished', job: await ledger.finishPlan(id, plan), plan };
}

/** What lies behind the last slice is not counted; the rows before it are accounted for as those of any cancelled job. */
function tooManySlices({ rows, line }: Job['plan']): JobFault {
  return {
    code: 'TooManySlices',
    message: `the manifest has more rows than ${MOST_SLICES} slices hold: cut it at line ${line}, behind its first ${rows} rows, and drop the parts as jobs of their own`,
  };
}
