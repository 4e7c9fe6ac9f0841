// What becomes of a link that a walk meets. So that a web of links ends, each folder is walked once.
//
//   to a file or folder inside   passed over: it is stored under its own path, wherever the walk meets it
//   to a file outside            passed over; with --follow-links stored under the link's name
//   to a folder outside          passed over; with --follow-links walked under the link's name, by the first link to it
//   to a file inside             with --follow-links stored under the link's name as well
//   to nothing, or to itself     a failure
//
// Inside is what lies below a folder that was named, or is a file that was named. Folders are known by their paths without
// links. So nothing is remembered of plain files, nor of links that are passed over: only of each folder that was followed.
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { MAX_KEY_BYTES } from '../../shared/keys/destination.ts';

/** Folders that are followed at most, each remembered by its path: some 20 MB. */
const MAX_FOLLOWED_FOLDERS = 100_000;

export const NEITHER = 'neither a file nor a folder';

export type LinkEnd =
  | { kind: 'file'; path: string }
  | { kind: 'folder'; path: string }
  | { kind: 'passed-over'; message: string }
  | { kind: 'fault'; code: string; message: string };

export interface Links {
  /**
   * @param key what the link's own path would give as a key
   * @throws as realpath and stat
   */
  resolve(link: string, key: string): Promise<LinkEnd>;
  /** Whether a folder below a followed link is already walked by another path. */
  isTaken(folder: string): boolean;
}

export interface LinkOptions {
  followLinks: boolean;
  maxFollowed?: number;
}

/** @param named the paths without links of what was named on the command line */
export function createLinks(
  named: Iterable<string>,
  { followLinks, maxFollowed = MAX_FOLLOWED_FOLDERS }: LinkOptions,
): Links {
  const taken = new Set(named);
  let followed = 0;

  function isInside(target: string): boolean {
    for (let at = target; ; at = path.dirname(at)) {
      if (taken.has(at)) return true;
      if (path.dirname(at) === at) return false;
    }
  }

  function follow(target: string, stats: Stats, key: string): LinkEnd {
    if (stats.isFile()) return { kind: 'file', path: target };
    if (!stats.isDirectory()) return passedOver(NEITHER);
    if (isInside(target)) return passedOver(storedOnce(target));
    // Below it every key is longer still. It also bounds how deep links lead from folder to folder.
    if (Buffer.byteLength(key) >= MAX_KEY_BYTES) {
      return { kind: 'fault', code: 'KeyTooLong', message: `leads to keys above ${MAX_KEY_BYTES} bytes` };
    }
    if (followed === maxFollowed) {
      return { kind: 'fault', code: 'TooManyLinks', message: `put follows links to ${maxFollowed} folders` };
    }
    followed++;
    taken.add(target);
    return { kind: 'folder', path: target };
  }

  return {
    async resolve(link, key) {
      const target = await realpath(link);
      if (followLinks) return follow(target, await stat(target), key);
      if (isInside(target)) return passedOver(storedOnce(target));
      return passedOver(`a link that leads outside, to ${target}: --follow-links follows it`);
    },
    isTaken: (folder) => taken.has(folder),
  };
}

function storedOnce(target: string): string {
  return `a link to ${target}, which is stored once, by its own path`;
}

function passedOver(message: string): LinkEnd {
  return { kind: 'passed-over', message };
}
