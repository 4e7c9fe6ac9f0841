// API: takes jobs over HTTP, and tells of them.
//
//   POST /jobs        the manifest as the body (text/csv or application/x-ndjson), its options in the query string; or JSON
//                     { "rows": [...], "options": {...} }. An Idempotency-Key header makes repeats of a request one job
//   GET  /jobs        newest first, paged by ?limit and ?cursor
//   GET  /jobs/{id}   state, progress, counts, report
//
// A posted manifest goes into the inbox under api/<job>/ and takes the same way as any other from there.
import { randomUUID } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import httpRouterHandler from '@middy/http-router';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult } from 'aws-lambda';
import * as z from 'zod/mini';
import { createDynamoDbClient, createS3Client } from '../shared/aws/clients.ts';
import { readEnvironment, splitList } from '../shared/aws/environment.ts';
import { systemClock } from '../shared/job/clock.ts';
import { hashedJobId, isJobId } from '../shared/job/identity.ts';
import { isLive, type Job } from '../shared/job/job.ts';
import { OPTION_NAMES, parseJobOptions } from '../shared/job/options.ts';
import { systemRandom } from '../shared/job/random.ts';
import { submitManifest, wasSubmitted } from '../shared/job/submit.ts';
import { type JobView, viewJob } from '../shared/job/view.ts';
import { BadCursorError, createJobIndex, type JobIndex } from '../shared/ledger/job-index.ts';
import { createLedger, type Ledger } from '../shared/ledger/ledger.ts';
import { sumProgress } from '../shared/ledger/progress.ts';
import { type ManifestFormat, openManifest } from '../shared/manifest/open.ts';
import { instrument } from '../shared/telemetry/instrument.ts';
import { createTelemetry, type Telemetry } from '../shared/telemetry/telemetry.ts';

const PAGE = { default: 25, most: 100 };
/** Jobs of up to this many slices are summed when they are asked for; larger ones show what sweep summed last. */
const SUM_SLICES_MOST = 100;
const FORMATS: Readonly<Record<string, ManifestFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/jsonlines': 'ndjson',
};

export interface ApiDependencies {
  s3: S3Client;
  inbox: string;
  destinationBuckets: readonly string[];
  ledger: Pick<Ledger, 'getJob' | 'getJobs' | 'getSlices' | 'readBlocks'>;
  index: JobIndex;
  telemetry: Pick<Telemetry, 'logger'>;
}

/** An answer that is not a success; http-error-handler makes the response of it. */
class HttpError extends Error {
  readonly statusCode: number;
  readonly expose = true;

  constructor(statusCode: number, message: string) {
    super(JSON.stringify({ message }));
    this.statusCode = statusCode;
  }
}

const jsonSubmission = z.strictObject({
  rows: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
  options: z.optional(z.record(z.string(), z.union([z.string(), z.number()]))),
});

