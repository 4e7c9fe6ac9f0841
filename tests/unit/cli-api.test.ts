// The client of Spillway's API: when it signs and what, what it tries again, and what it says of each refusal.
import { createHash, createHmac } from 'node:crypto';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from '../../cli/api/client.ts';
import { queryText, signingScopeOf } from '../../cli/api/signing.ts';
import { Failure } from '../../cli/failure.ts';
import { createSigner } from '../../shared/aws/signature.ts';
import { JOB_ID } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const LOCAL = 'http://127.0.0.1:4580';
const ON_AWS = 'https://abcdef1234.execute-api.eu-west-1.amazonaws.com';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };

interface Sent {
  url: URL;
  method: string;
  headers: Record<string, string>;
  atMs: number;
}

/** Made for each request: a body is read once. */
type Answer = Error | (() => Response);
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  () =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...headers },
    });
const networkError = (code: string) =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) });

/** The last answer is given to whatever else is asked. */
function fixture(answers: Answer[], api = LOCAL, env: Record<string, string> = {}) {
  const clock = createVirtualClock();
  const sent: Sent[] = [];
  const client = createApiClient(
    {
      clock,
      env,
      credentials: async () => CREDENTIALS,
      fetch: async (url, init) => {
        sent.push({
          url: new URL(String(url)),
          method: init?.method ?? 'GET',
          headers: init?.headers as Record<string, string>,
          atMs: clock.now(),
        });
        const answer = answers[Math.min(sent.length, answers.length) - 1];
        if (answer instanceof Error) throw answer;
        return (answer as () => Response)();
      },
    },
    api,
  );
  return { client, sent, clock };
}

const JOB = { job: JOB_ID, state: 'running' };

describe('whether requests are signed', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    [ON_AWS, {}, 'eu-west-1'],
    [ON_AWS, { AWS_REGION: 'us-east-1' }, 'eu-west-1'],
    ['https://abc.execute-api.cn-north-1.amazonaws.com.cn', {}, 'cn-north-1'],
    [`${ON_AWS}/prod`, {}, 'eu-west-1'],
    ['https://uploads.example.com', { AWS_REGION: 'eu-north-1' }, 'eu-north-1'],
    ['https://uploads.example.com', { AWS_DEFAULT_REGION: 'eu-north-1' }, 'eu-north-1'],
    ['https://uploads.example.com', {}, undefined],
    [LOCAL, { AWS_REGION: 'us-east-1' }, undefined],
    ['http://abcdef1234.execute-api.eu-west-1.amazonaws.com', {}, undefined],
    ['https://execute-api.eu-west-1.amazonaws.com.evil.example', {}, undefined],
  ])('%s in the environment %j: for %s', (api, env, region) => {
    expect(signingScopeOf(new URL(api), env)).toEqual(
      region === undefined ? undefined : { region, service: 'execute-api' },
    );
  });

  it('asks for no credentials where they are not', async () => {
    const { client, sent } = fixture([json(200, JOB)]);
    await client.job(JOB_ID);
    expect(sent[0]?.headers).toEqual({ accept: 'application/json' });
  });
});

