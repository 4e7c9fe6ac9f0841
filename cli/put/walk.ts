// The files of the paths on the command line, in the order of a sorted walk, each with its key; found as they are asked
// for, one folder's names in memory at a time.
//
// file      a path to a file gives its name; one below a folder the names from there on, with `/` between them
// folder    walked to its end
// link      followed; one that leads back to a folder that it lies in is passed over, since all behind it is found anyway
// other     sockets, pipes and devices hold nothing to store: passed over, unless named on the command line
import { isUtf8 } from 'node:buffer';
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { faultOf } from '../demo/files.ts';

export type Found =
  | { kind: 'file'; path: string; key: string }
  | { kind: 'fault'; path: string; code: string; message: string }
  | { kind: 'passed-over'; path: string; message: string };

/** A folder that is being walked: by these a link that leads back is known. */
type Ancestors = readonly string[];

export async function* walkPaths(paths: readonly string[]): AsyncGenerator<Found> {
  // Two paths may hold files of the same name, of which one would overwrite the other. A single one can't.
  const keys = paths.length > 1 ? new Set<string>() : undefined;
  for (const each of paths) {
    for await (const found of walkPath(each)) {
      if (found.kind === 'file' && keys?.has(found.key)) {
        yield fault(found.path, 'KeyTaken', `another file has the key ${found.key}: put them apart`);
      } else {
        if (found.kind === 'file') keys?.add(found.key);
        yield found;
      }
    }
  }
}

async function* walkPath(named: string): AsyncGenerator<Found> {
  try {
    const stats = await stat(named);
    if (stats.isDirectory()) yield* walkFolder(named, '', [identityOf(stats)]);
    else if (stats.isFile()) yield { kind: 'file', path: named, key: path.basename(named) };
    else yield fault(named, 'NotAFile', 'neither a file nor a folder');
  } catch (error) {
    yield unreadable(named, error);
  }
}

async function* walkFolder(folder: string, below: string, ancestors: Ancestors): AsyncGenerator<Found> {
  let entries: Dirent<Buffer>[];
  try {
    entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    yield unreadable(folder, error);
    return;
  }
  entries.sort((left, right) => Buffer.compare(left.name, right.name));
  for (const entry of entries) {
    const name = entry.name.toString();
    const here = path.join(folder, name);
    if (!isUtf8(entry.name)) {
      yield fault(here, 'NameNotUtf8', 'its name is not UTF-8, and so can be no key');
    } else if (entry.isFile()) yield { kind: 'file', path: here, key: `${below}${name}` };
    else if (entry.isDirectory() || entry.isSymbolicLink()) {
      yield* walkFurther(here, `${below}${name}`, ancestors);
    } else yield { kind: 'passed-over', path: here, message: 'neither a file nor a folder' };
  }
}

async function* walkFurther(here: string, key: string, ancestors: Ancestors): AsyncGenerator<Found> {
  let stats: Stats;
  try {
    stats = await stat(here);
  } catch (error) {
    yield unreadable(here, error);
    return;
  }
  if (stats.isFile()) yield { kind: 'file', path: here, key };
  else if (!stats.isDirectory()) {
    yield { kind: 'passed-over', path: here, message: 'neither a file nor a folder' };
  } else if (ancestors.includes(identityOf(stats))) {
    yield { kind: 'passed-over', path: here, message: 'a link back to a folder that it lies in' };
  } else yield* walkFolder(here, `${key}/`, [...ancestors, identityOf(stats)]);
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

function fault(at: string, code: string, message: string): Found {
  return { kind: 'fault', path: at, code, message };
}

function unreadable(at: string, error: unknown): Found {
  const cause = error as NodeJS.ErrnoException;
  const code = cause.code === 'ENOENT' ? 'FileMissing' : 'FileUnreadable';
  return fault(at, code, cause.code === 'ELOOP' ? 'a link that leads to itself' : faultOf(cause));
}
