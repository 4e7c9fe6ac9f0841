// What holds for every route of the API: problem details, limits on bodies, paths behind a custom domain, forms and plans.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createPlanTime } from '../../functions/api/plan-time.ts';
import { createFakeApi, post, sample } from '../helpers/fake-api.ts';
import { createHandClock } from '../helpers/hand-clock.ts';
import { JOB_ID } from '../helpers/records.ts';

const json = (body: unknown, about = {}) => post(JSON.stringify(body), 'application/json', about);
/** A request to another route than POST /jobs. */
const to = (name: string, body: unknown) => ({ ...sample(name), body: JSON.stringify(body) });

describe('an answer that is no success', () => {
  it('is a problem of RFC 9457 that names every fault with its place', async () => {
    const { call } = createFakeApi();
    const options = { spread: 'wide', colour: 'red', 'deadline-seconds': 5 };
    const answer = await call(json({ rows: [{ key: 'a', text: 'b' }], options }));
    expect(answer.headers).toEqual({ 'content-type': 'application/problem+json' });
    expect(answer.json).toMatchObject({
      ...{ type: 'about:blank', title: 'Bad Request', status: 400, detail: answer.json['message'] },
      instance: expect.stringMatching(/^urn:spillway:request:JKJaXmPLvHcESHA%3D$/),
    });
    const faults = answer.json['faults'] as { place: string }[];
    expect(faults.map(({ place }) => place).sort()).toEqual([
      'options.colour',
      'options.deadline-seconds',
      'options.spread',
    ]);
  });

  it.each([
    ['api-post-jobs', null, [['body', 'takes an object']]],
    ['api-post-jobs', { rows: {} }, [['body.rows', 'takes an array']]],
    ['api-post-jobs', { rows: [] }, [['body.rows', 'takes at least 1 element']]],
    ['api-post-jobs', { rows: [1] }, [['body.rows.0', 'takes an object']]],
    [
      'api-post-jobs',
      { rows: [{ key: 'a' }], options: { spread: null } },
      [['body.options.spread', 'takes a string or a number']],
    ],
    [
      'api-post-jobs',
      { manifest: { bucket: 1 } },
      [
        ['body.manifest.bucket', 'takes a string'],
        ['body.manifest.key', 'takes a string'],
      ],
    ],
    ['api-post-uploads', {}, [['body.contentType', 'takes a string']]],
  ])('says to %s what each place takes: %j', async (name, body, faults) => {
    const { json: answer } = await createFakeApi().call(to(name, body));
    expect(answer['status']).toBe(400);
    expect((answer['faults'] as { place: string; message: string }[]).map(Object.values)).toEqual(faults);
  });

  it.each([
    ['nested without end', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /: it is nested too deeply$/],
    [
      'with a name of every object',
      '[{"__proto__":1}]',
      /: no column and no option is named "__proto__", leave it out$/,
    ],
  ])('says of a body %s what is wrong with it', async (_what, body, says) => {
    const { json: answer } = await createFakeApi().call(post(body, 'application/json'));
    expect([answer['status'], answer['detail']]).toEqual([422, expect.stringMatching(says)]);
  });

  it('is bounded, however many faults there are', async () => {
    const { call } = createFakeApi();
    const options = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`no-${index}`, 'x']));
    const answer = await call(json({ rows: [{ key: 'a', text: 'b' }], options }));
    expect((answer.json['faults'] as object[]).length).toBe(100);
    expect(answer.body.length).toBeLessThan(64 * 1024);
  });

  it.each([
    ['api-post-jobs', 6 * 1024 * 1024, /POST \/uploads/],
    ['api-post-plans', 6 * 1024 * 1024, /POST \/uploads/],
    ['api-post-uploads', 64 * 1024, /takes 65536/],
    ['api-post-job-pause', 64 * 1024, /takes 65536/],
  ])('is 413 to a body above the limit of %s', async (name, most, says) => {
    const { call, manifests } = createFakeApi();
    const answer = await call({ ...sample(name), body: 'x'.repeat(most + 1) });
    expect([answer.statusCode, answer.json['detail']]).toEqual([413, expect.stringMatching(says)]);
    expect(manifests()).toEqual([]);
  });
});

