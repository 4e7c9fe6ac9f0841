// The API with fakes behind it, and the requests that its tests make of the samples.
import { readFileSync } from 'node:fs';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult, Context } from 'aws-lambda';
import { expect } from 'vitest';
import { type ApiDependencies, createApi } from '../../functions/api/handler.ts';
import { ROUTES } from '../../functions/api/routes.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { BLOCK_ROWS, type JobId, SLICE_BYTES } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import { BadCursorError, type JobPage } from '../../shared/ledger/job-index.ts';
import type { Controlled } from '../../shared/ledger/job-rows.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import type { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import type { DeadLetterPage } from '../../shared/report/dead-letters.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { contractFaults } from './api-contract.ts';
import { failing as failingOn, refusal } from './failing.ts';
import { createHandClock } from './hand-clock.ts';

/** At the start of an invocation. */
const CONTEXT = { getRemainingTimeInMillis: () => 29_000 } as Context;

export const sample = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../events/${name}.json`, import.meta.url), 'utf8'),
  ) as APIGatewayProxyEventV2;

export interface FakeOptions {
  jobs?: Job[];
  /** Of jobs whose rows can't be read. */
  unreadable?: ReadonlyMap<JobId, UnreadableRowError>;
  /** What the index answers; without it, all jobs. */
  page?: JobPage;
  /** What the ledger answers to an order; without it, that there is no such job. */
  controlled?: Controlled;
  letters?: DeadLetterPage;
  /** What S3 throws. */
  failing?: Error;
  /** How many conditional writes are answered that another is under way. */
  conflicts?: number;
  /** Days for which outcomes are kept; 100 by default, as in a deployment. */
  keepDays?: number;
  /** Default: one whose time passes by its sleeps alone. */
  clock?: Clock;
}

export function createFakeApi({
  jobs = [],
  unreadable = new Map(),
  page,
  controlled,
  letters,
  failing,
  conflicts = 0,
  keepDays = 100,
  clock = createHandClock(),
}: FakeOptions = {}) {
  const memory = createMemoryS3();
  let conflictsLeft = conflicts;
  const s3 = failingOn(memory.client, (command) => {
    if (failing !== undefined) return { when: 'before', error: failing };
    if (!(command instanceof PutObjectCommand)) return undefined;
    expect(command.input.IfNoneMatch).toBe('*');
    return conflictsLeft-- > 0
      ? { when: 'before', error: refusal('ConditionalRequestConflict', 409) }
      : undefined;
  });
  /** What lies in the inbox, in the order of its keys. */
  const manifests = () =>
    memory.keys('inbox').flatMap((key) => {
      const object = memory.object('inbox', key);
      if (object === undefined) return [];
      const { body: bytes, contentType, metadata } = object;
      return [{ body: String(bytes), bytes, contentType, metadata }];
    });
  const logged: unknown[][] = [];
  /** What was asked of the indexes, and what was ordered, in its order. */
  const asked: unknown[][] = [];
  const orders: unknown[][] = [];
  const dependencies: ApiDependencies = {
    s3,
    clock,
    random: () => 0.5,
    presigner: {
      linkTo: async ({ bucket, key }) => `https://${bucket}.test/${key}`,
      formFor: async ({ bucket, key }, { contentType, metadata, sizeBytes }) => ({
        url: `https://${bucket}.test/`,
        fields: { key, 'Content-Type': contentType, ...metadata, range: JSON.stringify(sizeBytes) },
      }),
    },
    inbox: 'inbox',
    reportBucket: 'reports',
    manifestBuckets: ['lists'],
    destinationBuckets: ['own-bucket'],
    kmsKeys: [],
    sources: { buckets: ['source-bucket'], hosts: ['files.example.com'] },
    cut: { sliceBytes: SLICE_BYTES, blockRows: BLOCK_ROWS },
    ledger: {
      getJob: async (id) => {
        const error = unreadable.get(id);
        if (error !== undefined) throw error;
        return jobs.find((job) => job.id === id);
      },
      getJobs: async (ids) => ({
        jobs: new Map(jobs.filter((job) => ids.includes(job.id)).map((job) => [job.id, job])),
        unreadable: new Map([...unreadable].filter(([id]) => ids.includes(id))),
      }),
      getSlices: async () => [SLICE],
      readBlocks: async () => new Map(),
      controlJob: async (...order) => {
        orders.push(order);
        return controlled ?? { kind: 'unknown' };
      },
      changeRate: async (...order) => {
        orders.push(order);
        return controlled ?? { kind: 'unknown' };
      },
    },
    index: {
      live: async () => [],
      list: async (...args) => {
        asked.push(args);
        if (args[1] === 'bad') throw new BadCursorError();
        if (page !== undefined) return page;
        const from = jobs.findIndex((job) => job.id === args[1]) + 1;
        return { jobs: listed(...jobs.slice(from, from + args[0]).map(({ id }) => id)) };
      },
    },
    notifyResume: async (job) => void orders.push(['notify', job]),
    deadLetters: {
      list: async (...args) => {
        asked.push(args);
        return letters ?? { letters: [] };
      },
      placeOf: ({ messageId }) => `s3://reports/deadletters/${messageId}.json`,
    },
    keepDays,
    telemetry: {
      logger: {
        error: (...args: unknown[]) => logged.push(args),
      } as unknown as ApiDependencies['telemetry']['logger'],
    },
  };
  const api = createApi(dependencies);
  const call = async (event: APIGatewayProxyEventV2) => {
    const answer = (await api(structuredClone(event), CONTEXT)) as APIGatewayProxyResult;
    const json = JSON.parse(answer.body) as Record<string, unknown>;
    if (answer.statusCode < 300) expect(schemaOf(event).safeParse(json).error?.issues).toBeUndefined();
    expect(faultsOfAnswer(event, answer, json)).toEqual([]);
    return { ...answer, json };
  };
  return { call, manifests, logged, asked, orders, memory };
}

