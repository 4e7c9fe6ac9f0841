// Reads a local file, and tells when it is no longer what it was when it was opened.
//
// Only opening and reading may wait for a disk, and so go to other threads, each at the cost of waking one. What is asked
// of an open file is answered from memory: done at once, and not by FileHandle, a small file costs a third of the time.
import { closeSync, fstatSync, open, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { faultOf } from '../demo/files.ts';

const openFile = promisify(open);
const readInto = promisify(read);

export interface LocalFile {
  sizeBytes: number;
  /** @throws SourceFault where it has other than its size's bytes */
  readWhole(): Promise<Buffer>;
  /** @throws SourceFault where the bytes are not there any more */
  read(offset: number, bytes: number): Promise<Buffer>;
  /** @throws SourceFault */
  assertUnchanged(): void;
  /** Once closed it may be closed again. */
  close(): void;
}

/** @throws SourceFault where it can't be opened */
export async function openLocalFile(path: string): Promise<LocalFile> {
  const descriptor = await openFile(path, 'r').catch((cause: NodeJS.ErrnoException): never => {
    throw cause.code === 'ENOENT'
      ? new SourceFault('FileMissing', 'vanished after its folder was read', cause)
      : new SourceFault('FileUnreadable', faultOf(cause), cause);
  });
  const first = fstatSync(descriptor);
  let isOpen = true;
  return {
    sizeBytes: first.size,
    async readWhole() {
      // One byte more than there should be: it costs no read of its own, and files that the system makes up, as those of
      // /proc, say that they are empty.
      const bytes = await readUpTo(descriptor, 0, first.size + 1);
      if (bytes.length !== first.size)
        throw bytes.length < first.size
          ? changed()
          : new SourceFault('FileChanged', 'has more bytes than its size says');
      return bytes;
    },
    async read(offset, bytes) {
      const stretch = await readUpTo(descriptor, offset, bytes);
      if (stretch.length < bytes) throw changed();
      return stretch;
    },
    assertUnchanged() {
      if (!isSame(first, fstatSync(descriptor))) throw changed();
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      closeSync(descriptor);
    },
  };
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

function isSame(before: Stats, after: Stats): boolean {
  return before.size === after.size && before.mtimeMs === after.mtimeMs;
}

function changed(): SourceFault {
  return new SourceFault('FileChanged', 'changed while it was read');
}
