// Two jobs in one queue and one bucket, in virtual time: a job of ten rows that arrives behind a large one ends soon.
import { describe, expect, it } from 'vitest';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { sendMessages } from '../../shared/queue/batches.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { createRandom } from '../../shared/time/random.ts';
import { aJob, anUploadMessage } from '../helpers/records.ts';
import { createWorker, slowDown } from '../helpers/upload-worker.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const SECOND_MS = 1000;
const START_MS = Date.UTC(2026, 0, 1);
const LARGE = 'large00000' as JobId;
const SMALL = 'small00000' as JobId;
const BATCH = 100;

interface Setting {
  workers: number;
  rows: number;
  /** Writes a second that S3 takes. */
  limitPerSecond: number;
}

async function runBoth({ workers, rows, limitPerSecond }: Setting) {
  const clock = createVirtualClock(START_MS);
  const random = createRandom(7);
  const sqs = createMemorySqs(
    { clock, random },
    { queues: { upload: { VisibilityTimeout: 1_080, MessageRetentionPeriod: 864_000 } }, shuffleWindow: 200 },
  );
  const queue = sqs.queue('upload');
  const none = new Set<number>();
  const blockOf = (size: number) => ({
    ...{ size, movedAtMs: 0, openings: 1, cancelled: none, rejected: none, failed: none },
    done: new Set<number>(),
  });
  const blocks = { [LARGE]: blockOf(rows), [SMALL]: blockOf(10) } as Record<
    JobId,
    ReturnType<typeof blockOf>
  >;
  const jobs = new Map([LARGE, SMALL].map((id) => [id, aJob({ id })]));
  const bucket = { tokens: limitPerSecond, atMs: clock.now() };
  const mayWrite = () => {
    const gained = ((clock.now() - bucket.atMs) / SECOND_MS) * limitPerSecond;
    Object.assign(bucket, { tokens: Math.min(limitPerSecond, bucket.tokens + gained), atMs: clock.now() });
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };
  let smallEndedAtMs: number | undefined;
  const isOver = () => smallEndedAtMs !== undefined || clock.now() > START_MS + 3600 * SECOND_MS;

  async function work(index: number): Promise<void> {
    const upload = createWorker(
      {
        clock,
        sqs,
        async write() {
          await clock.sleep(30);
          if (!mayWrite()) throw slowDown();
          return { etag: '"e"' };
        },
        ledger: {
          getJobs: async () => ({ jobs, unreadable: new Map() }),
          readBlocks: async () =>
            new Map(
              [LARGE, SMALL].map((job) => [blockName({ job, slice: 0, block: 0 }), blocks[job] as never]),
            ),
          recordEnds: async ({ job }, ends) => {
            for (const number of ends.done ?? []) blocks[job]?.done.add(number);
            if (blocks[SMALL]?.done.size === 10) smallEndedAtMs ??= clock.now();
            return 'in time';
          },
        },
      },
      index,
    );
    while (!isOver()) {
      const Records = await queue.receive(BATCH);
      if (Records.length > 0) queue.settle(Records, await upload(Records));
      else await clock.sleep(SECOND_MS * random());
    }
  }

  const send = (job: JobId, count: number) =>
    sendMessages(
      { sqs: sqs.client, clock, random },
      queue.url,
      Array.from({ length: count }, (_, number) => ({
        body: messageBody(anUploadMessage({ job, number, item: { key: `${number}`, text: 'x' } })),
        groupId: job,
      })),
    );
  await send(LARGE, rows);
  const sentAtMs = START_MS + 20 * SECOND_MS;
  const later = clock.sleep(sentAtMs - START_MS).then(() => send(SMALL, 10));
  await Promise.all([later, ...Array.from({ length: workers }, (_, index) => work(index))]);
  return {
    seconds: ((smallEndedAtMs ?? Number.POSITIVE_INFINITY) - sentAtMs) / SECOND_MS,
    largeEnded: blocks[LARGE]?.done.size ?? 0,
  };
}

describe('a job of ten rows behind a large one', () => {
  it.each([
    { workers: 5, rows: 20_000, limitPerSecond: 200 },
    { workers: 20, rows: 8_000, limitPerSecond: 40 },
  ])('ends within a minute: $workers workers, $rows rows at $limitPerSecond a second', async (setting) => {
    const { seconds, largeEnded } = await runBoth(setting);
    expect(seconds).toBeLessThan(60);
    expect(largeEnded).toBeLessThan(setting.rows);
  });
});
