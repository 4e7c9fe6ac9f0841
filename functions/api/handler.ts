// API: takes jobs over HTTP, tells of them, and passes on their users' orders.
//
//   POST /jobs               the manifest as the body (application/csv, text/csv, application/x-ndjson), its options in the query
//                            string; or JSON { "rows": [...], "options": {...} }. An Idempotency-Key header makes a caller's
//                            repeats one job
//   GET  /jobs               newest first, paged by ?limit and ?cursor
//   GET  /jobs/{id}          state, progress, counts, report
//   POST /jobs/{id}/pause    nothing more of it is transferred, until
//   POST /jobs/{id}/resume   takes up again what is missing
//   POST /jobs/{id}/cancel   what has not ended is booked as cancelled, and the job ends
//   POST /jobs/{id}/redrive  a new job of what an ended one did not store
//   GET  /deadletters        oldest first, paged likewise
//
// A posted manifest goes into the inbox under api/<job>/ and takes the same way as any other from there. Orders to
// a job change its row alone: the functions that work on the job look at it.
import { randomUUID } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { hashedJobId, isJobId, type JobId } from '../../shared/job/identity.ts';
import { isLive, type Job, type JobControl } from '../../shared/job/job.ts';
import { parseJobOptions } from '../../shared/job/options.ts';
import { type JobView, standingOf, viewJob } from '../../shared/job/view.ts';
import { BadCursorError, cursorBehind, type JobIndex } from '../../shared/ledger/job-index.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { sumProgress } from '../../shared/ledger/progress.ts';
import { KEEP_DAYS } from '../../shared/ledger/table.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import {
  createDeadLetterFiles,
  cursorBehind as cursorBehindLetter,
  type DeadLetterFiles,
  isLetterCursor,
} from '../../shared/report/dead-letters.ts';
import { readEnvironment, splitList, wholeNumber } from '../runtime/environment.ts';
import { instrument } from '../runtime/instrument.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireJobs, wireQueue } from '../runtime/wiring.ts';
import { bodyOf } from './body.ts';
import { callerOf } from './caller.ts';
import { type ApiRequest, createJsonApi, HttpError, json, type RouteHandler } from './json-api.ts';
import { fitting, pageOf } from './page.ts';
import { readSubmission } from './read-submission.ts';
import { createResumeNotice, type ResumeNotice } from './resume-notice.ts';
import { submitManifest, wasSubmitted } from './submit-manifest.ts';
import { redrivableOf, submitRedrive } from './submit-redrive.ts';

/** Characters of an Idempotency-Key. */
const MAX_KEY_LENGTH = 255;
/** Jobs of up to this many slices are summed when they are asked for; larger ones show what sweep summed last. */
const SUM_SLICES_MOST = 100;
/** After which an order to a job that was submitted, but is not open yet, is worth trying again. */
const OPENING_SECONDS = 2;
const NO_LETTER_CURSOR =
  'the cursor is neither one that this API gave out nor a time such as 2026-11-24: leave it away to start with the oldest letter';
/** What each order asks of the ledger, and how its refusal goes on. */
const ORDERS: Readonly<Record<Order, { control: JobControl; cannot: string }>> = {
  pause: { control: 'paused', cannot: "it can't be paused" },
  resume: {
    control: 'run',
    cannot: "it can't be resumed; a redrive takes up what an ended job has not stored",
  },
  cancel: { control: 'cancelling', cannot: "it can't be cancelled" },
};
type Order = 'pause' | 'resume' | 'cancel';

export interface ApiDependencies {
  s3: S3Client;
  inbox: string;
  destinationBuckets: readonly string[];
  ledger: Pick<Ledger, 'getJob' | 'getJobs' | 'getSlices' | 'readBlocks' | 'controlJob'>;
  index: JobIndex;
  notifyResume: ResumeNotice;
  deadLetters: Pick<DeadLetterFiles, 'list' | 'placeOf'>;
  /** Days for which the report bucket keeps dead letters. */
  deadLetterDays: number;
  telemetry: Pick<Telemetry, 'logger'>;
}

