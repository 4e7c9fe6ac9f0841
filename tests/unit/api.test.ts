// The API with fakes behind it: the status of each answer, and what it says.
import { readFileSync } from 'node:fs';
import { HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2, APIGatewayProxyResult, Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type ApiDependencies, createApi } from '../../functions/api.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import { BadCursorError, type JobPage } from '../../shared/ledger/job-index.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { aJob, JOB_ID } from '../helpers/records.ts';

const sample = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../events/${name}.json`, import.meta.url), 'utf8'),
  ) as APIGatewayProxyEventV2;

interface StoredManifest {
  body: string;
  contentType: string | undefined;
  metadata: Record<string, string>;
}

function createFakes({ jobs = [], page, failing }: { jobs?: Job[]; page?: JobPage; failing?: Error } = {}) {
  const inbox = new Map<string, StoredManifest>();
  const logged: unknown[][] = [];
  const asked: unknown[][] = [];
  const send = async (command: unknown) => {
    if (failing !== undefined) throw failing;
    if (command instanceof PutObjectCommand) {
      const { Key = '', Body, ContentType, Metadata = {}, IfNoneMatch } = command.input;
      expect(IfNoneMatch).toBe('*');
      if (inbox.has(Key)) {
        throw Object.assign(new Error('exists'), {
          name: 'PreconditionFailed',
          $metadata: { httpStatusCode: 412 },
        });
      }
      inbox.set(Key, { body: String(Body), contentType: ContentType, metadata: Metadata });
      return {};
    }
    if (command instanceof HeadObjectCommand)
      return { Metadata: inbox.get(command.input.Key ?? '')?.metadata };
    if (command instanceof ListObjectsV2Command) {
      const { Prefix = '' } = command.input;
      return { KeyCount: [...inbox.keys()].filter((key) => key.startsWith(Prefix)).length };
    }
    throw new Error('the fake S3 does not know this');
  };
  const slice = {
    slice: 0,
    rows: 10,
    blocks: 1,
    counts: new Map([[0, { done: 4, failed: 1, cancelled: 0, rejected: 2 }]]),
  } as unknown as SliceRow;
  const dependencies: ApiDependencies = {
    s3: { send } as unknown as S3Client,
    inbox: 'inbox',
    destinationBuckets: ['own-bucket'],
    ledger: {
      getJob: async (id) => jobs.find((job) => job.id === id),
      getJobs: async (ids) => new Map(jobs.filter((job) => ids.includes(job.id)).map((job) => [job.id, job])),
      getSlices: async () => [slice],
      readBlocks: async () => new Map(),
    },
    index: {
      live: async () => [],
      list: async (...args) => {
        asked.push(args);
        if (args[1] === 'bad') throw new BadCursorError();
        return page ?? { ids: jobs.map(({ id }) => id) };
      },
    },
    telemetry: {
      logger: {
        error: (...args: unknown[]) => logged.push(args),
      } as unknown as ApiDependencies['telemetry']['logger'],
    },
  };
  const api = createApi(dependencies);
  const call = async (event: APIGatewayProxyEventV2) => {
    const answer = (await api(structuredClone(event), {} as Context)) as APIGatewayProxyResult;
    return { ...answer, json: JSON.parse(answer.body) as Record<string, unknown> };
  };
  return { call, inbox, logged, asked };
}

function post(
  body: string | undefined,
  contentType: string | undefined,
  { query = {}, key }: { query?: Record<string, string>; key?: string } = {},
): APIGatewayProxyEventV2 {
  const event = sample('api-post-jobs');
  const { 'content-type': _, ...headers } = event.headers;
  return {
    ...event,
    headers: {
      ...headers,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    queryStringParameters: query,
    ...(body === undefined ? { body: undefined } : { body }),
  } as APIGatewayProxyEventV2;
}

function get(path: string, query: Record<string, string> = {}): APIGatewayProxyEventV2 {
  const event = sample('api-get-jobs');
  return {
    ...event,
    rawPath: path,
    requestContext: { ...event.requestContext, http: { ...event.requestContext.http, path } },
    queryStringParameters: query,
  };
}

const CSV = 'key,text\na,1\n';

describe('POST /jobs', () => {
  it('takes rows and options as JSON, as the sample has them', async () => {
    const { call, inbox } = createFakes();
    const { statusCode, json, headers } = await call(sample('api-post-jobs'));
    expect(statusCode).toBe(202);
    expect(json).toEqual({
      job: expect.stringMatching(/^[0-9a-f]{20}$/),
      state: 'submitted',
      manifest: `s3://inbox/api/${json['job']}/manifest`,
    });
    expect(headers).toMatchObject({ location: `/jobs/${json['job']}`, 'content-type': 'application/json' });
    expect([...inbox.values()]).toEqual([
      {
        body: '{"key":"notes/1.txt","text":"hello"}\n',
        contentType: 'application/x-ndjson',
        metadata: { 'spillway-spread': 'hex:2', 'submission-sha256': expect.any(String) },
      },
    ]);
  });

  it.each([
    { contentType: 'text/csv', body: CSV, stored: 'text/csv' },
    { contentType: 'Text/CSV; charset=utf-8', body: CSV, stored: 'text/csv' },
    { contentType: 'application/x-ndjson', body: '{"key":"a","text":"1"}\n', stored: 'application/x-ndjson' },
    { contentType: 'application/jsonl', body: '{"key":"a","text":"1"}\n', stored: 'application/x-ndjson' },
    {
      contentType: 'application/json; charset=utf-8',
      body: '{"rows":[{"key":"a"}]}',
      stored: 'application/x-ndjson',
    },
  ])('takes a manifest as $contentType', async ({ contentType, body, stored }) => {
    const { call, inbox } = createFakes();
    expect((await call(post(body, contentType, { query: { spread: 'off' } }))).statusCode).toBe(202);
    expect([...inbox.values()][0]).toMatchObject({
      contentType: stored,
      metadata: { 'spillway-spread': 'off' },
    });
  });

  it('decodes a body that came as base64', async () => {
    const { call, inbox } = createFakes();
    const event = {
      ...post(Buffer.from(`${CSV}é,2\n`).toString('base64'), 'text/csv'),
      isBase64Encoded: true,
    };
    expect((await call(event)).statusCode).toBe(202);
    expect([...inbox.values()][0]?.body).toBe(`${CSV}é,2\n`);
  });

  it.each([
    { what: 'no content type', event: post(CSV, undefined), status: 415, says: /content type "".*text\/csv/ },
    { what: 'a strange content type', event: post(CSV, 'text/html'), status: 415, says: /"text\/html"/ },
    {
      what: 'an unreadable manifest',
      event: post('a,b\n1,2\n', 'text/csv'),
      status: 400,
      says: /unknown columns/,
    },
    { what: 'an empty manifest', event: post('', 'text/csv'), status: 400, says: /empty/ },
    { what: 'no body', event: post(undefined, 'text/csv'), status: 400, says: /empty/ },
    {
      what: 'an unknown option',
      event: post(CSV, 'text/csv', { query: { colour: 'red' } }),
      status: 400,
      says: /"colour": the options are destination/,
    },
    {
      what: 'a destination of others',
      event: post(CSV, 'text/csv', { query: { destination: 's3://not-ours' } }),
      status: 400,
      says: /not allowed.*own-bucket/,
    },
    {
      what: 'JSON without rows',
      event: post('{}', 'application/json'),
      status: 400,
      says: /rows.*"options"/,
    },
    { what: 'JSON with no row', event: post('{"rows":[]}', 'application/json'), status: 400, says: /rows/ },
    {
      what: 'JSON with more',
      event: post('{"rows":[{}],"x":1}', 'application/json'),
      status: 400,
      says: /./,
    },
    { what: 'JSON that is none', event: post('{"rows"', 'application/json'), status: 422, says: /JSON/ },
    { what: 'JSON that is no object', event: post('[1]', 'application/json'), status: 400, says: /rows/ },
    {
      what: 'an empty Idempotency-Key',
      event: post(CSV, 'text/csv', { key: '' }),
      status: 400,
      says: /Idempotency-Key/,
    },
  ])('answers $status to $what, and stores nothing', async ({ event, status, says }) => {
    const { call, inbox } = createFakes();
    const { statusCode, json } = await call(event);
    expect(statusCode).toBe(status);
    expect(json['message']).toMatch(says);
    expect(inbox.size).toBe(0);
  });

  it('makes one job of one Idempotency-Key, and tells a repeat from a conflict', async () => {
    const { call, inbox } = createFakes();
    const first = await call(post(CSV, 'text/csv', { key: 'k' }));
    const again = await call(post(CSV, 'text/csv', { key: 'k' }));
    expect([first.statusCode, again.statusCode]).toEqual([202, 200]);
    expect(again.json).toEqual(first.json);
    for (const other of [
      post(`${CSV}b,2\n`, 'text/csv', { key: 'k' }),
      post(CSV, 'text/csv', { key: 'k', query: { spread: 'off' } }),
      post('{"key":"a","text":"1"}\n', 'application/x-ndjson', { key: 'k' }),
    ]) {
      const { statusCode, json } = await call(other);
      expect(statusCode).toBe(409);
      expect(json['message']).toMatch(/Idempotency-Key "k" was used before/);
    }
    expect((await call(post(CSV, 'text/csv', { key: 'other' }))).json['job']).not.toBe(first.json['job']);
    expect(inbox.size).toBe(2);
  });

  it('makes a job of each request without one', async () => {
    const { call, inbox } = createFakes();
    await call(post(CSV, 'text/csv'));
    await call(post(CSV, 'text/csv'));
    expect(inbox.size).toBe(2);
  });
});

