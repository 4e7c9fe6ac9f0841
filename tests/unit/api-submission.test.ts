// Posting manifests to the API: the status of each answer, and what it says.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readSubmission } from '../../functions/api/read-submission.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { createFakeApi, post, sample } from '../helpers/fake-api.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';

const CSV = 'key,text\na,1\n';

describe('POST /jobs', () => {
  it('takes rows and options as JSON, as the sample has them', async () => {
    const { call, manifests } = createFakeApi();
    const { statusCode, json, headers } = await call(sample('api-post-jobs'));
    expect(statusCode).toBe(202);
    expect(json).toEqual({
      job: expect.stringMatching(/^[0-9a-f]{20}$/),
      state: 'submitted',
      manifest: `s3://inbox/api/${json['job']}/manifest`,
    });
    expect(headers).toMatchObject({ location: `/jobs/${json['job']}`, 'content-type': 'application/json' });
    expect(manifests()).toEqual([
      {
        body: '{"key":"notes/1.txt","text":"hello"}\n',
        bytes: expect.any(Buffer),
        contentType: 'application/x-ndjson',
        metadata: { 'spillway-spread': 'hex:2', 'submission-sha256': expect.any(String) },
      },
    ]);
  });

  it.each([
    { contentType: 'text/csv', body: CSV, stored: 'text/csv' },
    { contentType: 'Text/CSV; charset=utf-8', body: CSV, stored: 'text/csv' },
    { contentType: 'application/csv', body: CSV, stored: 'text/csv' },
    { contentType: 'application/x-ndjson', body: '{"key":"a","text":"1"}\n', stored: 'application/x-ndjson' },
    { contentType: 'application/jsonl', body: '{"key":"a","text":"1"}\n', stored: 'application/x-ndjson' },
    {
      contentType: 'application/json; charset=utf-8',
      body: '{"rows":[{"key":"a"}]}',
      stored: 'application/x-ndjson',
    },
    {
      contentType: 'application/json',
      body: '[{"key":"a","text":"1"}]',
      stored: 'application/x-ndjson',
    },
  ])('takes a manifest as $contentType', async ({ contentType, body, stored }) => {
    const { call, manifests } = createFakeApi();
    expect((await call(post(body, contentType, { query: { spread: 'off' } }))).statusCode).toBe(202);
    expect(manifests()[0]).toMatchObject({
      contentType: stored,
      metadata: { 'spillway-spread': 'off' },
    });
  });

  it.each([
    ['application/gzip', gzipSync(CSV), 'application/gzip'],
    ['application/x-gzip', gzipSync(CSV), 'application/gzip'],
    ['application/zstd', zstdCompressSync(CSV), 'application/zstd'],
    ['application/csv', gzipSync(CSV), 'text/csv'],
  ])('takes a compressed manifest as %s, and stores it as it is', async (contentType, bytes, stored) => {
    const { call, manifests } = createFakeApi();
    const event = { ...post(bytes.toString('base64'), contentType), isBase64Encoded: true };
    expect((await call(event)).statusCode).toBe(202);
    expect(manifests()).toMatchObject([{ contentType: stored, bytes }]);
  });

  it.each([
    ['cut off', gzipSync(CSV).subarray(0, -2), /cut off/],
    ['with a bad header', gzipSync('key,sorce\n'), /unpacked from gzip: .*did you mean source/],
    ['twice', gzipSync(gzipSync(CSV)), /the manifest is gzip: unpack it first/],
  ])('answers 400 to a manifest that is compressed %s', async (_, bytes, says) => {
    const { call, manifests } = createFakeApi();
    const event = { ...post(bytes.toString('base64'), 'application/gzip'), isBase64Encoded: true };
    expect(await call(event)).toMatchObject({
      statusCode: 400,
      json: { message: expect.stringMatching(says) },
    });
    expect(manifests()).toEqual([]);
  });

  it.each(['api-post-jobs', 'api-post-plans'])(
    'blames no line end for a bad header of a compressed manifest, %s',
    async (name) => {
      const bytes = gzipSync('key,sorce\na,1\n');
      expect(bytes).not.toContain(0x0a);
      const body = { body: bytes.toString('base64'), isBase64Encoded: true };
      const event = { ...sample(name), headers: { 'content-type': 'application/gzip' }, ...body };
      const { statusCode, json } = await createFakeApi().call(event);
      expect(statusCode).toBe(400);
      expect(json['message']).toMatch(/^unpacked from gzip: .*did you mean source/);
      expect(json['message']).not.toMatch(/line end/);
    },
  );

  it('keeps the digits of the numbers of an array', async () => {
    const { call, manifests } = createFakeApi();
    const body = '[{"key":1.10,"text":5},\n {"key":9007199254740993,"size":1e400}]';
    expect((await call(post(body, 'application/json'))).statusCode).toBe(202);
    expect(manifests()[0]?.body).toBe('{"key":1.10,"text":5}\n{"key":9007199254740993,"size":1e400}\n');
  });

  it('passes the digits of numbers on as they were posted', async () => {
    const { call, manifests } = createFakeApi();
    const rows = '[{"key":1.10,"text":5},{"key":9007199254740993,"text":"b"},{"key":"c","size":1e3}]';
    expect((await call(post(`{"rows":${rows}}`, 'application/json'))).statusCode).toBe(202);
    expect(manifests()[0]?.body).toBe(
      '{"key":1.10,"text":5}\n{"key":9007199254740993,"text":"b"}\n{"key":"c","size":1e3}\n',
    );
  });

  it('passes names of metadata on, whatever they are', async () => {
    const { call, manifests } = createFakeApi();
    const row = '{"key":"a","text":"b","metadata":{"constructor":"c","toString":"t"},"bucket_key":true}';
    expect((await call(post(`{"rows":[${row}]}`, 'application/json'))).statusCode).toBe(202);
    expect(manifests()[0]?.body).toBe(`${row}\n`);
    // The parser of JSON bodies refuses this one; such a row goes into the inbox.
    const other = '{"rows":[{"key":"a","text":"b","metadata":{"__proto__":"p"}}]}';
    expect((await call(post(other, 'application/json'))).statusCode).toBe(422);
  });

  it.each([
    { bytes: 1_920, status: 202 },
    { bytes: 1_921, status: 400 },
  ])(
    'answers $status to options of $bytes bytes, which are to fit into metadata',
    async ({ bytes, status }) => {
      // Beside the prefix of its name and those of the name and value: m=
      const metadata = `m=${'x'.repeat(bytes - 'spillway-metadata'.length - 2)}`;
      const { statusCode, json } = await createFakeApi().call(post(CSV, 'text/csv', { query: { metadata } }));
      expect(statusCode).toBe(status);
      if (status === 400) expect(json['message']).toContain('have 1921 bytes with their names');
    },
  );

  it('passes a size on that no number can hold, so that its row is rejected', async () => {
    const { call, manifests } = createFakeApi();
    const rows = '[{"key":"a","text":"b","size":1e400}]';
    expect((await call(post(`{"rows":${rows}}`, 'application/json'))).statusCode).toBe(202);
    expect(manifests()[0]?.body).toBe('{"key":"a","text":"b","size":1e400}\n');
  });

  it('refuses a row that is nested more deeply than can be written again', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const text = `{"rows":[{"key":1,"text":${deep}}]}`;
    const posted = { contentType: 'application/json', options: {} };
    expect(
      readSubmission({ ...posted, body: { kind: 'json', value: JSON.parse(text), text } }),
    ).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/nested too deeply/) });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'answers 415 to the content type %s',
    async (contentType) => {
      const { statusCode, json } = await createFakeApi().call(post(CSV, contentType));
      expect([statusCode, json['message']]).toEqual([415, expect.stringMatching(/^content type ".*": send/)]);
    },
  );

  it('decodes a body that came as base64', async () => {
    const { call, manifests } = createFakeApi();
    const event = {
      ...post(Buffer.from(`${CSV}é,2\n`).toString('base64'), 'text/csv'),
      isBase64Encoded: true,
    };
    expect((await call(event)).statusCode).toBe(202);
    expect(manifests()[0]?.body).toBe(`${CSV}é,2\n`);
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
    {
      what: 'JSON with a trailing comma',
      event: post('[{"key":"a\u202e"},]', 'application/json'),
      status: 422,
      says: /"a\\u202e"},]" is not valid JSON; jq \. checks it$/,
    },
    { what: 'JSON that is no object', event: post('[1]', 'application/json'), status: 400, says: /rows/ },
    { what: 'a number as JSON', event: post('5', 'application/json'), status: 400, says: /rows/ },
    { what: 'a text as JSON', event: post('"x"', 'application/json'), status: 400, says: /rows/ },
    {
      what: 'an Idempotency-Key of 5,000 characters',
      event: post(CSV, 'text/csv', { key: 'k'.repeat(5_000) }),
      status: 400,
      says: /Idempotency-Key takes up to 255 characters/,
    },
    {
      what: 'an Idempotency-Key with a control character',
      event: post(CSV, 'text/csv', { key: 'a\u001b]52;c' }),
      status: 400,
      says: /no control characters/,
    },
    {
      what: 'an option with a name of 200 KB',
      event: post(CSV, 'text/csv', { query: { ['x'.repeat(200_000)]: '1' } }),
      status: 400,
      says: /^unknown option "x+… \[cut, 200000 bytes\]": the options are destination/,
    },
    {
      what: 'a file without its line ends, as curl -d sends it',
      event: post('key,texta.txt,oneb.txt,two', 'text/csv'),
      status: 400,
      says: /no line end: curl keeps them with --data-binary/,
    },
    {
      what: 'an option that objects inherit',
      event: {
        ...post(CSV, 'text/csv'),
        queryStringParameters: JSON.parse('{"__proto__":"1"}') as Record<string, string>,
      },
      status: 400,
      says: /unknown option "__proto__"/,
    },
    {
      what: 'semicolons',
      event: post('key;text\na;1\n', 'text/csv'),
      status: 400,
      says: /separated by semicolons/,
    },
    {
      what: 'a header that is not UTF-8',
      event: post('key,text,spillway_caf\ufffd\na,1,\n', 'text/csv'),
      status: 400,
      says: /header row is not UTF-8.*U\+FFFD.*save the manifest as UTF-8/,
    },
    ...[
      {
        what: 'gzip',
        text: '\x1f\ufffd\b\0\0',
        says: /is gzip: unpack it first; .* posted as application\/gzip/,
      },
      { what: 'zstandard', text: '(\ufffd/\ufffd\x04', says: /is zstandard: unpack/ },
      { what: 'a zip archive', text: 'PK\x03\x04\x14', says: /zip archive or a spreadsheet: unpack/ },
      {
        what: 'an old spreadsheet',
        text: '\ufffd\ufffd\x11\u0871\x1a',
        says: /a spreadsheet: save it as CSV/,
      },
      { what: 'UTF-16', text: '\ufffd\ufffdk\0e\0y\0', says: /UTF-16.*save it as UTF-8/ },
    ].map(({ what, text, says }) => ({
      what: `${what} that came as text`,
      event: post(text, 'text/csv'),
      status: 400,
      says,
    })),
    {
      what: 'an empty Idempotency-Key',
      event: post(CSV, 'text/csv', { key: '' }),
      status: 400,
      says: /Idempotency-Key/,
    },
  ])('answers $status to $what, and stores nothing', async ({ event, status, says }) => {
    const { call, manifests } = createFakeApi();
    const { statusCode, json } = await call(event);
    expect(statusCode).toBe(status);
    expect(json['message']).toMatch(says);
    expect(manifests().length).toBe(0);
  });

  it('makes one job of one Idempotency-Key, and distinguishes a repeat from a conflict', async () => {
    const { call, manifests } = createFakeApi();
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
    expect(manifests().length).toBe(2);
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
    const { call, manifests } = createFakeApi();
    await call(post(CSV, 'text/csv'));
    await call(post(CSV, 'text/csv'));
    expect(manifests().length).toBe(2);
  });
});

