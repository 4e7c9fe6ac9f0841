// The page of the embedded cloud, at the widths of a desk and of a phone: what it shows is within its place.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BROWSER_PLACES, launchBrowser } from '../helpers/browser.ts';

const HTML = readFileSync(new URL('../../local/page/page.html', import.meta.url), 'utf8');
const ORIGIN = 'http://spillway.test';

const JOBS = [
  {
    ...{ job: '16aeaafccde93ec0c23b', state: 'running', rows: 1502, stored: undefined },
    ...{ manifest: 's3://inbox/a/long/folder/of/manifests/2026-11-27-export-of-everything.csv' },
    progress: { done: 700, failed: 1, cancelled: 0, rejected: 2 },
  },
  {
    ...{ job: '6b5d648fd1afd779f796', state: 'completed', rows: 9, stored: 8, skipped: 0, failed: 1 },
    ...{
      cancelled: 0,
      rejected: 0,
      manifest: 's3://inbox/b.csv',
      report: 's3://reports/jobs/x/manifest.json',
    },
  },
];
const STATE = {
  nowMs: 1_000_000,
  s3: 'http://127.0.0.1:4566',
  names: { inbox: 'spillway-dev-inbox-000000000000-us-east-1' },
  metrics: [
    'Objects stored',
    'SlowDown answers',
    'Refused, given back by visibility',
    'Refused, delayed',
    'Untried, given back',
    'Untried, delayed',
  ].map((title) => ({ title, value: 1234 })),
  limits: { limitPerSecond: 3500, partitions: 1 },
  writesBySecond: [{ second: 990, accepted: 40, throttled: 9 }],
  queues: { ingestQueue: { visible: 1, inFlight: 2, delayed: 3 } },
};

/** Run in the page. */
const CUT_OFF = `[...document.querySelectorAll('html, .scroll, section, pre')]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ tagName, className }) => tagName + ' ' + className)`;
const TIME_LABELS = `[...document.querySelectorAll('#chart text')].filter(({ textContent }) => /ago|now/.test(textContent))
  .map((text) => text.getBoundingClientRect()).map(({ left, right }) => ({ left, right }))`;
const TILES_IN_ROWS = `Object.values(Object.groupBy(document.querySelectorAll('.tile'), (tile) => tile.getBoundingClientRect().top))
  .map((row) => row.length)`;

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach((context) => {
  context.skip(browser === undefined, `no browser at ${BROWSER_PLACES.join(', ')}`);
});

async function open(width: number): Promise<Page> {
  const page = await browser!.newPage({ viewport: { width, height: 900 } });
  await page.route(`${ORIGIN}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: HTML });
    const one = JOBS.find(({ job }) => pathname === `/jobs/${job}`);
    return route.fulfill({ json: pathname === '/page/state' ? STATE : (one ?? { jobs: JOBS }) });
  });
  await page.goto(`${ORIGIN}/`);
  await page.locator('#jobs tr').nth(1).waitFor();
  return page;
}

describe.each([400, 760, 1280])('at %i pixels', (width) => {
  let page: Page;
  beforeEach(async () => {
    page = await open(width);
  });

  it('nothing is cut off, and no label of the chart lies on another', async () => {
    expect(await page.evaluate(CUT_OFF)).toEqual([]);
    const labels: { left: number; right: number }[] = await page.evaluate(TIME_LABELS);
    expect(labels.length).toBeGreaterThan(2);
    expect(labels.filter(({ left }, index) => left < (labels[index - 1]?.right ?? 0))).toEqual([]);
  });

  it('each count of a job has its name in sight, and the rows of tiles are full', async () => {
    const names = width <= 760 ? '#jobs tr:first-child td[data-name]' : '.jobs thead th';
    expect(await page.locator(names).count()).toBeGreaterThanOrEqual(5);
    expect(await page.locator(names).last().isVisible()).toBe(true);
    const inRows: number[] = await page.evaluate(TILES_IN_ROWS);
    expect(new Set(inRows).size, `tiles in rows of ${inRows.join(', ')}`).toBe(1);
  });
});
