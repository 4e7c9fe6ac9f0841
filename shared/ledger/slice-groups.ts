// Which slices of a job have settled: in groups of 256, a row each. In one set on the job's row they would make that row grow
// with the job, and it is read by every invocation of upload and billed whole at each write.
import { GROUP_SLICES, type JobId, type SliceId, sliceGroupsOf } from '../job/identity.ts';
import type { Job, LiveJob } from '../job/job.ts';
import { readJobRow } from './job-row-format.ts';
import { jobKey, readSliceGroupRow, type SliceGroupRow, sliceGroupKey } from './rows.ts';
import { numberSet, numeral, type Table } from './table.ts';
import { isCovered } from './tally.ts';

export function createSliceGroups(table: Table) {
  return {
    /** Books a settled slice in its group, and the group on the job when it is full. @returns the job after the write */
    async settleSlice({ job, slice }: SliceId): Promise<Job | undefined> {
      const group = Math.floor(slice / GROUP_SLICES);
      // The first slice of a group to settle creates its row: it was settled for a job that is alive.
      const row = await table.update(sliceGroupKey(job, group), {
        UpdateExpression: 'ADD settled :number',
        ExpressionAttributeValues: { ':number': numberSet([slice % GROUP_SLICES]) },
      });
      const closed = await closeGroup(table, job, group, readSliceGroupRow(row ?? {}));
      if (closed !== undefined) return closed;
      const current = await table.get(jobKey(job));
      return current === undefined ? undefined : readJobRow(current);
    },

    /**
     * The known slices of a job that have yet to be settled: all that are not booked, and the last slice of each full group that
     * was never booked on the job. The worker that filled such a group died before that step. Settling any of its slices again
     * takes it.
     */
    async unsettledSlices(job: Pick<LiveJob, 'id' | 'plan' | 'settledGroups'>): Promise<number[]> {
      const { slices } = job.plan;
      const open = Array.from({ length: sliceGroupsOf(slices) }, (_, group) => group).filter(
        (group) => !job.settledGroups.has(group),
      );
      const rows = await table.getAll(open.map((group) => sliceGroupKey(job.id, group)));
      const known = new Map(rows.map((row) => [row['pk']?.S, readSliceGroupRow(row)]));
      return open.flatMap((group) => {
        const { settled, size } = known.get(sliceGroupKey(job.id, group)['pk']?.S) ?? readSliceGroupRow({});
        const from = group * GROUP_SLICES;
        const numbers = Array.from({ length: Math.min(GROUP_SLICES, slices - from) }, (_, number) => number);
        const unbooked = numbers.filter((number) => !settled.has(number));
        const isFull = unbooked.length === 0 && numbers.length >= size;
        return (isFull ? numbers.slice(-1) : unbooked).map((number) => from + number);
      });
    },
  };
}

/** The last group has the rest of the slices, and may be full already. */
export async function sizeLastGroup(table: Table, job: JobId, slices: number): Promise<void> {
  const group = sliceGroupsOf(slices) - 1;
  const row = await table.update(sliceGroupKey(job, group), {
    UpdateExpression: 'SET #size = :size',
    ExpressionAttributeNames: { '#size': 'size' },
    ExpressionAttributeValues: { ':size': numeral(slices - group * GROUP_SLICES) },
  });
  await closeGroup(table, job, group, readSliceGroupRow(row ?? {}));
}

/** @returns the job after the write, where the group was closed by now */
async function closeGroup(
  table: Table,
  id: JobId,
  group: number,
  row: SliceGroupRow,
): Promise<Job | undefined> {
  // A number beyond its size is no slice of the job: a plan that was cut short has counted fewer.
  const settled = new Set([...row.settled].filter((number) => number < row.size));
  if (!isCovered(settled, row.size)) return undefined;
  const job = await table.update(jobKey(id), {
    UpdateExpression: 'ADD settledGroups :group',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':group': numberSet([group]) },
  });
  return job === undefined ? undefined : readJobRow(job);
}
