// Who may call the API, and how often: what API Gateway answers before any function runs, beside what the function answers.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import type { AuthorizerModel } from '../../local/service/model.ts';
import { createSigner } from '../../shared/aws/signature.ts';
import { startIssuer, tokenOf } from '../helpers/tokens.ts';

const LOCAL = { accessKeyId: 'local', secretAccessKey: 'local' };
const SCOPE = { region: 'us-east-1', service: 'execute-api' };

/** An answer of API Gateway's own: no problem details, and no hint when to come again. */
async function ofGateway(response: Response, status: number, message: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('retry-after')).toBeNull();
  expect(await response.json()).toEqual({ message });
}

/** An answer of the function: problem details of RFC 9457. */
async function ofFunction(response: Response, status: number): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as { faults: unknown };
  expect(problem).toMatchObject({ type: 'about:blank', status, detail: expect.any(String) });
  expect(problem.faults).toEqual([expect.objectContaining({ place: expect.any(String) })]);
}

describe('the API under IAM', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud({ iamCallers: 'signed' });
  });
  afterAll(() => cloud?.stop());

  function signed(
    path: string,
    { credentials = LOCAL, scope = SCOPE, at = new Date(), method = 'GET', body = '' } = {},
  ): RequestInit & { headers: Record<string, string> } {
    const [rawPath = '', query = ''] = path.split('?');
    const { host } = new URL(cloud.endpoints.api);
    const request = { method, path: rawPath, query, headers: { host }, body: Buffer.from(body) };
    const { host: _, ...headers } = createSigner(scope).sign(request, credentials, at);
    return { method, headers, ...(body === '' ? {} : { body }) };
  }
  const call = (path: string, init?: RequestInit) => fetch(cloud.endpoints.api + path, init);

  it('takes a signed request, and its function answers what is wrong with it', async () => {
    expect((await call('/jobs?limit=1', signed('/jobs?limit=1'))).status).toBe(200);
    await ofFunction(await call('/jobs?limit=x', signed('/jobs?limit=x')), 400);
    await ofFunction(await call('/jobs/none', signed('/jobs/none')), 404);
    const plan = signed('/plans', { method: 'POST', body: 'key,text\na,b\n' });
    plan.headers['content-type'] = 'text/csv';
    expect((await call('/plans', plan)).status).toBe(200);
  });

  it('takes what curl signs', async (test) => {
    const [program, ...how] = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}'];
    if (spawnSync(program, ['--version']).status !== 0) return test.skip('curl is not installed');
    const signing = ['--aws-sigv4', 'aws:amz:us-east-1:execute-api', '--user', 'local:local'];
    for (const [path, status] of Object.entries({
      '/jobs?cursor=x&limit=5': '400',
      '/jobs?limit=5': '200',
    })) {
      const { stdout } = await promisify(execFile)(program, [...how, ...signing, cloud.endpoints.api + path]);
      expect([path, stdout]).toEqual([path, status]);
    }
  });

  it('refuses an unsigned request', async () => {
    await ofGateway(await call('/jobs'), 403, 'Forbidden');
    await ofGateway(await call('/jobs', { headers: { authorization: 'Bearer x' } }), 403, 'Forbidden');
  });

  it('names a path that it does not have before it asks who calls', async () => {
    await ofGateway(await call('/nothing'), 404, 'Not Found');
  });

  const MINUTE_MS = 60_000;
  it.each([
    ['an unknown key', () => signed('/jobs', { credentials: { ...LOCAL, accessKeyId: 'other' } })],
    ['a wrong secret', () => signed('/jobs', { credentials: { ...LOCAL, secretAccessKey: 'other' } })],
    ['another region', () => signed('/jobs', { scope: { ...SCOPE, region: 'eu-west-1' } })],
    ['another service', () => signed('/jobs', { scope: { ...SCOPE, service: 's3' } })],
    ['an old time', () => signed('/jobs', { at: new Date(Date.now() - 6 * MINUTE_MS) })],
    ['a time to come', () => signed('/jobs', { at: new Date(Date.now() + 6 * MINUTE_MS) })],
    ['another path', () => signed('/deadletters')],
    ['another query', () => signed('/jobs?limit=1')],
  ])('refuses a signature of %s', async (_, of) => {
    await ofGateway(await call('/jobs', of()), 403, 'Forbidden');
  });

  it('refuses another body than the signed one', async () => {
    const { headers } = signed('/plans', { method: 'POST', body: 'key,text\na,b\n' });
    await ofGateway(
      await call('/plans', { method: 'POST', headers, body: 'key,text\nc,d\n' }),
      403,
      'Forbidden',
    );
  });
});

