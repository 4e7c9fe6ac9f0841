// The temporary folder for large bodies: named for its process, removed at its end, and after a crash by the next cloud.
import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';

export interface SpoolFolder {
  path: string;
  remove(): Promise<void>;
}

interface Place {
  /** Default: the system's folder for temporary files, which TMPDIR names. */
  parent?: string;
  isRunning?: (pid: number) => boolean;
}

/** Containers may share a folder but not their process ids, so the host is part of the name. */
const PREFIX = `spillway-s3-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`;
const NAME = new RegExp(`^${PREFIX}(\\d+)-[0-9a-f]+$`);

/** The folder itself is made when the first file needs it. */
export async function claimSpoolFolder({
  parent = tmpdir(),
  isRunning = isProcess,
}: Place = {}): Promise<SpoolFolder> {
  await removeAbandoned(parent, isRunning);
  const folder = path.join(parent, `${PREFIX}${process.pid}-${randomBytes(6).toString('hex')}`);
  // For a process that ends without stopping its cloud. Nothing may be awaited in this event.
  const onExit = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', onExit);
  return {
    path: folder,
    async remove() {
      process.off('exit', onExit);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Best effort: a folder that can't be removed must not keep a cloud from starting. */
async function removeAbandoned(parent: string, isRunning: (pid: number) => boolean): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid === 0 || pid === process.pid || isRunning(pid)) continue;
    const folder = path.join(parent, name);
    const status = await lstat(folder).catch(() => undefined);
    // Another user could plant a link of that name in a shared folder.
    if (status?.isDirectory() !== true || (process.getuid !== undefined && status.uid !== process.getuid()))
      continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: another user's process.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
