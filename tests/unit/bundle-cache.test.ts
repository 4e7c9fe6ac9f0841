// The cache of the functions' bundles: later starts run what is kept, until anything that made it has changed.
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createBundleCache } from '../../local/service/bundle-cache.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The inputs were written before this, for a clock as coarse as any file system's. */
const later = () => Date.now() + 60_000;

let root: string;
let folder: string;
let bundles: string;

beforeEach(async () => {
  root = await folderOfTest();
  folder = path.join(root, 'cache');
  bundles = path.join(root, 'made');
  await mkdir(bundles);
  await writeFile(path.join(bundles, 'upload.mjs'), 'export const made = 1;');
  await writeFile(path.join(root, 'a.ts'), 'a');
  await writeFile(path.join(root, 'b.ts'), 'b');
});

const inputs = ['a.ts', 'b.ts', 'missing.json'];
const cacheOf = (settings: unknown = { minify: true }) => createBundleCache(folder, root, settings);

describe('bundles that are kept', () => {
  it('are a copy, which every start with the same settings and inputs finds', async () => {
    expect(await cacheOf().find()).toBeUndefined();
    const kept = await cacheOf().keep(bundles, inputs, later());
    await rm(bundles, { recursive: true });
    expect(await cacheOf().find()).toBe(kept);
    expect(await readFile(path.join(kept ?? '', 'upload.mjs'), 'utf8')).toBe('export const made = 1;');
  });

  it.each([
    ['an input changes', () => writeFile(path.join(root, 'b.ts'), 'B')],
    ['an input is removed', () => rm(path.join(root, 'a.ts'))],
    ['a missing input appears', () => writeFile(path.join(root, 'missing.json'), '{}')],
    ['the bundles are removed', () => removeKept('bundles-')],
    ['the list of inputs is cut off', async () => writeFile(await indexFile(), '{"folder":"bun')],
    [
      'the list names another place',
      async () => writeFile(await indexFile(), '{"folder":"../made","inputs":{}}'),
    ],
  ])('are not found once %s', async (_, change) => {
    await cacheOf().keep(bundles, inputs, later());
    await change();
    expect(await cacheOf().find()).toBeUndefined();
  });

  it('are not found with other settings, and do not take the place of theirs', async () => {
    const kept = await cacheOf().keep(bundles, inputs, later());
    expect(await cacheOf({ minify: false }).find()).toBeUndefined();
    const others = await cacheOf({ minify: false }).keep(bundles, inputs, later());
    expect(others).not.toBe(kept);
    expect(await cacheOf().find()).toBe(kept);
  });

  it('stay where they are when an input changes: a cloud may run them', async () => {
    const earlier = await cacheOf().keep(bundles, inputs, later());
    await writeFile(path.join(root, 'a.ts'), 'A');
    const now = await cacheOf().keep(bundles, inputs, later());
    expect(now).not.toBe(earlier);
    expect(await readdir(folder)).toEqual(
      expect.arrayContaining([path.basename(now ?? ''), path.basename(earlier ?? '')]),
    );
  });

  it('are the same folder for starts at once', async () => {
    const kept = await Promise.all([1, 2, 3].map(() => cacheOf().keep(bundles, inputs, later())));
    expect(new Set(kept).size).toBe(1);
    expect(await cacheOf().find()).toBe(kept[0]);
    expect((await readdir(folder)).length).toBe(2);
  });

  it('are removed when no start has used them for a day', async () => {
    const unused = await cacheOf(1).keep(bundles, inputs, later());
    const used = await cacheOf(2).keep(bundles, inputs, later());
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    for (const name of await readdir(folder)) await utimes(path.join(folder, name), longAgo, longAgo);
    expect(await cacheOf(2).find()).toBe(used);
    await cacheOf(3).keep(bundles, inputs, later());
    expect(await readdir(folder)).not.toContain(path.basename(unused ?? ''));
    expect(await cacheOf(2).find()).toBe(used);
  });
});

describe('nothing is kept', () => {
  it('of inputs that changed while the bundles were made', async () => {
    expect(await cacheOf().keep(bundles, inputs, Date.now() - 1_000)).toBeUndefined();
    expect(await cacheOf().find()).toBeUndefined();
  });

  it('where no folder can be made', async () => {
    await writeFile(folder, 'a file');
    expect(await cacheOf().keep(bundles, inputs, later())).toBeUndefined();
    expect(await cacheOf().find()).toBeUndefined();
  });
});

async function indexFile(): Promise<string> {
  const name = (await readdir(folder)).find((each) => each.endsWith('.json'));
  return path.join(folder, name ?? '');
}

async function removeKept(prefix: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(path.join(folder, name), { recursive: true });
}