describe('a signed request', () => {
  it.each<[string, string, (client: ApiClient) => Promise<unknown>]>([
    ['a job', ON_AWS, (client) => client.job(JOB_ID)],
    ['an order', ON_AWS, (client) => client.order(JOB_ID, 'pause')],
    ['a page', ON_AWS, (client) => client.jobs(25, 'MjAyNi0x_-')],
    ['a page since a time', ON_AWS, (client) => client.deadLetters(25, '2026-11-24T18:00:00')],
    ['a job of an API under a path', `${ON_AWS}/prod`, (client) => client.job(JOB_ID)],
  ])('is what was signed, by the rules of AWS: %s', async (_, api, ask) => {
    const { client, sent } = fixture([json(200, { ...JOB, jobs: [], letters: [] })], api);
    await ask(client);
    const [request] = sent as [Sent];
    expect(request.headers['authorization']).toBe(authorizationOf(request, 'eu-west-1'));
    expect(request.headers).toMatchObject({ 'x-amz-security-token': 'token', accept: 'application/json' });
  });

  it('has its query signed as the SDK signs one', async () => {
    const sent: { path: string; query: Record<string, string>; headers: Record<string, string> }[] = [];
    const s3 = new S3Client({
      region: 'eu-west-1',
      credentials: CREDENTIALS,
      endpoint: 'https://host',
      forcePathStyle: true,
      requestHandler: {
        handle: async (request: (typeof sent)[number]) => {
          sent.push(request);
          return { response: { statusCode: 200, headers: {}, body: undefined } };
        },
      } as never,
    });
    const signer = createSigner({ region: 'eu-west-1', service: 's3' });
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, unit: 'grapheme-ascii' }),
        fc.string({ minLength: 1 }),
        async (Prefix, StartAfter) => {
          sent.length = 0;
          await s3.send(new ListObjectsV2Command({ Bucket: 'b', Prefix, StartAfter })).catch(() => undefined);
          const { path, query, headers } = sent[0]!;
          const names = /SignedHeaders=([^,]+)/.exec(headers['authorization']!)![1]!.split(';');
          const signed = signer.sign(
            {
              method: 'GET',
              path,
              query: queryText(query),
              headers: Object.fromEntries(names.map((name) => [name, headers[name]!])),
              body: new Uint8Array(),
            },
            CREDENTIALS,
            new Date(isoOf(headers['x-amz-date']!)),
          );
          expect(signed['authorization']).toBe(headers['authorization']);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('an answer', () => {
  it.each<[string, Answer[], number]>([
    ['a fault of the API', [json(500, {}), json(503, {}), json(200, JOB)], 3],
    ['too many requests', [json(429, { message: 'Too Many Requests' }), json(200, JOB)], 2],
    ['a connection that broke', [networkError('ECONNRESET'), json(200, JOB)], 2],
  ])('is waited for through %s', async (_, answers, requests) => {
    const { client, sent } = fixture(answers);
    expect(await client.job(JOB_ID)).toEqual(JOB);
    expect(sent).toHaveLength(requests);
    for (let at = 2; at < requests; at++)
      expect(sent[at]!.atMs - sent[at - 1]!.atMs).toBeGreaterThan(sent[at - 1]!.atMs - sent[at - 2]!.atMs);
  });

  it('is given up after a few tries, with what was said last', async () => {
    const { client, sent } = fixture([json(500, { message: 'Internal Server Error' })]);
    await expect(client.job(JOB_ID)).rejects.toThrow(/failed \(500: Internal Server Error\)/);
    expect(sent).toHaveLength(5);
  });

  it('of a job that is not open yet is asked for again when the API says', async () => {
    const notYet = json(409, { message: 'is not open yet' }, { 'retry-after': '2' });
    const { client, sent } = fixture([notYet, notYet, json(202, JOB)]);
    expect(await client.order(JOB_ID, 'pause')).toEqual(JOB);
    expect(sent.map(({ atMs }) => atMs - sent[0]!.atMs)).toEqual([0, 2000, 4000]);
  });

  it.each(['Infinity', '1e9', '999999', 'Wed, 21 Oct 2026 07:28:00 GMT', ''])(
    'that asks for a rest of "%s" is taken as it is',
    async (retryAfter) => {
      const { client, sent } = fixture([json(409, { message: 'later' }, { 'retry-after': retryAfter })]);
      await expect(client.order(JOB_ID, 'pause')).rejects.toThrow('later');
      expect(sent).toHaveLength(1);
    },
  );

  it('of a job that never opens is the last one', async () => {
    const { client, sent } = fixture([json(409, { message: 'is not open yet' }, { 'retry-after': '2' })]);
    await expect(client.order(JOB_ID, 'pause')).rejects.toThrow('is not open yet');
    expect(sent).toHaveLength(30);
  });

  it.each<[string, string, Answer, RegExp]>([
    ['nobody listens', LOCAL, networkError('ECONNREFUSED'), /"spillway up", or set SPILLWAY_API/],
    ['there is no such host', ON_AWS, networkError('ENOTFOUND'), /no host abcdef1234\.execute-api/],
    ['the credentials may not', ON_AWS, json(403, { message: 'Forbidden' }), /execute-api:Invoke/],
    [
      'it wants a signature',
      'https://uploads.example.com',
      json(403, { message: 'Missing Authentication Token' }),
      /not signed \(Missing Authentication Token\).*AWS_REGION/,
    ],
    ['the job can not be paused', LOCAL, json(409, { message: 'job x has ended' }), /^job x has ended$/],
    ['there is no such job', LOCAL, json(404, { message: 'there is no job x' }), /^there is no job x$/],
    ['there is no such route', ON_AWS, json(404, { message: 'Not Found' }), /is not Spillway's API/],
    ['it leads elsewhere', LOCAL, () => new Response(null, { status: 302 }), /is not Spillway's API/],
    ['it is a page', LOCAL, () => new Response('<html>'), /is not Spillway's API/],
    ['it is another service', LOCAL, json(200, { status: 'ok' }), /is not Spillway's API/],
  ])('that is none says what to do where %s, at once', async (_, api, answer, says) => {
    const { client, sent } = fixture([answer], api);
    const error: unknown = await client.job(JOB_ID).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).message).toMatch(says);
    expect(sent).toHaveLength(1);
  });
});

describe('the embedded cloud', () => {
  const SINCE = { 'spillway-embedded-since': '2026-11-26T10:00:00.000Z' };
  const unknown = json(404, { message: `there is no job ${JOB_ID}` }, SINCE);

  it.each<[string, (client: ApiClient) => Promise<unknown>]>([
    ['status and report', (client) => client.job(JOB_ID)],
    ['cancel', (client) => client.order(JOB_ID, 'cancel')],
    ['pause', (client) => client.order(JOB_ID, 'pause')],
    ['resume', (client) => client.order(JOB_ID, 'resume')],
    ['redrive', (client) => client.order(JOB_ID, 'redrive')],
  ])('is said to have forgotten a job that it does not know: %s', async (_what, ask) => {
    const { client, sent } = fixture([unknown]);
    await expect(ask(client)).rejects.toThrow(
      /there is no job .*: the embedded cloud was started at 2026-11-26T10:00:00.000Z and keeps nothing of an earlier run/,
    );
    expect(sent).toHaveLength(1);
  });

  it('says since when it lists jobs and dead letters; a deployed API says nothing', async () => {
    const lists = [
      json(200, { jobs: [] }, SINCE),
      json(200, { letters: [] }, SINCE),
      json(200, { jobs: [] }),
    ];
    const { client } = fixture(lists);
    expect(await client.jobs(1)).toEqual({ jobs: [], embeddedSince: '2026-11-26T10:00:00.000Z' });
    expect(await client.deadLetters(1)).toEqual({ letters: [], embeddedSince: '2026-11-26T10:00:00.000Z' });
    expect(await client.jobs(1)).toEqual({ jobs: [] });
  });

  it.each([
    ['a deployed API', json(404, { message: 'there is no job x' }), JOB_ID, /^there is no job x$/],
    [
      'a header that is no time',
      json(404, { message: 'no job' }, { 'spillway-embedded-since': 'x' }),
      JOB_ID,
      /^no job$/,
    ],
    ['what is no id', json(404, { message: '"x" is not a job id' }, SINCE), 'x', /^"x" is not a job id$/],
  ])('is not named for %s', async (_what, answer, id, says) => {
    await expect(fixture([answer]).client.job(id)).rejects.toThrow(says);
  });
});

/** The Authorization header that a request should have, computed from what was sent (AWS: "Signature Version 4, step by step"). */
function authorizationOf({ url, method, headers }: Sent, region: string): string {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const { authorization: _, ...others } = headers;
  const all = Object.entries({ ...others, host: url.host }).sort(([left], [right]) =>
    left < right ? -1 : 1,
  );
  const stamp = headers['x-amz-date'] ?? '';
  const scope = `${stamp.slice(0, 8)}/${region}/execute-api/aws4_request`;
  const signedHeaders = all.map(([name]) => name).join(';');
  const canonical = [
    method,
    url.pathname,
    url.search.slice(1).split('&').sort().join('&'),
    ...all.map(([name, value]) => `${name}:${value}`),
    '',
    signedHeaders,
    sha256(''),
  ].join('\n');
  const key = [stamp.slice(0, 8), region, 'execute-api', 'aws4_request'].reduce<string | Buffer>(
    (last, text) => hmac(last, text),
    `AWS4${CREDENTIALS.secretAccessKey}`,
  );
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

function isoOf(stamp: string): string {
  return stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}
