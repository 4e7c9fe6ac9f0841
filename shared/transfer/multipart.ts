// The multipart upload of one large object: begin it, send its parts side by side, complete it. Each request waits for its turn
// and is retried in place. An upload that ends without an object is aborted: S3 keeps and bills the parts of an open upload.
import pMap from 'p-map';
import { classifyFault, type Fault } from '../aws/classify.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import { RETRIES_PER_ITEM, THROTTLE_BACKOFF } from '../pacing/retry.ts';
import { settleExisting, type TransferEnd, type TransferReport, transferEnd } from './engine.ts';
import type { MultipartWriter } from './multipart-writer.ts';
import type { ObjectWrite, StoredObject } from './object-writer.ts';
import {
  type PacedRequest,
  type PacingDependencies,
  type RequestBounds,
  type RequestTally,
  sendPaced,
} from './paced-request.ts';
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

/** A step's value, or the end of the whole item. */
type Step<Value> = { kind: 'value'; value: Value } | { kind: 'over'; end: TransferEnd };

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
  const takeStep = createStep(dependencies, item, bounds, tally);
  const ended = (end: TransferEnd): TransferReport => ({ ...tally, end, ms: clock.now() - startedAtMs });

  // An object that may be our own is known by its parts alone: the completion compares them.
  if (write.ifExists !== 'overwrite' && !mayBeWritten) {
    // Looked up before its bytes are sent for nothing; the completion is conditional all the same. The caller may lack the
    // right to look.
    const found = await takeStep(
      () => uploads.exists(write),
      async () => ({ kind: 'value', value: false }),
    );
    if (found.kind === 'over') return ended(found.end);
    const existing = found.value ? await settleExisting(write, false, async () => undefined) : undefined;
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

type TakeStep = <Value>(
  send: PacedRequest<Value>['send'],
  refused?: PacedRequest<Step<Value>>['refused'],
) => Promise<Step<Value>>;

/** One request of the upload, until it ends: where it is unfinished, it waits and is sent again. */
function createStep(
  dependencies: MultipartDependencies,
  item: PartedItem | StreamedItem,
  bounds: RequestBounds,
  tally: RequestTally,
): TakeStep {
  const { clock, random } = dependencies;
  const isHalted = 'isHalted' in item ? item.isHalted : undefined;
  const leftMs = () => bounds.stopAtMs - clock.now();
  return async (send, refused) => {
    // Over all waits: the lost answer may be from before the last wait.
    let attempts = 0;
    for (let rests = 0; ; rests++) {
      bounds.budget.retries += RETRIES_PER_ITEM;
      const sent = await sendPaced(
        dependencies,
        {
          destination: item.write.destination,
          giveUpAtMs: item.giveUpAtMs,
          wasTried: rests > 0,
          isHalted,
          send: async (cutOff) => {
            attempts++;
            return { kind: 'value' as const, value: await send(cutOff) };
          },
          refused: async (fault) =>
            refused === undefined ? failedStep(fault) : await refused(fault, attempts),
        },
        bounds,
        tally,
      );
      if (sent.kind === 'ended') return sent.answer;
      const end = transferEnd(sent, rests, random);
      if (end.kind !== 'unfinished' || leftMs() <= 0 || isHalted?.() === true) return { kind: 'over', end };
      await clock.sleep(Math.min(MAX_REST_MS, end.delayMs, leftMs()));
    }
  };
}

async function fillAndComplete(
  uploads: MultipartWriter,
  item: PartedItem | StreamedItem,
  uploadId: string,
  bounds: RequestBounds,
  takeStep: TakeStep,
): Promise<TransferEnd> {
  const { write } = item;
  const mayBeWritten = 'mayBeWritten' in item && item.mayBeWritten;
  const sendPart = (number: number, bytes: Uint8Array) =>
    takeStep((cutOff) => uploads.send(write, uploadId, { number, bytes }, cutOff));
  const sent =
    'parts' in item
      ? await sendAll(numbered(item.parts), item.partsAtOnce, ({ number, bytes }) => sendPart(number, bytes))
      : await sendAll(partsOf(item.plan, item.source.sizeBytes), PARTS_AT_ONCE, ({ number, offset, bytes }) =>
          item.source.usePart(offset, bytes, (part) => sendPart(number, part)),
        );
  if (sent.kind === 'over') return sent.end;
  if ('source' in item) await item.source.assertUnchanged();
  const parts = sent.value;
  const completed = await takeStep<TransferEnd>(
    async () => ({ kind: 'stored', object: await uploads.complete(write, uploadId, parts, bounds.cutOff) }),
    async (fault, attempts) => {
      // An answer that was lost may have completed it: the upload is gone then, or the object found is our own.
      const isGone = fault.code === 'NoSuchUpload';
      if (fault.kind !== 'exists' && !isGone) return failedStep(fault);
      const recognise = () => uploads.recognise(write, parts);
      const end = await settleExisting(
        write,
        mayBeWritten || attempts > 1,
        isGone ? () => noneIfMissing(recognise) : recognise,
      );
      // S3 can't say now whether it is our own. If it counted as lost, a stored object would be sent again.
      if (end === undefined) return undefined;
      return isGone && end.kind !== 'stored' ? failedStep(fault) : { kind: 'value', value: end };
    },
  );
  return completed.kind === 'over' ? completed.end : completed.value;
}

/**
 * Sends parts side by side. The first that comes to an end of the item ends the others before they begin; those under way are
 * waited for, since none may outlive the upload.
 * @throws what `send` or the parts throw, once the others have ended
 */
async function sendAll<Part, Sent>(
  parts: Iterable<Part> | AsyncIterable<Part>,
  partsAtOnce: number,
  send: (part: Part) => Promise<Step<Sent>>,
): Promise<Step<Sent[]>> {
  const over: { end?: TransferEnd; fault?: unknown } = {};
  const isOver = () => over.end !== undefined || over.fault !== undefined;
  const sent = await pMap(
    untilOver(parts, isOver, (fault) => {
      over.fault ??= fault;
    }),
    async (part) => {
      if (isOver()) return [];
      try {
        const step = await send(part);
        if (step.kind === 'value') return [step.value];
        over.end ??= step.end;
      } catch (error) {
        over.fault ??= error;
      }
      return [];
    },
    { concurrency: partsAtOnce },
  );
  if (over.fault !== undefined) throw over.fault;
  if (over.end !== undefined) return { kind: 'over', end: over.end };
  return { kind: 'value', value: sent.flat() };
}

/** Reads no further part once the item is over. p-map would not wait for the parts under way if this threw. */
async function* untilOver<Part>(
  parts: Iterable<Part> | AsyncIterable<Part>,
  isOver: () => boolean,
  failed: (fault: unknown) => void,
): AsyncGenerator<Part> {
  try {
    for await (const part of parts) {
      yield part;
      if (isOver()) return;
    }
  } catch (error) {
    failed(error);
  }
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

/** Where the upload is gone and there is no object, the upload was lost. */
async function noneIfMissing(
  find: () => Promise<StoredObject | undefined>,
): Promise<StoredObject | undefined> {
  try {
    return await find();
  } catch (error) {
    if (classifyFault(error).code === 'NotFound') return undefined;
    throw error;
  }
}

function failedStep({ code, message }: { code: string; message: string }) {
  return { kind: 'over' as const, end: { kind: 'failed' as const, code, message } };
}

/**
 * Asks S3 to abort an upload until it does: a bucket that throttles refuses this request as any other.
 * @param untilMs epoch ms: no try begins after it
 * @returns why the upload is still open, or undefined where it is not
 */
export async function abortUpload(
  { uploads, clock, random }: AbortDependencies,
  write: ObjectWrite,
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