describe('a byte order mark before JSON', () => {
  const text = '\ufeff[{"key":"a","text":"b"}]';

  it.each([
    ['as text', { body: text, isBase64Encoded: false }],
    ['in base64', { body: Buffer.from(text).toString('base64'), isBase64Encoded: true }],
  ])('is passed over %s', async (_how, body) => {
    const { call, manifests } = createFakeApi();
    const answer = await call({ ...post('', 'application/json'), ...body });
    expect(answer.statusCode).toBe(202);
    expect(manifests()).toMatchObject([{ bytes: Buffer.from('{"key":"a","text":"b"}\n') }]);
  });

  it('stays before what is no JSON', async () => {
    const { call, manifests } = createFakeApi();
    await call(post('\ufeffkey,text\na,b\n', 'text/csv'));
    expect(manifests()).toMatchObject([{ bytes: Buffer.from('\ufeffkey,text\na,b\n') }]);
  });
});

describe('behind a custom domain', () => {
  it.each([
    ['/jobs', '/jobs/'],
    ['/spillway/jobs', '/spillway/jobs/'],
    ['/prod/v1/jobs', '/prod/v1/jobs/'],
  ])('a request to %s is answered with a location below %s', async (rawPath, start) => {
    const { call } = createFakeApi();
    const answer = await call({ ...sample('api-post-jobs'), rawPath });
    expect([answer.statusCode, answer.headers?.['location']]).toEqual([202, `${start}${answer.json['job']}`]);
  });

  it('a route is found by its key, whatever stands before its path', async () => {
    const { call } = createFakeApi();
    const event = {
      ...sample('api-get-job'),
      rawPath: `/base/jobs/${JOB_ID}`,
      pathParameters: { id: JOB_ID },
    };
    expect((await call(event)).json['detail']).toContain(`there is no job ${JOB_ID}`);
  });
});

describe('POST /uploads', () => {
  it('signs the type, the options and the length, under a key of its own', async () => {
    const { call } = createFakeApi();
    const answer = await call(sample('api-post-uploads'));
    expect(answer.json).toMatchObject({
      ...{ state: 'awaiting upload', manifest: `s3://inbox/api/${answer.json['job']}/manifest` },
      upload: {
        fields: {
          ...{
            key: `api/${answer.json['job']}/manifest`,
            'Content-Type': 'text/csv',
            'spillway-spread': 'hex:2',
          },
          range: JSON.stringify({ least: 1, most: 5 * 1024 ** 3 }),
        },
      },
    });
  });

  it.each([
    ['an order for a redrive', { contentType: 'application/vnd.spillway.redrive+json' }, 'body.contentType'],
    ['no type', {}, 'body.contentType'],
    ['an unknown option', { contentType: 'text/csv', options: { x: '1' } }, 'options.x'],
    ['another member', { contentType: 'text/csv', key: 'mine' }, 'body'],
  ])('refuses %s', async (_, body, place) => {
    const answer = await createFakeApi().call(to('api-post-uploads', body));
    expect([answer.statusCode, answer.json['faults']]).toEqual([400, [expect.objectContaining({ place })]]);
  });

  it('refuses a key under which a manifest was submitted', async () => {
    const { call } = createFakeApi();
    const key = { 'idempotency-key': 'k' };
    await call(json({ rows: [{ key: 'a', text: 'b' }] }, { key: 'k' }));
    const event = sample('api-post-uploads');
    expect((await call({ ...event, headers: { ...event.headers, ...key } })).statusCode).toBe(409);
  });
});

