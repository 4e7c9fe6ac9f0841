// Puts one file: read whole and sent at once, or read and sent part by part.
import type { ObjectAttributes } from '../../shared/attributes/object-attributes.ts';
import type { IfExists } from '../../shared/job/options.ts';
import { faultOfKey } from '../../shared/keys/destination-key.ts';
import { RETRIES_PER_ITEM } from '../../shared/pacing/retry.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { Budget } from '../../shared/transfer/budget.ts';
import { type BytesWriter, writerOfBytes } from '../../shared/transfer/bytes-writer.ts';
import { type TransferReport, transferOne } from '../../shared/transfer/engine.ts';
import { type PartedItem, transferInParts } from '../../shared/transfer/multipart.ts';
import type { MultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import type { PacingDependencies, RequestBounds } from '../../shared/transfer/paced-request.ts';
import { planParts } from '../../shared/transfer/part-plan.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { contentTypeOf } from './content-type.ts';
import type { Descriptors } from './descriptors.ts';
import { addressOf, type ObjectPlace } from './destination.ts';
import { type LocalFile, openLocalFile } from './local-file.ts';
import { refusalRemedy } from './remedies.ts';
import type { Tree } from './tree.ts';

/**
 * How often a file is begun at most, by what ended it before.
 *
 *   FileChanged    a file that is being written may need hours to be sent again: once more is enough for most writers
 *   NoSuchUpload   S3 has lost the upload (a failover, a lifecycle rule): nothing is wrong with the file. Where an upload
 *                  takes longer than the rule lets it live, no number of starts helps
 */
const MAX_STARTS = new Map([
  ['FileChanged', 2],
  ['NoSuchUpload', 4],
]);
/** Milliseconds before it is begun again, twice as long each time: most writers, and most failovers, are done by then. */
const START_AGAIN_MS = 1_000;

export interface PutDependencies extends PacingDependencies {
  writer: BytesWriter;
  uploads: MultipartWriter;
  descriptors: Pick<Descriptors, 'open'>;
  /** The clock that file systems stamp by. */
  fileClock: Clock;
  /** Bytes of files that are in memory at once. */
  memory: Budget;
}

export interface PutSettings {
  bucket: string;
  /** `binary`, `hex:N` or `off`. */
  spread: string;
  ifExists: IfExists;
  /** Of every file. Without a content type: by the ending of its name. */
  attributes: ObjectAttributes;
}

/** A file with what became of it so far. */
export interface FileTask {
  path: string;
  /** Its name as it was found: a link that was followed has another than its target. */
  name: string;
  place: ObjectPlace;
  /** What the file must lie in when it is opened. */
  tree?: Tree | undefined;
  giveUpAtMs: number;
  attempts: number;
  putBack: number;
}

/**
 * No fault of the file makes it throw. A file that can't be read has failed, as has one that changes, or whose upload is lost,
 * again and again.
 */
export async function putFile(
  dependencies: PutDependencies,
  task: FileTask,
  settings: PutSettings,
  bounds: RequestBounds,
): Promise<TransferReport> {
  const destination = addressOf(task.place, settings);
  const fault = faultOfKey(destination.key, settings.spread);
  if (fault !== undefined) return failed(fault.code, `the key ${fault.message}`);
  const { clock } = dependencies;
  const write = {
    destination,
    attributes: { contentType: contentTypeOf(task.name, task.place.key), ...settings.attributes },
    ifExists: settings.ifExists,
  };
  const ends: string[] = [];
  let report = await putOnce(dependencies, task, write, bounds);
  while (isBegunAgain(report, ends) && clock.now() < Math.min(bounds.stopAtMs, task.giveUpAtMs)) {
    await clock.sleep(START_AGAIN_MS * 2 ** ends.length);
    ends.push(codeOf(report));
    report = afterEarlier(report, await putOnce(dependencies, task, write, bounds));
  }
  return explained(report, ends.length + 1);
}

/** @param ends the codes that its earlier starts ended with */
function isBegunAgain(report: TransferReport, ends: readonly string[]): boolean {
  const code = codeOf(report);
  const starts = ends.filter((each) => each === code).length + 1;
  return starts < (MAX_STARTS.get(code) ?? 1);
}

function codeOf({ end }: TransferReport): string {
  return end.kind === 'failed' ? end.code : '';
}

function explained(report: TransferReport, starts: number): TransferReport {
  const { end } = report;
  const remedy = end.kind === 'failed' ? refusalRemedy(end) : undefined;
  if (end.kind === 'failed' && remedy !== undefined)
    return { ...report, end: { ...end, message: `${end.message}. ${remedy}` } };
  if (codeOf(report) !== 'NoSuchUpload') return report;
  const message = `S3 lost its multipart upload (begun ${starts} times): a lifecycle rule or another program may abort it`;
  return { ...report, end: { kind: 'failed', code: 'NoSuchUpload', message } };
}

function afterEarlier(earlier: TransferReport, last: TransferReport): TransferReport {
  return {
    end: last.end,
    attempts: earlier.attempts + last.attempts,
    throttled: earlier.throttled + last.throttled,
    transient: earlier.transient + last.transient,
    ms: earlier.ms + last.ms,
  };
}

async function putOnce(
  dependencies: PutDependencies,
  task: FileTask,
  write: PartedItem['write'],
  bounds: RequestBounds,
): Promise<TransferReport> {
  const { descriptors, fileClock: clock } = dependencies;
  const { path, tree, giveUpAtMs } = task;
  bounds.budget.retries += RETRIES_PER_ITEM;
  try {
    const file = await descriptors.open(() => openLocalFile(path, { clock, tree }), giveUpAtMs);
    try {
      return await putContents(dependencies, file, task, write, bounds);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof SourceFault) return failed(error.code, error.message);
    throw error;
  }
}

async function putContents(
  dependencies: PutDependencies,
  file: LocalFile,
  { giveUpAtMs, attempts, putBack: givenBack }: FileTask,
  write: PartedItem['write'],
  bounds: RequestBounds,
): Promise<TransferReport> {
  const { memory } = dependencies;
  const plan = planParts(file.sizeBytes);
  switch (plan.kind) {
    case 'whole':
      return await memory.hold(file.sizeBytes, async () => {
        const bytes = await file.readWhole();
        await file.assertUnchanged();
        // The bytes are in memory and may wait long for their turn, so the file is closed first.
        file.close();
        const writer = writerOfBytes(dependencies.writer, { ...write, bytes });
        const wasTried = attempts > 0;
        const item = { write, writer, giveUpAtMs, givenBack, wasTried, mayBeWritten: wasTried };
        return await transferOne(dependencies, item, bounds);
      });
    case 'parts': {
      const source = partSource(memory, file);
      return await transferInParts(dependencies, { write, source, plan, giveUpAtMs }, bounds);
    }
    case 'too-large':
      throw new SourceFault('FileTooLarge', `${file.sizeBytes} bytes; put takes up to ${plan.mostBytes}`);
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
