// The simulator: events in order, the same seed the same run, and the pacing's goals on small fleets.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventQueue } from '../../lab/simulator/event-queue.ts';
import { simulateFleet } from '../../lab/simulator/fleet.ts';
import { FLEET_DEFAULTS, type FleetOptions } from '../../lab/simulator/fleet-options.ts';
import { jainIndex, measureFleet, throttledShareBetween } from '../../lab/simulator/measures.ts';
import { runLog } from '../../lab/simulator/report.ts';
import { SCENARIOS } from '../../lab/simulator/scenarios.ts';

function fleet(change: Partial<FleetOptions>): FleetOptions {
  return {
    ...FLEET_DEFAULTS,
    workers: 10,
    partitions: 4,
    limitPerSecond: 500,
    seconds: 40,
    seed: 1,
    ...change,
  };
}

function inScenario(name: string, change: Partial<FleetOptions>): FleetOptions {
  const options = fleet(change);
  return { ...options, ...SCENARIOS.find((each) => each.name === name)?.change(options) };
}

const measured = (options: FleetOptions) => measureFleet(options, simulateFleet(options));

describe('the event queue', () => {
  it('gives events in the order of their times, and those of the same time in the order in which they were added', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3_000 }), (times) => {
        const queue = createEventQueue();
        times.forEach((atMs, index) => {
          queue.add(atMs, index % 5, index, index * 2);
        });
        const wanted = times
          .map((atMs, index) => ({ atMs, kind: index % 5, subject: index, object: index * 2 }))
          .sort((left, right) => left.atMs - right.atMs || left.subject - right.subject);
        const event = { atMs: 0, kind: 0, subject: 0, object: 0 };
        const taken: (typeof event)[] = [];
        while (queue.take(event)) taken.push({ ...event });
        expect(taken).toEqual(wanted);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a simulated run', () => {
  it.each(SCENARIOS.map(({ name }) => name))('is the same for the same seed: %s', (name) => {
    const options = inScenario(name, { seconds: 8, workers: 6 });
    const log = runLog(simulateFleet(options));
    expect(runLog(simulateFleet(options))).toBe(log);
    expect(runLog(simulateFleet({ ...options, seed: 2 }))).not.toBe(log);
  });

  it('never stores more than the partitions allow', () => {
    const options = fleet({ workers: 3, partitions: 2 });
    const { accepted } = simulateFleet(options);
    const stored = accepted.reduce((total, each) => total + each, 0);
    expect(stored).toBeLessThanOrEqual(2 * 500 * (options.seconds + options.burstSeconds));
  });

  it('finds the fleet short of the limit where Lambda starts few workers at first', () => {
    const { accepted } = simulateFleet(
      inScenario('cold-starts', { workers: 40, workerRatePerSecond: 200, seconds: 12 }),
    );
    expect(accepted[1]).toBeLessThanOrEqual(11 * 200);
    expect(accepted[10]).toBeGreaterThan(0.8 * 4 * 500);
  });

  it('lets partitions split up to their most', () => {
    const { partitions } = simulateFleet(inScenario('splits', { partitions: 4, seconds: 80 }));
    expect(partitions[0]).toBe(1);
    expect(partitions.at(-1)).toBe(4);
  });
});

describe('the pacing, simulated', () => {
  it.each([
    [1, 4],
    [10, 4],
    [25, 4],
  ])('keeps its goals with %i workers on %i partitions', (workers, partitions) => {
    for (const seed of [1, 2, 3]) {
      const found = measured(fleet({ workers, partitions, seed, seconds: 60 }));
      expect(found.goodput, `seed ${seed}`).toBeGreaterThanOrEqual(0.98);
      expect(found.throttledShare, `seed ${seed}`).toBeLessThanOrEqual(0.03);
      expect(found.secondsToNinetyPercent, `seed ${seed}`).toBeLessThanOrEqual(30);
      expect(found.fairness, `seed ${seed}`).toBeGreaterThanOrEqual(0.9);
    }
  });

  it('is back under 5% throttled five seconds after the limit halves', () => {
    // The scenario of 40 s, of which the later half is not read.
    const run = simulateFleet({ ...inScenario('half-limit', {}), seconds: 20 });
    expect(throttledShareBetween(run, 15, 19)).toBeLessThan(0.05);
  });

  it.each([350, 1_400])(
    'lets one worker use a limit of %i a second, with a burst of a second or a tenth',
    (limitPerSecond) => {
      for (const burstSeconds of [1, 0.1]) {
        const options = { workers: 1, partitions: 1, limitPerSecond, burstSeconds, seconds: 60 };
        const found = measured(fleet({ ...options, latency: { baseMs: 3, restMs: 3 } }));
        expect(found.goodput, `burst ${burstSeconds} s`).toBeGreaterThanOrEqual(0.98);
        expect(found.throttledShare, `burst ${burstSeconds} s`).toBeLessThanOrEqual(0.02);
      }
    },
  );

  it.each(['outage', 'weak-partition'])(
    'keeps the rest of the bucket going through a partition in trouble: %s',
    (name) => {
      const scenario = inScenario(name, { partitions: 16, workers: 20, limitPerSecond: 250, seconds: 60 });
      // The trouble begins at 15 s; what follows the 30th second is not read.
      const options = { ...scenario, seconds: 30 };
      const refined = simulateFleet(options);
      const whole = simulateFleet({ ...options, refines: false });
      const storedInTrouble = ({ accepted }: { accepted: number[] }) =>
        accepted.slice(20, 30).reduce((total, each) => total + each, 0) / (10 * 15 * 250);
      expect(storedInTrouble(refined)).toBeGreaterThan(0.85);
      expect(storedInTrouble(whole)).toBeLessThan(0.5);
    },
  );
});

describe("Jain's index", () => {
  it('is 1 where all have the same, and 1/n where one has all', () => {
    expect(jainIndex([5, 5, 5, 5])).toBe(1);
    expect(jainIndex([8, 0, 0, 0])).toBe(0.25);
  });
});