describe('POST /plans', () => {
  it('counts rows, faults, requests and cost, and stores nothing', async () => {
    const { call, manifests } = createFakeApi();
    const rows = [
      { key: 'a', text: 'four' },
      { key: 'b', source: 's3://source-bucket/b', size: 10 },
      { key: 'c', source: 'https://files.example.com/c' },
      { key: 'd', source: 's3://not-ours/d' },
      { key: 'a', text: 'again' },
      { text: 'no key' },
    ];
    const answer = await call(to('api-post-plans', { rows, options: { 'max-rate-per-second': 2 } }));
    expect(answer.json).toMatchObject({
      ...{ format: 'ndjson', rows: 6, good: 3, rejected: 3, knownBytes: 14 },
      rejectedByCode: { DuplicateKey: 1, KeyMissing: 1 },
      sources: { inline: 1, s3: 1, https: 1 },
      requests: { writes: 3, reads: 1 },
      time: { objectsPerSecond: 2, seconds: 2 },
    });
    const faults = answer.json['faults'] as { place: string }[];
    expect(faults.map(({ place }) => place)).toEqual(['line 4', 'line 5', 'line 6']);
    expect(manifests()).toEqual([]);
  });

  it('costs what a million rows cost', async () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ key: `k/${index}`, text: 'x' }));
    const answer = await createFakeApi().call(to('api-post-plans', { rows }));
    // 10,000 writes at 5 dollars a million, and what goes on beside them.
    expect(answer.json['cost']).toEqual({ usd: 0.053, writesUsd: 0.05, otherUsd: 0.003 });
    expect(answer.json['time']).toEqual({ objectsPerSecond: 3_500, seconds: 3 });
  });
});

describe('a plan that takes too long', () => {
  const LISTS = 'lists';
  const placed = (key: string) => to('api-post-plans-place', { manifest: { bucket: LISTS, key } });

  /** A clock that is so much later at each look, as if the work between had taken that long. */
  function busyClock(stepMs: number) {
    const hand = createHandClock(2_000);
    return {
      ...hand,
      now() {
        hand.advance(stepMs);
        return hand.now();
      },
    };
  }

  const text = Array.from({ length: 20_000 }, (_, at) => `key-${at},x\n`).join('');
  it.each([
    ['rows', 'many.csv', Buffer.from(`key,text\n${text}`)],
    ['a conversion', 'many.csv.gz', gzipSync(`key,text\n${text}`)],
    ['rows of NDJSON', 'many.ndjson', Buffer.from('{"key":"a","text":""}\n'.repeat(20_000))],
  ])('ends with 413 before Lambda ends it: within %s', async (_, key, bytes) => {
    const { call, memory } = createFakeApi({ clock: busyClock(8_000) });
    memory.write(LISTS, key, bytes);
    const { statusCode, json } = await call(placed(key));
    expect(statusCode).toBe(413);
    expect(json['faults']).toEqual([
      {
        place: 'body.manifest',
        message: expect.stringMatching(/^the manifest has more rows .*plan a part of it/),
      },
    ]);
  });

  it('is told the same of rows in the body', async () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => ({ key: `k/${at}`, text: 'x' }));
    const { call } = createFakeApi({ clock: busyClock(10_000) });
    const { statusCode, json } = await call(to('api-post-plans', { rows }));
    expect([statusCode, json['faults']]).toEqual([413, [expect.objectContaining({ place: 'body' })]]);
  });

  it('takes as long as the invocation has, but for what is kept back', async () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => ({ key: `k/${at}`, text: 'x' }));
    // Four looks at 6 s each are 24 of the 25 s.
    const { call } = createFakeApi({ clock: busyClock(6_000) });
    expect((await call(to('api-post-plans', { rows }))).json).toMatchObject({ rows: 5_000, good: 5_000 });
  });

  it('ends with 503, and a time to come again, where S3 does not send the manifest', async () => {
    const clock = createHandClock();
    const time = createPlanTime(clock, 29_000, 'body.manifest');
    const ended = time.ofReading(new Promise<never>(() => {}));
    clock.advance(24_999);
    time.check();
    clock.advance(1);
    await expect(ended).rejects.toMatchObject({
      ...{ statusCode: 503, headers: { 'retry-after': '5' } },
      message: expect.stringContaining('S3 did not send the manifest in time'),
    });
  });

  it('passes on what reading throws, and leaves no sleep behind', async () => {
    const clock = createHandClock();
    const time = createPlanTime(clock, 29_000, 'body.manifest');
    await expect(time.ofReading(Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    expect(await time.ofReading(Promise.resolve(1))).toBe(1);
    clock.advance(60_000);
  });
});
