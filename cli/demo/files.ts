// The files that the demo uploads: a folder's, or some of those that the project is installed with.
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_KEY_BYTES } from '../../shared/keys/destination.ts';
import { Failure } from '../failure.ts';

/** Real files that everyone has: small enough that 2,000 of them fit in memory. */
const OWN_FOLDER = fileURLToPath(new URL('../../node_modules', import.meta.url));
const OWN_FILE_BYTES = 256 * 1024;

export interface ChosenFiles {
  folder: string;
  /** Paths below the folder with `/` between names, in the order of a sorted walk: the keys of the objects. */
  keys: string[];
  /** There are more than were asked for. */
  isCut: boolean;
}

/** @param directory a folder; undefined for the project's own node_modules, of which small files are taken */
export async function chooseFiles(directory: string | undefined, count: number): Promise<ChosenFiles> {
  const folder = path.resolve(directory ?? OWN_FOLDER);
  await assertFolder(folder, directory);
  const keys: string[] = [];
  for await (const key of walk(folder, '', directory === undefined)) {
    if (keys.length === count) return { folder, keys, isCut: true };
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new Failure(
        `${path.join(folder, key)} is deeper than S3's keys are long (${MAX_KEY_BYTES} bytes): name a folder nearer to it`,
      );
    }
    keys.push(key);
  }
  if (keys.length === 0) throw new Failure(`${folder} holds no files: name a folder that does`);
  return { folder, keys, isCut: false };
}

async function assertFolder(folder: string, directory: string | undefined): Promise<void> {
  const found = await lstat(`${folder}${path.sep}`).catch((cause: NodeJS.ErrnoException) => {
    if (directory === undefined) {
      throw new Failure(`${folder} is missing: run npm ci, or name a folder of your own: spillway demo DIR`, {
        cause,
      });
    }
    if (cause.code === 'ENOTDIR') throw notAFolder(folder);
    throw new Failure(`${folder} ${faultOf(cause)}: name a folder whose files are to be uploaded`, { cause });
  });
  if (!found.isDirectory()) throw notAFolder(folder);
}

function notAFolder(folder: string): Failure {
  return new Failure(`${folder} is not a folder: name the folder that it lies in`);
}

/** Regular files, depth first, names in the order of their characters. Links are passed over: they may lead in circles. */
async function* walk(folder: string, below: string, onlySmall: boolean): AsyncGenerator<string> {
  for (const entry of await sortedEntries(path.join(folder, below))) {
    const key = `${below}${entry.name}`;
    // Caches of the tools under node_modules differ from day to day.
    if (onlySmall && below === '' && entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) yield* walk(folder, `${key}/`, onlySmall);
    else if (entry.isFile() && !(onlySmall && (await lstat(path.join(folder, key))).size > OWN_FILE_BYTES))
      yield key;
  }
}

async function sortedEntries(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure(`${folder} ${faultOf(cause)}: name a folder that you may read`, { cause });
  });
  return entries.sort((left, right) => (left.name < right.name ? -1 : 1));
}

export function faultOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read';
  return `can't be read (${code ?? message})`;
}
