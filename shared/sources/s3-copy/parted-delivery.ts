// One delivery of a copy in parts: from the HEAD of its source to its end, or as far as the time is enough.
//
//   read      HEAD of the source, and its tags where it has any
//   open      the upload that an earlier delivery has begun of this very source, with the parts that S3 has; else a new one
//   copy      the parts that are missing, side by side, each on condition that the source is still the one of the HEAD
//   complete  on condition that there is no object, where the job says so; S3 compares the checksum of the whole
//
// An upload whose source has changed is aborted, and the copy begins again.
import { classifyFault } from '../../aws/classify.ts';
import { giveBackDelayMs } from '../../pacing/retry.ts';
import { boundedWithTail } from '../../text/bounded.ts';
import type { Budget } from '../../transfer/budget.ts';
import type { TransferEnd, TransferItem } from '../../transfer/engine.ts';
import { abortUpload } from '../../transfer/multipart.ts';
import {
  completeUpload,
  createStep,
  failedStep,
  findExisting,
  noneIfMissing,
  type OverStep,
  type Step,
  sendAll,
  type TakeStep,
} from '../../transfer/multipart-steps.ts';
import type { WrittenObject } from '../../transfer/object-writer.ts';
import type {
  FinalFault,
  PacingDependencies,
  RequestBounds,
  RequestTally,
} from '../../transfer/paced-request.ts';
import { type Part, partsOf, planCopyParts } from '../../transfer/part-plan.ts';
import type { Copier, Copy } from './copier.ts';
import { type BegunCopy, type CopyMemory, type ItemMemory, isOfSource } from './copy-memory.ts';
import type { SourceHead } from './headers.ts';
import type { CopiedPart, PartRequests } from './part-requests.ts';
import { createProgress } from './parted-progress.ts';
import { explainCopy, explainRead, nameOf, readersOf } from './source-check.ts';

/** Parts of one object under way at once: S3 copies each at some 100 MB/s. */
const PARTS_AT_ONCE = 8;
/** Uploads of one delivery, at most: the source may change after each HEAD, or somebody may abort each upload. */
const MAX_ROUNDS = 4;
/** Milliseconds in which the abort of an upload is tried: it fits into the time that upload keeps back. */
const ABORT_MS = 2_000;

export interface PartedCopies {
  copier: Copier;
  requests: PartRequests;
  /** Absent: an upload that is unfinished is aborted. */
  memory?: CopyMemory | undefined;
  /** Parts that all objects of a worker have under way. */
  slots: Budget;
  /** Bytes above which an object goes in parts. */
  aboveBytes: number;
}

/** Why an upload could not be used to its end. */
type Setback = 'changed' | 'lost';
type Round = OverStep | { kind: 'again'; after: Setback };
interface Opened {
  kind: 'opened';
  begun: BegunCopy;
  parts: readonly CopiedPart[];
}

interface Given {
  pacing: PacingDependencies;
  item: TransferItem;
  bounds: RequestBounds;
  tally: RequestTally;
}