describe('a body whose bytes were replaced on their way', () => {
  /** The rows that are stored, read as ingest reads them: the key, or the code of what is wrong. */
  async function endsOf(event: ReturnType<typeof post>): Promise<string[]> {
    const { call, manifests } = createFakeApi();
    expect((await call(event)).statusCode).toBe(202);
    const [{ bytes, contentType = '' } = { bytes: Buffer.alloc(0) }] = manifests();
    const opened = openManifest(bytes, { key: 'manifest', contentType, sizeBytes: bytes.length });
    if (opened.kind === 'unreadable') throw new Error(opened.message);
    const rows = await rowsOf(opened.head, bytes);
    return rows.map((row) => (row.kind === 'good' ? row.item.key : row.code));
  }

  it.each([
    [
      'text/csv',
      'key,text\ncaf\ufffd.txt,d\ufffd\nok.txt,fine\nb.txt,\ufffd\n',
      ['InvalidUtf8', 'ok.txt', 'InvalidUtf8'],
    ],
    [
      'application/json',
      '{"rows":[{"key":"caf\ufffd","text":"1"},{"key":"ok","text":"é"},{"key":"b","text":"\ufffd"}]}',
      ['InvalidUtf8', 'ok', 'InvalidUtf8'],
    ],
  ])('has just those rows rejected, as from the inbox: %s', async (contentType, body, expected) => {
    expect(await endsOf(post(body, contentType))).toEqual(expected);
  });

  it('has them rejected in the sample', async () => {
    expect(await endsOf(sample('api-post-jobs-text'))).toEqual(['InvalidUtf8', 'ok.txt']);
  });

  it('is distinguished from U+FFFD that was sent: in bytes, or as an escape in JSON', async () => {
    const csv = Buffer.from('key,text\ncaf\ufffd.txt,1\n').toString('base64');
    expect(await endsOf({ ...post(csv, 'application/csv'), isBase64Encoded: true })).toEqual([
      'caf\ufffd.txt',
    ]);
    const json = '{"rows":[{"key":"caf\\ufffd","text":"1"}]}';
    expect(await endsOf(post(json, 'application/json'))).toEqual(['caf\ufffd']);
  });

  it('is seen in JSON that came as bytes, too', async () => {
    const latin1 = Buffer.from('{"rows":[{"key":"caf\xe9","text":"1"},{"key":"ok","text":"1"}]}', 'latin1');
    const event = { ...post(latin1.toString('base64'), 'application/json'), isBase64Encoded: true };
    expect(await endsOf(event)).toEqual(['InvalidUtf8', 'ok']);
  });

  it('comes with what to do', async () => {
    const bytes = Buffer.from([0x6b, 0x2c, 0xff]);
    const head = { format: 'csv' as const, columns: ['key', 'text'], bodyOffset: 0, bodyLine: 1 };
    const [row] = await rowsOf(head, bytes);
    expect(row).toMatchObject({
      code: 'InvalidUtf8',
      message: expect.stringMatching(/save the manifest as UTF-8.*application\/csv.*inbox/),
    });
  });
});

