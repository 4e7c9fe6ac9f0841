// The transfer of a batch on a virtual clock: each end that an item can have, and the bounds on how long and how often.
import { describe, expect, it } from 'vitest';
import { createAdaptivePacer } from '../../shared/pacing/adaptive-pacer.ts';
import { createRateLimiter, type RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createRandom, type Random } from '../../shared/time/random.ts';
import { type TransferItem, transferAll } from '../../shared/transfer/engine.ts';
import type { JobTurns } from '../../shared/transfer/job-turns.ts';
import { SourceRefusal } from '../../shared/transfer/known-fault.ts';
import type {
  ObjectWrite,
  ObjectWriter,
  RefusalMeaning,
  WrittenObject,
} from '../../shared/transfer/object-writer.ts';
import type { SentRequest } from '../../shared/transfer/paced-request.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';

const MINUTE_MS = 60_000;
const STORED: WrittenObject = { etag: '"e"', bytes: 5 };

const answer = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(`S3 says ${name}`), { name, $metadata: { httpStatusCode } });
const SLOW_DOWN = answer('SlowDown', 503);
const INTERNAL = answer('InternalError', 500);
const CONFLICT = answer('ConditionalRequestConflict', 409);
const EXISTS = answer('PreconditionFailed', 412);
const DENIED = answer('AccessDenied', 403);
const NOT_FOUND = answer('NotFound', 404);

type Answer = WrittenObject | Error;

interface Setting {
  /** Answers to the writes of any item, in their order; the last one stays. */
  writes?: Answer[];
  /** Answers of recognise; `undefined`: another's object. The last one stays. */
  finds?: (Answer | undefined)[];
  items?: Partial<TransferItem>[];
  ifExists?: ObjectWrite['ifExists'];
  /** What the source has to say of each refusal. */
  meanings?: (RefusalMeaning | undefined)[];
  stopAfterMs?: number;
  rateLimiter?: (clock: VirtualClock) => RateLimiter;
  random?: Random;
  latencyMs?: number;
  onRequest?: (request: SentRequest) => void;
}

function itemOf(
  clock: VirtualClock,
  writer: ObjectWriter,
  change: Partial<TransferItem>,
  ifExists: ObjectWrite['ifExists'],
): TransferItem {
  return {
    write: { destination: { bucket: 'destination', key: 'a' }, ifExists },
    writer,
    giveUpAtMs: clock.now() + 60 * MINUTE_MS,
    givenBack: 0,
    wasTried: false,
    mayBeWritten: false,
    ...change,
  };
}

const FREE: RateLimiter = {
  groupOf: (bucket) => bucket,
  pass: async () => ({ kind: 'passed' }),
  observe: () => undefined,
};

async function transfer({
  writes = [STORED],
  finds = [undefined],
  items = [{}],
  ifExists = 'overwrite',
  stopAfterMs = MINUTE_MS,
  rateLimiter = () => FREE,
  random = createRandom(7),
  latencyMs = 30,
  meanings = [],
  onRequest = () => undefined,
}: Setting) {
  const clock = createVirtualClock();
  const startMs = clock.now();
  const calls = { writes: 0, finds: 0, atOnce: 0, mostAtOnce: 0, lastWriteMs: 0 };
  const next = <T>(answers: T[], call: number) => answers[Math.min(call, answers.length - 1)] as T;
  const writer: ObjectWriter = {
    async write() {
      const given = next(writes, calls.writes);
      calls.writes++;
      calls.lastWriteMs = clock.now() - startMs;
      calls.atOnce++;
      calls.mostAtOnce = Math.max(calls.mostAtOnce, calls.atOnce);
      await clock.sleep(latencyMs);
      calls.atOnce--;
      if (given instanceof Error) throw given;
      return given;
    },
    explain: () => meanings.shift(),
    async recognise() {
      const given = next(finds, calls.finds);
      calls.finds++;
      await clock.sleep(latencyMs);
      if (given instanceof Error) throw given;
      return given;
    },
  };
  const reports = await transferAll(
    { rateLimiter: rateLimiter(clock), clock, random, onRequest },
    items.map((change) => itemOf(clock, writer, change, ifExists)),
    startMs + stopAfterMs,
  );
  return { reports, report: reports[0], calls, tookMs: clock.now() - startMs };
}

