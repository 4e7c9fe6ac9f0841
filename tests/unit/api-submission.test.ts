// Posting manifests to the API: the status of each answer, and what it says.
import { describe, expect, it } from 'vitest';
import { createFakeApi, post, sample } from '../helpers/fake-api.ts';

const CSV = 'key,text\na,1\n';

describe('POST /jobs', () => {
  it('takes rows and options as JSON, as the sample has them', async () => {
    const { call, inbox } = createFakeApi();
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
    const { call, inbox } = createFakeApi();
    expect((await call(post(body, contentType, { query: { spread: 'off' } }))).statusCode).toBe(202);
    expect([...inbox.values()][0]).toMatchObject({
      contentType: stored,
      metadata: { 'spillway-spread': 'off' },
    });
  });

  it('decodes a body that came as base64', async () => {
    const { call, inbox } = createFakeApi();
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
    const { call, inbox } = createFakeApi();
    const { statusCode, json } = await call(event);
    expect(statusCode).toBe(status);
    expect(json['message']).toMatch(says);
    expect(inbox.size).toBe(0);
  });

  it('makes one job of one Idempotency-Key, and tells a repeat from a conflict', async () => {
    const { call, inbox } = createFakeApi();
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

  it.each([
    { conflicts: 3, status: 202 },
    { conflicts: 99, status: 500 },
  ])(
    'answers $status where a write of the same key is under way $conflicts times',
    async ({ conflicts, status }) => {
      const { call } = createFakeApi({ conflicts });
      expect((await call(post(CSV, 'text/csv', { key: 'k' }))).statusCode).toBe(status);
    },
  );

  it('makes a job of each request without one', async () => {
    const { call, inbox } = createFakeApi();
    await call(post(CSV, 'text/csv'));
    await call(post(CSV, 'text/csv'));
    expect(inbox.size).toBe(2);
  });
});

it('answers 500 to a fault of its own: says nothing of it to the caller, and everything to the log', async () => {
  const failing = new Error('secret detail');
  const { call, logged } = createFakeApi({ failing });
  const { statusCode, json, body } = await call(post(CSV, 'text/csv'));
  expect([statusCode, json]).toEqual([500, { message: 'Internal Server Error' }]);
  expect(body).not.toContain('secret');
  expect(logged).toEqual([['request failed', failing]]);
});
