// GET /jobs and GET /jobs/{id}: jobs as the ledger has them.
import { type JobView, viewJob, viewUnreadable } from '../../shared/job/view.ts';
import { BadCursorError, type JobIndex } from '../../shared/ledger/job-index.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { type ProgressReader, progressOf, unknownJob } from './find-job.ts';
import { json, type RouteHandler } from './json-api.ts';
import { pageOf } from './page.ts';
import { faultAt } from './problem.ts';
import { type Inbox, wasSubmitted } from './submit-manifest.ts';

export interface ReadJobsDependencies extends Inbox {
  ledger: Pick<Ledger, 'getJob' | 'getJobs'> & ProgressReader;
  index: JobIndex;
}

export function createReadJobs({ s3, inbox, ledger, index }: ReadJobsDependencies) {
  const listJobs: RouteHandler<'listJobs'> = async ({ query: { limit, cursor } }) => {
    const { jobs: listed, cursor: next } = await index.list(limit, cursor).catch((error: unknown) => {
      throw error instanceof BadCursorError ? faultAt(400, 'query.cursor', error.message) : error;
    });
    const { jobs, unreadable } = await ledger.getJobs(listed.map(({ id }) => id));
    const found = listed.flatMap(({ id, cursor: behind }) => {
      const [job, error] = [jobs.get(id), unreadable.get(id)];
      if (job !== undefined) return [{ view: viewJob(job), behind }];
      // A job in neither map has expired since the index was read.
      return error === undefined ? [] : [{ view: viewUnreadable(id, error.message), behind }];
    });
    const page = pageOf(found, next);
    return json(200, { jobs: page.views, ...page.next });
  };

  const getJob: RouteHandler<'getJob'> = async ({ parameters: { id } }) => {
    const job = await ledger.getJob(id);
    if (job !== undefined) return json(200, viewJob(job, await progressOf(ledger, job)));
    if (!(await wasSubmitted({ s3, inbox }, id))) throw unknownJob(id);
    return json(200, { job: id, state: 'submitted' } satisfies JobView);
  };

  return { listJobs, getJob };
}
