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
    read: (offset, bytes) => readStretch(descriptor, offset, bytes),
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

async function readStretch(descriptor: number, offset: number, bytes: number): Promise<Buffer> {
  const stretch = Buffer.allocUnsafe(bytes);
  for (let filled = 0; filled < bytes; ) {
    const { bytesRead } = await readInto(descriptor, stretch, filled, bytes - filled, offset + filled).catch(
      (cause: NodeJS.ErrnoException): never => {
        throw new SourceFault('FileUnreadable', faultOf(cause), cause);
      },
    );
    if (bytesRead === 0) throw changed();
    filled += bytesRead;
  }
  return stretch;
}

function isSame(before: Stats, after: Stats): boolean {
  return before.size === after.size && before.mtimeMs === after.mtimeMs;
}

function changed(): SourceFault {
  return new SourceFault('FileChanged', 'changed while it was read');
}
