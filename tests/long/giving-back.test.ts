// S3 throttles everything for hours of virtual time: the production upload function on a standard queue with its redrive
// policy and in-flight quota, several workers, a thousand items. What is unfinished goes back, and nothing else happens to it.
import { describe, expect, it } from 'vitest';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import type { StoredBlockRow } from '../../shared/ledger/rows.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import type { OutcomeRecord } from '../../shared/report/outcome.ts';
import { createRandom } from '../../shared/time/random.ts';
import { aJob, anUploadMessage } from '../helpers/records.ts';
import { createWorker, slowDown, type WorkerWorld } from '../helpers/upload-worker.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.UTC(2026, 0, 1);

// As in serverless.yml.
const BATCH = 100;
const MAX_RECEIVES = 5;
const VISIBILITY_SECONDS = 1_080;
const RETENTION_SECONDS = 10 * 24 * 3600;

/** 200 items a worker: two batches. More workers with as many items each behave the same, and take their time in the test. */
const ITEMS = 1_000;
const WORKERS = 5;
/** What one worker may hold: the batch in its hands and its share of returned messages. */
const IN_FLIGHT_OF_WORKER = BATCH + 60;

const sumAttempts = (outcomes: readonly OutcomeRecord[]) =>
  outcomes.reduce((sum, { attempts = 0 }) => sum + attempts, 0);

interface Setting {
  recoversAtMs: number;
  retryForSeconds: number;
  /** Writes a second that S3 takes, with a burst of one second. */
  limitPerSecond?: number;
  seed?: number;
}

