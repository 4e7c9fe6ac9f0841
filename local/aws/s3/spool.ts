// Where large bodies lie: one file each in the embedded cloud's own temporary folder, deleted with the last use.
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import path from 'node:path';
import { fileBody, fileError, memoryBody, type ObjectBody, type SpoolFile } from './object-body.ts';
import { s3Error } from './s3-answers.ts';

/** What takes the bytes of one body as they come. */
export interface BodySink {
  write(chunk: Buffer): void | Promise<void>;
  finish(): ObjectBody | Promise<ObjectBody>;
  /** Discards the body. Never throws. */
  discard(): Promise<void>;
}

export interface Spool {
  /** @throws S3Error where the disk takes nothing more */
  sinkFor(sizeBytes: number): BodySink | Promise<BodySink>;
}

/**
 * A larger body goes to disk. Millions of small objects in memory are the usual load of this cloud; a file for each
 * would be slow. At this size a file costs less than the transfer of its bytes.
 */
export const MAX_BYTES_IN_MEMORY = 256 * 1024;

/** @param onLeftOver a file that could not be deleted */
export function createSpool(folder: string, onLeftOver: (error: Error) => void): Spool {
  let files = 0;

  async function fileSink(): Promise<BodySink> {
    files += 1;
    const filePath = path.join(folder, String(files));
    const failed = (error: Error): never => {
      throw diskError(error, folder);
    };
    const handle = await openNew(folder, filePath).catch(failed);
    let sizeBytes = 0;
    const remove = () => unlink(filePath).catch(onLeftOver);
    return {
      async write(chunk) {
        await writeAll(handle, chunk).catch(failed);
        sizeBytes += chunk.length;
      },
      async finish() {
        await handle.close().catch(failed);
        return fileBody(spoolFile(filePath, remove), sizeBytes);
      },
      async discard() {
        // After a failed finish the handle is closed already.
        await handle.close().catch(() => undefined);
        await remove();
      },
    };
  }

  return { sinkFor: (sizeBytes) => (sizeBytes > MAX_BYTES_IN_MEMORY ? fileSink() : memorySink()) };
}

function memorySink(): BodySink {
  const chunks: Buffer[] = [];
  return {
    write: (chunk) => void chunks.push(chunk),
    // A copy also of a single chunk: that one is a view of the socket's much larger buffer.
    finish: () => memoryBody(Buffer.concat(chunks)),
    discard: async () => undefined,
  };
}

function spoolFile(filePath: string, remove: () => Promise<void>): SpoolFile {
  let holds = 1;
  return {
    path: filePath,
    hold: () => void holds++,
    letGo() {
      holds -= 1;
      if (holds === 0) void remove();
    },
  };
}

/** The folder is made with its first file: most runs of the cloud need none. Only its owner may look into it. */
async function openNew(folder: string, filePath: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return await open(filePath, 'wx', 0o600);
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done);
    done += bytesWritten;
  }
}

/** A full disk stays full: 507 is an answer that no client sends again at once. S3 itself has no such answer. */
function diskError(error: NodeJS.ErrnoException, folder: string): Error {
  const remedy = 'free some space, or start the embedded cloud with TMPDIR on another disk';
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return s3Error(507, 'InsufficientStorage', `The disk of ${folder} is full: ${remedy}.`);
  }
  const busy = fileError(error);
  if (busy !== error) return busy;
  return s3Error(500, 'InternalError', `A body can't be kept in ${folder}: ${error.message}`);
}
