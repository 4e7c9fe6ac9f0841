// The steps after a request that S3 did not take: retry in place, give-back, give-up.
import { describe, expect, it } from 'vitest';
import {
  afterFault,
  afterShed,
  batchBounds,
  giveBackDelayMs,
  type RetryBounds,
  type Tries,
  turnWaitMs,
} from '../../shared/pacing/retry.ts';

const HALF = () => 0.5;
const TRIES: Tries = { attempts: 1, backedOffMs: 0, giveUpAtMs: 60_000, wasTried: false };
const BOUNDS: RetryBounds = { stopAtMs: 30_000, inPlaceMs: 2_000, budget: { retries: 1 } };
const REFUSED = { kind: 'give-back', cause: { kind: 'refused' } };

describe('after a fault', () => {
  it.each([
    { what: 'a throttle', fault: 'throttle', attempts: 1, delayMs: 100 },
    { what: 'a third throttle', fault: 'throttle', attempts: 3, delayMs: 400 },
    { what: 'a transient fault', fault: 'transient', attempts: 1, delayMs: 25 },
    { what: 'many transient faults', fault: 'transient', attempts: 20, delayMs: 1_000 },
  ] as const)(
    'an item is tried again in place, after $what in $delayMs ms',
    ({ fault, attempts, delayMs }) => {
      expect(afterFault({ ...TRIES, attempts, backedOffMs: 50 }, fault, BOUNDS, 0, HALF)).toEqual({
        kind: 'retry',
        delayMs,
        backedOffMs: 50 + delayMs,
      });
    },
  );

  it.each([
    { what: 'the budget is spent', bounds: { budget: { retries: 0 } } },
    { what: 'its waits would pass the time in place', tries: { backedOffMs: 1_901 } },
    { what: 'the wait would reach the stop', nowMs: 29_900 },
  ])('an item goes back where $what', ({ bounds = {}, tries = {}, nowMs = 0 }) => {
    const decision = afterFault({ ...TRIES, ...tries }, 'throttle', { ...BOUNDS, ...bounds }, nowMs, HALF);
    expect(decision).toEqual(REFUSED);
  });

  it('an item is given up at its retry time, whatever is left to it', () => {
    expect(afterFault(TRIES, 'throttle', BOUNDS, 60_000, HALF)).toEqual({ kind: 'give-up' });
  });

  it('a server that names a time is not asked before it: in place where it is soon, else from the queue', () => {
    expect(afterFault(TRIES, 'throttle', BOUNDS, 0, HALF, 1_000)).toMatchObject({
      kind: 'retry',
      delayMs: 1_100,
    });
    const decision = afterFault(TRIES, 'throttle', BOUNDS, 0, HALF, 5_000);
    expect(decision).toEqual({ kind: 'give-back', cause: { kind: 'told', afterMs: 5_000 } });
    expect(giveBackDelayMs({ kind: 'told', afterMs: 5_000 }, 7, HALF)).toBe(5_625);
  });

  it('the step changes nothing that it was given', () => {
    const tries = Object.freeze({ ...TRIES });
    const bounds = Object.freeze({ ...BOUNDS, budget: Object.freeze({ retries: 1 }) });
    expect(afterFault(tries, 'throttle', bounds, 0, HALF).kind).toBe('retry');
  });
});

describe('after it was shed', () => {
  const shed = { kind: 'give-back', cause: { kind: 'shed', turnInMs: 700 } };

  it.each([
    { what: 'goes back', tries: { attempts: 3 }, nowMs: 59_999, expected: shed },
    {
      what: 'is given up at its retry time',
      tries: { attempts: 1 },
      nowMs: 60_000,
      expected: { kind: 'give-up' },
    },
    {
      what: 'is given up then also where another worker tried it',
      tries: { attempts: 0, wasTried: true },
      nowMs: 60_000,
      expected: { kind: 'give-up' },
    },
    {
      what: 'goes back at any age while it was never sent',
      tries: { attempts: 0 },
      nowMs: 90_000,
      expected: shed,
    },
  ])('an item $what', ({ tries, nowMs, expected }) => {
    expect(afterShed({ ...TRIES, ...tries }, 700, nowMs)).toEqual(expected);
  });
});

describe('the delay of an item that goes back', () => {
  it('is its turn and up to a quarter more where it was shed, however often it went back', () => {
    const cause = { kind: 'shed' as const, turnInMs: 800 };
    expect(giveBackDelayMs(cause, 9, () => 0)).toBe(800);
    expect(giveBackDelayMs(cause, 9, HALF)).toBe(900);
  });

  it.each([
    [0, 500],
    [3, 4_000],
    [20, 300_000],
  ])('grows with the times it went back where S3 refused it: %i times, %i ms', (givenBack, delayMs) => {
    expect(giveBackDelayMs({ kind: 'refused' }, givenBack, HALF)).toBe(delayMs);
  });
});

describe('the bounds of a batch', () => {
  it('give it three retries an item, and two seconds in place, or less before its stop', () => {
    const bounds = batchBounds(50, 10_000);
    expect(bounds.budget.retries).toBe(150);
    expect(turnWaitMs(bounds, 0)).toBe(2_000);
    expect(turnWaitMs(bounds, 9_500)).toBe(500);
  });
});
