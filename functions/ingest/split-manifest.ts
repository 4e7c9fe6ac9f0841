// Splits the files of a job into slices: each is a row in the ledger and a message to ingest. The job's row keeps the position,
// so that the next invocation continues there. A part that is split again gives the same slices.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { MOST_SLICES, sliceRowsOf } from '../../shared/job/identity.ts';
import {
  type JobFault,
  type OpenedJob,
  PLAN_REMEMBER_EVERY,
  type PlanCursor,
  type PlanningJob,
  type RunningJob,
} from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { SliceRequest } from '../../shared/queue/ingest-request.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { cutFiles } from './manifest-files.ts';
import { watchControl } from './watch-control.ts';

export interface PlanDependencies {
  reader: ObjectReader;
  ledger: Pick<Ledger, 'getJob' | 'recordSlice' | 'movePlan' | 'finishPlan' | 'controlJob'>;
  requestSlice: SliceRequest;
  clock: Clock;
}

/**
 * finished      every slice is known; `job` is the job's row, or undefined if it has ended in the meantime
 * out of time   another invocation must continue
 * halted        the job was paused or has ended; a resume continues the plan
 * unreadable    not even a first slice can be cut: there are no rows to account for
 */
export type PlanEnd =
  | { kind: 'finished'; job: RunningJob | undefined; plan: PlanCursor }
  | { kind: 'out of time' }
  | { kind: 'halted' }
  | { kind: 'unreadable'; fault: JobFault };

export async function planJob(
  { reader, ledger, requestSlice, clock }: PlanDependencies,
  job: PlanningJob,
  deadlineMs: number,
): Promise<PlanEnd> {
  const { id } = job;
  const control = watchControl({ ledger, clock }, job);
  const limits = { sliceBytes: job.sliceBytes, rows: sliceRowsOf(job.blockRows) };
  let plan = job.plan;
  for await (const cut of cutFiles(reader, job, limits)) {
    if (cut.kind === 'gone' && plan.slices === 0) return { kind: 'unreadable', fault: cut.fault };
    if (cut.kind === 'gone' || plan.slices === MOST_SLICES) {
      // The rest is not counted. The rows before it are accounted for as in any cancelled job.
      await ledger.controlJob(id, 'cancelling', cut.kind === 'gone' ? cut.fault : tooManySlices(job, plan));
      break;
    }
    const under = await control();
    if (under === 'paused' || under === 'ended') {
      await ledger.movePlan(id, plan);
      return { kind: 'halted' };
    }
    const { place, rows } = cut;
    const slice = { job: id, slice: plan.slices };
    await ledger.recordSlice(slice, {
      place,
      rows,
      blocks: Math.ceil(rows / job.blockRows),
    });
    // The rows of a job that is being ended are counted, not sent: settle books them.
    if (under === 'run') await requestSlice(slice);
    plan = cut.next;
    if (clock.now() >= deadlineMs) {
      await ledger.movePlan(id, plan);
      return { kind: 'out of time' };
    }
    if (plan.slices % PLAN_REMEMBER_EVERY === 0) await ledger.movePlan(id, plan);
  }
  return { kind: 'finished', job: await ledger.finishPlan(id, plan), plan };
}

function tooManySlices({ files }: OpenedJob, { rows, line }: PlanCursor): JobFault {
  return {
    code: 'TooManySlices',
    message:
      files === undefined || files.kind === 'manifest'
        ? `the manifest has more rows than ${MOST_SLICES} slices hold: cut it at line ${line}, behind its first ${rows} rows, and drop the parts as jobs of their own`
        : `the files listed in s3://${files.bucket}/${files.key} make more than ${MOST_SLICES} slices: drop those behind the first ${rows} rows as manifests of their own`,
  };
}