describe('the bytes that were reserved for an item', () => {
  it.each([
    { what: 'stored, of known size', writes: [STORED], isUnsized: false, used: { kind: 'kept' } },
    {
      what: 'stored',
      writes: [{ etag: '"e"', bytes: 9 }],
      isUnsized: true,
      used: { kind: 'wrote', bytes: 9 },
    },
    { what: 'copied, no bytes told', writes: [{ etag: '"e"' }], isUnsized: true, used: { kind: 'kept' } },
    { what: 'refused', writes: [DENIED], isUnsized: true, used: { kind: 'wrote', bytes: 0 } },
    { what: 'throttled', writes: [SLOW_DOWN], isUnsized: false, used: { kind: 'returned' } },
    { what: 'throttled, of unknown size', writes: [SLOW_DOWN], isUnsized: true, used: { kind: 'returned' } },
  ])('are $used.kind where it is $what', async ({ writes, isUnsized, used }) => {
    const calls: unknown[] = [];
    const turns: JobTurns = {
      next: async () => ({ kind: 'passed', reservedBytes: 70 }),
      used: (...call) => void calls.push(call),
      end: async () => [],
    };
    await transfer({ writes, items: [{ turns, isUnsized }], stopAfterMs: 1_000 });
    expect(calls).toEqual([[70, used]]);
  });
});

describe('an item', () => {
  it('is stored at the first attempt', async () => {
    const { report } = await transfer({});
    expect(report).toEqual({
      end: { kind: 'stored', object: STORED },
      attempts: 1,
      throttled: 0,
      transient: 0,
      ms: 30,
    });
  });

  it('is stored after throttling, a transient fault and a conflict, each counted', async () => {
    const { report } = await transfer({ writes: [SLOW_DOWN, INTERNAL, CONFLICT, STORED] });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 4, throttled: 1, transient: 2 });
  });

  it('fails at once where trying again changes nothing', async () => {
    const { report, calls } = await transfer({ writes: [DENIED] });
    expect(report).toMatchObject({
      end: { kind: 'failed', code: 'AccessDenied', message: 'S3 says AccessDenied' },
      attempts: 1,
    });
    expect(calls.writes).toBe(1);
  });

  it('ends with what its source has to say of a refusal', async () => {
    const meaning = { kind: 'failed', code: 'NoSuchKey', message: 'and what to do' } as const;
    const { report } = await transfer({ writes: [NOT_FOUND], meanings: [meaning] });
    expect(report).toMatchObject({ end: meaning, attempts: 1 });
  });

  it('is tried again where its source says so of a refusal', async () => {
    const { report } = await transfer({ writes: [DENIED, STORED], meanings: [{ kind: 'try-again' }] });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 2 });
  });

  it('is unfinished after about two seconds of throttling in place, with a delay', async () => {
    const { report, tookMs } = await transfer({ writes: [SLOW_DOWN], random: () => 0.9 });
    expect(report?.end).toMatchObject({ kind: 'unfinished' });
    expect(report?.throttled).toBe(report?.attempts);
    expect(tookMs).toBeLessThan(2_200);
    expect(report?.end.kind === 'unfinished' ? report.end.delayMs : 0).toBeGreaterThan(800);
  });

  it.each([0, 1, 5, 50])(
    'given back %i times before waits at most the longer for it, and never above ten minutes',
    async (givenBack) => {
      const { report } = await transfer({ writes: [SLOW_DOWN], items: [{ givenBack }], random: () => 0.999 });
      const delayMs = report?.end.kind === 'unfinished' ? report.end.delayMs : 0;
      expect(delayMs).toBeLessThanOrEqual(Math.min(600_000, 1_000 * 2 ** givenBack));
      expect(delayMs).toBeGreaterThan(0.9 * Math.min(600_000, 1_000 * 2 ** givenBack));
    },
  );

  it('older than its retry time fails after one more attempt, and names the last answer', async () => {
    const { report } = await transfer({ writes: [SLOW_DOWN], items: [{ giveUpAtMs: 0 }] });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'RetryTimeExceeded' }, attempts: 1 });
    expect(report?.end.kind === 'failed' ? report.end.message : '').toContain('SlowDown');
  });

  it('older than its retry time is still stored where S3 takes it', async () => {
    expect((await transfer({ items: [{ giveUpAtMs: 0 }] })).report?.end.kind).toBe('stored');
  });
});

