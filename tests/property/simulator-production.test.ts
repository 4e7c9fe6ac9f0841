// The simulator makes the decisions of production: the engine and the rate limiter, run on a virtual clock against the same S3
// with the same chance, send the same requests in the same seconds and give back the same items.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulateFleet } from '../../lab/simulator/fleet.ts';
import { FLEET_DEFAULTS, type FleetOptions, type FleetRun } from '../../lab/simulator/fleet-options.ts';
import { createItemQueue } from '../../lab/simulator/item-queue.ts';
import { createSimulatedS3 } from '../../lab/simulator/partitions.ts';
import { startMs } from '../../lab/simulator/worker.ts';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { batchBounds } from '../../shared/pacing/retry.ts';
import { createRandom } from '../../shared/time/random.ts';
import { transferOne } from '../../shared/transfer/engine.ts';
import type { ObjectWriter } from '../../shared/transfer/object-writer.ts';
import { slowDown } from '../helpers/upload-worker.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

type Requests = Pick<FleetRun, 'accepted' | 'throttled' | 'givenBack'>;

/** Lets all go on that waits for no time. */
async function settle(): Promise<void> {
  for (let step = 0; step < 100; step++) await Promise.resolve();
}

async function runProduction(options: FleetOptions): Promise<Requests> {
  const { seconds, workers, latency, batches = { items: 1, pauseMs: 0 } } = options;
  const clock = createVirtualClock(0);
  const random = createRandom(options.seed);
  const s3 = createSimulatedS3(options);
  const queue = createItemQueue(options, random);
  const endMs = seconds * 1000;
  const series = () => new Array<number>(seconds).fill(0);
  const run = { accepted: series(), throttled: series(), givenBack: series() };
  const count = (counts: number[]) => {
    const second = Math.floor(clock.now() / 1000);
    if (second < seconds) counts[second] = (counts[second] ?? 0) + 1;
  };
  const travel = () => clock.sleep((latency.baseMs - latency.restMs * Math.log(1 - random())) / 2);

  function startWorker() {
    const pacer = createAdaptivePacer(options.pacing, options.refines);
    const rateLimiter = createRateLimiter({ pacer, clock });

    async function transfer(number: number, bounds: Parameters<typeof transferOne>[2]): Promise<void> {
      const { key, givenBack, wasTried } = queue.at(number);
      const writer = {
        async write() {
          await travel();
          const isTaken = s3.admits(key, clock.now());
          count(isTaken ? run.accepted : run.throttled);
          await travel();
          if (!isTaken) throw slowDown();
          return { etag: '"e"' };
        },
      } as Partial<ObjectWriter> as ObjectWriter;
      const { end, attempts } = await transferOne(
        { rateLimiter, clock, random },
        {
          writer,
          write: {
            destination: { bucket: 'destination', key: s3.pathOf(key) },
            ifExists: 'overwrite',
          },
          giveUpAtMs: Number.POSITIVE_INFINITY,
          givenBack,
          wasTried,
          mayBeWritten: wasTried,
          isHalted: () => clock.now() >= endMs,
        },
        bounds,
      );
      if (end.kind !== 'unfinished') return queue.forget(number);
      count(run.givenBack);
      queue.at(number).attempts = attempts;
      queue.giveBack(number);
      void clock.sleep(end.delayMs).then(() => queue.comeBack(number));
    }

    return async () => {
      while (clock.now() < endMs) {
        const bounds = {
          ...batchBounds(batches.items, Number.POSITIVE_INFINITY),
          cutOff: new AbortController().signal,
        };
        const transfers: Promise<void>[] = [];
        // One by one, as the simulator takes them: chance has to be asked in the same order.
        for (let taken = 0; taken < batches.items; taken++) {
          transfers.push(transfer(queue.take(clock.now()), bounds));
          await settle();
        }
        await Promise.all(transfers);
        await clock.sleep(batches.pauseMs);
      }
    };
  }

  const fleet = Array.from({ length: workers }, (_, index) => {
    const work = startWorker();
    return clock.sleep(startMs(options, index, random)).then(work);
  });
  const changes = options.limitChanges.map(({ atSecond, factor }) =>
    clock.sleep(atSecond * 1000).then(() => s3.setLimit(factor * options.limitPerSecond, clock.now())),
  );
  await Promise.all([...fleet, ...changes]);
  return run;
}

function simulate(options: FleetOptions): Requests {
  const { accepted, throttled, givenBack } = simulateFleet(options);
  return { accepted, throttled, givenBack };
}

const sum = (counts: readonly number[]) => counts.reduce((total, each) => total + each, 0);

/** In batches, and without a bound on a worker's own speed, which production does not know. */
const BASE: FleetOptions = {
  ...FLEET_DEFAULTS,
  workers: 2,
  partitions: 1,
  seed: 1,
  seconds: 8,
  limitPerSecond: 150,
  workerRatePerSecond: Number.POSITIVE_INFINITY,
  batches: { items: 100, pauseMs: 80 },
};

/**
 * Latencies vary in every fleet. Where none does, turns and answers may come at the same instant (5 ms from each other at 10 ms and
 * 200 turns a second), and both ask chance, in either order.
 */
const anyFleet = fc.record({
  workers: fc.integer({ min: 1, max: 3 }),
  partitions: fc.constantFrom(1, 2, 4),
  limitPerSecond: fc.integer({ min: 10, max: 300 }),
  burstSeconds: fc.constantFrom(0.1, 1),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  latency: fc.record({ baseMs: fc.integer({ min: 5, max: 150 }), restMs: fc.integer({ min: 1, max: 50 }) }),
  batches: fc.record({
    items: fc.integer({ min: 1, max: 100 }),
    pauseMs: fc.integer({ min: 20, max: 200 }),
  }),
  limitChanges: fc.constantFrom([], [{ atSecond: 3, factor: 0.05 }], [{ atSecond: 4, factor: 3 }]),
  refines: fc.boolean(),
});

describe('the simulator and production', () => {
  it('send and give back the same, whatever the fleet', async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async (change) => {
        const options = { ...BASE, ...change };
        expect(simulate(options)).toEqual(await runProduction(options));
      }),
      { numRuns: 25 },
    );
  });

  it('do so where the limit falls so low that requests are shed while they wait', async () => {
    const options = {
      ...BASE,
      limitChanges: [{ atSecond: 2, factor: 0.01 }],
    };
    const produced = await runProduction(options);
    expect(sum(produced.givenBack)).toBeGreaterThan(100);
    expect(simulate(options)).toEqual(produced);
  });

  it('do so where one partition refuses everything and its keys are paced alone', async () => {
    const weakPartition = { partition: 1, factor: 0, fromSecond: 2, toSecond: 6 };
    const options = { ...BASE, partitions: 4, weakPartition, limitPerSecond: 100 };
    expect(simulate(options)).toEqual(await runProduction(options));
  });
});
