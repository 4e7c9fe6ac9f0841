// A web page that the developer visits, and what it could send to the embedded cloud: nothing of it is carried out. What the
// usual clients and the cloud's own page send is.
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { createGuard } from '../../local/guard/admission.ts';
import { createGuardedServer } from '../../local/guard/guarded-server.ts';
import { servePage } from '../../local/page/page.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startFixtureCloud } from '../helpers/fixture-cloud.ts';
import { startPipelineCloud } from '../helpers/pipeline-cloud.ts';
import { type RawAnswer, type RawRequest, rawRequest } from '../helpers/raw-request.ts';

type ServerName = 'aws' | 'dynamodb' | 'api';
const SERVERS: ServerName[] = ['aws', 'dynamodb', 'api'];

/** What browsers say of a page of another site, of another port of this machine, and of a sandboxed frame. */
const PAGES = {
  'another site': { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
  'another local port': { origin: 'http://127.0.0.1:9', 'sec-fetch-site': 'same-site' },
  'a sandboxed frame': { origin: 'null', 'sec-fetch-site': 'cross-site' },
  'another site, in a browser without Sec-Fetch-*': { origin: 'http://evil.example' },
  'no Origin, as a form once sent it': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
};
const SIGNED = {
  authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f',
  'x-amz-date': '20261126T000000Z',
};
const MANIFEST = 'key,text\nevil.txt,evil\n';
/** So slow that a job is paused before it ends. */
const LIMIT_PER_SECOND = 1;
const ROWS = 400;

const cloud = duringTests(() => startPipelineCloud({ limit: { limitPerSecond: LIMIT_PER_SECOND } }));
beforeAll(async () => {
  servePage(cloud);
});

function ask(server: ServerName, asked: RawRequest): Promise<RawAnswer> {
  return rawRequest(cloud.endpoints[server], asked);
}

function dynamodb(operation: string, call: object, headers: Record<string, string>): Promise<RawAnswer> {
  return ask('dynamodb', {
    method: 'POST',
    headers: {
      ...SIGNED,
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'content-type': 'application/x-amz-json-1.0',
      ...headers,
    },
    body: JSON.stringify(call),
  });
}

function sqs(action: string, call: object, headers: Record<string, string>): Promise<RawAnswer> {
  return ask('aws', {
    method: 'POST',
    headers: {
      'x-amz-target': `AmazonSQS.${action}`,
      'content-type': 'application/x-amz-json-1.0',
      ...headers,
    },
    body: JSON.stringify(call),
  });
}

/** A form with a file, as S3 takes uploads from browsers. */
function uploadForm(key: string): { contentType: string; body: string } {
  const fields: [string, string][] = [
    ['name="key"', key],
    ['name="file"; filename="manifest.csv"\r\nContent-Type: text/csv', MANIFEST],
  ];
  const parts = fields.map(
    ([head, value]) => `--edge\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`,
  );
  return { contentType: 'multipart/form-data; boundary=edge', body: `${parts.join('')}--edge--\r\n` };
}

describe.each(Object.entries(PAGES))('a page of %s', (_where, page: Record<string, string>) => {
  it('does not read the ledger', async () => {
    const call = { TableName: cloud.names.table };
    const answer = await dynamodb('Scan', call, page);
    expect(answer).toMatchObject({ status: 403 });
    expect(answer.body).toContain('AccessDeniedException');
    expect(answer.body).not.toContain('Items');
    const asSimple = { 'content-type': 'text/plain' };
    expect(await dynamodb('Scan', call, { ...page, ...asSimple })).toMatchObject({ status: 403 });
  });

  it('does not cancel a job', async () => {
    const job = await pauseJob();
    const cancel = `/jobs/${job}/cancel`;
    expect(await ask('api', { method: 'POST', path: cancel, headers: page })).toMatchObject({ status: 403 });
    expect(await stateOf(job)).toBe('paused');
    expect((await ask('api', { method: 'POST', path: cancel })).status).toBeLessThan(300);
    expect(await stateOf(job)).toMatch(/^cancel/);
  });

  it('does not delete the table', async () => {
    const call = { TableName: cloud.names.table };
    expect(await dynamodb('DeleteTable', call, page)).toMatchObject({ status: 403 });
    const { body } = await dynamodb('DescribeTable', call, {});
    expect(JSON.parse(body)).toMatchObject({ Table: { TableStatus: 'ACTIVE' } });
  });

  it('does not submit a job', async () => {
    const headers = { ...page, 'content-type': 'text/plain' };
    const answer = await ask('api', { method: 'POST', path: '/jobs', headers, body: MANIFEST });
    expect(answer).toMatchObject({ status: 403 });
    expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringContaining('web page') });
  });

  it('does not drop a manifest by a form', async () => {
    const { contentType, body } = uploadForm('form.csv');
    const path = `/${cloud.names.inbox}`;
    const headers = { ...page, 'content-type': contentType };
    const answer = await ask('aws', { method: 'POST', path, headers, body });
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('<Code>AccessDenied</Code>') });
    expect(await cloud.keys(cloud.names.inbox)).not.toContain('form.csv');
  });

  it('does not delete objects by a form of text', async () => {
    await cloud.put(cloud.names.reports, 'kept.txt', 'kept');
    const body = '<Delete><Object><Key>kept.txt</Key></Object></Delete>';
    const headers = { ...page, 'content-type': 'text/plain' };
    const path = `/${cloud.names.reports}?delete`;
    expect(await ask('aws', { method: 'POST', path, headers, body })).toMatchObject({ status: 403 });
    expect(await cloud.keys(cloud.names.reports)).toContain('kept.txt');
  });

  it('does not use a queue or the event bus', async () => {
    const QueueUrl = Object.values(cloud.names.queues)[0];
    expect(await sqs('PurgeQueue', { QueueUrl }, page)).toMatchObject({ status: 403 });
    expect(await sqs('SendMessage', { QueueUrl, MessageBody: 'evil' }, page)).toMatchObject({ status: 403 });
    const headers = { ...page, 'x-amz-target': 'AWSEvents.PutEvents' };
    expect(await ask('aws', { method: 'POST', headers, body: '{}' })).toMatchObject({ status: 403 });
    const form = { ...page, 'content-type': 'application/x-www-form-urlencoded' };
    expect(await ask('aws', { method: 'POST', headers: form, body: 'Action=Publish' })).toMatchObject({
      status: 403,
    });
  });

  it.each(SERVERS)('is not told by %s that it may ask', async (server) => {
    const headers = {
      ...page,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-amz-target',
      'access-control-request-private-network': 'true',
    };
    const answer = await ask(server, { method: 'OPTIONS', headers });
    expect(answer.status).toBe(403);
    expect(corsHeaders(answer)).toEqual([]);
  });

  it.each(SERVERS)('opens no WebSocket to %s', async (server) => {
    const headers = {
      ...page,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    expect(await ask(server, { headers })).toMatchObject({ status: 403 });
  });
});

