// The HTTP API: payload format 2.0 in, response inference out.
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { startFixtureCloud } from '../helpers/fixture-cloud.ts';

describe('the HTTP API', () => {
  let api: string;
  const cloud = duringTests(startFixtureCloud);
  beforeAll(async () => {
    api = cloud.endpoints.api;
  });

  it('hands the function an event of payload format 2.0', async () => {
    const response = await fetch(`${api}/things?colour=blue&colour=red&empty=`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Own': 'Yes', Cookie: 'a=1; b=2' },
      body: '{"name":"thing"}',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      version: '2.0',
      routeKey: 'POST /things',
      rawPath: '/things',
      rawQueryString: 'colour=blue&colour=red&empty=',
      cookies: ['a=1', 'b=2'],
      headers: { 'content-type': 'application/json', 'x-own': 'Yes' },
      queryStringParameters: { colour: 'blue,red', empty: '' },
      requestContext: {
        http: { method: 'POST', path: '/things', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
        routeKey: 'POST /things',
        stage: '$default',
        timeEpoch: expect.any(Number),
        time: expect.stringMatching(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      },
      body: '{"name":"thing"}',
      isBase64Encoded: false,
    });
  });

  it('leaves out what a request does not have', async () => {
    const event = (await (await fetch(`${api}/things`)).json()) as object;
    for (const absent of ['queryStringParameters', 'pathParameters', 'body', 'cookies']) {
      expect(event).not.toHaveProperty(absent);
    }
  });

  it('decodes path parameters and names the caller where IAM is asked for', async () => {
    const event = await (await fetch(`${api}/things/a%2Fb%20c`)).json();
    expect(event).toMatchObject({
      routeKey: 'GET /things/{id}',
      pathParameters: { id: 'a/b c' },
      requestContext: { authorizer: { iam: { accountId: '000000000000' } } },
    });
  });

  it('takes greedy parameters and any method', async () => {
    const event = await (await fetch(`${api}/files/one/two`, { method: 'PUT' })).json();
    expect(event).toMatchObject({ routeKey: 'ANY /files/{path+}', pathParameters: { path: 'one/two' } });
  });

  it('passes bytes in base64', async () => {
    const event = await (
      await fetch(`${api}/things`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array([0, 255]),
      })
    ).json();
    expect(event).toMatchObject({ body: 'AP8=', isBase64Encoded: true });
  });

  it('sends the response that the function describes', async () => {
    const response = await fetch(`${api}/things?as=response`);
    expect(response.status).toBe(201);
    expect(response.headers.get('x-thing')).toBe('made');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('made it');
  });

  it('decodes a body in base64 and takes a bare string as it is', async () => {
    const bytes = await (await fetch(`${api}/things?as=bytes`)).arrayBuffer();
    expect([...new Uint8Array(bytes)]).toEqual([0, 255, 1]);
    expect(await (await fetch(`${api}/things?as=text`)).text()).toBe('plain');
  });

  it.each(['error', 'nonsense', 'never'])('answers 500 where the function ends with %s', async (as) => {
    const response = await fetch(`${api}/things?as=${as}`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: 'Internal Server Error' });
  });

  it.each([
    ['GET', '/nothing'],
    ['DELETE', '/things'],
    ['GET', '/things/'],
  ])('answers 404 to %s %s', async (method, path) => {
    const response = await fetch(api + path, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ message: 'Not Found' });
  });

  it('refuses a body above 10 MB, and hands on none that Lambda would not take', async () => {
    const post = (size: number) => fetch(`${api}/things`, { method: 'POST', body: 'x'.repeat(size) });
    expect((await post(10 * 1024 * 1024 + 1)).status).toBe(413);
    expect((await post(7 * 1024 * 1024)).status).toBe(413);
  });

  it('shares its port with pages, which routes go before', async () => {
    cloud.serve('/page', (_, response) => void response.end('page'));
    cloud.serve('/assets/*', (request, response) => void response.end(request.url));
    cloud.serve('/things', (_, response) => void response.end('hidden'));
    expect(await (await fetch(`${api}/page`)).text()).toBe('page');
    expect(await (await fetch(`${api}/assets/a.js`)).text()).toBe('/assets/a.js');
    expect(await (await fetch(`${api}/things`)).text()).not.toBe('hidden');
    expect((await fetch(`${api}/page`, { method: 'POST' })).status).toBe(404);
  });
});
