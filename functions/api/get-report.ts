// GET /jobs/{id}/report: links to the files of an ended job's report. Only what its manifest.json lists is linked.
import type { S3Client } from '@aws-sdk/client-s3';
import type * as z from 'zod/mini';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone } from '../../shared/aws/object-range.ts';
import type { Presigner } from '../../shared/aws/presigned.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { type EndedJob, isEnded } from '../../shared/job/job.ts';
import { describeState } from '../../shared/job/view.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { MAX_REPORT_BYTES, readReportText } from '../../shared/report/report.ts';
import { reportText } from '../../shared/report/report-text.ts';
import { parseJson } from '../../shared/text/parse-json.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { unopenedJob } from './find-job.ts';
import { json, type RouteHandler } from './json-api.ts';
import { pageOf } from './page.ts';
import { faultAt, HttpError } from './problem.ts';
import { NOT_A_CURSOR } from './routes.ts';
import type { Inbox } from './submit-manifest.ts';

/** For which a link holds. */
const LINK_SECONDS = 15 * 60;

type ReportFile = z.infer<typeof reportText>['files'][number];

export interface GetReportDependencies extends Inbox {
  s3: S3Client;
  presigner: Pick<Presigner, 'linkTo'>;
  ledger: Pick<Ledger, 'getJob'>;
  reportBucket: string;
  clock: Pick<Clock, 'now'>;
}

export function createGetReport(dependencies: GetReportDependencies): RouteHandler<'getReport'> {
  const { ledger, presigner, reportBucket, clock } = dependencies;
  return async ({ parameters: { id }, query: { limit, cursor = '0' } }) => {
    if (!/^\d{1,6}$/.test(cursor)) throw faultAt(400, 'query.cursor', NOT_A_CURSOR);
    const job = await ledger.getJob(id);
    if (job === undefined) throw await unopenedJob(dependencies, id);
    if (!isEnded(job)) {
      throw new HttpError(409, `job ${id} ${describeState(job)}: it has a report once it has ended`);
    }
    const key = keyOfReport(job, reportBucket);
    const files = await readFiles(dependencies, id, key);
    const linked = async ({ kind, key, rows, bytes, sha256 }: ReportFile) => {
      const url = await presigner.linkTo({ bucket: reportBucket, key }, LINK_SECONDS);
      return { kind, key, rows, bytes, sha256, url };
    };
    const from = Number(cursor);
    // Before the links, so that none outlives the time that is answered.
    const expiresAt = new Date(clock.now() + LINK_SECONDS * 1000).toISOString();
    const links = await Promise.all(
      files
        .slice(from, from + limit)
        .map(async (file, place) => ({ view: await linked(file), behind: String(from + place + 1) })),
    );
    const page = pageOf(links, from + limit < files.length ? String(from + limit) : undefined);
    const manifest = await presigner.linkTo({ bucket: reportBucket, key }, LINK_SECONDS);
    return json(200, {
      ...{ job: id, state: job.state, report: job.report, url: manifest, expiresAt },
      ...{ files: page.views, ...page.next },
    });
  };
}

/** @throws Error where the row names another place than the report bucket's folder of the job */
function keyOfReport({ id, report }: EndedJob, bucket: string): string {
  const start = `s3://${bucket}/`;
  if (!report.startsWith(`${start}jobs/${id}/`))
    throw new Error(`job ${id} has its report at ${report}, and this deployment reads ${start}`);
  return report.slice(start.length);
}

async function readFiles(
  { s3, reportBucket }: GetReportDependencies,
  id: JobId,
  key: string,
): Promise<ReportFile[]> {
  const place = `s3://${reportBucket}/${key}`;
  const text = await readReportText(s3, { bucket: reportBucket, key }).catch((error: unknown) => {
    if (!isGone(classifyFault(error))) throw error;
    const message = `the report ${place} was deleted: the counts of the job are in GET /jobs/{id}`;
    throw new HttpError(404, message);
  });
  if (text === undefined)
    throw new HttpError(409, `${place} has more than ${MAX_REPORT_BYTES} bytes: read it in the bucket`);
  const parsed = reportText.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(`${place} is no report of this version: ${parsed.error.message}`);
  const { files } = parsed.data;
  const foreign = files.find((file) => !file.key.startsWith(`jobs/${id}/`));
  if (foreign !== undefined) throw new Error(`${place} lists ${foreign.key}, which is no file of its job`);
  return files;
}