describe.each(SERVERS)('%s', (server) => {
  it.each([
    ['cross-site', 'no-cors', 'image'],
    ['same-site', 'no-cors', 'script'],
    ['cross-site', 'navigate', 'iframe'],
    ['same-site', 'navigate', 'iframe'],
  ])('is not embedded in another page: %s, %s, %s', async (site, mode, dest) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest };
    expect(await ask(server, { headers })).toMatchObject({ status: 403 });
  });

  it.each(['evil.example', '127.0.0.1.evil.example:80', 'localhost.evil.example', '0.0.0.0'])(
    'does not answer to %s (DNS rebinding)',
    async (host) => {
      const answer = await ask(server, { path: '/jobs', headers: { host } });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain(`--allow-host ${host.replace(/:.*/, '')}`);
    },
  );

  it.each(['localhost', 'localhost:4566', '127.0.0.1:1', '[::1]:4566'])('answers to %s', async (host) => {
    expect((await ask(server, { headers: { host } })).status).toBe(200);
  });

  it('asks for a Host, but in HTTP/1.0', async () => {
    expect(await statusLine(server, 'GET / HTTP/1.1\r\n\r\n')).toBe('HTTP/1.1 403 Forbidden');
    expect(await statusLine(server, 'GET / HTTP/1.0\r\n\r\n')).toBe('HTTP/1.1 200 OK');
    expect(await statusLine(server, 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n')).toBe(
      'HTTP/1.1 403 Forbidden',
    );
  });

  it('opens from a link, as a page of its own that can not be framed', async () => {
    const headers = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const answer = await ask(server, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-frame-options': 'DENY',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
  });

  it("takes this process's own pages, and gives them no CORS headers either", async () => {
    for (const endpoint of Object.values(cloud.endpoints)) {
      const origin = endpoint.replace('127.0.0.1', 'localhost');
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const answer = await ask(server, { method, headers: { origin, 'sec-fetch-site': 'same-site' } });
        expect(answer.status).not.toBe(403);
        expect(corsHeaders(answer)).toEqual([]);
      }
    }
  });

  it('takes what its own page asks', async () => {
    expect((await ask(server, { headers: { 'sec-fetch-site': 'same-origin' } })).status).toBe(200);
    expect((await ask(server, { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200);
  });

  it.each(['close', 'keep-alive'])(
    'drops a refused body, and answers (connection: %s)',
    async (connection) => {
      const headers = { host: 'evil.example', connection };
      const answer = await ask(server, { method: 'PUT', headers, body: Buffer.alloc(8 * 1024 * 1024) });
      expect(answer).toMatchObject({
        status: 403,
        body: expect.stringContaining('--allow-host evil.example'),
      });
      expect(await ask(server, { method: 'HEAD', headers })).toMatchObject({ status: 403, body: '' });
    },
  );

  it('breaks off a refused body that does not end', async () => {
    const { hostname, port } = new URL(cloud.endpoints[server]);
    const socket = connect(Number(port), hostname);
    socket.write('PUT /a/b HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')]);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined).resume();
    const send = (): void => void (socket.writable && socket.write(chunk, () => setImmediate(send)));
    send();
    await closed;
    expect((await ask(server, {})).status).toBe(200);
  });

  it('refuses before a body is sent where the client asks first', async () => {
    const head =
      'PUT /a/b HTTP/1.1\r\nHost: evil.example\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n';
    expect(await statusLine(server, head)).toBe('HTTP/1.1 403 Forbidden');
    const own = head.replace('evil.example', 'localhost');
    expect(await statusLine(server, own)).toBe('HTTP/1.1 100 Continue');
  });
});

