// One request to S3 until it has an end: it waits for its turn, is classified, and is tried again in place with full jitter.
//
//   ended        S3 took it, or refused it for good
//   given-up     its time is over; the last fault says why
//   unfinished   S3 may take it later, but the sender has to let it go for now
import { classifyFault, type Fault, type ThrottleScope } from '../aws/classify.ts';
import type { PacingGroup } from '../pacing/adaptive-pacer.ts';
import type { RateLimiter } from '../pacing/rate-limiter.ts';
import {
  afterFault,
  afterShed,
  type GiveBackCause,
  type RetryBounds,
  type RetryDecision,
  turnWaitMs,
} from '../pacing/retry.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import { KnownFault, SourceRefusal } from './known-fault.ts';

export interface PacingDependencies {
  rateLimiter: RateLimiter;
  clock: Clock;
  random: Random;
  /** Called for each request once it is answered, or has failed. It must not throw. */
  onRequest?: (request: SentRequest) => void;
}

export interface SentRequest {
  /** Where it went, or where it was refused: that may be the source of the object. */
  place: PacedPlace;
  /** The group that it was paced in. */
  group: PacingGroup;
  /** Milliseconds until the answer, including what was first read from the source. */
  ms: number;
  /** Absent: it was taken. */
  fault?: Fault;
  /** Whether the source of the object refused, so that the fault says nothing of the destination. */
  isOfSource: boolean;
}

/** What all the requests of a batch or a command share. */
export interface RequestBounds extends RetryBounds {
  cutOff: AbortSignal;
}

export interface RequestTally {
  /** Requests sent, and of these how many were throttled, or met a transient fault or a conflict. */
  attempts: number;
  throttled: number;
  transient: number;
}

/** Where a request is sent. Its turn is one of the bucket's, or of a stretch of its keys. */
export interface PacedPlace {
  bucket: string;
  key: string;
}

export interface PacedRequest<Answer> {
  destination: PacedPlace;
  /** Other places at which the next try needs a turn. Their senders report those requests to the rate limiter. Absent: none. */
  alsoAsks?: (() => readonly PacedPlace[]) | undefined;
  /** Epoch ms: a fault after it ends the request. */
  giveUpAtMs: number;
  /**
   * Whether it was sent before, by another worker or in another stretch of its time. A request that S3 has never seen does not
   * expire.
   */
  wasTried: boolean;
  /** The tenant, here the job. Tenants share the turns of a group. Absent: one tenant for all. */
  tenant?: string | undefined;
  /** Milliseconds that it waits for its turn at most. Absent: as its batch does. */
  mostWaitMs?: number;
  /** Asked before each try: whether no further one is to be begun. Absent: never. */
  isHalted?: (() => boolean) | undefined;
  /** @throws whatever the S3 client throws, or a KnownFault; a SourceRefusal says nothing of the destination */
  send(cutOff: AbortSignal): Promise<Answer>;
  /**
   * What it means that S3 refused for good, or found an object.
   * @param attempts requests sent so far, this one among them: the answer of an earlier one may have been lost
   * @returns undefined where it can't be told now: the request is tried again
   */
  refused(fault: FinalFault, attempts: number): Promise<Answer | undefined>;
}

export type FinalFault = Fault & { kind: 'permanent' | 'exists' | 'source-changed' };

export type RequestEnd<Answer> = { kind: 'ended'; answer: Answer } | UnansweredEnd;
export type UnansweredEnd = { kind: 'given-up'; fault: Fault } | { kind: 'unfinished'; cause: GiveBackCause };

/** The end of an item whose time ran out while it waited to be tried again. */
const NO_TURN: Fault = {
  kind: 'throttle',
  scope: 'partition',
  code: 'NoTurn',
  message: 'S3 takes so little of its group that its turn has not come',
};

const UNFINISHED: UnansweredEnd = { kind: 'unfinished', cause: { kind: 'refused' } };

