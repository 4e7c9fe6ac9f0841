// Reads a local file, and proves that what was read is one version of it.
//
//   other size                 changed
//   same size, other times     read again: it is changed if its bytes are. chmod, touch, a hard link, a backup's mark and
//                              the replacement by rename change a time and not the bytes of the file that is open
//   same size, same times      not changed
//
// Only opening and reading may wait for a disk, and so go to other threads, each at the cost of waking one. What is asked
// of an open file is answered from memory: done at once, and not by FileHandle, a small file costs a third of the time.
import { closeSync, constants, fstatSync, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../shared/time/clock.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { faultOf } from '../demo/files.ts';
import { isSameVersion, settledVersion, versionOf } from './file-version.ts';
import { outside, type Tree } from './tree.ts';

const openFile = promisify(open);
const readInto = promisify(read);

/** Windows has none of these. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants as Partial<typeof constants>;
/** A pipe or terminal that took the file's place must not be waited for. */
const READ = constants.O_RDONLY | O_NONBLOCK | O_NOCTTY;
/** Bytes that are read at once where a file is only compared. */
const COMPARE_BYTES = 1024 ** 2;

export interface LocalFile {
  sizeBytes: number;
  /** @throws SourceFault if it has more or fewer bytes than its size */
  readWhole(): Promise<Buffer>;
  /** @throws SourceFault where the bytes are not there any more */
  read(offset: number, bytes: number): Promise<Buffer>;
  /** Nothing may be read meanwhile. @throws SourceFault where all that was read is not of one version */
  assertUnchanged(): Promise<void>;
  /** Once closed it may be closed again. */
  close(): void;
}

export interface OpenOptions {
  /** The one that file systems stamp by. */
  clock: Clock;
  /** What the file must lie in. Absent: it lies wherever the path leads. */
  tree?: Tree | undefined;
}

/** @throws SourceFault where it can't be opened, or is no file of the tree, or changes all the time */
export async function openLocalFile(path: string, { clock, tree }: OpenOptions): Promise<LocalFile> {
  const descriptor = await openDescriptor(path, tree);
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    closeSync(descriptor);
  };
  try {
    if (!fstatSync(descriptor).isFile()) throw new SourceFault('NotAFile', 'is no file any more');
    if (tree !== undefined && !(await tree.holds(descriptor, path))) throw outside();
    return { ...(await readSettled(descriptor, clock)), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function readSettled(descriptor: number, clock: Clock): Promise<Omit<LocalFile, 'close'>> {
  const settle = async () => {
    const version = await settledVersion(() => versionOf(descriptor), clock);
    if (version === undefined) throw changed();
    return version;
  };
  const first = await settle();
  /** CRC32 of each stretch that was read. */
  const sums: { offset: number; bytes: number; sum: number }[] = [];
  const note = (offset: number, stretch: Buffer): Buffer => {
    sums.push({ offset, bytes: stretch.length, sum: crc32(stretch) });
    return stretch;
  };

  return {
    sizeBytes: first.sizeBytes,
    async readWhole() {
      // One byte more than there should be: it costs no read of its own, and files that the system makes up, as those of
      // /proc, say that they are empty.
      const bytes = await readUpTo(descriptor, 0, first.sizeBytes + 1);
      if (bytes.length < first.sizeBytes) throw changed();
      if (bytes.length > first.sizeBytes) {
        throw new SourceFault('FileChanged', 'has more bytes than its size says');
      }
      return note(0, bytes);
    },
    async read(offset, bytes) {
      const stretch = await readUpTo(descriptor, offset, bytes);
      // Growth too, so that a large file is not sent for nothing.
      if (stretch.length < bytes || versionOf(descriptor).sizeBytes !== first.sizeBytes) throw changed();
      return note(offset, stretch);
    },
    async assertUnchanged() {
      const now = versionOf(descriptor);
      if (isSameVersion(first, now)) return;
      if (now.sizeBytes !== first.sizeBytes) throw changed();
      const settled = await settle();
      for (const { offset, bytes, sum } of sums) {
        if ((await sumOf(descriptor, offset, bytes)) !== sum) throw changed();
      }
      // Every byte was there in this version: so what was read is this version, whatever came before.
      if (!isSameVersion(settled, versionOf(descriptor))) throw changed();
    },
  };
}

async function openDescriptor(path: string, tree: Tree | undefined): Promise<number> {
  const flags = READ | (tree === undefined ? 0 : O_NOFOLLOW);
  try {
    return await openFile(path, flags).catch((cause: NodeJS.ErrnoException) => {
      // Another program holds a lease on the file, so it is no pipe: its turn is waited for.
      if (cause.code === 'EAGAIN') return openFile(path, flags & ~O_NONBLOCK);
      throw cause;
    });
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code === 'ENOENT') {
      throw new SourceFault('FileMissing', 'vanished after its folder was read', cause);
    }
    // FreeBSD says EMLINK.
    if (tree !== undefined && (cause.code === 'ELOOP' || cause.code === 'EMLINK')) throw outside();
    throw new SourceFault('FileUnreadable', faultOf(cause), cause);
  }
}

/** CRC32 of a stretch, which is not held in memory. */
async function sumOf(descriptor: number, offset: number, bytes: number): Promise<number> {
  let sum = 0;
  for (let done = 0; done < bytes; done += COMPARE_BYTES) {
    const piece = await readUpTo(descriptor, offset + done, Math.min(COMPARE_BYTES, bytes - done));
    sum = crc32(piece, sum);
  }
  return sum;
}

/** @returns fewer bytes where the file ends before */
async function readUpTo(descriptor: number, offset: number, bytes: number): Promise<Buffer> {
  const stretch = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await readInto(descriptor, stretch, filled, bytes - filled, offset + filled).catch(
      (cause: NodeJS.ErrnoException): never => {
        throw new SourceFault('FileUnreadable', faultOf(cause), cause);
      },
    );
    if (bytesRead === 0) break;
    filled += bytesRead;
    // All but the last byte, which is asked for in case: a read that ends there has met the end.
    if (filled === bytes - 1 && bytesRead === bytes - 1) break;
  }
  return stretch.subarray(0, filled);
}

function changed(): SourceFault {
  return new SourceFault('FileChanged', 'changed while it was read');
}
