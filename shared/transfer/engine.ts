// The transfer of a batch: bounded concurrency, pace, retry in place with full jitter, and an end for every item.
//
//   stored, skipped, failed   the item has ended
//   unfinished                S3 may take it later: it goes back to the queue with a delay
import pMap from 'p-map';
import type { Clock } from '../job/clock.ts';
import type { Random } from '../job/random.ts';
import type { PacingGroup } from '../pacing/adaptive-pacer.ts';
import { type Backoff, fullJitterMs } from '../pacing/backoff.ts';
import type { Turnstile } from '../pacing/turnstile.ts';
import { classifyFault, type Fault } from './classify.ts';
import type { ObjectWrite, ObjectWriter, StoredObject } from './transfer.ts';

/** Requests under way at once in one worker: at S3's usual 40 ms they come to 3,000 a second, more than one Lambda can send. */
const CONCURRENCY = 128;
/** An item waits in place for about two seconds, for its turn and between its retries; what needs longer is the queue's to keep. */
const IN_PLACE_MS = 2_000;
/** What is still under way this long after the stop is cut off: an answer that takes so long leaves no time to account. */
const STOP_GRACE_MS = 3_000;
/** Retries of a batch, per item on average: above it a retry storm outlives its cause (Bronson, HotOS'21). */
const RETRIES_PER_ITEM = 3;
const THROTTLE_BACKOFF: Backoff = { baseMs: 200, capMs: IN_PLACE_MS };
const TRANSIENT_BACKOFF: Backoff = { baseMs: 50, capMs: IN_PLACE_MS };
/** Delay in the queue, by how often the item was given back. */
const GIVE_BACK_BACKOFF: Backoff = { baseMs: 2_000, capMs: 600_000 };

export interface TransferItem {
  write: ObjectWrite;
  /** Epoch ms after which it is given up. */
  giveUpAtMs: number;
  /** How often it was given back already. */
  givenBack: number;
  /** Whether an earlier attempt, whose answer was lost, may have written the object. */
  mayBeWritten: boolean;
}

export type TransferEnd =
  | { kind: 'stored'; object: StoredObject }
  | { kind: 'skipped' }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'unfinished'; delayMs: number };

export interface TransferReport {
  end: TransferEnd;
  /** Requests sent, and of these how many were throttled, or met a transient fault or a conflict. */
  attempts: number;
  throttled: number;
  transient: number;
  /** Milliseconds from taking the item up to its end, waiting included. */
  ms: number;
}

export interface EngineDependencies {
  writer: ObjectWriter;
  turnstile: Turnstile;
  clock: Clock;
  random: Random;
}

/**
 * Transfers the items; the reports stand in their order. It never throws for an item's sake.
 * @param stopAtMs epoch ms: nothing is begun beyond it, and what is under way then is cut off soon after
 */
export async function transferAll(
  dependencies: EngineDependencies,
  items: readonly TransferItem[],
  stopAtMs: number,
): Promise<TransferReport[]> {
  const budget = { retries: items.length * RETRIES_PER_ITEM };
  const cutOff = new AbortController();
  const finished = new AbortController();
  const { clock } = dependencies;
  const watch = clock
    .sleep(stopAtMs + STOP_GRACE_MS - clock.now(), finished.signal)
    .then(() => cutOff.abort(), ignoreEnd);
  const reports = await pMap(
    items,
    (item) => transferOne(dependencies, item, { stopAtMs, budget, cutOff: cutOff.signal }),
    { concurrency: CONCURRENCY },
  );
  finished.abort();
  await watch;
  return reports;
}

/** What all the transfers of a batch share. */
interface BatchBounds {
  stopAtMs: number;
  budget: { retries: number };
  cutOff: AbortSignal;
}

async function transferOne(
  { writer, turnstile, clock, random }: EngineDependencies,
  item: TransferItem,
  { stopAtMs, budget, cutOff }: BatchBounds,
): Promise<TransferReport> {
  const startedAtMs = clock.now();
  const report = { attempts: 0, throttled: 0, transient: 0 };
  const ended = (end: TransferEnd): TransferReport => ({ ...report, end, ms: clock.now() - startedAtMs });
  const giveBack = (atLeastMs = 0) =>
    ended({
      kind: 'unfinished',
      delayMs: Math.max(atLeastMs, fullJitterMs(GIVE_BACK_BACKOFF, item.givenBack, random)),
    });
  const group = groupOf(item.write);
  const leftMs = () => stopAtMs - clock.now();
  let backedOffMs = 0;

  for (;;) {
    if (leftMs() <= 0) return giveBack();
    const passage = await turnstile.pass(group, Math.min(IN_PLACE_MS, leftMs()));
    if (passage.kind === 'shed') return giveBack(passage.waitMs);
    if (leftMs() <= 0) return giveBack();

    const sentAtMs = clock.now();
    const tell = (throttled: boolean) => turnstile.observe(group, { throttled, sentAtMs });
    report.attempts++;
    let fault: Fault;
    try {
      const object = await writer.write(item.write, cutOff);
      tell(false);
      return ended({ kind: 'stored', object });
    } catch (error) {
      fault = classifyFault(error);
    }

    switch (fault.kind) {
      case 'permanent':
        // Refused for what it is, not for the rate: as good as taken, to the pacer.
        tell(false);
        return ended({ kind: 'failed', code: fault.code, message: fault.message });
      case 'exists': {
        tell(false);
        const settled = await settleExisting(writer, item, report.attempts);
        if (settled !== undefined) return ended(settled);
        break;
      }
      case 'throttle':
        report.throttled++;
        // KMS has a limit of its own: it says nothing of the partition's, and backoff alone answers it.
        if (fault.scope === 'partition') tell(true);
        break;
      default:
        report.transient++;
    }
    if (clock.now() >= item.giveUpAtMs) {
      return ended({
        kind: 'failed',
        code: 'RetryTimeExceeded',
        message: `given up at the job's retry time; the last answer was ${fault.code}: ${fault.message}`,
      });
    }
    const backoff = fault.kind === 'throttle' ? THROTTLE_BACKOFF : TRANSIENT_BACKOFF;
    const waitMs = fullJitterMs(backoff, report.attempts - 1, random);
    backedOffMs += waitMs;
    if (budget.retries <= 0 || backedOffMs > IN_PLACE_MS || waitMs >= leftMs()) return giveBack();
    budget.retries--;
    await clock.sleep(waitMs);
  }
}

/** @returns undefined where it can't be told now: the item is tried again */
async function settleExisting(
  writer: ObjectWriter,
  item: TransferItem,
  attempts: number,
): Promise<TransferEnd | undefined> {
  if (item.mayBeWritten || attempts > 1) {
    try {
      const own = await writer.findOwn(item.write);
      if (own !== undefined) return { kind: 'stored', object: own };
    } catch (error) {
      const fault = classifyFault(error);
      // Another writer may have deleted it meanwhile, or S3 is throttling: the next attempt finds out.
      if (fault.kind !== 'permanent' || fault.code === 'NotFound') return undefined;
    }
  }
  if (item.write.ifExists === 'skip') return { kind: 'skipped' };
  return {
    kind: 'failed',
    code: 'AlreadyExists',
    message: 'the destination key holds an object, and the job says if-exists: fail',
  };
}

function groupOf({ destination }: ObjectWrite): PacingGroup {
  return destination.bucket;
}

/** The batch has ended before its stop: the watch's sleep is cancelled. */
function ignoreEnd(): void {}
