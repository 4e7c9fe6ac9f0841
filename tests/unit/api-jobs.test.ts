// Asking the API for jobs and dead letters: the status of each answer, and what it says.
import { describe, expect, it } from 'vitest';
import type { JobId } from '../../shared/job/identity.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { createFakeApi, get, listed, order, post, sample } from '../helpers/fake-api.ts';
import {
  aJob,
  anEndedJob,
  anEndedWithoutOptions,
  anUnopenedJob,
  aRunningJob,
  JOB_ID,
  JOB_OPTIONS,
} from '../helpers/records.ts';

const CSV = 'key,text\na,1\n';

describe('GET /jobs', () => {
  const other = '11111111111111111111' as JobId;

  it('lists the jobs of a page in the order of the index, with its cursor', async () => {
    const { call, asked } = createFakeApi({
      jobs: [aJob(), anEndedJob({ id: other })],
      page: { jobs: listed(other, JOB_ID), cursor: 'next' },
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

  it('lists a job whose row can not be read by its id and its fault, and the others as they are', async () => {
    const { call } = createFakeApi({
      jobs: [anEndedJob({ id: other })],
      unreadable: new Map([[JOB_ID, new UnreadableRowError(`job ${JOB_ID}`, 'has no state')]]),
      page: { jobs: listed(JOB_ID, other) },
    });
    const { statusCode, json } = await call(get('/jobs'));
    expect(statusCode).toBe(200);
    expect(json).toMatchObject({
      jobs: [
        {
          job: JOB_ID,
          state: 'unreadable',
          fault: {
            code: 'RowUnreadable',
            message: expect.stringMatching(/row of job 0123456789abcdef0123 has no state.*restore the row/),
          },
        },
        { job: other, state: 'completed' },
      ],
    });
  });

  it('passes limit and cursor on, and leaves out a job that has expired meanwhile', async () => {
    const { call, asked } = createFakeApi({ jobs: [], page: { jobs: listed(JOB_ID) } });
    expect((await call(get('/jobs', { limit: '100', cursor: 'c' }))).json).toEqual({ jobs: [] });
    expect(asked).toEqual([[100, 'c']]);
  });

  it.each(['0', '101', '-1', '1.5', 'many', '', '0x10', '1e1', ' 5', '+5', '1000000000000000000000'])(
    'answers 400 to the limit "%s"',
    async (limit) => {
      const { statusCode, json } = await createFakeApi().call(get('/jobs', { limit }));
      expect([statusCode, json]).toEqual([
        400,
        expect.objectContaining({
          message: 'limit takes 1 to 100',
          faults: [{ place: 'query.limit', message: 'limit takes 1 to 100' }],
        }),
      ]);
    },
  );

  it('answers 400 to a cursor that is not its own', async () => {
    for (const event of [
      get('/jobs', { cursor: 'bad' }),
      { ...sample('api-get-deadletters'), queryStringParameters: { cursor: 'bad' } },
    ]) {
      const { statusCode, json } = await createFakeApi().call(event);
      expect([statusCode, json['faults']]).toEqual([
        400,
        [
          {
            place: 'query.cursor',
            message: expect.stringMatching(
              /cursor is n.*: leave it out to start (from|with) the (newest|oldest)/,
            ),
          },
        ],
      ]);
    }
  });

  it.each([
    ['of 3,000 characters', 'c'.repeat(3_000)],
    ['with a control character', 'a\u001b'],
  ])('answers 400 to a cursor %s', async (_, cursor) => {
    for (const path of ['/jobs', '/deadletters']) {
      const event =
        path === '/jobs'
          ? get(path, { cursor })
          : { ...sample('api-get-deadletters'), queryStringParameters: { cursor } };
      const { statusCode, json } = await createFakeApi().call(event);
      expect([statusCode, json['message']]).toEqual([400, expect.stringMatching(/cursor is not one/)]);
    }
  });

  it('ends a page early where one answer can not hold it, and goes on at its cursor', async () => {
    // Nothing is this long any more: what stands in a row that an earlier version wrote may be.
    const long = { code: 'X', message: 'x'.repeat(257 * 1024) };
    const jobs = Array.from({ length: 30 }, (_, index) =>
      anEndedJob({
        state: 'failed',
        id: `job-${String(index).padStart(8, '0')}` as JobId,
        startedAtMs: Date.UTC(2026, 0, 30 - index),
        fault: long,
      }),
    );
    const { call } = createFakeApi({ jobs });
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { statusCode, json, body } = await call(
        get('/jobs', { limit: '30', ...(cursor === undefined ? {} : { cursor }) }),
      );
      expect(statusCode).toBe(200);
      expect(Buffer.byteLength(body)).toBeLessThan(2 * 1024 * 1024);
      seen.push(...(json['jobs'] as { job: string }[]).map(({ job }) => job));
      cursor = json['cursor'] as string | undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(jobs.map(({ id }) => id));
  });

  it('does not mind the content type that some clients send with every request', async () => {
    const event = get('/jobs');
    event.headers['content-type'] = 'application/json';
    expect((await createFakeApi().call(event)).statusCode).toBe(200);
  });
});

describe('GET /jobs/{id}', () => {
  it('sums the slices of a running job', async () => {
    const { statusCode, json } = await createFakeApi({ jobs: [aRunningJob()] }).call(get(`/jobs/${JOB_ID}`));
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
    const ended = anEndedJob({
      endedAtMs: Date.UTC(2026, 0, 2),
      totals,
      report: 's3://r/m.json',
    });
    const { json } = await createFakeApi({ jobs: [ended] }).call(get(`/jobs/${JOB_ID}`));
    expect(json).toMatchObject({
      ...totals,
      unaccounted: 0,
      report: 's3://r/m.json',
      endedAt: '2026-01-02T00:00:00.000Z',
    });
    expect(json).not.toHaveProperty('progress');
  });

  it.each([
    { of: 'is about to fail', job: anUnopenedJob(), shows: { state: 'planning' } },
    {
      of: 'has failed',
      job: anEndedWithoutOptions(),
      shows: { state: 'failed', endedAt: '2026-01-01T00:01:00.000Z', stored: 0, unaccounted: 0 },
    },
  ])('shows no options of a job that $of, and whose options were not read', async ({ job, shows }) => {
    const { call } = createFakeApi({ jobs: [job] });
    const { json } = await call(get(`/jobs/${JOB_ID}`));
    const fault = { code: 'InvalidOptions', message: 'its options can not be read' };
    expect(json).toMatchObject({ job: JOB_ID, manifest: 's3://inbox/list.csv', rows: 0, fault, ...shows });
    for (const unknown of ['options', 'deadline', 'progress']) expect(json).not.toHaveProperty(unknown);
    expect((await call(get('/jobs'))).json).toEqual({ jobs: [json] });
  });

  it('shows the options of a job that failed after they were read', async () => {
    const job = anUnopenedJob({ options: JOB_OPTIONS });
    const { json } = await createFakeApi({ jobs: [job] }).call(get(`/jobs/${JOB_ID}`));
    expect(json).toMatchObject({ options: JOB_OPTIONS });
  });

  it('shows a job that was submitted and has no row yet', async () => {
    const { call } = createFakeApi();
    const { job } = (await call(post(CSV, 'text/csv'))).json;
    const { statusCode, json } = await call(get(`/jobs/${job}`));
    expect([statusCode, json]).toEqual([200, { job, state: 'submitted' }]);
  });

  it('says of a job whose row can not be read what is wrong with it, and logs it', async () => {
    const { call, logged } = createFakeApi({
      unreadable: new Map([[JOB_ID, new UnreadableRowError(`job ${JOB_ID}`, 'has no state')]]),
    });
    for (const event of [get(`/jobs/${JOB_ID}`), order('redrive', JOB_ID)]) {
      const { statusCode, json } = await call(event);
      expect([statusCode, json['message']]).toEqual([500, expect.stringContaining('has no state')]);
    }
    expect(logged).toHaveLength(2);
  });

  it.each([
    { path: `/jobs/${JOB_ID}`, says: /there is no job 0123456789abcdef0123/ },
    { path: '/jobs/x', says: /"x" is not a job id/ },
    { path: '/elsewhere', says: /^there is no route "GET \/elsewhere"/ },
  ])('answers 404 to $path', async ({ path, says }) => {
    const answer = await createFakeApi().call(get(path));
    expect(answer.statusCode).toBe(404);
    expect(answer.json['message']).toMatch(says);
  });
});

describe('GET /deadletters', () => {
  const letter = {
    ...{ id: 'i', queue: 'spillway-dev-upload-dead-letters', messageId: 'm', kind: 'row-failed' as const },
    ...{ reason: 'it came back', job: JOB_ID, slice: 0, block: 1, number: 2 },
    ...{ sentAt: '2026-01-01T00:00:00.000Z', buriedAt: '2026-01-01T00:10:00.000Z', bodyBytes: 99 },
  };

  it('lists the letters of a page, each with the place of its raw message', async () => {
    const { call, asked } = createFakeApi({ letters: { letters: [letter], cursor: 'next' } });
    const { statusCode, json } = await call(sample('api-get-deadletters'));
    expect([statusCode, json]).toEqual([
      200,
      { letters: [{ ...letter, place: 's3://reports/deadletters/m.json' }], keptDays: 100, cursor: 'next' },
    ]);
    expect(asked).toEqual([[10, '2026-11-20']]);
  });

  it('ends a page early where one answer can not hold it, with the cursor behind its last letter', async () => {
    const letters = Array.from({ length: 10 }, (_, index) => ({
      ...letter,
      id: `id-${index}`,
      reason: 'x'.repeat(400_000),
    }));
    const { json } = await createFakeApi({ letters: { letters, cursor: 'next' } }).call(get('/deadletters'));
    expect((json['letters'] as unknown[]).length).toBe(2);
    expect(json['cursor']).toBe('id-1.json');
  });

  it.each(['zzz', '', '20261124', 'deadletters/2026-11-24', '\u0662026-11-24'])(
    'answers 400 to the cursor %j, which would hide letters',
    async (cursor) => {
      const { call, asked } = createFakeApi();
      const { statusCode, json } = await call(get('/deadletters', { cursor }));
      expect([statusCode, json['message']]).toEqual([400, expect.stringMatching(/the cursor is n/)]);
      expect(asked).toEqual([]);
    },
  );

  it('answers 400 to a limit out of bounds', async () => {
    const { statusCode, json } = await createFakeApi().call(get('/deadletters', { limit: '1000' }));
    expect([statusCode, json]).toEqual([
      400,
      expect.objectContaining({
        message: 'limit takes 1 to 100',
        faults: [{ place: 'query.limit', message: 'limit takes 1 to 100' }],
      }),
    ]);
  });
});
