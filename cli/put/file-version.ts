// The version of an open file, as far as its size and times tell it apart from a later one.
//
// mtime alone proves nothing, because a writer can put the old one back. No program can set ctime, but it has a grain. Until one
// grain has passed since a file's ctime, another write may leave the same one, so such a file is waited for.
//
// What this can't see: writes through a memory map to a page that is dirty already, file systems that keep no ctime of
// their own (FAT), and network file systems that answer from a cache.
import { fstatSync } from 'node:fs';
import type { Clock } from '../../shared/time/clock.ts';

/** Above the longest kernel tick, 10 ms on Linux at 100 Hz, and Windows' 15.6 ms: file systems stamp by it. */
const GRAIN_MS = 20;
/** FAT stamps every two seconds, HFS+ and ext3 each second: their times have no fraction of a second. */
const COARSE_GRAIN_MS = 2_020;
const SECOND_NS = 1_000_000_000n;
const MS_NS = 1_000_000n;
/** A file that changes so often while it is waited for is being written. */
const MAX_WAITS = 5;

export interface FileVersion {
  sizeBytes: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** Of the same descriptor: device and inode can't differ. */
export function isSameVersion(one: FileVersion, other: FileVersion): boolean {
  return one.sizeBytes === other.sizeBytes && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}

export function versionOf(descriptor: number): FileVersion {
  const { size, mtimeNs, ctimeNs } = fstatSync(descriptor, { bigint: true });
  return { sizeBytes: Number(size), mtimeNs, ctimeNs };
}

/**
 * Waits until every further write would give the file another ctime.
 * @returns undefined where it changes all the time
 */
export async function settledVersion(
  look: () => FileVersion,
  clock: Clock,
): Promise<FileVersion | undefined> {
  let version = look();
  for (let waits = 0; waits < MAX_WAITS; waits++) {
    const waitMs = unsettledMs(version, clock.now());
    if (waitMs === 0) return version;
    await clock.sleep(waitMs);
    const later = look();
    // A whole grain has passed, whatever the clocks of this machine and of the file system say.
    if (isSameVersion(version, later)) return version;
    version = later;
  }
  return undefined;
}

/** A ctime in the future is another machine's clock: all that is known is that a grain is enough. */
function unsettledMs({ ctimeNs }: FileVersion, nowMs: number): number {
  const grainMs = ctimeNs % SECOND_NS === 0n ? COARSE_GRAIN_MS : GRAIN_MS;
  const ageMs = nowMs - Number(ctimeNs / MS_NS);
  return ageMs < 0 ? grainMs : Math.max(0, grainMs - ageMs);
}
