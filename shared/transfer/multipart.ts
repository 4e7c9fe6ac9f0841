// The multipart upload of one large object: begin it, send its parts side by side, complete it. Each request waits for its turn
// and is retried in place. An upload that ends without an object is aborted: S3 keeps and bills the parts of an open upload.
import pMap from 'p-map';
import { classifyFault, type Fault } from '../aws/classify.ts';
import { fullJitterMs } from '../pacing/backoff.ts';
import { RETRIES_PER_ITEM, THROTTLE_BACKOFF } from '../pacing/retry.ts';
import { settleExisting, type TransferEnd, type TransferReport, transferEnd } from './engine.ts';
import type { MultipartWriter, SentPart } from './multipart-writer.ts';
import type { ObjectWrite, StoredObject } from './object-writer.ts';
import {
  type PacedRequest,
  type PacingDependencies,
  type RequestBounds,
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

export interface MultipartDependencies extends PacingDependencies {
  uploads: MultipartWriter;
}

export type AbortDependencies = Pick<MultipartDependencies, 'uploads' | 'clock' | 'random'>;

/** A step's value, or the end of the whole item. */
type Step<Value> = { kind: 'value'; value: Value } | { kind: 'over'; end: TransferEnd };

/** A source that can't be read as it was ends the item as failed, with the fault's code, after the upload was aborted. */
export async function transferInParts(
  dependencies: MultipartDependencies,
  item: PartedItem,
  bounds: RequestBounds,
): Promise<TransferReport> {
  const { uploads, clock } = dependencies;
  const { write } = item;
  const startedAtMs = clock.now();
  const tally = { attempts: 0, throttled: 0, transient: 0 };
  const takeStep = createStep(dependencies, item, bounds, tally);
  const ended = (end: TransferEnd): TransferReport => ({ ...tally, end, ms: clock.now() - startedAtMs });

  if (write.ifExists !== 'overwrite') {
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
    if (!isStored) await abortUpload(dependencies, write, begun.value, clock.now() + ABORT_MS);
  }
}

type TakeStep = <Value>(
  send: PacedRequest<Value>['send'],
  refused?: PacedRequest<Step<Value>>['refused'],
) => Promise<Step<Value>>;

/** One request of the upload, until it ends: where it is unfinished, it waits and is sent again. */
function createStep(
  dependencies: MultipartDependencies,
  item: PartedItem,
  bounds: RequestBounds,
  tally: Omit<TransferReport, 'end' | 'ms'>,
): TakeStep {
  const { clock, random } = dependencies;
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
      if (end.kind !== 'unfinished' || leftMs() <= 0) return { kind: 'over', end };
      await clock.sleep(Math.min(MAX_REST_MS, end.delayMs, leftMs()));
    }
  };
}

async function fillAndComplete(
  uploads: MultipartWriter,
  { write, source, plan }: PartedItem,
  uploadId: string,
  bounds: RequestBounds,
  takeStep: TakeStep,
): Promise<TransferEnd> {
  const over: { end?: TransferEnd; fault?: unknown } = {};
  const sent = await pMap(
    partsOf(plan, source.sizeBytes),
    async ({ number, offset, bytes }) => {
      // The first part that fails ends the others before they begin; none may outlive the upload.
      if (over.end !== undefined || over.fault !== undefined) return undefined;
      try {
        const step = await source.usePart(offset, bytes, (part) =>
          takeStep((cutOff) => uploads.send(write, uploadId, { number, bytes: part }, cutOff)),
        );
        if (step.kind === 'value') return step.value;
        over.end = step.end;
      } catch (error) {
        over.fault = error;
      }
      return undefined;
    },
    { concurrency: PARTS_AT_ONCE },
  );
  if (over.fault !== undefined) throw over.fault;
  if (over.end !== undefined) return over.end;
  await source.assertUnchanged();
  const parts = sent.filter((part): part is SentPart => part !== undefined);
  const completed = await takeStep<TransferEnd>(
    async () => ({ kind: 'stored', object: await uploads.complete(write, uploadId, parts, bounds.cutOff) }),
    async (fault, attempts) => {
      // An answer that was lost may have completed it: the upload is gone then, or the object found is our own.
      const isGone = fault.code === 'NoSuchUpload';
      if (fault.kind !== 'exists' && !isGone) return failedStep(fault);
      const recognise = () => uploads.recognise(write, parts);
      const end = await settleExisting(
        write,
        attempts > 1,
        isGone ? () => noneIfMissing(recognise) : recognise,
      );
      // S3 can't say now whether it is our own. If it counted as lost, a stored object would be sent again.
      if (end === undefined) return undefined;
      return isGone && end.kind !== 'stored' ? failedStep(fault) : { kind: 'value', value: end };
    },
  );
  return completed.kind === 'over' ? completed.end : completed.value;
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
