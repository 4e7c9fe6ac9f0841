// The lab as a user runs it, small: who loses objects and who does not, what is told, what is written. No timings.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabResult } from '../../lab/lab.ts';
import { STRATEGY_NAMES } from '../../lab/strategies/strategy.ts';
import { runSpillway, startSpillway } from '../helpers/spillway.ts';

/** A machine that needs up to two seconds for the naive uploads still sees half of them refused. */
const OBJECTS = 240;
const LIMIT = 60;
const RUN_MS = 240_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spillway-lab-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the lab', () => {
  let result: LabResult & { files: string[] };

  beforeAll(async () => {
    const { code, stdout, stderr } = await runSpillway(
      ['lab', '--objects', String(OBJECTS), '--limit', String(LIMIT), '--out', 'charts', '--json'],
      { cwd: folder },
    );
    expect(stderr).toContain('SlowDown: Please reduce your request rate.');
    expect(code).toBe(0);
    result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof result;
  }, RUN_MS);

  it('runs the eight strategies on the same objects and limit', () => {
    expect(result).toMatchObject({ limitPerSecond: LIMIT, objects: OBJECTS });
    expect(result.strategies.map(({ name }) => name)).toEqual(STRATEGY_NAMES);
    for (const { stored, lost, attempts, throttled, seconds, efficiency } of result.strategies) {
      expect(stored + lost).toBe(OBJECTS);
      expect(attempts - throttled).toBe(stored);
      expect(seconds).toBeGreaterThan(0);
      expect(efficiency).toBeGreaterThan(0);
    }
  });

  it('shows one file plainly, and then what S3 refuses', () => {
    const { plain, burst } = result.lesson;
    expect(plain).toMatchObject({ status: 200, readBackBytes: result.objectBytes });
    expect(burst.stored + burst.refused).toBe(burst.sent);
    expect(burst.error).toMatchObject({ name: 'SlowDown', status: 503 });
  });

  it('loses objects where nothing is tried again, and none with the engine', () => {
    expect(resultOf('naive')).toMatchObject({ attempts: OBJECTS });
    expect(resultOf('naive').lost).toBeGreaterThan(0);
    expect(resultOf('naive').lostTo).toEqual({ SlowDown: resultOf('naive').lost });
    expect(resultOf('spillway')).toMatchObject({ lost: 0, partitionsMet: 1 });
    expect(resultOf('spillway-spread')).toMatchObject({ lost: 0, partitionsMet: result.partitions });
  });

  it('counts every request in its second', () => {
    for (const { perSecond, attempts } of result.strategies) {
      expect(perSecond.reduce((sum, { accepted, refused }) => sum + accepted + refused, 0)).toBe(attempts);
    }
  });

  it('writes charts, page and table, each whole in itself', () => {
    const names = readdirSync(path.join(folder, 'charts')).toSorted();
    expect(names).toEqual(
      [
        ...['requests', 'stored', 'attempts', 'time', 'jitter-requests', 'jitter-time', 'splits'].map(
          (chart) => `${chart}.svg`,
        ),
        'index.html',
        'results.md',
      ].toSorted(),
    );
    expect(result.files.map((file) => path.basename(file)).toSorted()).toEqual(names);
    for (const name of names.filter((each) => each.endsWith('.svg'))) {
      const svg = readFileSync(path.join(folder, 'charts', name), 'utf8');
      expect(openTags(svg), name).toEqual([]);
      expect(svg).toContain('prefers-color-scheme: dark');
    }
    const page = readFileSync(path.join(folder, 'charts', 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script|<link[^>]+href="(?!data:)|src=|url\((?!#)|@import/);
    expect(page.match(/<svg /g)).toHaveLength(7);
    for (const name of STRATEGY_NAMES) expect(page).toContain(name);
  });

  function resultOf(name: string) {
    return result.strategies.find((each) => each.name === name)!;
  }
});

describe('the command', () => {
  it.each([
    ['--limit', '0', 'above 0'],
    ['--objects', '1.5', 'whole number'],
  ])('refuses %s %s', async (option, value, reason) => {
    const { code, stderr } = await runSpillway(['lab', option, value], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });

  it('ends on Ctrl-C, and says so', async () => {
    const run = startSpillway(['lab', '--out', 'none'], { cwd: folder });
    await run.until('eight strategies');
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted');
    expect(readdirSync(folder)).not.toContain('none');
  });
});

/** Tags that were opened and not closed in order: none in a well-formed document. */
function openTags(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name = '', rest = ''] of xml.matchAll(/<(\/?)([a-zA-Z]+)((?:"[^"]*"|[^">])*)>/g)) {
    if (closing === '/') {
      if (open.pop() !== name) return [`</${name}>`];
    } else if (!rest.endsWith('/')) open.push(name);
  }
  return open;
}
