// The files of the paths on the command line, in the order of a sorted walk, each with its key; found as they are asked
// for, one folder's names in memory at a time.
//
// file      a named file gives its name; one below a folder the names from there on, with `/` between them
// folder    walked to its end
// link      a path on the command line may be one; those that are met on the way are decided on in links.ts
// other     sockets, pipes and devices hold nothing to store: passed over, unless named on the command line
import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { faultOf } from '../demo/files.ts';
import { createLinks, type LinkOptions, type Links, NEITHER } from './links.ts';
import { openTree, type Tree } from './tree.ts';

export interface FoundFile {
  kind: 'file';
  path: string;
  key: string;
  /** What it must lie in when it is opened. Absent where a link was followed on purpose. */
  tree?: Tree;
  /** It is the only path on the command line. */
  isOnly: boolean;
}

interface Fault {
  kind: 'fault';
  path: string;
  code: string;
  message: string;
}

export type Found = FoundFile | Fault | { kind: 'passed-over'; path: string; message: string };

type Named = { kind: 'folder'; path: string; tree: Tree } | (FoundFile & { realPath: string }) | Fault;

/** Runs what opens a file or folder: it may wait for a descriptor. */
type Opening = <Result>(open: () => Promise<Result>) => Promise<Result>;

export interface WalkOptions extends LinkOptions {
  opening?: Opening;
}

/** What a walk carries along. */
interface Walk {
  links: Links;
  opening: Opening;
}

export async function* walkPaths(
  paths: readonly string[],
  { opening = (open) => open(), ...options }: WalkOptions,
): AsyncGenerator<Found> {
  const named: Named[] = [];
  for (const each of paths) named.push(await lookAt(each, paths.length === 1, opening));
  const walk: Walk = { links: createLinks(named.flatMap(realPathOf), options), opening };
  for (const each of named) {
    if (each.kind === 'folder') yield* walkFolder(each.path, '', walk, each.tree);
    else yield each;
  }
}

/**
 * Two paths may hold files of the same name, of which one would overwrite the other. A single path can't.
 * The keys of all files are remembered where there are several paths: some 100 bytes each.
 */
export async function* refuseTakenKeys(found: AsyncIterable<Found>): AsyncGenerator<Found> {
  const keys = new Set<string>();
  for await (const each of found) {
    if (each.kind === 'file' && keys.has(each.key)) {
      yield fault(each.path, 'KeyTaken', `another file has the key ${each.key}: put them apart`);
    } else {
      if (each.kind === 'file') keys.add(each.key);
      yield each;
    }
  }
}

async function lookAt(named: string, isOnly: boolean, opening: Opening): Promise<Named> {
  try {
    const stats = await stat(named);
    if (stats.isDirectory())
      return { kind: 'folder', path: named, tree: await opening(() => openTree(named)) };
    if (!stats.isFile()) return fault(named, 'NotAFile', NEITHER);
    const realPath = await realpath(named);
    return { kind: 'file', path: named, key: path.basename(named), realPath, isOnly };
  } catch (error) {
    return unreadable(named, error);
  }
}

function realPathOf(named: Named): string[] {
  switch (named.kind) {
    case 'folder':
      return [named.tree.realPath];
    case 'file':
      return [named.realPath];
    case 'fault':
      return [];
  }
}

async function* walkFolder(folder: string, below: string, walk: Walk, tree?: Tree): AsyncGenerator<Found> {
  const { links, opening } = walk;
  let entries: Dirent<Buffer>[];
  try {
    entries = await opening(() =>
      tree === undefined
        ? readdir(folder, { withFileTypes: true, encoding: 'buffer' })
        : tree.entriesOf(folder),
    );
  } catch (error) {
    yield unreadable(folder, error);
    return;
  }
  entries.sort((left, right) => Buffer.compare(left.name, right.name));
  for (const entry of entries) {
    const name = entry.name.toString();
    const here = path.join(folder, name);
    const key = `${below}${name}`;
    if (!isUtf8(entry.name)) yield fault(here, 'NameNotUtf8', 'its name is not UTF-8, and so can be no key');
    else if (entry.isFile()) yield file(here, key, tree);
    else if (entry.isSymbolicLink()) yield* walkLink(here, key, walk);
    else if (!entry.isDirectory()) yield { kind: 'passed-over', path: here, message: NEITHER };
    else if (tree === undefined && links.isTaken(here)) {
      yield { kind: 'passed-over', path: here, message: 'a folder that is stored once, by another path' };
    } else yield* walkFolder(here, `${key}/`, walk, tree);
  }
}

async function* walkLink(here: string, key: string, walk: Walk): AsyncGenerator<Found> {
  const end = await walk.links.resolve(here, key).catch((error: unknown) => unreadable(here, error));
  switch (end.kind) {
    case 'file':
      yield file(end.path, key);
      break;
    case 'folder':
      yield* walkFolder(end.path, `${key}/`, walk);
      break;
    default:
      yield { ...end, path: here };
  }
}

function file(here: string, key: string, tree?: Tree): FoundFile {
  return { kind: 'file', path: here, key, isOnly: false, ...(tree === undefined ? {} : { tree }) };
}

function fault(at: string, code: string, message: string): Fault {
  return { kind: 'fault', path: at, code, message };
}

function unreadable(at: string, error: unknown): Fault {
  if (error instanceof SourceFault) return fault(at, error.code, error.message);
  const cause = error as NodeJS.ErrnoException;
  const code = cause.code === 'ENOENT' ? 'FileMissing' : 'FileUnreadable';
  if (cause.code === 'ELOOP') return fault(at, code, 'a link that leads to itself');
  return fault(at, code, cause.code === 'ENOTDIR' ? 'is no folder' : faultOf(cause));
}