export function createApi({
  s3,
  inbox,
  destinationBuckets,
  ledger,
  index,
  notifyResume,
  deadLetters,
  deadLetterDays,
  telemetry,
}: ApiDependencies) {
  const postJob: RouteHandler = async (event) => {
    const { format, bytes: body, wasText, options } = submissionOf(event);
    const parsed = parseJobOptions(options, destinationBuckets);
    if (parsed.kind === 'invalid') throw new HttpError(400, parsed.message);
    const opened = openManifest(body, { key: `manifest.${format}`, sizeBytes: body.length, wasText });
    if (opened.kind === 'unreadable') throw new HttpError(400, opened.message + hintOf(opened.code, body));

    const token = idempotencyKeyOf(event) ?? randomUUID();
    // Another caller's key is another job's, and says nothing of it.
    const job = hashedJobId('api', ...callerOf(event), token);
    const submitted = await submitManifest({ s3, inbox }, { job, format, body, options });
    if (submitted.kind === 'conflict') {
      throw new HttpError(
        409,
        `the Idempotency-Key "${token}" was used before, for another manifest or other options`,
      );
    }
    return json(
      submitted.kind === 'accepted' ? 202 : 200,
      { job, state: 'submitted', manifest: submitted.manifest } satisfies JobView,
      { location: `/jobs/${job}` },
    );
  };

  const listJobs: RouteHandler = async (event) => {
    const { limit, cursor } = pageOf(event);
    const page = await index.list(limit, cursor).catch((error: unknown) => {
      throw error instanceof BadCursorError ? new HttpError(400, error.message) : error;
    });
    const jobs = await ledger.getJobs(page.ids);
    const found = page.ids.map((id) => jobs.get(id)).filter((job) => job !== undefined);
    const views = fitting(found.map((job) => viewJob(job)));
    const last = views.length < found.length ? found[views.length - 1] : undefined;
    const next = last === undefined ? page.cursor : cursorBehind(last);
    return json(200, { jobs: views, ...(next === undefined ? {} : { cursor: next }) });
  };

  const getJob: RouteHandler = async (event) => {
    const id = jobIdOf(event);
    const job = await ledger.getJob(id);
    if (job !== undefined) return json(200, viewJob(job, await progressOf(job)));
    if (await wasSubmitted({ s3, inbox }, id))
      return json(200, { job: id, state: 'submitted' } satisfies JobView);
    throw unknownJob(id);
  };

  async function progressOf(job: Job) {
    const slices = job.slices ?? job.plan.slices;
    return isLive(job) && slices <= SUM_SLICES_MOST ? sumProgress(ledger, job) : job.progress;
  }

  /** An order may be given again: the answer is the same. */
  const give =
    (order: Order): RouteHandler =>
    async (event) => {
      const id = jobIdOf(event);
      const { control, cannot } = ORDERS[order];
      const controlled = await ledger.controlJob(id, control);
      if (controlled.kind === 'unknown') throw await unopenedJob(id);
      const { job } = controlled;
      if (controlled.kind === 'refused') throw new HttpError(409, `job ${id} ${standingOf(job)}: ${cannot}`);
      // After the row: the function that takes the message finds the job running. Repeated with the order, in case it was lost; of a
      // job that never rested nothing can be missing.
      if (order === 'resume' && job.resumedAtMs !== undefined) await notifyResume(id);
      return json(202, viewJob(job, await progressOf(job)));
    };

  async function unopenedJob(id: JobId): Promise<HttpError> {
    if (!(await wasSubmitted({ s3, inbox }, id))) return unknownJob(id);
    const again = { 'retry-after': String(OPENING_SECONDS) };
    return new HttpError(
      409,
      `job ${id} was submitted, but is not open yet: try again in some seconds`,
      again,
    );
  }

  const redrive: RouteHandler = async (event) => {
    const id = jobIdOf(event);
    const former = await ledger.getJob(id);
    if (former === undefined) throw await unopenedJob(id);
    const redrivable = redrivableOf(former, destinationBuckets);
    if (redrivable.kind === 'refused') throw new HttpError(409, redrivable.message);
    const { kind, job, manifest } = await submitRedrive({ s3, inbox }, redrivable.job);
    if (kind === 'conflict')
      throw new HttpError(
        409,
        `${manifest} is no redrive of job ${id}: delete it, and order the redrive again`,
      );
    const opened = kind === 'repeated' ? await ledger.getJob(job) : undefined;
    const view: JobView =
      opened === undefined
        ? { job, state: 'submitted', manifest, redriveOf: id }
        : viewJob(opened, await progressOf(opened));
    return json(kind === 'accepted' ? 202 : 200, view, { location: `/jobs/${job}` });
  };

  const listDeadLetters: RouteHandler = async (event) => {
    const { limit, cursor } = pageOf(event);
    if (cursor !== undefined && !isLetterCursor(cursor)) throw new HttpError(400, NO_LETTER_CURSOR);
    const page = await deadLetters.list(limit, cursor);
    const letters = fitting(
      page.letters.map((letter) => ({ ...letter, place: deadLetters.placeOf(letter) })),
    );
    const last = letters.length < page.letters.length ? letters.at(-1) : undefined;
    const next = last === undefined ? page.cursor : cursorBehindLetter(last);
    return json(200, {
      letters,
      keptDays: deadLetterDays,
      ...(next === undefined ? {} : { cursor: next }),
    });
  };

  return createJsonApi(
    {
      'POST /jobs': postJob,
      'GET /jobs': listJobs,
      'GET /jobs/{id}': getJob,
      'POST /jobs/{id}/pause': give('pause'),
      'POST /jobs/{id}/resume': give('resume'),
      'POST /jobs/{id}/cancel': give('cancel'),
      'POST /jobs/{id}/redrive': redrive,
      'GET /deadletters': listDeadLetters,
    },
    telemetry,
  );
}

