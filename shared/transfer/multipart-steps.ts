// The steps of a multipart upload, wherever its bytes come from: single paced requests, all its parts, and its completion.
import pMap from 'p-map';
import { classifyFault } from '../aws/classify.ts';
import { RETRIES_PER_ITEM } from '../pacing/retry.ts';
import { settleExisting, type TransferEnd, transferEnd } from './engine.ts';
import type { ObjectWrite, WrittenObject } from './object-writer.ts';
import {
  type PacedPlace,
  type PacedRequest,
  type PacingDependencies,
  type RequestBounds,
  type RequestTally,
  sendPaced,
} from './paced-request.ts';

/** A step's value, or the end of the whole item. */
export type Step<Value> = { kind: 'value'; value: Value } | OverStep;
export interface OverStep {
  kind: 'over';
  end: TransferEnd;
}

/**
 * One request, until it ends.
 * @param refused what it means that S3 refused for good; absent: the item fails
 * @param place where it is paced; absent: at the destination
 */
export type TakeStep = <Value>(
  send: PacedRequest<Value>['send'],
  refused?: PacedRequest<Step<Value>>['refused'],
  place?: PacedPlace,
) => Promise<Step<Value>>;

export interface StepItem {
  write: Pick<ObjectWrite, 'destination'>;
  /** Epoch ms after which it is given up; asked before each request. */
  giveUpAtMs: number;
  givenBack?: number;
  wasTried?: boolean;
  isHalted?: (() => boolean) | undefined;
}

/** @param mostRestMs the longest rest of an unfinished request before its next tries. Absent: the item goes back to its queue */
export function createStep(
  dependencies: PacingDependencies,
  item: StepItem,
  bounds: RequestBounds,
  tally: RequestTally,
  mostRestMs?: number,
): TakeStep {
  const { clock, random } = dependencies;
  const leftMs = () => bounds.stopAtMs - clock.now();
  let wasTried = item.wasTried ?? false;
  return async (send, refused, place = item.write.destination) => {
    // Over all waits: the lost answer may be from before the last wait.
    let attempts = 0;
    for (let rests = 0; ; rests++) {
      bounds.budget.retries += RETRIES_PER_ITEM;
      const sent = await sendPaced(
        dependencies,
        {
          destination: place,
          get giveUpAtMs() {
            return item.giveUpAtMs;
          },
          wasTried: wasTried || rests > 0,
          isHalted: item.isHalted,
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
      wasTried ||= attempts > 0;
      if (sent.kind === 'ended') return sent.answer;
      const end = transferEnd(sent, (item.givenBack ?? 0) + rests, random);
      const isOver = leftMs() <= 0 || item.isHalted?.() === true;
      if (end.kind !== 'unfinished' || mostRestMs === undefined || isOver) return { kind: 'over', end };
      await clock.sleep(Math.min(mostRestMs, end.delayMs, leftMs()));
    }
  };
}

export function failedStep({ code, message }: { code: string; message: string }): OverStep {
  return { kind: 'over', end: { kind: 'failed', code, message } };
}

/**
 * Sends parts side by side. Once one of them decides the item's end, no further part begins. Parts under way are waited for,
 * since none may outlive the upload.
 * @throws what `send` or the parts throw, once the others have ended
 */
export async function sendAll<Part, Sent>(
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

/** How an object that may be the upload's own is told from another's. */
interface OwnObject {
  /** @returns the object at the destination if it is the upload's, else undefined */
  recognise(): Promise<WrittenObject | undefined>;
  /** Whether an earlier delivery, whose answer was lost, may have completed it. */
  mayBeCompleted?: boolean;
}

/**
 * Looks at the destination before a conditional upload, so that no parts are sent or copied in vain. The completion is
 * conditional all the same, since the caller may lack the right to look.
 * @returns the item's end; undefined where nothing is there, or the caller may not look
 */
export async function findExisting(
  { ifExists }: Pick<ObjectWrite, 'ifExists'>,
  { exists, recognise, mayBeCompleted = false }: OwnObject & { exists(): Promise<boolean> },
  takeStep: TakeStep,
): Promise<TransferEnd | undefined> {
  if (ifExists === 'overwrite') return undefined;
  const found = await takeStep(exists, async () => ({ kind: 'value', value: false }));
  if (found.kind === 'over') return found.end;
  return found.value ? settleExisting({ ifExists }, mayBeCompleted, recognise) : undefined;
}

/** An answer that was lost may have completed the upload: it is gone then, or the object that is found is our own. */
export async function completeUpload(
  { ifExists }: Pick<ObjectWrite, 'ifExists'>,
  { complete, recognise, mayBeCompleted = false }: OwnObject & { complete(): Promise<WrittenObject> },
  takeStep: TakeStep,
): Promise<TransferEnd> {
  const completed = await takeStep<TransferEnd>(
    async () => ({ kind: 'stored', object: await complete() }),
    async (fault, attempts) => {
      const isGone = fault.code === 'NoSuchUpload';
      if (fault.kind !== 'exists' && !isGone) return failedStep(fault);
      const end = await settleExisting(
        { ifExists },
        mayBeCompleted || attempts > 1,
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
export async function noneIfMissing(
  find: () => Promise<WrittenObject | undefined>,
): Promise<WrittenObject | undefined> {
  try {
    return await find();
  } catch (error) {
    if (classifyFault(error).code === 'NotFound') return undefined;
    throw error;
  }
}
