// The multipart upload of one large object: begin it, send its parts side by side, complete it. Each request waits for its turn
// and is retried in place. An upload that ends without an object is aborted: S3 keeps and bills the parts of an open upload.
import { classifyFault, type Fault } from '../aws/classify.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import { THROTTLE_BACKOFF } from '../pacing/retry.ts';
import type { TransferEnd, TransferReport } from './engine.ts';
import {
  completeUpload,
  createStep,
  findExisting,
  type Step,
  sendAll,
  type TakeStep,
} from './multipart-steps.ts';
import type { MultipartWriter, SentPart } from './multipart-writer.ts';
import type { ObjectWrite } from './object-writer.ts';
import type { PacingDependencies, RequestBounds, RequestTally } from './paced-request.ts';
import { type PartPlan, partsOf } from './part-plan.ts';
import { SourceFault } from './source-fault.ts';

/** Parts of one object under way at once: what fills a fast line while each part waits for its answer. */
const PARTS_AT_ONCE = 8;
/** Milliseconds that an unfinished request waits at most before its next tries: an open upload can't go back to a queue. */
const MAX_REST_MS = 30_000;
/** Milliseconds in which the abort of an upload is tried. */
const ABORT_MS = 30_000;

export interface PartSource {
  sizeBytes: number;
  /** Holds a part in memory while it is used. @throws SourceFault where it can't be read as it was */
  usePart<Result>(offset: number, bytes: number, use: (part: Uint8Array) => Promise<Result>): Promise<Result>;
  /** @throws SourceFault where the source is not what it was when the transfer began */
  assertUnchanged(): Promise<void>;
}

export interface PartedItem {
  write: ObjectWrite;
  source: PartSource;
  plan: PartPlan & { kind: 'parts' };
  /** Epoch ms after which it is given up. */
  giveUpAtMs: number;
}

/** An object whose bytes can be read once, from the first to the last, and whose size may be unknown. */
export interface StreamedItem extends Pick<PartedItem, 'write' | 'giveUpAtMs'> {
  /** All of one size, but for the last. Each is read when it is asked for. @throws KnownFault where they can't be read on */
  parts: AsyncIterable<Uint8Array>;
  /** Parts that are in memory at once. */
  partsAtOnce: number;
  /** Whether an earlier delivery, whose answer was lost, may have written the object. */
  mayBeWritten: boolean;
  isHalted?: (() => boolean) | undefined;
}

export interface MultipartDependencies extends PacingDependencies {
  uploads: MultipartWriter;
}

export type AbortDependencies = Pick<MultipartDependencies, 'uploads' | 'clock' | 'random'>;

/**
 * A source that can't be read as it was ends the item as failed, with the fault's code, after the upload was aborted.
 * @param tally counts on, also where this throws
 * @throws KnownFault of a stream, after the upload was aborted
 */
export async function transferInParts(
  dependencies: MultipartDependencies,
  item: PartedItem | StreamedItem,
  bounds: RequestBounds,
  tally: RequestTally = { attempts: 0, throttled: 0, transient: 0 },
): Promise<TransferReport> {
  const { uploads, clock } = dependencies;
  const { write } = item;
  const startedAtMs = clock.now();
  const mayBeWritten = 'mayBeWritten' in item && item.mayBeWritten;
  const takeStep = createStep(dependencies, item, bounds, tally, MAX_REST_MS);
  const ended = (end: TransferEnd): TransferReport => ({ ...tally, end, ms: clock.now() - startedAtMs });

  // An object that may be our own is known by its parts alone: the completion compares them.
  if (!mayBeWritten) {
    const look = { exists: () => uploads.exists(write), recognise: async () => undefined };
    const existing = await findExisting(write, look, takeStep);
    if (existing !== undefined) return ended(existing);
  }
  const begun = await takeStep(() => uploads.begin(write));
  if (begun.kind === 'over') return ended(begun.end);
  let isStored = false;
  try {
    const end = await fillAndComplete(uploads, item, begun.value, bounds, takeStep);
    isStored = end.kind === 'stored';
    return ended(end);
  } catch (error) {
    if (error instanceof SourceFault)
      return ended({ kind: 'failed', code: error.code, message: error.message });
    throw error;
  } finally {
    // The report is about the object. An upload that stays open is left to the caller's list, or to a lifecycle rule.
    // The object may be of an earlier delivery's upload; one that was completed counts as aborted.
    if (!isStored || mayBeWritten)
      await abortUpload(dependencies, write, begun.value, clock.now() + ABORT_MS);
  }
}

async function fillAndComplete(
  uploads: MultipartWriter,
  item: PartedItem | StreamedItem,
  uploadId: string,
  bounds: RequestBounds,
  takeStep: TakeStep,
): Promise<TransferEnd> {
  const { write } = item;
  const sendPart = (number: number, bytes: Uint8Array) =>
    takeStep((cutOff) => uploads.send(write, uploadId, { number, bytes }, cutOff));
  const sent: Step<SentPart[]> =
    'parts' in item
      ? await sendAll(numbered(item.parts), item.partsAtOnce, ({ number, bytes }) => sendPart(number, bytes))
      : await sendAll(partsOf(item.plan, item.source.sizeBytes), PARTS_AT_ONCE, ({ number, offset, bytes }) =>
          item.source.usePart(offset, bytes, (part) => sendPart(number, part)),
        );
  if (sent.kind === 'over') return sent.end;
  if ('source' in item) await item.source.assertUnchanged();
  const parts = sent.value;
  return completeUpload(
    write,
    {
      complete: () => uploads.complete(write, uploadId, parts, bounds.cutOff),
      recognise: () => uploads.recognise(write, parts),
      mayBeCompleted: 'mayBeWritten' in item && item.mayBeWritten,
    },
    takeStep,
  );
}

async function* numbered(
  parts: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ number: number; bytes: Uint8Array }> {
  let number = 0;
  for await (const bytes of parts) {
    number++;
    yield { number, bytes };
  }
}

/**
 * Asks S3 to abort an upload until it does: a bucket that throttles refuses this request as any other.
 * @param untilMs epoch ms: no try begins after it
 * @returns why the upload is still open, or undefined where it is not
 */
export async function abortUpload(
  {
    uploads,
    clock,
    random,
  }: Omit<AbortDependencies, 'uploads'> & { uploads: Pick<MultipartWriter, 'abort'> },
  write: Pick<ObjectWrite, 'destination'>,
  uploadId: string,
  untilMs: number,
): Promise<Fault | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      await uploads.abort(write, uploadId);
      return undefined;
    } catch (error) {
      const fault = classifyFault(error);
      const waitMs = fullJitterMs(THROTTLE_BACKOFF, tries, random);
      if (fault.kind === 'permanent' || clock.now() + waitMs >= untilMs) return fault;
      await clock.sleep(waitMs);
    }
  }
}
