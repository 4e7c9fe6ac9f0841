// Writes files whole or not at all: beside their place under a temporary name, and then by rename.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemFaultText } from '../shared/text/system-fault.ts';
import { Failure } from './failure.ts';

export type FileContent = string | AsyncIterable<Uint8Array>;

/** Files in a folder, by their names. */
export interface WrittenFiles {
  /** Those that are whole, in the order in which they were given. */
  files: string[];
  /** Why the others are missing. */
  failure?: Failure;
}

/** Temporary files of this process: Ctrl-C must not leave them behind. */
const unfinished = new Set<string>();
let isWatching = false;

/**
 * Writes a file, and the folders above it. The file that was there stays until the new one is whole.
 * @param elsewhere what to do where it can't be written, as `name another folder with --out`
 * @throws Failure that names the file, the reason and what to do; or what the content throws
 */
export async function writeWhole(to: string, content: FileContent, elsewhere: string): Promise<void> {
  const unwritten = (cause: NodeJS.ErrnoException): never => {
    throw new Failure(`${to} was not written: ${systemFaultText(cause)}. ${remedyFor(cause, elsewhere)}`, {
      cause,
    });
  };
  const folder = path.dirname(to);
  await makeFolder(folder).catch(unwritten);
  // Not made of the file's name, which may be as long as a name can be.
  const temporary = path.join(folder, `.spillway-${randomUUID()}.part`);
  removeAtExit(temporary);
  try {
    const handle = await open(temporary, 'wx').catch(unwritten);
    try {
      for await (const chunk of chunksOf(content)) await handle.writeFile(chunk).catch(unwritten);
    } finally {
      // A disk behind a network may say only here that it is full.
      await handle.close().catch(unwritten);
    }
    await rename(temporary, to).catch(unwritten);
  } finally {
    // It is there only after a failure, which says more than a fault in removing it.
    await rm(temporary, { force: true }).catch(() => undefined);
    unfinished.delete(temporary);
  }
}

/** Writes them one after the other, up to the first that can't be written. */
export async function writeFiles(
  folder: string,
  contents: Readonly<Record<string, string>>,
  elsewhere: string,
): Promise<WrittenFiles> {
  const files: string[] = [];
  for (const [name, text] of Object.entries(contents)) {
    const file = path.join(folder, name);
    try {
      await writeWhole(file, text, elsewhere);
    } catch (error) {
      if (error instanceof Failure) return { files, failure: error };
      throw error;
    }
    files.push(file);
  }
  return { files };
}

/** Not by mkdir's `recursive`: on a read-only file system that says ENOENT, as if a folder were missing. */
async function makeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (found !== undefined) throw Object.assign(new Error(`${folder} is no folder`), { code: 'ENOTDIR' });
  const above = path.dirname(folder);
  if (above !== folder) await makeFolder(above);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    // Another may have made it meanwhile.
    if (error.code !== 'EEXIST') throw error;
  });
}

async function* chunksOf(content: FileContent): AsyncGenerator<string | Uint8Array> {
  if (typeof content === 'string') yield content;
  else yield* content;
}

function remedyFor({ code }: NodeJS.ErrnoException, elsewhere: string): string {
  if (code === 'ENOSPC' || code === 'EDQUOT') return `Free space there, or ${elsewhere}`;
  return `${elsewhere.charAt(0).toUpperCase()}${elsewhere.slice(1)}`;
}

function removeAtExit(temporary: string): void {
  unfinished.add(temporary);
  if (isWatching) return;
  isWatching = true;
  process.on('exit', () => {
    for (const file of unfinished) rmSync(file, { force: true });
  });
}
