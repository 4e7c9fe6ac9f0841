// Says whether a slice's next rows are sent now, or held back for a while.
//
//   a job with a rate   rows beyond what its rate takes would go from hand to hand, at a price, and keep other jobs' rows waiting
//   any other job       the rows of slices that are sent at the same time lie mixed in the upload queue, and each batch of upload
//                       then stores outcomes and counts rows for each of them. So a slice waits for the one that is sent, unless
//                       that one alone does not keep the queue fed
import type { Block } from '../../shared/blocks/read-blocks.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import type { SliceId } from '../../shared/job/identity.ts';
import type { LiveJob } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import { isBounded, type JobRate } from '../../shared/pacing/job-rate.ts';
import { knownBytesOf } from '../../shared/sources/known-bytes.ts';
import type { Clock } from '../../shared/time/clock.ts';

/** Fewer messages in the upload queue do not keep a fleet busy: ten workers take them in two batches each. */
const FED_MESSAGES = 2_000;
/** Of a queue that gains so many messages from one look to the next, the slice that leads feeds it alone. */
const GAINED_MESSAGES = 200;
/** From so many messages on, the slice that leads keeps it fed without help. */
const FULL_MESSAGES = 20_000;
/** A slice with so many before it waits for them in place, for two looks at the queue, and may help them. Others come back later. */
const NEAR_SLICES = 3;
const PATIENCE_MS = 1_000;
/** The next slice waits so long: there is one of a job, and the queue is not to run empty before it is asked for again. */
const NEXT_WAITS_MS = 30_000;
const LOOK_EVERY_MS = 100;
/** For how long a slice counts as sending: a third of the lease that the ledger gives it. */
const LEADS_MS = 20_000;
/** The queue is looked at again after this time, by a slice that waits and by one that is sent beside another. */
const HELPS_MS = 1_000;
/** Milliseconds for each slice before it, after which a slice that was held is asked for again: ingest sends one in seconds. */
const EACH_BEFORE_MS = 1_000;
/** Each time counts as its movement: sweep replays a slice that does not move for replayBusySeconds, 10 minutes at least. */
const HELD_MOST_MS = 240_000;

export interface HoldDependencies {
  ledger: Pick<Ledger, 'feed' | 'lead'>;
  clock: Clock;
  /** Messages of the upload queue that may be received now. */
  visibleMessages: () => Promise<number>;
  /** Whether the invocation sends nothing more: its time is over, or its job is halted. Ends a wait in place. */
  mustStop: () => Promise<boolean>;
}

/** @returns undefined where the block's rows are sent now; else milliseconds until the slice is to be asked for again */
export type Hold = (block: Block) => Promise<number | undefined>;

export function createHold(dependencies: HoldDependencies, job: LiveJob, slice: SliceRow): Hold {
  const id = { job: job.id, slice: slice.slice };
  const rate = rateOf(job.options);
  if (isBounded(rate)) return holdForRate(dependencies, id, rate, slice);
  // Of a slice that is replayed, messages were dropped or lost. Until its open blocks have them again, a job that is cancelled
  // can't end: settle waits for all uploads that may hold one.
  const isAlone = job.state === 'running' && job.slices === 1;
  if (isAlone || slice.replays > 0) return async () => undefined;
  return holdForOthers(dependencies, id);
}

function holdForRate({ ledger }: HoldDependencies, id: SliceId, rate: JobRate, slice: SliceRow): Hold {
  return async ({ block, size, accepted }) => {
    if (accepted.length === 0 || slice.sentBlocks.has(block)) return undefined;
    const bytes = accepted.reduce((sum, { item }) => sum + (knownBytesOf(item) ?? 0), 0);
    const feed = await ledger.feed(id, rate, { bytes, count: size }, slice.rows);
    return feed.kind === 'send' ? undefined : feed.delayMs;
  };
}

function holdForOthers({ ledger, clock, visibleMessages, mustStop }: HoldDependencies, id: SliceId): Hold {
  const startedAtMs = clock.now();
  let helps = false;
  /** Messages at the last look. */
  let seen: number | undefined;
  let goodUntilMs = Number.NEGATIVE_INFINITY;
  let answer: Promise<number | undefined>;

  /** At the start of a job the queue is empty, and fills by itself: one look does not tell that from a queue that runs dry. */
  async function isHelpNeeded(): Promise<boolean> {
    const before = seen ?? Number.NEGATIVE_INFINITY;
    seen = await visibleMessages();
    return helps ? seen < FULL_MESSAGES : seen < FED_MESSAGES && seen < before + GAINED_MESSAGES;
  }

  /** @returns how many slices are before it, once it leads, is wanted as a help, has waited long enough, or must stop */
  async function wait(): Promise<number> {
    for (let looksAtMs = startedAtMs + PATIENCE_MS; ; ) {
      const before = await ledger.lead(id);
      if (before === 0 || before > NEAR_SLICES) {
        helps = false;
        return before;
      }
      if (clock.now() >= looksAtMs) {
        const isFirstLook = seen === undefined;
        helps = await isHelpNeeded();
        looksAtMs = clock.now() + HELPS_MS;
        if (helps || (before > 1 && !isFirstLook) || clock.now() >= startedAtMs + NEXT_WAITS_MS)
          return before;
      }
      if (await mustStop()) return before;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  async function ask(): Promise<number | undefined> {
    const before = await wait();
    goodUntilMs = clock.now() + (before === 0 ? LEADS_MS : HELPS_MS);
    return before === 0 || helps ? undefined : Math.min(before * EACH_BEFORE_MS, HELD_MOST_MS);
  }

  // Blocks that are sent at the same time share one answer.
  return () => {
    if (clock.now() >= goodUntilMs) {
      goodUntilMs = Number.POSITIVE_INFINITY;
      answer = ask();
    }
    return answer;
  };
}