export function createApi({ s3, inbox, destinationBuckets, ledger, index, telemetry }: ApiDependencies) {
  async function postJob(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyResult> {
    const { format, body, options } = readSubmission(event);
    const parsed = parseJobOptions(options, destinationBuckets);
    if (parsed.kind === 'invalid') throw new HttpError(400, parsed.message);
    const opened = openManifest(body, { key: `manifest.${format}`, sizeBytes: body.length });
    if (opened.kind === 'unreadable') throw new HttpError(400, opened.message);

    const token = event.headers['idempotency-key'] ?? randomUUID();
    if (token === '') throw new HttpError(400, 'the Idempotency-Key is empty: leave it away, or make one up');
    const job = hashedJobId('api', token);
    const submitted = await submitManifest({ s3, inbox }, { job, format, body, options });
    if (submitted.kind === 'conflict') {
      throw new HttpError(
        409,
        `the Idempotency-Key "${token}" was used before, for another manifest or other options`,
      );
    }
    return json(
      submitted.kind === 'accepted' ? 202 : 200,
      { job, state: 'submitted', manifest: submitted.manifest },
      { location: `/jobs/${job}` },
    );
  }

  async function listJobs(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyResult> {
    const { limit: limitText, cursor } = event.queryStringParameters ?? {};
    const limit = Number(limitText ?? PAGE.default);
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE.most)
      throw new HttpError(400, `limit takes 1 to ${PAGE.most}`);
    const page = await index.list(limit, cursor).catch((error: unknown) => {
      throw error instanceof BadCursorError ? new HttpError(400, error.message) : error;
    });
    const jobs = await ledger.getJobs(page.ids);
    const views = page.ids
      .map((id) => jobs.get(id))
      .filter((job) => job !== undefined)
      .map((job) => viewJob(job));
    return json(200, { jobs: views, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) });
  }

  async function getJob(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyResult> {
    const id = event.pathParameters?.['id'] ?? '';
    if (!isJobId(id)) throw new HttpError(404, `"${id}" is not a job id`);
    const job = await ledger.getJob(id);
    if (job !== undefined) return json(200, viewJob(job, await progressOf(job)));
    if (await wasSubmitted({ s3, inbox }, id))
      return json(200, { job: id, state: 'submitted' } satisfies JobView);
    throw new HttpError(404, `there is no job ${id}; ended jobs are kept for 30 days`);
  }

  async function progressOf(job: Job) {
    const slices = job.slices ?? job.plan.slices;
    return isLive(job) && slices <= SUM_SLICES_MOST ? sumProgress(ledger, job) : job.progress;
  }

  const { before: parseJsonBody } = httpJsonBodyParser({ disableContentTypeError: true });
  /** A fault of ours answers 500 and says no more: what it was is told here, or nowhere. */
  const logFault = (error: unknown) => {
    if ((error as { statusCode?: number }).statusCode === undefined)
      telemetry.logger.error('request failed', error as Error);
  };
  return middy<APIGatewayProxyEventV2, APIGatewayProxyResult>()
    .use(
      httpErrorHandler({
        logger: logFault,
        fallbackMessage: JSON.stringify({ message: 'Internal Server Error' }),
      }),
    )
    .use({
      // Some clients name a content type with every GET: without a body there is nothing to parse.
      before: (request) => (request.event.body === undefined ? undefined : parseJsonBody?.(request)),
      onError(request) {
        // Middleware's errors bring bare text; every answer of this API is JSON.
        const { statusCode, message } = request.error as Partial<HttpError>;
        if (statusCode !== undefined && !(request.error instanceof HttpError))
          request.error = new HttpError(statusCode, message ?? '');
      },
    })
    .handler(
      httpRouterHandler<APIGatewayProxyEventV2>([
        { method: 'POST', path: '/jobs', handler: postJob },
        { method: 'GET', path: '/jobs', handler: listJobs },
        { method: 'GET', path: '/jobs/{id}', handler: getJob },
      ]),
    );
}

interface ReadSubmission {
  format: ManifestFormat;
  body: Uint8Array;
  options: Record<string, string>;
}

function readSubmission(event: APIGatewayProxyEventV2): ReadSubmission {
  const contentType = (event.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const options = definedTexts(event.queryStringParameters ?? {});
  const format = FORMATS[contentType];
  if (format !== undefined) {
    return {
      format,
      body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
      options,
    };
  }
  if (contentType !== 'application/json') {
    throw new HttpError(
      415,
      `content type "${contentType}": send the manifest as ${Object.keys(FORMATS).join(', ')}, or application/json { rows, options }`,
    );
  }
  // Of JSON, http-json-body-parser has made a value already.
  const parsed = jsonSubmission.safeParse(event.body as unknown);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
    throw new HttpError(
      400,
      `${faults.join('; ')}. The body is { "rows": [{ "key": ..., "source": ... }], "options": {...} }; options are ${OPTION_NAMES.join(', ')}`,
    );
  }
  const { rows, options: jsonOptions = {} } = parsed.data;
  return {
    format: 'ndjson',
    body: Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
    options: {
      ...options,
      ...Object.fromEntries(Object.entries(jsonOptions).map(([name, value]) => [name, String(value)])),
    },
  };
}

function definedTexts(texts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function json(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

function dependenciesFromEnvironment(telemetry: Telemetry): ApiDependencies {
  const env = readEnvironment([
    'SPILLWAY_LEDGER_TABLE',
    'SPILLWAY_INBOX_BUCKET',
    'SPILLWAY_DESTINATION_BUCKETS',
  ]);
  const dynamodb = createDynamoDbClient();
  const table = env.SPILLWAY_LEDGER_TABLE;
  const neverCloses = () => Promise.reject(new Error('the API writes nothing to the ledger'));
  return {
    s3: createS3Client(),
    inbox: env.SPILLWAY_INBOX_BUCKET,
    destinationBuckets: splitList(env.SPILLWAY_DESTINATION_BUCKETS),
    ledger: createLedger({
      dynamodb,
      table,
      clock: systemClock,
      random: systemRandom,
      sliceClosed: neverCloses,
    }),
    index: createJobIndex({ dynamodb, table }),
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createApi(dependenciesFromEnvironment(telemetry)));
