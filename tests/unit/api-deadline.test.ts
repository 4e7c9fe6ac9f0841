// A job that would end after its outcomes expire: the API refuses it at once, by whatever way it comes.
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { emptyTotals } from '../../shared/job/job.ts';
import { createFakeApi, order, post, sample } from '../helpers/fake-api.ts';
import { anEndedJob, JOB_ID, JOB_OPTIONS } from '../helpers/records.ts';

const KEEP_DAYS = 15;
const MOST_SECONDS = 14 * 86_400;
const PLACE = { bucket: 'lists', key: 'a.csv' };

type Request = (deadline: number) => APIGatewayProxyEventV2;

const withBody = (event: APIGatewayProxyEventV2, body: unknown): APIGatewayProxyEventV2 => ({
  ...event,
  headers: { ...event.headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
  isBase64Encoded: false,
});
const optionOf = (deadline: number) => ({ 'deadline-seconds': deadline });
const rows = [{ key: 'a', text: 'b' }];

const WAYS: [string, Request][] = [
  [
    'POST /jobs with its option in the query',
    (deadline) => post('key,text\na,1\n', 'text/csv', { query: { 'deadline-seconds': String(deadline) } }),
  ],
  [
    'POST /jobs with its option in the body',
    (deadline) => withBody(sample('api-post-jobs'), { rows, options: optionOf(deadline) }),
  ],
  [
    'POST /jobs with the place of a manifest',
    (deadline) => withBody(sample('api-post-jobs'), { manifest: PLACE, options: optionOf(deadline) }),
  ],
  [
    'POST /plans with rows',
    (deadline) => withBody(sample('api-post-plans'), { rows, options: optionOf(deadline) }),
  ],
  [
    'POST /plans with the place of a manifest',
    (deadline) => withBody(sample('api-post-plans'), { manifest: PLACE, options: optionOf(deadline) }),
  ],
  [
    'POST /uploads',
    (deadline) =>
      withBody(sample('api-post-uploads'), { contentType: 'text/csv', options: optionOf(deadline) }),
  ],
];

describe.each(WAYS)('%s', (_, request) => {
  const open = () => {
    const api = createFakeApi({ keepDays: KEEP_DAYS });
    api.memory.write(PLACE.bucket, PLACE.key, 'key,text\na,1\n');
    return api;
  };

  it('takes a deadline that leaves a day for the end of the job', async () => {
    expect((await open().call(request(MOST_SECONDS))).statusCode).toBeLessThan(300);
  });

  it('answers 400 to a later one, names the option and the remedies, and stores nothing', async () => {
    const { call, manifests } = open();
    const { statusCode, json } = await call(request(MOST_SECONDS + 1));
    const message = expect.stringMatching(/is 1209601, .* 15 days.*give 1209600 at most.*reportDays/);
    expect([statusCode, json]).toEqual([
      400,
      expect.objectContaining({ message, faults: [{ place: 'options.deadline-seconds', message }] }),
    ]);
    expect(manifests()).toEqual([]);
  });
});

it.each(['api-post-jobs', 'api-post-plans'])(
  '%s answers the same where the metadata of the placed manifest gives the deadline',
  async (name) => {
    const { call, memory, manifests } = createFakeApi({ keepDays: KEEP_DAYS });
    const metadata = { 'spillway-deadline-seconds': String(MOST_SECONDS + 1) };
    memory.write(PLACE.bucket, PLACE.key, 'key,text\na,1\n', { metadata });
    expect((await call(withBody(sample(name), { manifest: PLACE }))).statusCode).toBe(400);
    expect(manifests()).toEqual([]);
  },
);

it('a redrive of a job with such a deadline answers 409, and orders nothing', async () => {
  const job = anEndedJob({
    options: {
      ...JOB_OPTIONS,
      destination: { bucket: 'own-bucket', prefix: '' },
      deadlineSeconds: MOST_SECONDS + 1,
    },
    totals: { ...emptyTotals(), rows: 1, failed: 1 },
    report: `s3://reports/jobs/${JOB_ID}/manifest.json`,
  });
  const { call, manifests } = createFakeApi({ jobs: [job], keepDays: KEEP_DAYS });
  const { statusCode, json } = await call(order('redrive', JOB_ID));
  expect([statusCode, json['message']]).toEqual([409, expect.stringMatching(/give 1209600 at most/)]);
  expect(manifests()).toEqual([]);
});