describe('the gateway', () => {
  it('takes buckets with dots from the Host', async () => {
    const host = 'my.dotted.bucket.localhost:4566';
    expect(await ask('aws', { method: 'PUT', headers: { host } })).toMatchObject({ status: 200 });
    const path = '/a%20key?x-id=PutObject';
    expect(await ask('aws', { method: 'PUT', path, headers: { host }, body: 'dotted' })).toMatchObject({
      status: 200,
    });
    expect(await cloud.read('my.dotted.bucket', 'a key')).toEqual(Buffer.from('dotted'));
  });

  it.each([
    ['/_fauxqs/queues', '127.0.0.1'],
    ['/%5Ffauxqs/queues', '127.0.0.1'],
    ['/_fauxqs/queues/spillway-dev-ingest', '127.0.0.1'],
    ['/queues', '_fauxqs.localhost'],
    ['/health', '127.0.0.1'],
    ['/', 'health.localhost'],
  ])("hides fauxqs' own page %s at %s", async (path, host) => {
    const answer = await ask('aws', { path, headers: { host } });
    expect(answer).toMatchObject({ status: 404, body: expect.stringContaining('NoSuchBucket') });
  });

  it('has no SNS, but answers who calls', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const asked = (Action: string) =>
      ask('aws', { method: 'POST', headers, body: `Action=${Action}&Name=topic&Version=2010-03-31` });
    for (const action of ['CreateTopic', 'ListTopics', 'Publish', 'Subscribe']) {
      expect(await asked(action)).toMatchObject({
        status: 404,
        body: expect.stringContaining('InvalidAction'),
      });
    }
    expect(await asked('GetCallerIdentity')).toMatchObject({ status: 200 });
  });
});

describe('further names', () => {
  const named = duringTests(() =>
    startFixtureCloud({ allowedHosts: ['devbox.example'], buckets: ['a.bucket'] }),
  );

  it.each(SERVERS)('reach %s', async (server) => {
    const endpoint = named.endpoints[server];
    const path = server === 'api' ? '/things' : '/';
    for (const host of ['devbox.example', 'devbox.example:8080', 'a.bucket.devbox.example', 'localhost']) {
      expect(await rawRequest(endpoint, { path, headers: { host } })).toMatchObject({ status: 200 });
    }
    const origin = 'http://devbox.example:8080';
    expect(
      await rawRequest(endpoint, { path, headers: { host: 'devbox.example:8080', origin } }),
    ).toMatchObject({ status: 200 });
    expect(await rawRequest(endpoint, { path, headers: { host: 'example' } })).toMatchObject({ status: 403 });
    expect(await rawRequest(endpoint, { path, headers: { origin } })).toMatchObject({ status: 403 });
  });

  it('name buckets before them', async () => {
    const host = 'a.bucket.devbox.example';
    const answer = await rawRequest(named.endpoints.aws, { headers: { host } });
    expect(answer.body).toContain('<Name>a.bucket</Name>');
    // A name with dots alone is no bucket.
    const all = await rawRequest(named.endpoints.aws, { headers: { host: 'devbox.example' } });
    expect(all.body).toContain('ListAllMyBucketsResult');
  });
});