/** The work of one delivery. @param use called with the upload in use, or with undefined once there is none */
export function createDelivery(
  { copier, requests, slots, aboveBytes }: PartedCopies,
  copy: Copy,
  memory: ItemMemory,
  { pacing, item, bounds, tally }: Given,
  use: (begun: BegunCopy | undefined) => void,
) {
  const { clock, random } = pacing;
  const progress = createProgress(copy, item);
  const takeStep: TakeStep = createStep(pacing, progress, bounds, tally);
  const over = (end: TransferEnd): OverStep => ({ kind: 'over', end });

  /** If the memory fails now, a later delivery tries again. */
  async function remembered<Value>(ask: () => Promise<Value>): Promise<Step<Value>> {
    try {
      return { kind: 'value', value: await ask() };
    } catch (error) {
      const { code, message } = classifyFault(error);
      if (clock.now() >= progress.giveUpAtMs) {
        const tail = `given up at its retry time: the state of its copy in parts can't be kept (${code}: ${message})`;
        return failedStep({ code: 'RetryTimeExceeded', message: tail });
      }
      const delayMs = giveBackDelayMs({ kind: 'refused' }, item.givenBack, random);
      return over({ kind: 'unfinished', delayMs });
    }
  }

  /** A request for the source, whose refusals name it. */
  function read<Value>(ask: (cutOff: AbortSignal) => Promise<Value>): Promise<Step<Value>> {
    let thrown: unknown;
    const send = (cutOff: AbortSignal) =>
      ask(cutOff).catch((error: unknown) => {
        thrown = error;
        throw error;
      });
    return takeStep(
      send,
      async (fault) => failedStep(explainRead(fault, copy, thrown)),
      readersOf(copy.source),
    );
  }

  /** One that can't be aborted now is left to the bucket's lifecycle rule: the new upload must not wait for it. */
  async function abort({ uploadId }: BegunCopy): Promise<void> {
    await abortUpload({ uploads: requests, clock, random }, copy, uploadId, clock.now() + ABORT_MS);
    use(undefined);
  }

  async function drop(begun: BegunCopy): Promise<Step<void>> {
    await abort(begun);
    return remembered(() => memory.forget(begun.uploadId));
  }

  /** The upload does not exist any more: it was completed, or aborted. */
  async function whereGone(begun: BegunCopy, head: SourceHead): Promise<Round> {
    const own = await takeStep<WrittenObject | undefined>(
      () => noneIfMissing(() => requests.recognise(copy, begun, head)),
      // Without the right to look, the object is copied again.
      async () => ({ kind: 'value', value: undefined }),
    );
    if (own.kind === 'over') return own;
    if (own.value !== undefined) return over({ kind: 'stored', object: own.value });
    use(undefined);
    const forgotten = await remembered(() => memory.forget(begun.uploadId));
    return forgotten.kind === 'over' ? forgotten : { kind: 'again', after: 'lost' };
  }

  async function goOnWith(begun: BegunCopy, head: SourceHead): Promise<Round | Opened> {
    use(begun);
    const parts: CopiedPart[] = [];
    let from: string | undefined;
    do {
      const page = await takeStep(
        (cutOff) => requests.listParts(copy, begun.uploadId, from, cutOff),
        async (fault) =>
          fault.code === 'NoSuchUpload' ? { kind: 'value', value: undefined } : failedStep(fault),
        readersOf(copy.destination),
      );
      if (page.kind === 'over') return page;
      if (page.value === undefined) return whereGone(begun, head);
      parts.push(...page.value.parts);
      from = page.value.next;
    } while (from !== undefined);
    for (const { copiedAtMs } of parts) progress.made(copiedAtMs);
    return { kind: 'opened', begun, parts };
  }

  async function beginNew(head: SourceHead, partBytes: number): Promise<Round | Opened> {
    const { etag, versionId, sizeBytes, lastModifiedMs } = head;
    const source = {
      etag,
      ...(versionId === undefined ? {} : { versionId }),
      sizeBytes,
      lastModifiedMs,
      partBytes,
    };
    // An earlier delivery, of which nothing is remembered, may have made the object by such a copy.
    const recognise = () => requests.recognise(copy, { ...source, uploadId: '' }, head);
    const look = { exists: () => requests.exists(copy), recognise, mayBeCompleted: item.mayBeWritten };
    const existing = await findExisting(copy, look, takeStep);
    if (existing !== undefined) return over(existing);
    const isTagged = head.tagCount > 0 && (copy.attributes?.tags?.size ?? 0) === 0;
    const tags: Step<Map<string, string>> = isTagged
      ? await read((cutOff) => copier.readTags(copy, versionId, cutOff))
      : { kind: 'value', value: new Map() };
    if (tags.kind === 'over') return tags;
    const uploadId = await takeStep(() => requests.begin(copy, head, tags.value));
    if (uploadId.kind === 'over') return uploadId;
    const own = { ...source, uploadId: uploadId.value };
    use(own);
    const kept = await remembered(() => memory.remember(own));
    if (kept.kind === 'value' && kept.value.uploadId === own.uploadId)
      return { kind: 'opened', begun: own, parts: [] };
    // Another delivery was first, or no later delivery could find this upload.
    await abort(own);
    if (kept.kind === 'over') return kept;
    return isOfSource(kept.value, head) ? goOnWith(kept.value, head) : { kind: 'again', after: 'changed' };
  }

  async function openUpload(head: SourceHead): Promise<Round | Opened> {
    const plan = planCopyParts(head.sizeBytes, aboveBytes);
    if (plan.kind === 'too-large') {
      const tail = ` has ${head.sizeBytes} bytes: S3 takes objects of up to ${plan.mostBytes}`;
      return failedStep({ code: 'EntityTooLarge', message: boundedWithTail(nameOf(copy.source), tail) });
    }
    const found = await remembered(() => memory.find());
    if (found.kind === 'over') return found;
    if (found.value !== undefined && isOfSource(found.value, head)) return goOnWith(found.value, head);
    if (found.value !== undefined) {
      const dropped = await drop(found.value);
      if (dropped.kind === 'over') return dropped;
    }
    return beginNew(head, plan.partBytes);
  }

  /** A setback ends the other parts too. */
  function meaningOf(fault: FinalFault, begun: BegunCopy): Setback | TransferEnd {
    if (fault.code === 'NoSuchUpload') return 'lost';
    const hasLostVersion =
      fault.code === 'NoSuchVersion' && copy.source.versionId === undefined && begun.versionId !== undefined;
    // A part has no condition but the one on its source.
    if (fault.kind !== 'permanent' || hasLostVersion) return 'changed';
    const explained = explainCopy(fault, copy);
    return explained?.kind === 'failed' ? explained : failedStep(fault).end;
  }

  async function copyParts({ begun, parts }: Opened): Promise<Step<CopiedPart[]> | Setback> {
    const present = new Map(parts.map((part) => [part.number, part]));
    const all = partsOf(begun, begun.sizeBytes);
    const isPresent = ({ number, bytes }: Part) => present.get(number)?.bytes === bytes;
    let setback: Setback | undefined;
    const sent = await sendAll(
      all.filter((part) => !isPresent(part)),
      PARTS_AT_ONCE,
      (part) =>
        slots.hold(1, async () => {
          // A part that the stop would cut off is left to the next delivery.
          if (clock.now() + progress.slowestMs > bounds.stopAtMs)
            return over({ kind: 'unfinished', delayMs: 0 });
          let sentAtMs = clock.now();
          const step = await takeStep(
            (cutOff) => {
              sentAtMs = clock.now();
              return requests.copyPart(copy, begun, part, cutOff);
            },
            async (fault) => {
              const meaning = meaningOf(fault, begun);
              if (typeof meaning === 'object') return over(meaning);
              setback = meaning;
              return failedStep(fault);
            },
          );
          if (step.kind === 'value') progress.made(clock.now(), clock.now() - sentAtMs);
          return step;
        }),
    );
    if (setback !== undefined) return setback;
    if (sent.kind === 'over') return sent;
    const whole = [
      ...all.filter(isPresent).flatMap(({ number }) => present.get(number) ?? []),
      ...sent.value,
    ];
    return { kind: 'value', value: whole.toSorted((left, right) => left.number - right.number) };
  }

  async function complete({ begun }: Opened, parts: readonly CopiedPart[], head: SourceHead): Promise<Round> {
    const end = await completeUpload(
      copy,
      {
        complete: () => requests.complete(copy, begun, head, parts, bounds.cutOff),
        recognise: () => requests.recognise(copy, begun, head),
        mayBeCompleted: item.mayBeWritten,
      },
      takeStep,
    );
    if (end.kind === 'failed' && end.code === 'NoSuchUpload') return whereGone(begun, head);
    // Another delivery has copied a part again meanwhile: under KMS it has another ETag then.
    if (end.kind === 'failed' && end.code === 'InvalidPart') return { kind: 'again', after: 'lost' };
    return over(end);
  }

  async function round(): Promise<Round> {
    const head = await read((cutOff) =>
      copier.readSource(copy, cutOff, { withChecksum: true, isWhole: true }),
    );
    if (head.kind === 'over') return head;
    const opened = await openUpload(head.value);
    if (opened.kind !== 'opened') return opened;
    const parts = await copyParts(opened);
    if (parts === 'lost') return whereGone(opened.begun, head.value);
    if (parts === 'changed') {
      const dropped = await drop(opened.begun);
      return dropped.kind === 'over' ? dropped : { kind: 'again', after: 'changed' };
    }
    return parts.kind === 'over' ? parts : complete(opened, parts.value, head.value);
  }

  return {
    async run(): Promise<TransferEnd> {
      for (let rounds = 1; ; rounds++) {
        const result = await round();
        if (result.kind === 'over') return result.end;
        if (rounds === MAX_ROUNDS) return tooOften(result.after, copy);
      }
    },
  };
}

function tooOften(after: Setback, { source }: Copy): TransferEnd {
  const [code, tail] =
    after === 'changed'
      ? ['SourceChanged', ` changed after the HEAD in each of ${MAX_ROUNDS} copies`]
      : ['NoSuchUpload', `: each of ${MAX_ROUNDS} multipart uploads of its copy was aborted by another`];
  return { kind: 'failed', code, message: boundedWithTail(nameOf(source), tail) };
}
