// What put's walk does with links, and that nothing outside the named folders is read, whatever is swapped meanwhile.
import { mkdir, open, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLinks } from '../../cli/put/links.ts';
import { openLocalFile } from '../../cli/put/local-file.ts';
import { openTree } from '../../cli/put/tree.ts';
import { type Found, type FoundFile, refuseTakenKeys, walkPaths } from '../../cli/put/walk.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

let root: string;
beforeEach(async () => {
  root = await folderOfTest();
});

const at = (name: string) => path.join(root, name);

/** Files of these names, and links: `name -> target`, the target as it is written into the link. */
async function make(...names: string[]): Promise<void> {
  for (const name of names) {
    const [where = '', target] = name.split(' -> ');
    await mkdir(path.dirname(at(where)), { recursive: true });
    if (target === undefined) await writeFile(at(where), where);
    else await symlink(target.startsWith('/') ? at(target.slice(1)) : target, at(where));
  }
}

async function walk(names: string[], { followLinks = false, maxFollowed = 1_000 } = {}): Promise<Found[]> {
  const all: Found[] = [];
  for await (const found of walkPaths(names.map(at), { followLinks, maxFollowed })) all.push(found);
  return all;
}

const keysOf = (found: readonly Found[]) =>
  found.filter((each): each is FoundFile => each.kind === 'file').map(({ key }) => key);

/** What is told of the others, by the names from the root on. */
const toldOf = (found: readonly Found[]) =>
  found
    .filter((each) => each.kind !== 'file')
    .map((each) => `${path.relative(root, each.path)}: ${each.kind === 'fault' ? each.code : each.message}`);

describe("put's walk", () => {
  it('stores what a link inside leads to once, by its own path, also where the link comes first', async () => {
    await make('in/b/file', 'in/a -> b/file', 'in/aa -> b', 'in/b/z -> ..', 'in/b/self -> .');
    const found = await walk(['in']);
    expect(keysOf(found)).toEqual(['b/file']);
    expect(toldOf(found)).toEqual([
      `in/a: a link to ${at('in/b/file')}, which is stored once, by its own path`,
      `in/aa: a link to ${at('in/b')}, which is stored once, by its own path`,
      `in/b/self: a link to ${at('in/b')}, which is stored once, by its own path`,
      `in/b/z: a link to ${at('in')}, which is stored once, by its own path`,
    ]);
  });

  it('passes over links that lead outside, and reports those that lead nowhere', async () => {
    await make('secret', 'more/f', 'in-too/f', 'in/file', 'in/1 -> /secret', 'in/2 -> ../more');
    await make('in/3 -> nowhere', 'in/4 -> 4', 'in/5 -> ../in-too');
    const found = await walk(['in']);
    expect(keysOf(found)).toEqual(['file']);
    expect(toldOf(found)).toEqual([
      `in/1: a link that leads outside, to ${at('secret')}: --follow-links follows it`,
      `in/2: a link that leads outside, to ${at('more')}: --follow-links follows it`,
      'in/3: FileMissing',
      'in/4: FileUnreadable',
      `in/5: a link that leads outside, to ${at('in-too')}: --follow-links follows it`,
    ]);
  });

  it('walks a web of links once', async () => {
    const packages = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const one of packages) {
      await make(`ws/${one}/1.txt`);
      for (const other of packages)
        if (other !== one) await make(`ws/${one}/modules/${other} -> ../../${other}`);
    }
    const own = packages.map((one) => `${one}/1.txt`);
    expect(keysOf(await walk(['ws']))).toEqual(own);
    expect(keysOf(await walk(['ws'], { followLinks: true }))).toEqual(own);
  });

  it('follows a named link, to a file and to a folder', async () => {
    await make('real/sub/f', 'real/sub/back -> ..', 'folder -> real', 'name.txt -> real/sub/f');
    expect(keysOf(await walk(['folder']))).toEqual(['sub/f']);
    expect(await walk(['name.txt'])).toMatchObject([{ key: 'name.txt', isOnly: true }]);
    expect(await walk(['name.txt', 'folder'])).toMatchObject([
      { key: 'name.txt', isOnly: false },
      { kind: 'passed-over' },
      { key: 'sub/f' },
    ]);
  });

  it('takes a link to another named path as one that leads inside', async () => {
    await make('one/f', 'two/g', 'alone', 'one/x -> ../two/g', 'one/y -> ../alone');
    const found = await walk(['one', 'two', 'alone']);
    expect(keysOf(found)).toEqual(['f', 'g', 'alone']);
    expect(toldOf(found).every((told) => told.includes('stored once'))).toBe(true);
  });

  it('follows links that lead outside where an option says so: each folder once, files by both names', async () => {
    await make('out/d/deep', 'out/f', 'in/own', 'in/1 -> ../out/d', 'in/2 -> ../out', 'in/3 -> ../out/d');
    await make('in/4 -> ../out/f', 'in/5 -> own', 'out/back -> ../in', 'out/d/round -> ..');
    const found = await walk(['in'], { followLinks: true });
    // `1` leads to out/d first; from there `round` leads to the rest of out, under its name.
    expect(keysOf(found)).toEqual(['1/deep', '1/round/f', '4', '5', 'own']);
    expect(toldOf(found)).toEqual([
      `out/back: a link to ${at('in')}, which is stored once, by its own path`,
      'out/d: a folder that is stored once, by another path',
      `in/2: a link to ${at('out')}, which is stored once, by its own path`,
      `in/3: a link to ${at('out/d')}, which is stored once, by its own path`,
    ]);
  });

  it('does not walk a named folder again by a link to the folder that it lies in', async () => {
    await make('all/in/f', 'all/in/up -> ../..', 'other');
    expect(keysOf(await walk(['all/in'], { followLinks: true }))).toEqual(['f', 'up/other']);
  });

  it('follows links to so many folders and no more, and says so', async () => {
    await make('out/1/f', 'out/2/f', 'out/3/f', 'in/1 -> ../out/1', 'in/2 -> ../out/2', 'in/3 -> ../out/3');
    const found = await walk(['in'], { followLinks: true, maxFollowed: 2 });
    expect(keysOf(found)).toEqual(['1/f', '2/f']);
    expect(toldOf(found)).toEqual(['in/3: TooManyLinks']);
  });

  it('ends where links lead from folder to folder until no key is short enough', async () => {
    const name = 'n'.repeat(200);
    for (let index = 0; index < 9; index++) await make(`out/${index}/${name} -> ../${index + 1}`);
    await make('out/9/f', 'in/first -> ../out/0');
    const found = await walk(['in'], { followLinks: true });
    expect(keysOf(found)).toEqual([]);
    expect(found).toMatchObject([{ kind: 'fault', code: 'KeyTooLong' }]);
  });

  it('finds two files of one key among several paths, and takes the first', async () => {
    await make('one/same', 'two/same', 'two/other');
    const found: Found[] = [];
    const walked = walkPaths([at('one'), at('two')], { followLinks: false });
    for await (const each of refuseTakenKeys(walked)) found.push(each);
    expect(keysOf(found)).toEqual(['same', 'other']);
    expect(toldOf(found)).toEqual(['two/same: KeyTaken']);
  });
});

