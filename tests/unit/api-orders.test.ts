// Orders to jobs over the API: what is asked of the ledger, and how each answer reads.
import { describe, expect, it } from 'vitest';
import { hashedJobId } from '../../shared/job/identity.ts';
import { emptyTotals, type Job } from '../../shared/job/job.ts';
import { createFakeApi, order, post } from '../helpers/fake-api.ts';
import {
  aJob,
  anEndedJob,
  anEndedWithoutOptions,
  anUnopenedJob,
  aRunningJob,
  type EndedChange,
  JOB_ID,
  JOB_OPTIONS,
} from '../helpers/records.ts';

const ORDERS = [
  { name: 'pause', control: 'paused', state: 'paused' },
  { name: 'resume', control: 'run', state: 'running' },
  { name: 'cancel', control: 'cancelling', state: 'cancelling' },
] as const;

describe.each(ORDERS)('POST /jobs/{id}/$name', ({ name, control, state }) => {
  const request = order(name, JOB_ID);

  it('puts the job under its control, and answers 202 with the job as it stands then', async () => {
    const job = aRunningJob({ control });
    const { call, orders } = createFakeApi({ controlled: { kind: 'changed', job } });
    const { statusCode, json } = await call(request);
    expect(statusCode).toBe(202);
    expect(json).toMatchObject({ job: JOB_ID, state, progress: { rows: 10, done: 4 } });
    expect(orders[0]).toEqual([JOB_ID, control]);
  });

  it.each<[string, Job, RegExp]>([
    ['has ended', anEndedJob(), /has ended as completed: it can't be/],
    [
      'has failed',
      anEndedJob({ state: 'failed', fault: { code: 'UnknownColumn', message: 'no "x"' } }),
      /has ended as failed \(UnknownColumn: no "x"\): it can't be/,
    ],
    ['is being cancelled', aRunningJob({ control: 'cancelling' }), /is being cancelled: it can't be/],
    [
      'is being ended for a fault',
      aRunningJob({ control: 'cancelling', fault: { code: 'TooManyFailures', message: '51%' } }),
      /is being ended \(TooManyFailures: 51%\): it can't be/,
    ],
    [
      'is past its deadline',
      aRunningJob({ control: 'expiring' }),
      /is past its deadline, and being ended: it can't be/,
    ],
    [
      'could not be opened',
      anUnopenedJob(),
      /has settled, and ends as abandoned \(InvalidOptions: .*\): it can't be/,
    ],
  ])('answers 409 where the job %s, and says so', async (_, job, says) => {
    const { call, orders } = createFakeApi({ controlled: { kind: 'refused', job } });
    const { statusCode, json } = await call(request);
    expect([statusCode, json['message']]).toEqual([409, expect.stringMatching(says)]);
    expect(orders).toHaveLength(1);
  });

  it('answers 409, and when to try again, where the job was submitted and is not open yet', async () => {
    const { call } = createFakeApi();
    const { job } = (await call(post('key,text\na,1\n', 'text/csv'))).json;
    const answer = await call(order(name, job as typeof JOB_ID));
    expect([answer.statusCode, answer.json['message']]).toEqual([
      409,
      expect.stringMatching(/is not open yet: try again/),
    ]);
    expect(answer.headers).toMatchObject({ 'retry-after': '2' });
  });

  it('answers 404 where there is no such job', async () => {
    const { call } = createFakeApi();
    expect((await call(request)).statusCode).toBe(404);
    expect((await call(order(name, 'x' as typeof JOB_ID))).json['message']).toBe('"x" is not a job id');
  });
});

it('sends the missing rows again once a job runs, and behind its row, however often it is resumed', async () => {
  const job = aJob({ resumedAtMs: aJob().startedAtMs });
  const { call, orders } = createFakeApi({ controlled: { kind: 'changed', job } });
  await call(order('resume', JOB_ID));
  await call(order('resume', JOB_ID));
  const once = [
    [JOB_ID, 'run'],
    ['notify', JOB_ID],
  ];
  expect(orders).toEqual([...once, ...once]);
});

it('sends nothing again of a job that never rested', async () => {
  const { call, orders } = createFakeApi({ controlled: { kind: 'changed', job: aJob() } });
  expect((await call(order('resume', JOB_ID))).statusCode).toBe(202);
  expect(orders).toEqual([[JOB_ID, 'run']]);
});

describe('POST /jobs/{id}/redrive', () => {
  const request = order('redrive', JOB_ID);
  const REDRIVE_ID = hashedJobId('redrive', JOB_ID);
  const options = { ...JOB_OPTIONS, destination: { bucket: 'own-bucket', prefix: '' } };
  const ended = (change: EndedChange = {}) =>
    anEndedJob({
      options,
      totals: { ...emptyTotals(), rows: 3, stored: 1, failed: 1, cancelled: 1 },
      report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
      ...change,
    });

  it('orders a new job by a small object in the inbox, which names the report', async () => {
    const { call, manifests } = createFakeApi({ jobs: [ended()] });
    const { statusCode, json, headers } = await call(request);
    const manifest = `s3://inbox/api/${REDRIVE_ID}/manifest`;
    expect([statusCode, json]).toEqual([
      202,
      { job: REDRIVE_ID, state: 'submitted', manifest, redriveOf: JOB_ID },
    ]);
    expect(headers).toMatchObject({ location: `/jobs/${REDRIVE_ID}` });
    const [object] = manifests();
    expect(object?.contentType).toBe('application/vnd.spillway.redrive+json');
    expect(JSON.parse(object?.body ?? '')).toEqual({
      redriveOf: JOB_ID,
      report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
    });
  });

  it('answers 200 to the same order again, and with the job once it is open', async () => {
    const { call, manifests } = createFakeApi({ jobs: [ended()] });
    const first = await call(request);
    const again = await call(request);
    expect([again.statusCode, again.json]).toEqual([200, first.json]);
    expect(manifests().length).toBe(1);

    const opened = aRunningJob({ id: REDRIVE_ID, redriveOf: JOB_ID });
    const withRow = createFakeApi({ jobs: [ended(), opened] });
    await withRow.call(request);
    const { statusCode, json } = await withRow.call(request);
    expect([statusCode, json]).toEqual([
      200,
      expect.objectContaining({ job: REDRIVE_ID, state: 'running', redriveOf: JOB_ID }),
    ]);
  });

  it.each<[string, Job, RegExp]>([
    ['lives', aRunningJob(), /is running: only what a job has left when it ended/],
    [
      'has nothing left',
      ended({ totals: { ...emptyTotals(), rows: 1, rejected: 1 } }),
      /has no failed or cancelled/,
    ],
    ['failed before it had any', anEndedWithoutOptions(), /has no failed or cancelled/],
    ['kept no rows', ended({ options: { ...options, report: 'none' } }), /kept no rows/],
  ])('answers 409 where the job %s, and orders nothing', async (_, job, says) => {
    const { call, manifests } = createFakeApi({ jobs: [job] });
    const { statusCode, json } = await call(request);
    expect([statusCode, json['message']]).toEqual([409, expect.stringMatching(says)]);
    expect(manifests().length).toBe(0);
  });

  it('answers 404 where there is no such job', async () => {
    expect((await createFakeApi().call(request)).statusCode).toBe(404);
  });
});

describe('POST /jobs/{id}/rate', () => {
  const request = (query: Record<string, string> | undefined) => ({
    ...order('rate', JOB_ID),
    ...(query === undefined ? {} : { queryStringParameters: query }),
  });

  it.each([
    [{ 'max-rate-per-second': '100' }, { maxRatePerSecond: 100 }],
    [{ 'max-bytes-per-second': '0' }, { maxBytesPerSecond: 0 }],
    [
      { 'max-rate-per-second': '1', 'max-bytes-per-second': '5000000' },
      { maxRatePerSecond: 1, maxBytesPerSecond: 5_000_000 },
    ],
  ])('changes what is given alone: %j', async (query, change) => {
    const job = aRunningJob({ options: { ...JOB_OPTIONS, ...change } });
    const { call, orders } = createFakeApi({ controlled: { kind: 'changed', job } });
    const { statusCode, json } = await call(request(query));
    expect([statusCode, json]).toEqual([200, expect.objectContaining({ options: job.options })]);
    expect(orders).toEqual([[JOB_ID, change]]);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{}, /^give max-rate-per-second, max-bytes-per-second or both in the query string$/],
    [{ rate: '5' }, /^give max-rate-per-second/],
    [{ 'max-rate-per-second': '-1' }, /^max-rate-per-second takes a whole number from 0/],
    [{ 'max-rate-per-second': '0.5' }, /^max-rate-per-second takes a whole number/],
    [{ 'max-rate-per-second': '100001' }, /to 100000$/],
    [{ 'max-bytes-per-second': '99999999999' }, /^max-bytes-per-second takes .* to 9999999999$/],
  ])('answers 400 to %j', async (query, says) => {
    const { call, orders } = createFakeApi();
    const { statusCode, json } = await call(request(query));
    expect([statusCode, json['message']]).toEqual([400, expect.stringMatching(says)]);
    expect(orders).toEqual([]);
  });

  it('answers 409 for a job that has ended, and says so', async () => {
    const { call } = createFakeApi({ controlled: { kind: 'refused', job: anEndedJob() } });
    const { statusCode, json } = await call(request({ 'max-rate-per-second': '5' }));
    expect([statusCode, json['message']]).toEqual([
      409,
      expect.stringMatching(/has ended as completed: its rate can't be changed$/),
    ]);
  });
});