describe('GET /jobs', () => {
  const other = '11111111111111111111' as JobId;

  it('lists the jobs of a page in the order of the index, with its cursor', async () => {
    const { call, asked } = createFakes({
      jobs: [aJob(), aJob({ id: other, state: 'completed' })],
      page: { ids: [other, JOB_ID], cursor: 'next' },
    });
    const { statusCode, json } = await call(get('/jobs'));
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({
      jobs: [
        { job: other, state: 'completed' },
        { job: JOB_ID, state: 'planning' },
      ],
      cursor: 'next',
    });
    expect(asked).toEqual([[25, undefined]]);
  });

  it('passes limit and cursor on, and leaves out a job that has expired meanwhile', async () => {
    const { call, asked } = createFakes({ jobs: [], page: { ids: [JOB_ID] } });
    expect((await call(get('/jobs', { limit: '100', cursor: 'c' }))).json).toEqual({ jobs: [] });
    expect(asked).toEqual([[100, 'c']]);
  });

  it.each(['0', '101', '-1', '1.5', 'many', ''])('answers 400 to the limit "%s"', async (limit) => {
    const { statusCode, json } = await createFakes().call(get('/jobs', { limit }));
    expect([statusCode, json]).toEqual([400, { message: 'limit takes 1 to 100' }]);
  });

  it('answers 400 to a cursor that is not its own', async () => {
    const { statusCode, json } = await createFakes().call(get('/jobs', { cursor: 'bad' }));
    expect([statusCode, json['message']]).toEqual([400, expect.stringMatching(/cursor is not one/)]);
  });

  it('does not mind the content type that some clients send with every request', async () => {
    const event = get('/jobs');
    event.headers['content-type'] = 'application/json';
    expect((await createFakes().call(event)).statusCode).toBe(200);
  });
});