describe('an Idempotency-Key', () => {
  const iam = (userArn: string | null, more: object = {}) => ({
    iam: { accountId: '123456789012', userArn, ...more },
  });
  const sts = 'arn:aws:sts::123456789012';
  const jwt = (claims: object) => ({ jwt: { claims, scopes: null } });
  const jobOf = async (as: unknown) => {
    const { statusCode, json } = await createFakeApi().call(post(CSV, 'text/csv', { key: 'k', as }));
    expect(statusCode).toBe(202);
    return json['job'];
  };

  it.each([
    ['two sessions of a role', iam(`${sts}:assumed-role/ci/run-1`), iam(`${sts}:assumed-role/ci/run-2`)],
    [
      'a user, at two times',
      iam('arn:aws:iam::123456789012:user/team/ada'),
      iam('arn:aws:iam::123456789012:user/team/ada'),
    ],
    ['a federated user', iam(`${sts}:federated-user/ada`), iam(`${sts}:federated-user/ada`)],
    ['the root user', iam('arn:aws:iam::123456789012:root'), iam('arn:aws:iam::123456789012:root')],
    [
      'two tokens of a subject',
      jwt({ iss: 'https://i', sub: 's', exp: 1 }),
      jwt({ iss: 'https://i', sub: 's', exp: 2 }),
    ],
    ['nobody', null, null],
  ])('of %s is one key', async (_, first, second) => {
    expect(await jobOf(first)).toBe(await jobOf(second));
  });

  it('is another key of another caller', async () => {
    const callers = [
      iam(`${sts}:assumed-role/ci/run-1`),
      iam(`${sts}:assumed-role/other/run-1`),
      iam('arn:aws:sts::999999999999:assumed-role/ci/run-1'),
      iam(`${sts}:assumed-role/app/CognitoIdentityCredentials`, {
        cognitoIdentity: { identityId: 'us-east-1:a' },
      }),
      iam(`${sts}:assumed-role/app/CognitoIdentityCredentials`, {
        cognitoIdentity: { identityId: 'us-east-1:b' },
      }),
      iam('arn:aws:iam::123456789012:user/ci'),
      iam('arn:aws:iam::123456789012:user/team/ci'),
      iam('arn:aws:iam::123456789012:root'),
      iam(`${sts}:federated-user/ci`),
      iam(null),
      jwt({ iss: 'https://i', sub: 's' }),
      jwt({ iss: 'https://i', sub: 't' }),
      jwt({ iss: 'https://j', sub: 's' }),
    ];
    const jobs = await Promise.all(callers.map(jobOf));
    expect(new Set(jobs).size).toBe(callers.length);
  });

  it("does not meet another caller's job, whatever that one holds", async () => {
    const { call, manifests } = createFakeApi();
    const theirs = await call(post(CSV, 'text/csv', { key: 'k', as: iam(`${sts}:assumed-role/a/s`) }));
    const mine = await call(
      post(`${CSV}b,2\n`, 'text/csv', { key: 'k', as: iam(`${sts}:assumed-role/b/s`) }),
    );
    expect([theirs.statusCode, mine.statusCode, manifests().length]).toEqual([202, 202, 2]);
    expect(mine.body).not.toContain(String(theirs.json['job']));
  });
});

it('answers 500 to a fault of its own: says nothing of it to the caller, and everything to the log', async () => {
  const failing = new Error('secret detail');
  const { call, logged } = createFakeApi({ failing });
  const { statusCode, json, body } = await call(post(CSV, 'text/csv'));
  expect([statusCode, json]).toEqual([
    500,
    expect.objectContaining({
      status: 500,
      detail: 'Internal Server Error',
      message: 'Internal Server Error',
    }),
  ]);
  expect(body).not.toContain('secret');
  expect(logged).toEqual([['request failed', failing]]);
});
