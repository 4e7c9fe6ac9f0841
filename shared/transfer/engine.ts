// The transfer of items, one by one or as a batch: each is sent at its turn, tried again in place, and comes to an end.
//
//   stored, skipped, failed   the item has ended
//   unfinished                S3 may take it later: it goes back to the queue with a delay
import pMap from 'p-map';
import { classifyFault, type Fault } from '../aws/classify.ts';
import { MAX_LATE_MS } from '../pacing/job-rate.ts';
import { batchBounds, giveBackDelayMs, IN_PLACE_MS } from '../pacing/retry.ts';
import { createAskSource } from './ask-source.ts';
import type { JobTurn, JobTurns, UsedBytes } from './job-turns.ts';
import type { ObjectWrite, ObjectWriter, PartedWriter, WrittenObject } from './object-writer.ts';
import {
  type PacingDependencies,
  type RequestBounds,
  type RequestTally,
  sendPaced,
  type UnansweredEnd,
} from './paced-request.ts';

/** Requests under way at once in one worker: at S3's usual 40 ms they come to 3,000 a second, more than one Lambda can send. */
const CONCURRENCY = 128;
/** What is still under way this long after the stop is cut off: an answer that takes so long leaves no time to account. */
export const STOP_GRACE_MS = 3_000;

export interface TransferItem {
  write: ObjectWrite;
  /** Of this delivery alone. */
  writer: ObjectWriter | PartedWriter;
  /** Epoch ms after which it is given up. */
  giveUpAtMs: number;
  /** Milliseconds of its retry time, which begins again with each part of an object in parts. Absent: `giveUpAtMs` is final. */
  retryForMs?: number;
  /** How often it was given back already. */
  givenBack: number;
  /** Whether requests were sent for it before. */
  wasTried: boolean;
  /** Whether an earlier attempt, whose answer was lost, may have written the object. */
  mayBeWritten: boolean;
  /** Asked before each try: whether its job was halted, so that no further try begins. */
  isHalted?: () => boolean;
  /** Its job, which shares the turns of a bucket with other jobs. */
  tenant?: string;
  /** The turns of its job in this batch, where the job has a rate of its own. */
  turns?: JobTurns;
  /** Whether its turn was reserved without knowing its size. */
  isUnsized?: boolean;
}

export type TransferEnd =
  | { kind: 'stored'; object: WrittenObject }
  | { kind: 'skipped' }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'unfinished'; delayMs: number };

export interface TransferReport extends RequestTally {
  end: TransferEnd;
  /** Milliseconds from the item's start to its end, waiting included. */
  ms: number;
}

/**
 * Transfers the items of a batch. Each has a report, in the order of the items; what goes wrong with one is in its report.
 * @param stopAtMs epoch ms: no request begins after it, and those under way then are cut off soon after
 * @param inPlaceMs milliseconds that an item waits before it goes back: for its turn, and in all between its retries
 */
export async function transferAll(
  dependencies: PacingDependencies,
  items: readonly TransferItem[],
  stopAtMs: number,
  inPlaceMs = IN_PLACE_MS,
): Promise<TransferReport[]> {
  const cutOff = new AbortController();
  const finished = new AbortController();
  const { clock } = dependencies;
  const watch = clock
    .sleep(stopAtMs + STOP_GRACE_MS - clock.now(), finished.signal)
    .then(() => cutOff.abort(), ignoreEnd);
  const bounds = { ...batchBounds(items.length, stopAtMs, inPlaceMs), cutOff: cutOff.signal };
  const reports = new Map<TransferItem, TransferReport>();
  const atOnce = items.filter(({ turns }) => turns === undefined);
  const transfer = async (item: TransferItem) => {
    reports.set(item, await transferOne(dependencies, item, bounds));
  };
  await Promise.all([
    pMap(atOnce, transfer, { concurrency: CONCURRENCY }),
    // Each job's own: an item that waits for its turn takes no place from another job's.
    ...[...Map.groupBy(items, ({ turns }) => turns)].map(([turns, paced]) =>
      turns === undefined
        ? undefined
        : pMap(inTurn(turns, paced), (item) => transferInTurn(dependencies, item, bounds, reports), {
            concurrency: CONCURRENCY,
          }),
    ),
  ]);
  finished.abort();
  await watch;
  return items.map((item) => reports.get(item) as TransferReport);
}

interface TakenTurn {
  item: TransferItem;
  turn: JobTurn;
}

/** Each item at its turn. An item for which there is no place yet takes none. */
async function* inTurn(turns: JobTurns, items: readonly TransferItem[]): AsyncGenerator<TakenTurn> {
  for (const item of items) yield { item, turn: await turns.next(item.isHalted) };
}

async function transferInTurn(
  dependencies: PacingDependencies,
  { item, turn }: TakenTurn,
  bounds: RequestBounds,
  reports: Map<TransferItem, TransferReport>,
): Promise<void> {
  if (turn.kind === 'shed') {
    const delayMs = giveBackDelayMs(turn, item.givenBack, dependencies.random);
    const end = { kind: 'unfinished', delayMs } as const;
    reports.set(item, { end, attempts: 0, throttled: 0, transient: 0, ms: 0 });
    return;
  }
  const report = await transferOne(dependencies, item, bounds);
  reports.set(item, report);
  item.turns?.used(turn.reservedBytes, usedBytes(item, report.end));
}