function startPipeline({
  recoversAtMs,
  retryForSeconds,
  limitPerSecond = Number.POSITIVE_INFINITY,
  seed = 1,
}: Setting) {
  const clock = createVirtualClock(START_MS);
  const random = createRandom(seed);
  const attributes = { VisibilityTimeout: VISIBILITY_SECONDS, MessageRetentionPeriod: RETENTION_SECONDS };
  const RedrivePolicy = { deadLetterTargetArn: 'dead', maxReceiveCount: MAX_RECEIVES };
  const sqs = createMemorySqs(
    { clock, random },
    { queues: { upload: { ...attributes, RedrivePolicy }, dead: attributes }, shuffleWindow: 200 },
  );
  const queue = sqs.queue('upload');

  const block: StoredBlockRow & Record<'done' | 'failed' | 'cancelled' | 'rejected', Set<number>> = {
    size: ITEMS,
    movedAtMs: 0,
    openings: 1,
    done: new Set(),
    failed: new Set(),
    cancelled: new Set(),
    rejected: new Set(),
  };
  const job = aJob({ options: { ...aJob().options, retryForSeconds } });
  const outcomes: (OutcomeRecord & { atMs: number })[] = [];
  const writes = { attempts: 0 };
  const bucket = { tokens: limitPerSecond, filledAtMs: clock.now() };
  const hasToken = (): boolean => {
    if (limitPerSecond === Number.POSITIVE_INFINITY) return true;
    const gained = ((clock.now() - bucket.filledAtMs) / SECOND_MS) * limitPerSecond;
    bucket.tokens = Math.min(limitPerSecond, bucket.tokens + gained);
    bucket.filledAtMs = clock.now();
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };
  const write = async () => {
    writes.attempts++;
    await clock.sleep(30);
    if (clock.now() < recoversAtMs || !hasToken()) throw slowDown();
    return { etag: '"e"', bytes: 1 };
  };
  const givenBack = { refused: { returned: 0, reposted: 0 }, untried: { returned: 0, reposted: 0 } };
  const count = (sums: Record<string, number>) => {
    givenBack.refused.returned += sums['RefusedReturned'] ?? 0;
    givenBack.refused.reposted += sums['RefusedReposted'] ?? 0;
    givenBack.untried.returned += sums['UntriedReturned'] ?? 0;
    givenBack.untried.reposted += sums['UntriedReposted'] ?? 0;
  };
  const ledger: WorkerWorld['ledger'] = {
    getJobs: async () => ({ jobs: new Map([[job.id, job]]), unreadable: new Map() }),
    readBlocks: async () => new Map([[blockName({ job: job.id, slice: 0, block: 0 }), block]]),
    recordEnds: async (_, ends) => {
      for (const number of ends.done ?? []) block.done.add(number);
      for (const number of ends.failed ?? []) block.failed.add(number);
      return 'in time';
    },
  };
  const keepOutcomes: WorkerWorld['keepOutcomes'] = async (_slice, _name, rows) => {
    outcomes.push(...rows.map((row) => ({ ...row, atMs: clock.now() })));
  };
  const world = { clock, sqs, write, ledger, keepOutcomes, count };
  const seen = {
    mostInFlight: 0,
    mostMessages: 0,
    mostReceives: 0,
    leftByRepost: 0,
    invocations: 0,
    longestMs: 0,
  };
  const watch = () => {
    const { visible, inFlight, delayed } = queue.standard.depth();
    seen.mostInFlight = Math.max(seen.mostInFlight, inFlight);
    seen.mostMessages = Math.max(seen.mostMessages, visible + inFlight + delayed);
  };

  const environments = Array.from({ length: WORKERS }, (_, index) =>
    createWorker(world, seed * 1000 + index),
  );

  /** Lambda's event source and one environment behind it. */
  async function poll(upload: ReturnType<typeof createWorker>, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const Records = await queue.receive(BATCH);
      if (Records.length === 0) {
        await clock.sleep(5 * SECOND_MS);
        continue;
      }
      watch();
      const receives = Records.map(({ attributes }) => Number(attributes.ApproximateReceiveCount));
      seen.mostReceives = Math.max(seen.mostReceives, ...receives);
      seen.invocations++;
      const startsAtMs = clock.now();
      const answer = await upload(Records);
      seen.longestMs = Math.max(seen.longestMs, clock.now() - startsAtMs);
      watch();
      const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId, receiptHandle, body } of Records) {
        const { number } = JSON.parse(body) as { number: number };
        const hasEnded = block.done.has(number) || block.failed.has(number);
        if (!hasEnded && !failed.has(messageId) && queue.standard.inflightMessages.has(receiptHandle))
          seen.leftByRepost++;
      }
      queue.settle(Records, answer);
    }
  }

  for (let number = 0; number < ITEMS; number++) {
    const item = { key: `${number}.txt`, text: 'x' };
    queue.put(messageBody(anUploadMessage({ number, item, firstSentAtMs: clock.now() })));
  }
  const ended = () => block.done.size + block.failed.size;
  return {
    block,
    outcomes,
    givenBack,
    seen,
    writes,
    wait: (ms: number) => clock.advance(ms),
    deadLetters: () => sqs.queue('dead').standard.depth().visible,
    async run(untilMs: number): Promise<void> {
      const isOver = () => ended() === ITEMS || clock.now() >= untilMs;
      await Promise.all(environments.map((upload) => poll(upload, isOver)));
    },
  };
}

describe('while S3 takes less than the fleet sends', () => {
  it.each([25, 100, 175])(
    'returns most of what S3 refuses by visibility, at %i writes a second',
    async (limitPerSecond) => {
      const pipeline = startPipeline({ recoversAtMs: 0, retryForSeconds: 24 * 3600, limitPerSecond });
      await pipeline.run(START_MS + HOUR_MS);
      const { block, givenBack, seen, writes, outcomes } = pipeline;
      expect(block.done.size).toBe(ITEMS);
      expect(givenBack.refused.returned).toBeGreaterThan(0);
      expect(givenBack.refused.reposted).toBeLessThan(givenBack.refused.returned / 2);
      expect(pipeline.deadLetters()).toBe(0);
      expect(seen.mostInFlight).toBeLessThanOrEqual(WORKERS * IN_FLIGHT_OF_WORKER);
      expect(sumAttempts(outcomes)).toBe(writes.attempts);
    },
  );
});

