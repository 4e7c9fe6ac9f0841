// Reads of jobs' rows.
import type { JobId } from '../job/identity.ts';
import type { Job } from '../job/job.ts';
import { jobOfRow, readJobRow } from './job-row-format.ts';
import { type Attributes, jobKey } from './rows.ts';
import type { Table } from './table.ts';
import { UnreadableRowError } from './unreadable-row.ts';

/** What a read of several jobs found. A job in neither map has no row. */
export interface FoundJobs {
  jobs: ReadonlyMap<JobId, Job>;
  /** Each has a row that can't be read. One such row must not stop the work on the other jobs. */
  unreadable: ReadonlyMap<JobId, UnreadableRowError>;
}

export function createJobReads(table: Table) {
  return {
    async getJob(id: JobId): Promise<Job | undefined> {
      const row = await table.get(jobKey(id));
      return row === undefined ? undefined : readJobRow(row);
    },

    getJobs: async (ids: readonly JobId[]): Promise<FoundJobs> =>
      readJobRows(await table.getAll(ids.map(jobKey))),
  };
}

function readJobRows(rows: readonly Attributes[]): FoundJobs {
  const jobs = new Map<JobId, Job>();
  const unreadable = new Map<JobId, UnreadableRowError>();
  for (const row of rows) {
    try {
      const job = readJobRow(row);
      jobs.set(job.id, job);
    } catch (error) {
      if (!(error instanceof UnreadableRowError)) throw error;
      unreadable.set(jobOfRow(row), error);
    }
  }
  return { jobs, unreadable };
}