describe('a guarded server', () => {
  it('takes CORS headers out and adds its own, however an answer is headed', async () => {
    const server = createGuardedServer(
      { guard: createGuard(), formOf: () => 'api-json' },
      (request, response) => {
        response.setHeader('Access-Control-Allow-Origin', '*');
        response.setHeader('x-set', 'before');
        if (request.url === '/object') {
          response.writeHead(201, 'Made', {
            'access-control-max-age': '1',
            'X-Own': 'yes',
            'x-set': 'after',
          });
        } else if (request.url === '/list') {
          response.writeHead(200, ['Access-Control-Allow-Methods', '*', 'X-Own', 'a', 'X-Own', 'b']);
        } else if (request.url === '/policy') {
          response.setHeader('content-security-policy', 'frame-ancestors *');
        }
        response.end('ok');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const got = (path: string) => rawRequest(`http://127.0.0.1:${port}`, { path });
    const guarded = { 'x-frame-options': 'DENY', 'cross-origin-resource-policy': 'same-origin' };
    try {
      for (const path of ['/', '/object', '/list', '/policy'])
        expect(corsHeaders(await got(path))).toEqual([]);
      expect((await got('/object')).headers).toMatchObject({ ...guarded, 'x-own': 'yes', 'x-set': 'after' });
      expect((await got('/list')).headers).toMatchObject({ ...guarded, 'x-own': 'a, b', 'x-set': 'before' });
      expect((await got('/')).headers['content-security-policy']).toMatch(/sandbox.*frame-ancestors 'none'/);
      expect((await got('/policy')).headers['content-security-policy']).toBe(
        "frame-ancestors *, frame-ancestors 'none'",
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('looks at a request only after its latency', async () => {
    const seen: string[] = [];
    const server = createGuardedServer(
      { guard: createGuard(), formOf: () => 'api-json', latencyMs: ({ url }) => (url === '/near' ? 0 : 60) },
      (request, response) => {
        seen.push(request.url ?? '');
        response.end('ok');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : undefined}`;
    try {
      const started = performance.now();
      const far = fetch(`${endpoint}/far`);
      expect((await fetch(`${endpoint}/near`)).status).toBe(200);
      expect((await far).status).toBe(200);
      // A timer may be a millisecond early.
      expect(performance.now() - started).toBeGreaterThanOrEqual(59);
      expect(seen.toSorted()).toEqual(['/far', '/near']);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

/** @returns the id of a job that stays as it is until it is told otherwise */
async function pauseJob(): Promise<string> {
  const rows = Array.from({ length: ROWS }, (_, row) => `${row}.txt,${row}\n`);
  const answer = await ask('api', {
    method: 'POST',
    path: '/jobs?spread=off',
    headers: { 'content-type': 'text/csv' },
    body: `key,text\n${rows.join('')}`,
  });
  const { job } = JSON.parse(answer.body) as { job: string };
  await cloud.until(`job ${job} runs`, async () => (await stateOf(job)) === 'running');
  await ask('api', { method: 'POST', path: `/jobs/${job}/pause` });
  await cloud.until(`job ${job} is paused`, async () => (await stateOf(job)) === 'paused');
  return job;
}

async function stateOf(job: string): Promise<string> {
  const { body } = await ask('api', { path: `/jobs/${job}` });
  return (JSON.parse(body) as { state: string }).state;
}

function corsHeaders({ headers }: RawAnswer): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control-'));
}

/** The first line of the answer to these bytes. */
async function statusLine(server: ServerName, bytes: string): Promise<string | undefined> {
  const { hostname, port } = new URL(cloud.endpoints[server]);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) {
    answer += String(chunk);
    if (answer.includes('\r\n')) break;
  }
  socket.destroy();
  return answer.split('\r\n')[0];
}