function submissionOf(event: ApiRequest) {
  const { json: value, headers, queryStringParameters: options = {} } = event;
  const submission = readSubmission({
    contentType: headers['content-type'],
    options,
    body: value === undefined ? { kind: 'bytes', ...bodyOf(event) } : { kind: 'json', ...value },
  });
  if (submission.kind === 'unknown type') throw new HttpError(415, submission.message);
  if (submission.kind === 'invalid') throw new HttpError(400, submission.message);
  return submission;
}

/** `curl -d @file` takes the line ends out of a file, so that it is one long header. */
function hintOf(code: string, body: Uint8Array): string {
  return code !== 'UnknownColumn' || body.includes(0x0a)
    ? ''
    : '; it has no line end: curl keeps them with --data-binary, and not with -d';
}

/** @returns undefined where there is none */
function idempotencyKeyOf({ headers }: APIGatewayProxyEventV2): string | undefined {
  const key = headers['idempotency-key'];
  if (key === '') throw new HttpError(400, 'the Idempotency-Key is empty: leave it away, or make one up');
  if (key !== undefined && (key.length > MAX_KEY_LENGTH || /\p{Cc}/u.test(key))) {
    throw new HttpError(
      400,
      `the Idempotency-Key takes up to ${MAX_KEY_LENGTH} characters, and no control characters: a UUID does`,
    );
  }
  return key;
}

function jobIdOf(event: APIGatewayProxyEventV2): JobId {
  const id = event.pathParameters?.['id'] ?? '';
  if (!isJobId(id)) throw new HttpError(404, `"${id}" is not a job id`);
  return id;
}

function unknownJob(id: JobId): HttpError {
  return new HttpError(404, `there is no job ${id}; ended jobs are kept for ${KEEP_DAYS} days`);
}

function dependenciesFromEnvironment(telemetry: Telemetry): ApiDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INBOX_BUCKET',
    'SPILLWAY_REPORT_BUCKET',
    'SPILLWAY_INGEST_QUEUE_URL',
    'SPILLWAY_DESTINATION_BUCKETS',
    'SPILLWAY_REPORT_DAYS',
  ]);
  const s3 = createS3Client({}, CLIENT_BUDGETS.api);
  return {
    s3,
    inbox: env.SPILLWAY_INBOX_BUCKET,
    destinationBuckets: splitList(env.SPILLWAY_DESTINATION_BUCKETS),
    ...wireJobs(env, CLIENT_BUDGETS.api),
    notifyResume: createResumeNotice(wireQueue(CLIENT_BUDGETS.api), env.SPILLWAY_INGEST_QUEUE_URL),
    deadLetters: createDeadLetterFiles({ s3, bucket: env.SPILLWAY_REPORT_BUCKET }),
    deadLetterDays: wholeNumber(env, 'SPILLWAY_REPORT_DAYS'),
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createApi(dependenciesFromEnvironment(telemetry)));