describe('links', () => {
  it('that are passed over are not remembered', async () => {
    await make('in/f', 'in/l -> f', 'out/f');
    const links = createLinks([at('in')], { followLinks: false });
    await links.resolve(at('in/l'), 'l');
    expect(links.isTaken(at('in'))).toBe(true);
    expect(links.isTaken(at('in/f'))).toBe(false);
  });
});

const placesOf = [
  { system: 'where the kernel names the place of what is open', places: undefined },
  { system: 'where it does not', places: () => undefined },
];

describe.each(placesOf)('a tree, $system', ({ places }) => {
  const read = async (name: string) => {
    const local = await openLocalFile(at(name), {
      clock: systemClock,
      tree: await openTree(at('in'), places),
    });
    try {
      return String(await local.readWhole());
    } finally {
      local.close();
    }
  };

  it('holds its files and folders, also where it was named by a link', async () => {
    await make('in/a/f', 'other -> in');
    expect(await read('in/a/f')).toBe('in/a/f');
    const tree = await openTree(at('other'), places);
    expect((await tree.entriesOf(at('other'))).map(({ name }) => String(name))).toEqual(['a']);
    const local = await openLocalFile(at('other/a/f'), { clock: systemClock, tree });
    local.close();
  });

  it('does not hold a file that was swapped for a link', async () => {
    await make('secret', 'in/f -> ../secret');
    await expect(read('in/f')).rejects.toMatchObject({ code: 'LeadsOutside' });
  });

  it('does not hold what lies in a folder that was swapped for a link', async () => {
    await make('out/f', 'in/a -> ../out');
    await expect(read('in/a/f')).rejects.toMatchObject({ code: 'LeadsOutside' });
  });

  it('does not list a folder that was swapped for a link, nor what lies behind one', async () => {
    await make('out/d/f', 'in/a -> ../out');
    const tree = await openTree(at('in'), places);
    await expect(tree.entriesOf(at('in/a'))).rejects.toThrow();
    await expect(tree.entriesOf(at('in/a/d'))).rejects.toMatchObject({ code: 'LeadsOutside' });
  });

  it('does not hold a neighbour whose name begins as its own', async () => {
    await make('in/f', 'in-too/f');
    const tree = await openTree(at('in'), places);
    const neighbour = await open(at('in-too/f'));
    expect(await tree.holds(neighbour.fd, at('in-too/f'))).toBe(false);
    await neighbour.close();
  });

  it('does not hold one file for another that took its place', async () => {
    await make('secret', 'in/f');
    const tree = await openTree(at('in'), places);
    const secret = await open(at('secret'));
    expect(await tree.holds(secret.fd, at('in/f'))).toBe(false);
    await secret.close();
  });
});

it('a tree that is swapped for a link while it is walked leads nowhere else', async () => {
  await make('in/a/f', 'in/b/f', 'out/b/f');
  const found: Found[] = [];
  for await (const each of walkPaths([at('in')], { followLinks: false })) {
    found.push(each);
    if (found.length > 1) continue;
    await rename(at('in/b'), at('b'));
    await symlink(at('out/b'), at('in/b'));
  }
  expect(keysOf(found)).toEqual(['a/f']);
  expect(toldOf(found)).toEqual(['in/b: FileUnreadable']);
});