describe('an object that exists', () => {
  it.each([
    { ifExists: 'skip', end: { kind: 'skipped' } },
    { ifExists: 'fail', end: { kind: 'failed', code: 'AlreadyExists' } },
  ] as const)(
    'with if-exists $ifExists is $end.kind, without a look at it on the first attempt',
    async ({ ifExists, end }) => {
      const { report, calls } = await transfer({ writes: [EXISTS], ifExists });
      expect(report).toMatchObject({ end, attempts: 1 });
      expect(calls.finds).toBe(0);
    },
  );

  it.each([
    { what: 'an answer was lost in place', setting: { writes: [INTERNAL, EXISTS] } },
    {
      what: 'an earlier delivery may have written it',
      setting: { writes: [EXISTS], items: [{ mayBeWritten: true }] },
    },
  ])('is stored where $what and it is our own', async ({ setting }) => {
    const { report } = await transfer({ ...setting, finds: [STORED], ifExists: 'fail' });
    expect(report?.end).toEqual({ kind: 'stored', object: STORED });
  });

  it("is another's where an answer was lost, and it is not ours", async () => {
    const { report } = await transfer({ writes: [INTERNAL, EXISTS], finds: [undefined], ifExists: 'skip' });
    expect(report?.end).toEqual({ kind: 'skipped' });
  });

  it('and is gone again when it is looked at, is tried again', async () => {
    const { report } = await transfer({
      writes: [INTERNAL, EXISTS, STORED],
      finds: [NOT_FOUND],
      ifExists: 'fail',
    });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 3 });
  });

  it('is tried again where looking at it is throttled', async () => {
    const { report } = await transfer({
      writes: [INTERNAL, EXISTS],
      finds: [SLOW_DOWN, STORED],
      ifExists: 'fail',
    });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 3 });
  });
});

describe('an object that exists, where a HEAD of it is refused', () => {
  const lost = { writes: [INTERNAL, EXISTS], finds: [answer('Forbidden', 403)] };

  it("is not called another's: whether it is our own is unknown", async () => {
    const { report } = await transfer({ ...lost, ifExists: 'fail' });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'ExistsUnverified' }, attempts: 2 });
    expect(report?.end).toMatchObject({ message: expect.stringMatching(/S3 says Forbidden.*s3:ListBucket/) });
  });

  it('is left as it is, where what exists is left', async () => {
    expect((await transfer({ ...lost, ifExists: 'skip' })).report?.end).toEqual({ kind: 'skipped' });
  });

  it('the same where its source is gone, with which it would be compared', async () => {
    const gone = Object.assign(answer('SourceUnreadable', 404), { message: 'its source is gone' });
    const { report } = await transfer({ ...lost, finds: [gone], ifExists: 'fail' });
    expect(report?.end).toMatchObject({ code: 'ExistsUnverified' });
  });
});

describe('a batch', () => {
  it('keeps the order of its items in the reports, with at most 128 requests at once', async () => {
    const items = Array.from({ length: 200 }, (_, index) => ({ givenBack: index }));
    const { reports, calls } = await transfer({ items });
    expect(reports).toHaveLength(200);
    expect(calls.mostAtOnce).toBe(128);
  });

  it('spends at most three retries an item on average', async () => {
    const items = Array.from({ length: 50 }, () => ({}));
    const { reports, calls } = await transfer({ items, writes: [SLOW_DOWN], random: () => 0.01 });
    expect(reports.every(({ end }) => end.kind === 'unfinished')).toBe(true);
    expect(calls.writes).toBe(50 + 3 * 50);
  });

  it('begins nothing once its time is over', async () => {
    const { reports, calls, tookMs } = await transfer({ items: [{}, {}], stopAfterMs: 0 });
    expect(calls.writes).toBe(0);
    expect(tookMs).toBe(0);
    expect(reports.map(({ end, attempts }) => [end.kind, attempts])).toEqual([
      ['unfinished', 0],
      ['unfinished', 0],
    ]);
  });

  it('does not wait beyond its time', async () => {
    const { calls, tookMs } = await transfer({
      writes: [SLOW_DOWN],
      stopAfterMs: 500,
      random: createRandom(3),
      items: Array.from({ length: 10 }, () => ({})),
    });
    expect(calls.lastWriteMs).toBeLessThan(500);
    expect(tookMs).toBeLessThan(600);
  });

  it('ends soon after its time where a look at an existing object is never answered', async () => {
    const clock = createVirtualClock();
    const startMs = clock.now();
    const writer: ObjectWriter = {
      write: () => Promise.reject(EXISTS),
      recognise: (cutOff) =>
        new Promise((_resolve, reject) => {
          cutOff?.addEventListener('abort', () =>
            reject(Object.assign(new Error('cut off'), { name: 'AbortError' })),
          );
          // The client's own limit.
          void clock
            .sleep(15_000)
            .then(() => reject(Object.assign(new Error('late'), { name: 'TimeoutError' })));
        }),
    };
    const [report] = await transferAll(
      { rateLimiter: FREE, clock, random: createRandom(7) },
      [itemOf(clock, writer, { mayBeWritten: true }, 'fail')],
      startMs + 1_000,
    );
    expect(report?.end.kind).toBe('unfinished');
    expect(clock.now() - startMs).toBeLessThanOrEqual(4_000);
  });

  it('ends without items', async () => {
    expect((await transfer({ items: [] })).reports).toEqual([]);
  });
});

