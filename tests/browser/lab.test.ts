// The lab's page in a real browser, in light and in dark: nothing missing, nothing asked of the network.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeFiles } from '../../cli/files.ts';
import { reportFiles } from '../../lab/report.ts';
import { BROWSER_PLACES, launchBrowser } from '../helpers/browser.ts';
import { labResult } from '../helpers/lab-result.ts';

/** Contrast of text that WCAG asks for at level AA. */
const LEGIBLE = 4.5;

let folder: string;
let browser: Browser | undefined;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-lab-page-'));
  await writeFiles(folder, reportFiles(labResult(), 'npm run spillway -- lab'), 'elsewhere');
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach((context) => {
  context.skip(browser === undefined, `no browser at ${BROWSER_PLACES.join(', ')}`);
});

async function open(
  file: string,
  colorScheme: 'light' | 'dark',
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser!.newPage({ colorScheme, viewport: { width: 1000, height: 800 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(pathToFileURL(path.join(folder, file)).href);
  return { page, complaints };
}

describe.each(['light', 'dark'] as const)('the page in %s', (colorScheme) => {
  it('shows every chart and table, and has nothing to complain of', async () => {
    const { page, complaints } = await open('index.html', colorScheme);
    const charts = page.getByRole('img');
    expect(await charts.count()).toBe(7);
    for (const chart of await charts.all()) {
      expect(await chart.isVisible()).toBe(true);
      const box = await chart.boundingBox();
      expect(box?.width).toBeGreaterThan(600);
      expect(box?.height).toBeGreaterThan(200);
    }
    expect(await page.getByRole('row').count()).toBe(9);
    expect(await page.locator('html').evaluate((html) => html.scrollWidth)).toBeLessThanOrEqual(1000);
    const [tableWidth, frameWidth] = await page
      .locator('.table')
      .evaluate((frame) => [frame.scrollWidth, frame.clientWidth]);
    expect(tableWidth).toBeLessThanOrEqual(frameWidth!);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('keeps every text of a chart within it and legible on its ground', async () => {
    const { page } = await open('index.html', colorScheme);
    const texts = await page.locator('svg').evaluateAll((charts) =>
      charts.flatMap((svg) => {
        const { getComputedStyle } = svg.ownerDocument.defaultView!;
        const frame = svg.getBoundingClientRect();
        const ground = getComputedStyle(svg.querySelector('rect')!).fill;
        return [...svg.querySelectorAll('text')].map((text) => {
          const { left, right, bottom } = text.getBoundingClientRect();
          return {
            text: String(text.textContent),
            ink: getComputedStyle(text).fill,
            ground,
            isInside: left >= frame.left && right <= frame.right && bottom <= frame.bottom,
          };
        });
      }),
    );
    const faults = texts.filter(({ ink, ground, isInside }) => !isInside || contrast(ink, ground) < LEGIBLE);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('has charts that stand alone as files', async () => {
    const { page, complaints } = await open('requests.svg', colorScheme);
    const ground = await page
      .locator('rect')
      .first()
      .evaluate((rect) => rect.ownerDocument.defaultView!.getComputedStyle(rect).fill);
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(21, 25, 31)' : 'rgb(255, 255, 254)');
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** WCAG's contrast ratio of two colours given as rgb(). */
function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted(
    (left, right) => left - right,
  );
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
