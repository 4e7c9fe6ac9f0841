// Puts one file: read whole and sent at once, or read and sent part by part.
import type { IfExists } from '../../shared/job/options.ts';
import { destinationKey, type Spread } from '../../shared/spread/spread.ts';
import { type EngineDependencies, type TransferReport, transferOne } from '../../shared/transfer/engine.ts';
import { transferInParts } from '../../shared/transfer/multipart.ts';
import type { MultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import { RETRIES_PER_ITEM, type RequestBounds } from '../../shared/transfer/paced-request.ts';
import { planParts } from '../../shared/transfer/part-plan.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import type { Budget } from './budget.ts';
import type { PutDestination } from './destination.ts';
import { type LocalFile, openLocalFile } from './local-file.ts';

/** S3's limit on a key, in bytes of UTF-8. */
const MOST_KEY_BYTES = 1024;

export interface PutDependencies extends EngineDependencies {
  uploads: MultipartWriter;
  /** Bytes of files that are in memory at once. */
  memory: Budget;
}

export interface PutSettings {
  destination: PutDestination;
  spread: Spread;
  ifExists: IfExists;
}

/** A file with what became of it so far. */
export interface FileTask {
  path: string;
  key: string;
  giveUpAtMs: number;
  attempts: number;
  putBack: number;
}

/** It never throws for the file's sake: a file that can't be read has failed. */
export async function putFile(
  dependencies: PutDependencies,
  task: FileTask,
  settings: PutSettings,
  bounds: RequestBounds,
): Promise<TransferReport> {
  const { destination, spread, ifExists } = settings;
  const key = destinationKey(task.key, spread, destination.prefix);
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > MOST_KEY_BYTES) {
    return failed('KeyTooLong', `the key has ${keyBytes} bytes; S3 takes ${MOST_KEY_BYTES}`);
  }
  const write = { destination: { bucket: destination.bucket, key }, ifExists };
  bounds.budget.retries += RETRIES_PER_ITEM;
  try {
    return await withContents(dependencies.memory, task.path, {
      whole: (bytes) =>
        transferOne(
          dependencies,
          {
            write: { ...write, source: { kind: 'bytes', bytes } },
            giveUpAtMs: task.giveUpAtMs,
            givenBack: task.putBack,
            wasTried: task.attempts > 0,
            mayBeWritten: task.attempts > 0,
          },
          bounds,
        ),
      parts: (source, plan) =>
        transferInParts(dependencies, { write, source, plan, giveUpAtMs: task.giveUpAtMs }, bounds),
    });
  } catch (error) {
    if (error instanceof SourceFault) return failed(error.code, error.message);
    throw error;
  }
}

type PartedItem = Parameters<typeof transferInParts>[1];

interface Ways {
  whole(bytes: Buffer): Promise<TransferReport>;
  parts(source: PartedItem['source'], plan: PartedItem['plan']): Promise<TransferReport>;
}

async function withContents(memory: Budget, path: string, { whole, parts }: Ways): Promise<TransferReport> {
  const file = await openLocalFile(path);
  try {
    const plan = planParts(file.sizeBytes);
    switch (plan.kind) {
      case 'whole':
        return await memory.hold(file.sizeBytes, async () => {
          const bytes = await file.readWhole();
          file.assertUnchanged();
          // It may wait long for its turn: the bytes are there, the file may go.
          file.close();
          return await whole(bytes);
        });
      case 'parts':
        return await parts(partSource(memory, file), plan);
      case 'too-large':
        throw new SourceFault('FileTooLarge', `${file.sizeBytes} bytes; put takes up to ${plan.mostBytes}`);
    }
  } finally {
    file.close();
  }
}

function partSource(memory: Budget, file: LocalFile): PartedItem['source'] {
  return {
    sizeBytes: file.sizeBytes,
    usePart: (offset, bytes, use) => memory.hold(bytes, async () => use(await file.read(offset, bytes))),
    assertUnchanged: () => file.assertUnchanged(),
  };
}

function failed(code: string, message: string): TransferReport {
  return { end: { kind: 'failed', code, message }, attempts: 0, throttled: 0, transient: 0, ms: 0 };
}