describe('the rate limiter', () => {
  it('is passed before each attempt, and waited for', async () => {
    const waits = [0, 400];
    const { report, tookMs } = await transfer({
      writes: [CONFLICT, STORED],
      rateLimiter: (clock) => ({
        ...FREE,
        async pass() {
          await clock.sleep(waits.shift() ?? 0);
          return { kind: 'passed' };
        },
      }),
      random: () => 0,
    });
    expect(report?.end.kind).toBe('stored');
    expect(tookMs).toBe(30 + 400 + 30);
  });

  it('sheds an item whose group would wait longer, untried, with the delay that it asks for', async () => {
    const { report, calls, tookMs } = await transfer({
      rateLimiter: () => ({ ...FREE, pass: async () => ({ kind: 'shed', turnInMs: 5_000 }) }),
    });
    expect(calls.writes).toBe(0);
    expect(tookMs).toBe(0);
    expect(report?.end.kind === 'unfinished' ? report.end.delayMs : 0).toBeGreaterThanOrEqual(5_000);
  });

  it.each([
    { wasTried: false, kind: 'unfinished' },
    { wasTried: true, kind: 'failed' },
  ])('lets age end what it sheds only if S3 was asked before: $wasTried', async ({ wasTried, kind }) => {
    const { report } = await transfer({
      rateLimiter: () => ({ ...FREE, pass: async () => ({ kind: 'shed', turnInMs: 5_000 }) }),
      items: [{ giveUpAtMs: 0, wasTried }],
    });
    expect(report?.end).toMatchObject({ kind });
  });

  it.each([
    { writes: [STORED], seen: ['accepted'] },
    { writes: [SLOW_DOWN, STORED], seen: ['throttled', 'accepted'] },
    // S3 took the request: it was not over its rate.
    { writes: [EXISTS], seen: ['accepted'] },
    { writes: [DENIED], seen: ['accepted'] },
    // These say nothing of the rate.
    { writes: [INTERNAL, STORED], seen: ['accepted'] },
    {
      writes: [Object.assign(answer('SlowDown', 503), { message: 'operations involving AWS KMS' }), STORED],
      seen: ['throttled by kms', 'accepted'],
    },
  ])('is told $seen', async ({ writes, seen }) => {
    const told: string[] = [];
    const rateLimiter: RateLimiter = {
      ...FREE,
      observe: (_, { throttled, scope }) => {
        const by = scope === 'kms' ? ' by kms' : '';
        told.push(throttled ? `throttled${by}` : 'accepted');
      },
    };
    await transfer({ writes, rateLimiter: () => rateLimiter, ifExists: 'skip' });
    expect(told).toEqual(seen);
  });

  it('at an adaptive rate lets a throttled batch through in the end', async () => {
    const { reports } = await transfer({
      writes: [...Array.from({ length: 20 }, () => SLOW_DOWN), STORED],
      items: Array.from({ length: 20 }, () => ({})),
      rateLimiter: (clock) => createRateLimiter({ pacer: createAdaptivePacer(), clock }),
    });
    expect(reports.filter(({ end }) => end.kind === 'stored').length).toBeGreaterThan(15);
  });
});

describe('the requests of a batch', () => {
  it('are each told, with their time, their group and what was refused', async () => {
    const heard: SentRequest[] = [];
    const { report } = await transfer({
      writes: [SLOW_DOWN, INTERNAL, STORED],
      onRequest: (request) => void heard.push(request),
    });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 3, throttled: 1, transient: 1 });
    const told = {
      place: { bucket: 'destination', key: 'a' },
      group: 'destination',
      ms: 30,
      isOfSource: false,
    };
    expect(heard).toEqual([
      { ...told, fault: expect.objectContaining({ kind: 'throttle', scope: 'partition' }) },
      { ...told, fault: expect.objectContaining({ kind: 'transient' }) },
      told,
    ]);
  });

  it('name the source that refused in place of the destination', async () => {
    const heard: SentRequest[] = [];
    const source = { bucket: 'photos', key: 'b/c' };
    const slow = { kind: 'throttle', scope: 'partition', code: 'SlowDown', message: '' } as const;
    await transfer({
      writes: [new SourceRefusal(slow, source), STORED],
      onRequest: (request) => void heard.push(request),
    });
    expect(heard.map(({ place, isOfSource }) => [place.bucket, isOfSource])).toEqual([
      ['photos', true],
      ['destination', false],
    ]);
  });
});