describe('while S3 throttles everything for hours', () => {
  it('keeps every item out of the dead letters and the in-flight quota free, and stores all when S3 recovers', async () => {
    const recoversAtMs = START_MS + HOUR_MS;
    const pipeline = startPipeline({ recoversAtMs, retryForSeconds: 24 * 3600 });
    await pipeline.run(recoversAtMs - 5 * MINUTE_MS);
    const { seen, block } = pipeline;
    expect(block.done.size + block.failed.size).toBe(0);
    expect(seen.invocations).toBeGreaterThan(1_000);
    expect(pipeline.writes.attempts).toBeGreaterThan(10_000);
    expect(pipeline.deadLetters()).toBe(0);
    expect(seen.mostReceives).toBeLessThan(MAX_RECEIVES);
    expect(seen.mostInFlight).toBeLessThanOrEqual(WORKERS * IN_FLIGHT_OF_WORKER);
    expect(seen.mostMessages).toBeLessThanOrEqual(ITEMS);
    expect(seen.leftByRepost).toBe(0);
    // Waiting is the queue's: no worker is paid for it.
    expect(seen.longestMs).toBeLessThan(30 * SECOND_MS);

    await pipeline.run(recoversAtMs + HOUR_MS);
    expect(block.failed.size).toBe(0);
    expect(block.done.size).toBe(ITEMS);
    expect(pipeline.deadLetters()).toBe(0);
    // However an item went back, none of its requests is forgotten.
    expect(sumAttempts(pipeline.outcomes)).toBe(pipeline.writes.attempts);
    // During the outage delays grow beyond 20 s.
    expect(pipeline.givenBack.refused.reposted).toBeGreaterThan(pipeline.givenBack.refused.returned);
  });

  it.each([20, 300])('takes what S3 gives again soon after an outage of %i s', async (outageSeconds) => {
    const recoversAtMs = START_MS + outageSeconds * SECOND_MS;
    const lastMs: number[] = [];
    for (const seed of [1, 2, 3]) {
      const pipeline = startPipeline({ recoversAtMs, retryForSeconds: 24 * 3600, seed });
      await pipeline.run(recoversAtMs + HOUR_MS);
      expect(pipeline.block.done.size).toBe(ITEMS);
      lastMs.push(Math.max(...pipeline.outcomes.map(({ atMs }) => atMs)) - recoversAtMs);
    }
    // Told their turns by the rate of the outage, the last would come five and seven minutes after its end. One run's last
    // item is a matter of luck (64 to 123 s here): the median tells.
    expect(lastMs.toSorted((left, right) => left - right)[1]).toBeLessThan(2 * MINUTE_MS);
  });

  it('counts no age while an item waits behind others, before it is first in hand', async () => {
    const pipeline = startPipeline({
      recoversAtMs: START_MS + 3 * HOUR_MS + MINUTE_MS,
      retryForSeconds: 900,
    });
    pipeline.wait(3 * HOUR_MS);
    await pipeline.run(START_MS + 4 * HOUR_MS);
    expect(pipeline.block.failed.size).toBe(0);
    expect(pipeline.block.done.size).toBe(ITEMS);
  });

  it('ends items by age, and none before its time, however often it was tried', async () => {
    const retryForSeconds = 3600;
    const pipeline = startPipeline({ recoversAtMs: Number.POSITIVE_INFINITY, retryForSeconds });
    await pipeline.run(START_MS + 24 * HOUR_MS);
    const { outcomes, block } = pipeline;
    expect(block.done.size).toBe(0);
    expect(block.failed.size).toBe(ITEMS);
    expect(pipeline.deadLetters()).toBe(0);
    const ends = outcomes.flatMap((outcome) => (outcome.status === 'returned' ? [] : [outcome]));
    const ages = ends.map(({ atMs }) => atMs - START_MS);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(retryForSeconds * SECOND_MS);
    expect(new Set(ends.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['failed RetryTimeExceeded']),
    );
    // An item in the queue waits up to 15 minutes for its next try, and one that is shed waits again.
    expect(Math.max(...ages)).toBeLessThan(retryForSeconds * SECOND_MS + 45 * MINUTE_MS);
    expect(pipeline.seen.mostReceives).toBeLessThan(MAX_RECEIVES);
  });
});