/** Several deliveries may write parts of one object. Its bytes count once, in the delivery that ends it. */
function usedBytes({ isUnsized }: TransferItem, end: TransferEnd): UsedBytes {
  if (end.kind === 'unfinished') return { kind: 'returned' };
  if (isUnsized !== true) return { kind: 'kept' };
  if (end.kind !== 'stored') return { kind: 'wrote', bytes: 0 };
  const { bytes } = end.object;
  // S3 does not say how many bytes it copied: what was reserved is the best guess there is.
  return bytes === undefined ? { kind: 'kept' } : { kind: 'wrote', bytes };
}

export async function transferOne(
  dependencies: PacingDependencies,
  item: TransferItem,
  bounds: RequestBounds,
): Promise<TransferReport> {
  const { clock } = dependencies;
  const { writer } = item;
  const startedAtMs = clock.now();
  const tally = { attempts: 0, throttled: 0, transient: 0 };
  const end =
    'transfer' in writer
      ? await writer.transfer(dependencies, item, bounds, tally)
      : await sendBy(writer, dependencies, item, bounds, tally);
  return { ...tally, end, ms: clock.now() - startedAtMs };
}

/** By one request, or in parts where S3, or the writer, found the object too large for one. */
export async function sendBy(
  writer: ObjectWriter,
  dependencies: PacingDependencies,
  item: TransferItem,
  bounds: RequestBounds,
  tally: RequestTally,
): Promise<TransferEnd> {
  const sent = writer.parted ?? (await sendWhole(writer, dependencies, item, bounds, tally));
  return 'transfer' in sent ? sent.transfer(dependencies, item, bounds, tally) : sent;
}

async function sendWhole(
  writer: ObjectWriter,
  dependencies: PacingDependencies,
  item: TransferItem,
  bounds: RequestBounds,
  tally: RequestTally,
): Promise<TransferEnd | PartedWriter> {
  const { write } = item;
  const ask = createAskSource(dependencies, tally);
  const sent = await sendPaced<TransferEnd | PartedWriter>(
    dependencies,
    {
      destination: write.destination,
      alsoAsks: () => writer.alsoAsks?.() ?? [],
      giveUpAtMs: item.giveUpAtMs,
      wasTried: item.wasTried,
      isHalted: item.isHalted,
      tenant: item.tenant,
      // Its turn of the job's rate must not be used much later.
      ...(item.turns === undefined ? {} : { mostWaitMs: MAX_LATE_MS }),
      send: async (cutOff) => ({ kind: 'stored', object: await writer.write(ask, cutOff) }),
      refused: async (fault, attempts) => {
        const meaning = writer.explain?.(fault);
        if (meaning?.kind === 'failed') return meaning;
        if (meaning?.kind === 'in-parts') return meaning.parted;
        if (meaning?.kind === 'try-again' || fault.kind === 'source-changed') return undefined;
        if (fault.kind === 'permanent') return { kind: 'failed', code: fault.code, message: fault.message };
        return settleExisting(write, item.mayBeWritten || attempts > 1, () =>
          writer.recognise(bounds.cutOff),
        );
      },
    },
    bounds,
    tally,
  );
  return sent.kind === 'ended' ? sent.answer : transferEnd(sent, item.givenBack, dependencies.random);
}

/** The end of an item whose last request S3 has neither taken nor refused for good. */
export function transferEnd(
  end: UnansweredEnd,
  givenBack: number,
  random: PacingDependencies['random'],
): TransferEnd {
  if (end.kind === 'unfinished')
    return { kind: 'unfinished', delayMs: giveBackDelayMs(end.cause, givenBack, random) };
  const { code, message } = end.fault;
  return {
    kind: 'failed',
    code: 'RetryTimeExceeded',
    message: `given up at its retry time; the last answer was ${code}: ${message}`,
  };
}

/**
 * The end of a conditional write that found an object.
 * @param mayBeOwn whether an attempt before, whose answer was lost, may have written it
 * @returns undefined where S3 can't say now: the item is tried again
 */
export async function settleExisting(
  { ifExists }: Pick<ObjectWrite, 'ifExists'>,
  mayBeOwn: boolean,
  recognise: () => Promise<WrittenObject | undefined>,
): Promise<TransferEnd | undefined> {
  let refusal: Fault | undefined;
  if (mayBeOwn) {
    try {
      const own = await recognise();
      if (own !== undefined) return { kind: 'stored', object: own };
    } catch (error) {
      refusal = classifyFault(error);
      // Another writer may have deleted it meanwhile, or S3 is throttling: the next attempt finds out.
      if (refusal.kind !== 'permanent' || refusal.code === 'NotFound') return undefined;
    }
  }
  // An object exists, and it does not matter whose it is.
  if (ifExists === 'skip') return { kind: 'skipped' };
  if (refusal !== undefined) return ownUnknown(refusal);
  return {
    kind: 'failed',
    code: 'AlreadyExists',
    message: 'the destination key holds an object, and if-exists says fail',
  };
}

/** Without s3:ListBucket S3 answers 403, not 404, where an object has vanished: a 403 proves nothing. */
function ownUnknown({ code, message }: Fault): TransferEnd {
  return {
    kind: 'failed',
    code: 'ExistsUnverified',
    message:
      'S3 found an object at the destination key, and whether an earlier attempt of this row wrote it can not be told: ' +
      `${code}: ${message}. A HEAD needs s3:GetObject and s3:ListBucket on the destination bucket`,
  };
}

/** The batch ended before its stop, which cancels the watch's sleep. */
function ignoreEnd(): void {}
