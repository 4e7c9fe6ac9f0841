// Pages of other origins in a real browser, against the embedded cloud: they read nothing and change nothing. The cloud's own
// page works, and its report links open.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { servePage } from '../../local/page/page.ts';
import { BROWSER_PLACES, launchBrowser } from '../helpers/browser.ts';
import { type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const FOREIGN_NAME = 'evil.example';
/** The cloud is allowed to answer to it. By plain HTTP browsers send no Sec-Fetch-* to such a name. */
const OWN_NAME = 'devbox.example';
/** Chromium has defences of its own against pages that call loopback; here the guard stands alone. */
const ARGS = [
  `--host-resolver-rules=MAP ${FOREIGN_NAME} 127.0.0.1, MAP ${OWN_NAME} 127.0.0.1`,
  '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
];
/** So slow that the job is paused before it ends. */
const LIMIT_PER_SECOND = 2;
const ROWS = 1_000;
const WAIT_MS = 240_000;
/** What Chromium shows in a frame whose document forbids it. */
const BLOCKED_FRAME = 'chrome-error://chromewebdata/';
const FOREIGN_PAGE = readFileSync(new URL('./foreign-page.html', import.meta.url));
const SCRIPT = 'globalThis.stolen = true; document.title = "it ran";';

let cloud: PipelineCloud;
let foreign: Server;
let browser: Browser | undefined;
let endedJob: string;
let pausedJob: string;

beforeAll(async () => {
  browser = await launchBrowser(ARGS);
  if (browser === undefined) return;
  foreign = createServer(({ url }, response) => {
    const isSandboxed = url === '/sandboxed';
    response.writeHead(200, {
      'content-type': 'text/html',
      ...(isSandboxed ? { 'content-security-policy': SANDBOX } : {}),
    });
    response.end(FOREIGN_PAGE);
  });
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  cloud = await startPipelineCloud({ limit: { limitPerSecond: LIMIT_PER_SECOND }, allowedHosts: [OWN_NAME] });
  servePage(cloud);
  endedJob = (await cloud.ended(await cloud.drop('one.csv', 'key,text\none.txt,one\n'))).job;
  pausedJob = await pauseJob();
  await cloud.put(cloud.names.reports, 'kept.txt', 'kept');
  for (const [Key, ContentType, Body] of [
    ['script.js', 'text/javascript', SCRIPT],
    ['image.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
    ['page.html', 'text/html', `<title>an object</title><h1>An object</h1><script>${SCRIPT}</script>`],
    ['data.gz', 'application/gzip', 'not text'],
  ] as const) {
    await cloud.s3.send(new PutObjectCommand({ Bucket: cloud.names.reports, Key, ContentType, Body }));
  }
});

afterAll(async () => {
  await browser?.close();
  foreign?.close();
  await cloud?.stop();
});

beforeEach((context) => {
  context.skip(browser === undefined, `no browser at ${BROWSER_PLACES.join(', ')}`);
});

/** Where the foreign page stands. */
const PLACES = {
  'another site': () => `http://${FOREIGN_NAME}:${portOf(foreign)}/`,
  'another local port': () => `http://127.0.0.1:${portOf(foreign)}/`,
  'another local name': () => `http://sub.localhost:${portOf(foreign)}/`,
  'no origin (sandboxed)': () => `http://127.0.0.1:${portOf(foreign)}/sandboxed`,
};
/** All that a sandbox leaves a page, but its origin. */
const SANDBOX = 'sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox';

describe.each(Object.entries(PLACES))('a page of %s', (_where, address) => {
  let page: Page;
  beforeAll(async () => {
    if (browser === undefined) return;
    page = await browser.newPage();
    await page.goto(address());
  });
  afterAll(() => page?.close());

  it('reads nothing', async () => {
    const { api, aws, dynamodb } = cloud.endpoints;
    const urls = [`${api}/jobs`, `${api}/page/state`, `${api}/`, `${aws}/`, `${dynamodb}/`];
    const report = `${aws}/${cloud.names.reports}/kept.txt`;
    for (const url of [...urls, report]) {
      expect(await run(page, 'ask', url), url).toBe('TypeError');
      expect(await run(page, 'ask', url.replace('127.0.0.1', 'localhost')), url).toBe('TypeError');
    }
    expect(await run(page, 'ask', dynamodb, ledgerCall('Scan'))).toBe('TypeError');
    expect((await cloud.meter()).dynamodb.operations).not.toHaveProperty('Scan');
  });

  it.each(['127.0.0.1', OWN_NAME])('embeds nothing of %s: no image, script, style or frame', async (name) => {
    const [api, aws] = [cloud.endpoints.api, cloud.endpoints.aws].map((each) =>
      each.replace('127.0.0.1', name),
    );
    const objects = `${aws}/${cloud.names.reports}`;
    const embed = (...about: [element: string, attribute: string, url: string]) =>
      run(page, 'embed', ...about);
    expect(await embed('img', 'src', `${objects}/image.svg`)).toBe('refused');
    expect(await embed('script', 'src', `${objects}/script.js`)).toBe('refused');
    expect(await embed('link', 'href', `${objects}/kept.txt`)).toBe('refused');
    expect(await page.evaluate('globalThis.stolen')).toBeUndefined();
    for (const url of [`${api}/`, `${objects}/page.html`]) {
      await embed('iframe', 'src', url);
      const frame = page.frames().at(-1);
      expect(frame?.parentFrame()).toBe(page.mainFrame());
      await expect.poll(() => frame?.url(), { timeout: WAIT_MS }).toBe(BLOCKED_FRAME);
    }
  });

  it.each(['127.0.0.1', OWN_NAME])('cancels no job at %s', async (name) => {
    const url = `${cloud.endpoints.api.replace('127.0.0.1', name)}/jobs/${pausedJob}/cancel`;
    expect(await run(page, 'ask', url, { method: 'POST' })).toBe('TypeError');
    expect(await run(page, 'ask', url, { method: 'POST', mode: 'no-cors' })).toBe('TypeError');
    await run(page, 'submitForm', url, 'text/plain', {});
    await run(page, 'submitForm', url, 'application/x-www-form-urlencoded', {});
    expect(await stateOf(pausedJob)).toBe('paused');
  });

  it('submits no job', async () => {
    const jobs = await jobsOf();
    const url = `${cloud.endpoints.api}/jobs`;
    const body = 'key,text\nevil.txt,evil\n';
    expect(await run(page, 'ask', url, { method: 'POST', mode: 'no-cors', body })).toBe('TypeError');
    await run(page, 'submitForm', url, 'text/plain', { 'key,text\nevil.txt,': 'evil' });
    expect(await jobsOf()).toEqual(jobs);
  });

  it('writes and deletes no object', async () => {
    const { inbox, reports } = cloud.names;
    const keys = { inbox: await cloud.keys(inbox), reports: await cloud.keys(reports) };
    const { aws } = cloud.endpoints;
    const form = { key: 'form.csv', file: 'key,text\nevil.txt,evil\n' };
    await run(page, 'submitForm', `${aws}/${inbox}`, 'multipart/form-data', form);
    await run(
      page,
      'submitForm',
      `http://${inbox}.localhost:${new URL(aws).port}/`,
      'multipart/form-data',
      form,
    );
    const remove = '<Delete><Object><Key>kept.txt</Key></Object></Delete>';
    const asText = { method: 'POST', mode: 'no-cors', body: remove } as const;
    expect(await run(page, 'ask', `${aws}/${reports}?delete`, asText)).toBe('TypeError');
    expect(await run(page, 'ask', `${aws}/${inbox}/put.csv`, { method: 'PUT', body: 'x' })).toBe('TypeError');
    expect(await run(page, 'ask', `${aws}/${reports}/kept.txt`, { method: 'DELETE' })).toBe('TypeError');
    expect({ inbox: await cloud.keys(inbox), reports: await cloud.keys(reports) }).toEqual(keys);
    expect((await cloud.meter()).s3.operations).not.toHaveProperty('PostObject');
  });

  it('sends no message, and deletes no table', async () => {
    const { aws, dynamodb } = cloud.endpoints;
    const QueueUrl = Object.values(cloud.names.queues)[0];
    const send = (contentType: string) => ({
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonSQS.SendMessage', 'content-type': contentType },
      body: JSON.stringify({ QueueUrl, MessageBody: 'evil' }),
    });
    expect(await run(page, 'ask', aws, send('application/x-amz-json-1.0'))).toBe('TypeError');
    await run(page, 'submitForm', `${aws}/`, 'application/x-www-form-urlencoded', { Action: 'SendMessage' });
    expect(await run(page, 'ask', dynamodb, ledgerCall('DeleteTable'))).toBe('TypeError');
    const { dynamodb: counted } = await cloud.meter();
    expect(counted.operations).not.toHaveProperty('DeleteTable');
    expect((await cloud.meter()).sqs.actions).not.toHaveProperty('-');
  });

  it('opens no WebSocket', async () => {
    for (const endpoint of Object.values(cloud.endpoints)) {
      expect(await run(page, 'openSocket', endpoint.replace('http:', 'ws:'))).toBe('refused');
    }
  });

  it('opens the page of the cloud by a link, and can not look into it', async () => {
    const opened = browser?.contexts().at(-1)?.waitForEvent('page');
    await run(page, 'openPage', cloud.endpoints.api);
    const cloudPage = await opened;
    await cloudPage?.getByText(endedJob).waitFor();
    expect(await run(page, 'look')).toBe('SecurityError');
    await cloudPage?.close();
  });
});

describe('a foreign name of this machine (DNS rebinding)', () => {
  it('reaches none of the servers', async () => {
    const page = await browser!.newPage();
    for (const endpoint of Object.values(cloud.endpoints)) {
      const answer = await page.goto(`${endpoint.replace('127.0.0.1', FOREIGN_NAME)}/`);
      expect(answer?.status()).toBe(403);
      expect(await page.content()).toContain(`--allow-host ${FOREIGN_NAME}`);
    }
    await page.close();
  });
});

describe('an object opened in the browser', () => {
  it('is shown, but runs no script', async () => {
    const page = await browser!.newPage();
    await page.goto(`${cloud.endpoints.aws}/${cloud.names.reports}/page.html`);
    await page.getByRole('heading', { name: 'An object' }).waitFor();
    expect(await page.title()).toBe('an object');
    await page.close();
  });

  it('is downloaded where it is no document', async () => {
    const page = await browser!.newPage();
    const download = page.waitForEvent('download');
    // Chromium ends a navigation that turns into a download with an error.
    await page.goto(`${cloud.endpoints.aws}/${cloud.names.reports}/data.gz`).catch(() => undefined);
    expect((await download).suggestedFilename()).toBe('data.gz');
    await page.close();
  });
});

describe("the cloud's own page", () => {
  it.each(['127.0.0.1', 'localhost', OWN_NAME])('works at %s, and its report link opens', async (name) => {
    const page = await browser!.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText;
      // The page asks for its jobs every second. The request that is under way when the link is followed ends so.
      if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${reason}`);
    });
    await page.goto(`${cloud.endpoints.api.replace('127.0.0.1', name)}/`);
    const row = page.getByRole('row').filter({ hasText: endedJob });
    await row.getByText('completed').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('');
    await row.getByRole('link', { name: 'manifest.json' }).click();
    await page.waitForURL(`${cloud.endpoints.aws}/**`);
    const report = JSON.parse(await page.locator('body').innerText()) as { state: string; job: string };
    expect(report).toMatchObject({ job: endedJob, state: 'completed' });
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** Runs one of the foreign page's functions in it. */
function run(page: Page, name: string, ...given: unknown[]): Promise<unknown> {
  return page.evaluate(
    ([name, given]) =>
      (globalThis as unknown as Record<string, (...given: unknown[]) => unknown>)[name]?.(...given),
    [name, given] as const,
  );
}

function ledgerCall(operation: string): object {
  return {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f',
      'x-amz-date': '20261126T000000Z',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'content-type': 'application/x-amz-json-1.0',
    },
    body: JSON.stringify({ TableName: cloud.names.table }),
  };
}

/** @returns the id of a job that stays as it is until it is told otherwise */
async function pauseJob(): Promise<string> {
  const rows = Array.from({ length: ROWS }, (_, row) => `${row}.txt,${row}\n`);
  const { api } = cloud.endpoints;
  const headers = { 'content-type': 'text/csv' };
  const body = `key,text\n${rows.join('')}`;
  const answer = await fetch(`${api}/jobs?spread=off`, { method: 'POST', headers, body });
  const { job } = (await answer.json()) as { job: string };
  await cloud.until(`job ${job} runs`, async () => (await stateOf(job)) === 'running');
  await fetch(`${api}/jobs/${job}/pause`, { method: 'POST' });
  await cloud.until(`job ${job} is paused`, async () => (await stateOf(job)) === 'paused');
  return job;
}

async function stateOf(job: string): Promise<string> {
  return ((await (await fetch(`${cloud.endpoints.api}/jobs/${job}`)).json()) as { state: string }).state;
}

async function jobsOf(): Promise<string[]> {
  const answer = await fetch(`${cloud.endpoints.api}/jobs?limit=100`);
  const { jobs } = (await answer.json()) as { jobs: { job: string }[] };
  return jobs.map(({ job }) => job);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
