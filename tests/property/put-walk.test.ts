// Any tree of folders, files and links: put's walk ends, never leaves the tree, and finds each file once.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Found, type FoundFile, walkPaths } from '../../cli/put/walk.ts';

const FOLDERS = ['in', 'in/a', 'in/a/b', 'in/c', 'out', 'out/d', 'out/d/e'];
const RUNS = 80;

const shape = fc.record({
  files: fc.uniqueArray(
    fc.record({ in: fc.constantFrom(...FOLDERS), name: fc.constantFrom('f', 'g', 'x') }),
    {
      selector: (file) => `${file.in}/${file.name}`,
      maxLength: 8,
    },
  ),
  links: fc.uniqueArray(
    fc.record({
      in: fc.constantFrom(...FOLDERS),
      name: fc.constantFrom('0', 'm', 'z'),
      to: fc.constantFrom(...FOLDERS, '.', 'in/f', 'out/f', 'out/d/e/g', 'in/m', 'nowhere'),
    }),
    { selector: (link) => `${link.in}/${link.name}`, maxLength: 10 },
  ),
});
type Shape = typeof shape extends fc.Arbitrary<infer One> ? One : never;

function build({ files, links }: Shape): string {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'spillway-walk-')));
  for (const folder of FOLDERS) mkdirSync(path.join(root, folder), { recursive: true });
  for (const file of files) writeFileSync(path.join(root, file.in, file.name), 'x');
  for (const link of links) symlinkSync(path.join(root, link.to), path.join(root, link.in, link.name));
  return root;
}

async function walk(root: string, followLinks: boolean): Promise<Found[]> {
  const all: Found[] = [];
  for await (const found of walkPaths([path.join(root, 'in')], { followLinks })) all.push(found);
  return all;
}

const filesOf = (found: readonly Found[]) => found.filter((each): each is FoundFile => each.kind === 'file');

async function check(followLinks: boolean, judge: (root: string, found: Found[], of: Shape) => void) {
  await fc.assert(
    fc.asyncProperty(shape, async (each) => {
      const root = build(each);
      judge(root, await walk(root, followLinks), each);
      rmSync(root, { recursive: true });
    }),
    { numRuns: RUNS },
  );
}

it('finds the files of the tree, each by its own path, and no others', async () => {
  await check(false, (root, found, { files, links }) => {
    const inside = files.filter((file) => file.in.startsWith('in'));
    expect(filesOf(found).map(({ path: at }) => at)).toEqual(
      inside.map((file) => path.join(root, file.in, file.name)).toSorted((one, other) => compare(one, other)),
    );
    const told = found.filter(({ kind }) => kind !== 'file').map((each) => each.path);
    expect(told.toSorted()).toEqual(
      links
        .filter((link) => link.in.startsWith('in'))
        .map((link) => path.join(root, link.in, link.name))
        .toSorted(),
    );
  });
});

it('finds each file by its own path with links followed too, and each folder once', async () => {
  await check(true, (_, found, { files, links }) => {
    const stored = filesOf(found);
    for (const file of files.filter((each) => each.in.startsWith('in'))) {
      expect(stored.map(({ key }) => key)).toContain(path.join(file.in, file.name).slice('in/'.length));
    }
    const names = stored.map(({ key }) => key);
    expect(new Set(names).size, 'no key twice').toBe(names.length);
    expect(stored.length, 'each file, and once more for each link to one').toBeLessThanOrEqual(
      files.length + links.length,
    );
    for (const { path: at } of stored) expect(statSync(at).isFile(), at).toBe(true);
  });
});

/** As the walk sorts: folder by folder. */
function compare(one: string, other: string): number {
  const [left, right] = [one.split('/'), other.split('/')];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    if (left[at] !== right[at]) return (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
  }
  return left.length - right.length;
}