describe('the API under tokens', () => {
  let cloud: Cloud;
  let issuer: Awaited<ReturnType<typeof startIssuer>>;
  beforeAll(async () => {
    issuer = await startIssuer();
    const params = { jwtIssuer: 'https://issuer.example.com', jwtAudience: 'spillway' };
    cloud = await startCloud({
      params: { ...params, jwtScopes: 'spillway/write,spillway/admin' },
      // The parameter takes https alone.
      adjust({ functions }) {
        for (const route of functions['api']?.routes ?? []) {
          expect(route.authorizer).toEqual({
            ...{ kind: 'jwt', issuer: params.jwtIssuer, audiences: ['spillway'] },
            scopes: ['spillway/write', 'spillway/admin'],
          });
          route.authorizer = { ...route.authorizer, issuer: issuer.issuer } as AuthorizerModel;
        }
      },
    });
  });
  afterAll(async () => {
    await cloud?.stop();
    await issuer?.stop();
  });

  const claims = () => ({
    ...{ iss: issuer.issuer, aud: 'spillway', sub: 'ada', scope: 'openid spillway/write' },
    exp: Math.floor(Date.now() / 1000) + 3600,
  });
  const call = (path: string, token?: string) =>
    fetch(
      cloud.endpoints.api + path,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    );

  it('takes a good token, and its function answers what is wrong with the request', async () => {
    expect((await call('/jobs', tokenOf(claims()))).status).toBe(200);
    await ofFunction(await call('/jobs/none', tokenOf(claims())), 404);
  });

  it.each([
    ['no token', () => undefined, /^Bearer$/],
    ['what is no token', () => 'abc', /invalid_token/],
    ['an expired one', () => tokenOf({ ...claims(), exp: 1 }), /has expired/],
    ['one for others', () => tokenOf({ ...claims(), aud: 'others' }), /valid audience/],
    ['one of another issuer', () => tokenOf({ ...claims(), iss: 'https://other.example.com' }), /issuer/],
    ['one of another key', () => tokenOf(claims(), { kid: 'two' }), /no key of this id/],
    ['one that is not signed', () => tokenOf(claims(), { alg: 'none' }), /signing method/],
  ])('refuses %s with 401', async (_, of, challenge) => {
    const response = await call('/jobs', of());
    expect(response.headers.get('www-authenticate')).toMatch(challenge);
    await ofGateway(response, 401, 'Unauthorized');
  });

  it('refuses a token without one of the scopes with 403', async () => {
    const response = await call('/jobs', tokenOf({ ...claims(), scope: 'openid' }));
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer scope="spillway\/write spillway\/admin"/,
    );
    await ofGateway(response, 403, 'Forbidden');
  });
});

describe('the API above its rate', () => {
  let cloud: Cloud;
  beforeAll(async () => {
    // So slow that no time of a test adds a request.
    cloud = await startCloud({
      adjust(service) {
        service.throttling = { ratePerSecond: 1e-6, burst: 2 };
      },
    });
  });
  afterAll(() => cloud?.stop());

  it('answers what is within its burst, and refuses the rest with 429', async () => {
    const statuses = [];
    for (let sent = 0; sent < 2; sent++) statuses.push((await fetch(`${cloud.endpoints.api}/jobs`)).status);
    expect(statuses).toEqual([200, 200]);
    await ofGateway(await fetch(`${cloud.endpoints.api}/jobs`), 429, 'Too Many Requests');
  });
});
