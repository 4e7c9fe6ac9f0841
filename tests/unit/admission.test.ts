// The steps of admission to a group's turns, with a pacer of ten turns a second.
import { describe, expect, it } from 'vitest';
import type { Pacer } from '../../shared/pacing/adaptive-pacer.ts';
import { admit, askForTurn, type Line } from '../../shared/pacing/admission.ts';

/** @param takes what the pacer answers to the asked turns: 0, or milliseconds to wait */
function pacerOf(takes: number[] = [], mostWaitMs = Number.POSITIVE_INFINITY): Pacer {
  return {
    groupOf: (bucket) => bucket,
    take: () => takes.shift() ?? 0,
    observe: () => undefined,
    mostWaitMs: () => mostWaitMs,
    book: (_, waiting) => (waiting + 1) * 100,
    ratePerSecond: () => 10,
    drain: () => undefined,
  };
}

const lineOf = (waiting: number): Line => ({ group: 'a', waiting });

describe('a request that arrives', () => {
  it.each([
    { waiting: 0, mostMs: 0, most: 'no wait', expected: { kind: 'wait', untilMs: 1_000 } },
    { waiting: 5, mostMs: 500, most: 'its whole wait', expected: { kind: 'wait', untilMs: 2_000 } },
    { waiting: 5, mostMs: 499, most: 'less than its wait', expected: { kind: 'shed', turnInMs: 600 } },
  ])('behind $waiting others that may wait $most: $expected.kind', ({ waiting, mostMs, expected }) => {
    const line = lineOf(waiting);
    expect(admit(pacerOf(), line, mostMs, 1_000)).toEqual(expected);
    expect(line.waiting).toBe(expected.kind === 'wait' ? waiting + 1 : waiting);
  });

  it('waits no longer than its group allows, whatever the sender allows', () => {
    expect(admit(pacerOf([], 250), lineOf(3), 10_000, 0)).toEqual({ kind: 'shed', turnInMs: 400 });
    expect(admit(pacerOf([], 250), lineOf(2), 10_000, 0)).toEqual({ kind: 'wait', untilMs: 20_000 });
  });
});

describe('the first request of the line', () => {
  it.each([
    { what: 'passes at its turn', takes: [0], nowMs: 500, expected: { kind: 'passed' }, left: 2 },
    {
      what: 'waits where its turn comes in time',
      takes: [500],
      nowMs: 500,
      expected: { kind: 'wait', delayMs: 500 },
      left: 3,
    },
    {
      what: 'is shed at once where its turn would come too late',
      takes: [501],
      nowMs: 500,
      expected: { kind: 'shed', turnInMs: 300 },
      left: 2,
    },
    {
      what: 'is shed after its time, and takes no turn then',
      takes: [0],
      nowMs: 1_001,
      expected: { kind: 'shed', turnInMs: 300 },
      left: 2,
    },
  ])('$what', ({ takes, nowMs, expected, left }) => {
    const line = lineOf(3);
    const asked = takes.length;
    expect(askForTurn(pacerOf(takes), line, 1_000, nowMs)).toEqual(expected);
    expect(line.waiting).toBe(left);
    expect(takes).toHaveLength(nowMs > 1_000 ? asked : 0);
  });
});
