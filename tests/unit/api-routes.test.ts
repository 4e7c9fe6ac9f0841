// The table of routes: each has its handler, a sample of a request, and its place in the client of the commands.
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createApiClient } from '../../cli/api/client.ts';
import { ROUTES } from '../../functions/api/routes.ts';
import { createFakeApi, sample } from '../helpers/fake-api.ts';
import { JOB_ID } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const keyOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;
const samples = readdirSync(new URL('../../events/', import.meta.url))
  .filter((file) => file.startsWith('api-'))
  .map((file) => sample(file.replace(/\.json$/, '')));

it.each(Object.values(ROUTES).map((route) => [keyOf(route), route] as const))(
  '%s has a handler, and a sample in events/ that meets it',
  async (key) => {
    const events = samples.filter(({ routeKey }) => routeKey === key);
    expect(events).not.toEqual([]);
    const { call } = createFakeApi();
    for (const event of events) {
      const { statusCode, json } = await call(event);
      expect(json['message'] ?? '').not.toMatch(/there is no route/);
      expect(statusCode).toBeLessThan(500);
    }
  },
);

it('the client asks every route but those that take manifests, which are dropped, and that link reports, which are read', async () => {
  const asked: string[] = [];
  const client = createApiClient(
    {
      clock: createVirtualClock(),
      env: {},
      credentials: () => Promise.reject(new Error('no request is signed here')),
      fetch: async (url, init) => {
        const path = new URL(String(url)).pathname.replace(JOB_ID, '{id}');
        asked.push(`${init?.method} ${path}`);
        return new Response(JSON.stringify({ job: JOB_ID, state: 'running', jobs: [], letters: [] }));
      },
    },
    'http://127.0.0.1:4580',
  );
  await client.jobs(1);
  await client.job(JOB_ID);
  for (const order of ['pause', 'resume', 'cancel', 'redrive'] as const) await client.order(JOB_ID, order);
  await client.setRate(JOB_ID, { objects: 10 });
  await client.deadLetters(1);

  const { submitJob: _, createUpload: __, planJob: ___, getReport: ____, ...others } = ROUTES;
  expect(asked.sort()).toEqual(Object.values(others).map(keyOf).sort());
});

it('a request is refused with every fault of its query at once', async () => {
  const { call } = createFakeApi();
  const event = { ...sample('api-get-jobs'), queryStringParameters: { limit: '101', cursor: 'é' } };
  expect(await call(event)).toMatchObject({
    statusCode: 400,
    json: {
      message: expect.stringMatching(/^limit takes 1 to 100; the cursor is not one that this API gave/),
    },
  });
});