describe('GET /jobs/{id}', () => {
  it('sums the slices of a running job', async () => {
    const running = aJob({
      state: 'running',
      slices: 1,
      plan: { slices: 1, rows: 10, offset: 99, line: 12 },
    });
    const { statusCode, json } = await createFakes({ jobs: [running] }).call(get(`/jobs/${JOB_ID}`));
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({
      job: JOB_ID,
      state: 'running',
      rows: 10,
      manifest: 's3://inbox/list.csv',
      progress: { rows: 10, done: 4, failed: 1, cancelled: 0, rejected: 2 },
    });
  });

  it("shows an ended job's counts, report and end", async () => {
    const totals = {
      ...{ rows: 3, stored: 1, skipped: 1, failed: 0, cancelled: 0, rejected: 1 },
      ...{ attempts: 2, throttled: 0, returned: 0, reposted: 0, bytes: 5 },
    };
    const ended = aJob({
      state: 'completed',
      endedAtMs: Date.UTC(2026, 0, 2),
      totals,
      report: 's3://r/m.json',
    });
    const { json } = await createFakes({ jobs: [ended] }).call(get(`/jobs/${JOB_ID}`));
    expect(json).toMatchObject({
      ...totals,
      unaccounted: 0,
      report: 's3://r/m.json',
      endedAt: '2026-01-02T00:00:00.000Z',
    });
    expect(json).not.toHaveProperty('progress');
  });

  it('tells of a job that was submitted and has no row yet', async () => {
    const { call } = createFakes();
    const { job } = (await call(post(CSV, 'text/csv'))).json;
    const { statusCode, json } = await call(get(`/jobs/${job}`));
    expect([statusCode, json]).toEqual([200, { job, state: 'submitted' }]);
  });

  it.each([
    { path: `/jobs/${JOB_ID}`, says: /there is no job 0123456789abcdef0123/ },
    { path: '/jobs/x', says: /"x" is not a job id/ },
    { path: '/elsewhere', says: /Route does not exist/ },
  ])('answers 404 to $path', async ({ path, says }) => {
    const answer = await createFakes().call(get(path));
    expect(answer.statusCode).toBe(404);
    expect(answer.json['message']).toMatch(says);
  });
});

it('answers 500 to a fault of its own: says nothing of it to the caller, and everything to the log', async () => {
  const failing = new Error('secret detail');
  const { call, logged } = createFakes({ failing });
  const { statusCode, json, body } = await call(post(CSV, 'text/csv'));
  expect([statusCode, json]).toEqual([500, { message: 'Internal Server Error' }]);
  expect(body).not.toContain('secret');
  expect(logged).toEqual([['request failed', failing]]);
});
