// The browser of the browser tests: Chromium as the system has it. Without one they are skipped.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

export const BROWSER_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Undefined where no browser is installed. */
export async function launchBrowser(args: string[] = []): Promise<Browser | undefined> {
  const executablePath = BROWSER_PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) return undefined;
  // Root has no sandbox in most containers; the pages are our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}
