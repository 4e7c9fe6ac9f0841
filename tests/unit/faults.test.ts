// The choice of when faults strike, and its counts; where invocations die; a clock set off.
import { afterEach, describe, expect, it } from 'vitest';
import type { SqsFault } from '../../local/faults/fault.ts';
import { createFaultPoints } from '../../local/faults/fault-points.ts';
import { createLambdaFaults } from '../../local/faults/lambda.ts';
import { skewClock } from '../../local/lambda/clock-skew.ts';
import { createCrashOrders } from '../../local/lambda/crash-orders.ts';
import type { Death } from '../../local/lambda/protocol.ts';
import { createRandom } from '../../shared/time/random.ts';

const RUNS = 1_000;

describe('fault points', () => {
  const strikes = (faults: SqsFault[], seed = 1) => {
    const points = createFaultPoints<SqsFault>(createRandom(seed));
    points.arm(faults);
    const kinds = Array.from({ length: RUNS }, () => points.strike(() => true)?.kind);
    return { kinds, counts: points.counts() };
  };

  it('strike by their probability, and the same seed strikes the same', () => {
    const faults: SqsFault[] = [{ kind: 'sqs-message-lost', probability: 0.2 }];
    const { kinds, counts } = strikes(faults);
    expect(counts['sqs-message-lost']).toBeGreaterThan(150);
    expect(counts['sqs-message-lost']).toBeLessThan(250);
    expect(strikes(faults).kinds).toEqual(kinds);
    expect(strikes(faults, 2).kinds).not.toEqual(kinds);
  });

  it('strike no more often than their count, and let the next in the list strike then', () => {
    const { kinds, counts } = strikes([
      { kind: 'sqs-message-lost', count: 2 },
      { kind: 'sqs-receipt-expired', count: 1, name: 'late' },
    ]);
    expect(kinds.slice(0, 4)).toEqual([
      'sqs-message-lost',
      'sqs-message-lost',
      'sqs-receipt-expired',
      undefined,
    ]);
    expect(counts).toEqual({ 'sqs-message-lost': 2, late: 1 });
  });

  it('pass over what does not fit or is of another kind, and go on counting when they are armed again', () => {
    const points = createFaultPoints<SqsFault>(createRandom(1));
    points.arm([{ kind: 'sqs-message-lost', queue: 'a' }, { kind: 'sqs-message-twice' }]);
    expect(points.strike(({ queue }) => queue !== 'a')?.kind).toBe('sqs-message-twice');
    expect(points.strike(() => true, 'sqs-message-late')).toBeUndefined();
    expect(points.draw(() => true)?.kind).toBe('sqs-message-lost');
    points.arm([{ kind: 'sqs-message-twice' }]);
    points.strike(() => true);
    expect(points.counts()).toEqual({ 'sqs-message-twice': 2 });
  });
});

describe('deaths at random', () => {
  const requestOf = (death: Death | undefined) =>
    death !== undefined && 'request' in death ? death.request : 0;

  it('come at every request of an invocation, before and after it, and of no other function', () => {
    const faults = createLambdaFaults(createRandom(1));
    faults.arm([{ kind: 'lambda-death', function: 'ingest' }]);
    faults.lived('ingest', 40);
    const points = Array.from({ length: RUNS }, () => faults.deathOf('ingest'));
    const seen = new Set(points.map((point) => `${point?.when} ${requestOf(point)}`));
    expect(seen.size).toBe(2 * 40);
    expect(Math.min(...points.map(requestOf))).toBe(1);
    expect(faults.deathOf('upload')).toBeUndefined();
    // Only the host knows whether an invocation died of it.
    expect(faults.counts()).toEqual({});
  });

  it('reach as far in long invocations as in short ones', () => {
    const faults = createLambdaFaults(createRandom(1));
    faults.arm([{ kind: 'lambda-death', function: 'ingest' }]);
    for (let run = 0; run < 10; run += 1) faults.lived('ingest', run % 2 === 0 ? 4 : 400);
    const requests = Array.from({ length: RUNS }, () => requestOf(faults.deathOf('ingest')));
    expect(requests.filter((request) => request <= 4).length).toBeGreaterThan(RUNS / 3);
    expect(requests.filter((request) => request > 200).length).toBeGreaterThan(RUNS / 8);
  });

  it('come at the path that their fault names, before the request and after it, counted apart', () => {
    const faults = createLambdaFaults(createRandom(1));
    faults.arm([{ kind: 'lambda-death', function: 'upload', pathIncludes: 'partNumber=2&' }]);
    const orders = createCrashOrders(faults);
    const assigned = Array.from({ length: 20 }, () => orders.take('upload'));
    expect(new Set(assigned.map((each) => each?.point.when))).toEqual(new Set(['before', 'after']));
    for (const each of assigned) expect(each?.point).toMatchObject({ pathIncludes: 'partNumber=2&' });
    assigned[0]?.report({ kind: 'died' });
    assigned[1]?.report({ kind: 'survived', requests: 3 });
    expect(orders.counts()).toEqual({ 'upload-at-partNumber=2&': 1 });
  });
});

describe('a clock set off', () => {
  const trueDate = Date;
  afterEach(() => {
    globalThis.Date = trueDate;
  });

  it.each([3_600_000, -90_000])('tells every asker of the time the same wrong one: %i ms', (byMs) => {
    skewClock(byMs);
    const told = [Date.now(), Date.parse(new Date().toISOString()), Date.parse(Date())];
    for (const timeMs of told) expect(Math.abs(timeMs - trueDate.now() - byMs)).toBeLessThan(2_000);
  });

  it('leaves alone what is about other times', () => {
    skewClock(3_600_000);
    expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
    expect(Date.UTC(2026, 0)).toBe(trueDate.UTC(2026, 0));
    expect(new Date(2026, 0) instanceof Date).toBe(true);
    expect(new trueDate() instanceof Date).toBe(true);
  });
});
