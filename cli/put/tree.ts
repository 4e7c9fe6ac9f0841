// A folder that was named on the command line, as a boundary: no file that is read below it may lie outside.
//
// Its owner may swap a file, or a folder on the way to it, for a link while it is walked. A path can't be trusted twice, so
// a file or folder is opened first, and then its place is asked for by the open descriptor:
//
//   Linux      the kernel names the place of a descriptor under /proc/self/fd: exact
//   elsewhere  the path is resolved again, and must lead to the same device and inode: a swap back in between is not seen
import { type Dirent, fstatSync, readlinkSync } from 'node:fs';
import { constants, lstat, open, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { lackOf } from './descriptors.ts';

/** Windows has neither; there a name that is a link is caught by its place alone. */
const { O_NOFOLLOW = 0, O_DIRECTORY = 0 } = constants as Partial<typeof constants>;

export interface Tree {
  /** Its path without links: what the targets of links are compared with. */
  realPath: string;
  /** @param at the path by which the descriptor was opened */
  holds(descriptor: number, at: string): Promise<boolean>;
  /** @throws SourceFault where the folder lies outside by now; else as readdir */
  entriesOf(folder: string): Promise<Dirent<Buffer>[]>;
}

/**
 * @param placeOf the place of an open descriptor, where the system shows it
 * @throws as open and realpath
 */
export async function openTree(folder: string, placeOf = placeOfDescriptor): Promise<Tree> {
  const realPath = await realpath(folder);
  const root = await open(folder, constants.O_RDONLY | O_DIRECTORY);
  let rootPlace: string | undefined;
  try {
    rootPlace = placeOf(root.fd);
  } finally {
    await root.close();
  }

  async function holds(descriptor: number, at: string): Promise<boolean> {
    const place = rootPlace === undefined ? undefined : placeOf(descriptor);
    if (rootPlace !== undefined && place !== undefined) return isBelow(rootPlace, place, '/');
    return await leadsBelow(realPath, descriptor, at);
  }

  return {
    realPath,
    holds,
    async entriesOf(at) {
      const isRoot = at === folder;
      const opened = await open(at, constants.O_RDONLY | O_DIRECTORY | (isRoot ? 0 : O_NOFOLLOW));
      try {
        if (!(await holds(opened.fd, at))) throw outside();
        // By the descriptor, where that can be: the path may lead elsewhere by now.
        const listed = rootPlace === undefined ? at : descriptorPath(opened.fd);
        return await readdir(listed, { withFileTypes: true, encoding: 'buffer' });
      } finally {
        await opened.close();
      }
    },
  };
}

export function outside(): SourceFault {
  return new SourceFault(
    'LeadsOutside',
    'leads out of the folder that was named: replaced by a link meanwhile',
  );
}

function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** In Latin-1, so that names that are not UTF-8 differ where their bytes do. */
function placeOfDescriptor(descriptor: number): string | undefined {
  try {
    return readlinkSync(descriptorPath(descriptor), 'latin1');
  } catch {
    // No Linux, or no /proc.
    return undefined;
  }
}

function isBelow(folder: string, place: string, separator: string): boolean {
  return place === folder || place.startsWith(folder.endsWith(separator) ? folder : folder + separator);
}

/** Whether the path leads below the folder, and to what is open. */
async function leadsBelow(folder: string, descriptor: number, at: string): Promise<boolean> {
  try {
    const place = await realpath(at);
    const seen = await lstat(place, { bigint: true });
    const opened = fstatSync(descriptor, { bigint: true });
    return isBelow(folder, place, path.sep) && seen.dev === opened.dev && seen.ino === opened.ino;
  } catch (error) {
    if (lackOf(error) !== undefined) throw error;
    // It is gone by now, or can't be looked at: its place can't be proven.
    return false;
  }
}