/** What API Gateway says of the route that a request meets. */
function routed(method: string, path: string) {
  for (const route of Object.values(ROUTES)) {
    const found = new RegExp(`^${route.path.replace('{id}', '(?<id>[^/]+)')}$`).exec(path);
    if (route.method === method && found !== null)
      return { routeKey: `${method} ${route.path}`, pathParameters: found.groups };
  }
  return { routeKey: `${method} ${path}`, pathParameters: undefined };
}

/** As the index lists them, each with its own id as its cursor. */
export function listed(...ids: readonly JobId[]): JobPage['jobs'] {
  return ids.map((id) => ({ id, cursor: id }));
}

/** Of the answers of the route that the request meets. */
function schemaOf({ requestContext: { http } }: APIGatewayProxyEventV2) {
  const met = Object.values(ROUTES).find(
    ({ method, path }) =>
      method === http.method && new RegExp(`^${path.replace('{id}', '[^/]+')}$`).test(http.path),
  );
  if (met === undefined) throw new Error(`${http.method} ${http.path} is no route`);
  return met.answer;
}

/** What the OpenAPI document says against an answer. A request that meets no route has no answer there. */
function faultsOfAnswer(
  { routeKey }: APIGatewayProxyEventV2,
  { statusCode: status, headers }: APIGatewayProxyResult,
  body: unknown,
): string[] {
  const [method = '', path = ''] = routeKey.split(' ');
  if (!Object.values(ROUTES).some((route) => route.method === method && route.path === path)) return [];
  const contentType = String(headers?.['content-type']);
  return contractFaults({ method, path }, { status, contentType, body });
}

const SLICE = {
  slice: 0,
  rows: 10,
  blocks: 1,
  counts: new Map([[0, { done: 4, failed: 1, cancelled: 0, rejected: 2 }]]),
} as unknown as SliceRow;

export function post(
  body: string | undefined,
  contentType: string | undefined,
  { query = {}, key, as }: { query?: Record<string, string>; key?: string; as?: unknown } = {},
): APIGatewayProxyEventV2 {
  const event = sample('api-post-jobs');
  const { authorizer, ...anonymous } = event.requestContext as { authorizer?: unknown };
  const { 'content-type': _, ...headers } = event.headers;
  return {
    ...event,
    headers: {
      ...headers,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    // `as` is who asks: null for nobody.
    requestContext: as === null ? anonymous : { ...anonymous, authorizer: as ?? authorizer },
    queryStringParameters: query,
    ...(body === undefined ? { body: undefined } : { body }),
  } as APIGatewayProxyEventV2;
}

export function get(path: string, query: Record<string, string> = {}): APIGatewayProxyEventV2 {
  return { ...requestTo('api-get-jobs', path), queryStringParameters: query };
}

/** An order to the job of the id, as the sample of its route gives it. */
export function order(name: string, job: JobId): APIGatewayProxyEventV2 {
  return { ...requestTo(`api-post-job-${name}`, `/jobs/${job}/${name}`), pathParameters: { id: job } };
}

function requestTo(name: string, path: string): APIGatewayProxyEventV2 {
  const event = sample(name);
  const { method } = event.requestContext.http;
  const { routeKey, pathParameters } = routed(method, path);
  return {
    ...event,
    routeKey,
    rawPath: path,
    ...(pathParameters === undefined ? {} : { pathParameters }),
    requestContext: { ...event.requestContext, routeKey, http: { ...event.requestContext.http, path } },
  };
}