/** @param tally counts on: one tally may stand for many requests */
export async function sendPaced<Answer>(
  { rateLimiter, clock, random, onRequest }: PacingDependencies,
  request: PacedRequest<Answer>,
  bounds: RequestBounds,
  tally: RequestTally,
): Promise<RequestEnd<Answer>> {
  const { bucket, key } = request.destination;
  const { mostWaitMs = Number.POSITIVE_INFINITY } = request;
  const mostMs = () => Math.min(mostWaitMs, turnWaitMs(bounds, clock.now()));
  const isOver = () => bounds.stopAtMs <= clock.now() || request.isHalted?.() === true;
  const tries = {
    attempts: 0,
    backedOffMs: 0,
    wasTried: request.wasTried,
    /** Asked at each fault: a part that was copied meanwhile moves it. */
    get giveUpAtMs() {
      return request.giveUpAtMs;
    },
  };

  for (;;) {
    if (isOver()) return UNFINISHED;
    // Asked at each try: the pacer may have set the key's part of the bucket apart meanwhile.
    const group = rateLimiter.groupOf(bucket, key);
    let passage = await rateLimiter.pass(group, mostMs(), request.tenant);
    for (const place of request.alsoAsks?.() ?? []) {
      if (passage.kind === 'shed' || isOver()) break;
      const other = rateLimiter.groupOf(place.bucket, place.key);
      passage = await rateLimiter.pass(other, mostMs(), request.tenant);
    }
    if (passage.kind === 'shed') return endOf(afterShed(tries, passage.turnInMs, clock.now()), NO_TURN);
    if (isOver()) return UNFINISHED;

    const sentAtMs = clock.now();
    const tell = (scope?: ThrottleScope) =>
      rateLimiter.observe(group, {
        throttled: scope !== undefined,
        sentAtMs,
        key,
        // The pacer has no limits for single objects and for accounts: it slows the key's partition for them.
        ...(scope === undefined ? {} : { scope: scope === 'kms' ? 'kms' : 'partition' }),
      });
    tally.attempts++;
    tries.attempts++;
    let fault: Fault;
    let isOfDestination = true;
    try {
      const answer = await request.send(bounds.cutOff);
      tell();
      onRequest?.({ place: { bucket, key }, group, ms: clock.now() - sentAtMs, isOfSource: false });
      return { kind: 'ended', answer };
    } catch (error) {
      isOfDestination = !(error instanceof SourceRefusal);
      fault = error instanceof KnownFault ? error.fault : classifyFault(error);
      const place = error instanceof SourceRefusal ? error.place : { bucket, key };
      onRequest?.({ place, group, ms: clock.now() - sentAtMs, fault, isOfSource: !isOfDestination });
    }

    switch (fault.kind) {
      case 'permanent':
      case 'exists':
      case 'source-changed': {
        // Refused for another reason than the rate: to the pacer, the same as taken.
        if (isOfDestination) tell();
        const answer = await request.refused({ ...fault, kind: fault.kind }, tries.attempts);
        if (answer !== undefined) return { kind: 'ended', answer };
        break;
      }
      case 'throttle':
        tally.throttled++;
        if (isOfDestination) tell(fault.scope);
        break;
      default:
        tally.transient++;
    }
    const met = fault.kind === 'throttle' ? 'throttle' : 'transient';
    const decision = afterFault(tries, met, bounds, clock.now(), random, fault.retryAfterMs);
    if (decision.kind !== 'retry') return endOf(decision, fault);
    bounds.budget.retries--;
    tries.backedOffMs = decision.backedOffMs;
    await clock.sleep(decision.delayMs);
  }
}

/** @param fault why it is given up, where it is */
function endOf(decision: Exclude<RetryDecision, { kind: 'retry' }>, fault: Fault): UnansweredEnd {
  return decision.kind === 'give-up'
    ? { kind: 'given-up', fault }
    : { kind: 'unfinished', cause: decision.cause };
}
