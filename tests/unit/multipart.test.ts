// A multipart upload on a virtual clock: it ends in an object, or it is aborted.
import { describe, expect, it } from 'vitest';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createRandom } from '../../shared/time/random.ts';
import { KnownFault } from '../../shared/transfer/known-fault.ts';
import { type StreamedItem, transferInParts } from '../../shared/transfer/multipart.ts';
import type { MultipartWriter, SentPart } from '../../shared/transfer/multipart-writer.ts';
import type { ObjectWrite, WrittenObject } from '../../shared/transfer/object-writer.ts';
import { SourceFault } from '../../shared/transfer/source-fault.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const answer = (name: string, httpStatusCode: number) =>
  Object.assign(new Error(`S3 says ${name}`), { name, $metadata: { httpStatusCode } });
const SLOW_DOWN = answer('SlowDown', 503);
const INTERNAL = answer('InternalError', 500);
const EXISTS = answer('PreconditionFailed', 412);
const GONE = answer('NoSuchUpload', 404);
const MISSING = answer('NotFound', 404);
const DENIED = answer('AccessDenied', 403);
const STORED: WrittenObject = { etag: '"e-3"', bytes: 25 };
const FREE: RateLimiter = {
  groupOf: (bucket) => bucket,
  pass: async () => ({ kind: 'passed' }),
  observe: () => undefined,
};

type Call = 'begin' | 'send' | 'complete' | 'find' | 'abort';

interface Setting {
  /** Errors of the calls, in their order; what comes after them goes well. */
  errors?: Partial<Record<Call, Error[]>>;
  own?: WrittenObject;
  /** Or what asking for it is answered with. */
  exists?: boolean | Error;
  ifExists?: ObjectWrite['ifExists'];
  fault?: SourceFault;
}

async function upload({ errors = {}, own, exists = false, ifExists = 'overwrite', fault }: Setting) {
  const clock = createVirtualClock();
  const calls: string[] = [];
  const sent: number[] = [];
  const call = async <Value>(name: Call, value: Value): Promise<Value> => {
    calls.push(name);
    await clock.sleep(10);
    const error = errors[name]?.shift();
    if (error !== undefined) throw error;
    return value;
  };
  const uploads: MultipartWriter = {
    async exists() {
      if (exists instanceof Error) throw exists;
      return exists;
    },
    begin: () => call('begin', 'u'),
    async send(_, __, { number, bytes }) {
      const part: SentPart = { number, etag: '"e"', checksum: 'AAAAAA==', bytes: bytes.length };
      await call('send', part);
      sent.push(number);
      return part;
    },
    complete: () => call('complete', STORED),
    recognise: () => call('find', own),
    abort: () => call('abort', undefined),
  };
  const report = transferInParts(
    { uploads, rateLimiter: FREE, clock, random: createRandom(3) },
    {
      write: { destination: { bucket: 'b', key: 'k' }, ifExists },
      plan: { kind: 'parts', partBytes: 10, parts: 3 },
      source: {
        sizeBytes: 25,
        usePart: async (_, bytes, use) => use(Buffer.alloc(bytes)),
        async assertUnchanged() {
          if (fault !== undefined) throw fault;
        },
      },
      giveUpAtMs: clock.now() + 3_600_000,
    },
    {
      stopAtMs: Number.POSITIVE_INFINITY,
      inPlaceMs: 2_000,
      budget: { retries: 10 },
      cutOff: new AbortController().signal,
    },
  );
  return { report: await report, calls, sent };
}

describe('an upload in parts', () => {
  it('sends each part once and completes', async () => {
    const { report, calls, sent } = await upload({});
    expect(report).toMatchObject({ end: { kind: 'stored', object: STORED }, attempts: 5, throttled: 0 });
    expect(sent.sort()).toEqual([1, 2, 3]);
    expect(calls).toEqual(['begin', 'send', 'send', 'send', 'complete']);
  });

  it('is begun where looking for an object is not allowed: its completion asks', async () => {
    const { report, calls } = await upload({ ifExists: 'skip', exists: answer('Unknown', 403) });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls).toContain('complete');
  });

  it('takes up what is throttled again and again, whatever the request', async () => {
    const many = () => Array.from({ length: 12 }, () => SLOW_DOWN);
    const { report, calls } = await upload({ errors: { begin: many(), send: many(), complete: many() } });
    expect(report).toMatchObject({ end: { kind: 'stored' }, throttled: 36, attempts: 41 });
    expect(calls).not.toContain('abort');
  });

  it.each([
    { title: 'a part is refused for good', setting: { errors: { send: [DENIED] } }, code: 'AccessDenied' },
    { title: 'its completion is', setting: { errors: { complete: [DENIED] } }, code: 'AccessDenied' },
    { title: 'it is gone', setting: { errors: { complete: [GONE] } }, code: 'NoSuchUpload' },
    {
      title: 'another was faster',
      setting: { errors: { complete: [EXISTS] }, ifExists: 'fail' },
      code: 'AlreadyExists',
    },
  ] as const)('fails and is aborted where $title', async ({ setting, code }) => {
    const { errors, ...rest } = setting;
    const copied = Object.fromEntries(Object.entries(errors).map(([name, list]) => [name, [...list]]));
    const { report, calls } = await upload({ errors: copied, ...rest });
    expect(report).toMatchObject({ end: { kind: 'failed', code } });
    expect(calls.at(-1)).toBe('abort');
  });

  it.each([
    { title: 'until S3 takes it', refusals: Array.from({ length: 9 }, () => SLOW_DOWN), asked: 10 },
    { title: 'once where S3 will never take it', refusals: [DENIED], asked: 1 },
  ])('asks for its abort $title', async ({ refusals, asked }) => {
    const { report, calls } = await upload({ errors: { complete: [DENIED], abort: refusals } });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'AccessDenied' } });
    expect(calls.filter((name) => name === 'abort')).toHaveLength(asked);
  });

  it('is not kept waiting for ever by an abort that S3 never takes', async () => {
    const refusals = Array.from({ length: 1_000 }, () => SLOW_DOWN);
    const { report, calls } = await upload({ errors: { complete: [DENIED], abort: refusals } });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'AccessDenied' } });
    expect(report.ms).toBeLessThan(35_000);
    expect(calls.filter((name) => name === 'abort').length).toBeGreaterThan(10);
  });

  it('is aborted where its source has changed', async () => {
    const { report, calls } = await upload({ fault: new SourceFault('FileChanged', 'changed') });
    // With the requests that were sent for nothing: they count.
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'FileChanged' }, attempts: 4 });
    expect(calls.at(-1)).toBe('abort');
  });

  it.each([EXISTS, GONE])('knows its own object after a lost answer and %s', async (second) => {
    const { report, calls } = await upload({
      errors: { complete: [INTERNAL, second] },
      own: STORED,
      ifExists: 'fail',
    });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls).not.toContain('abort');
  });

  it('knows its own object after any number of lost answers, before and after rests', async () => {
    for (let lost = 1; lost <= 40; lost++) {
      const complete = [...Array.from({ length: lost }, () => INTERNAL), GONE];
      const { report } = await upload({ errors: { complete }, own: STORED });
      expect(report, `${lost} answers`).toMatchObject({ end: { kind: 'stored' } });
    }
  });

  it('asks until S3 says what is stored, before it takes an upload for lost', async () => {
    const { report, calls } = await upload({
      errors: { complete: [INTERNAL, GONE, GONE, GONE], find: [SLOW_DOWN, INTERNAL] },
      own: STORED,
    });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls.filter((name) => name === 'find')).toHaveLength(3);
  });

  it.each([
    { title: 'nothing is stored', errors: { complete: [INTERNAL, GONE], find: [MISSING] } },
    { title: "another's object is", errors: { complete: [INTERNAL, GONE] } },
    { title: 'a part was refused', errors: { send: [GONE] } },
  ])('is lost where it is gone and $title', async ({ errors }) => {
    const copied = Object.fromEntries(Object.entries(errors).map(([name, list]) => [name, [...list]]));
    const { report } = await upload({ errors: copied });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'NoSuchUpload' } });
  });

  it('sends nothing where an object is there already', async () => {
    const { report, calls } = await upload({ exists: true, ifExists: 'skip' });
    expect(report).toMatchObject({ end: { kind: 'skipped' } });
    expect(calls).toEqual([]);
  });
});

describe('an upload of a stream', () => {
  const KNOWN = new KnownFault({ kind: 'transient', code: 'SourceBrokenOff', message: 'broke off' });

  /** @param parts sizes, and a fault where the stream breaks */
  async function stream(
    parts: (number | KnownFault)[],
    setting: Partial<StreamedItem> & { completed?: Error[] } = {},
  ) {
    const clock = createVirtualClock();
    const calls: string[] = [];
    let [inMemory, mostInMemory] = [0, 0];
    async function* read(): AsyncGenerator<Uint8Array> {
      for (const part of parts) {
        if (typeof part !== 'number') throw part;
        inMemory++;
        mostInMemory = Math.max(mostInMemory, inMemory);
        yield Buffer.alloc(part);
      }
    }
    const { completed = [], ...change } = setting;
    const uploads: MultipartWriter = {
      exists: async () => {
        calls.push('exists');
        return true;
      },
      begin: async () => 'u',
      async send(_, __, { number, bytes }) {
        await clock.sleep(10);
        inMemory--;
        calls.push(`part ${number} of ${bytes.length}`);
        return { number, etag: '"e"', checksum: 'AAAAAA==', bytes: bytes.length };
      },
      async complete(_, __, sent) {
        const error = completed.shift();
        if (error !== undefined) throw error;
        calls.push(`complete ${sent.map(({ number }) => number).join()}`);
        return STORED;
      },
      recognise: async (_, sent) => {
        calls.push(`compare ${sent.length}`);
        return STORED;
      },
      abort: async () => void calls.push('abort'),
    };
    const report = await transferInParts(
      { uploads, rateLimiter: FREE, clock, random: createRandom(3) },
      {
        write: { destination: { bucket: 'b', key: 'k' }, ifExists: 'overwrite' },
        parts: read(),
        partsAtOnce: 2,
        mayBeWritten: false,
        giveUpAtMs: clock.now() + 3_600_000,
        ...change,
      },
      {
        stopAtMs: clock.now() + 60_000,
        inPlaceMs: 2_000,
        budget: { retries: 10 },
        cutOff: new AbortController().signal,
      },
    ).catch((error: unknown) => ({ thrown: error }));
    return { report, calls, mostInMemory: () => mostInMemory };
  }

  it('sends its parts in order of their reading, and holds few at once', async () => {
    const { report, calls, mostInMemory } = await stream([8, 8, 8, 8, 8, 3]);
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 8 });
    expect(calls.slice(0, -1).sort()).toEqual(
      [1, 2, 3, 4, 5].map((n) => `part ${n} of 8`).concat('part 6 of 3'),
    );
    expect(calls.at(-1)).toBe('complete 1,2,3,4,5,6');
    expect(mostInMemory()).toBeLessThanOrEqual(2);
  });

  it('aborts where the stream breaks, after the parts under way, and says why', async () => {
    const { report, calls } = await stream([8, 8, KNOWN]);
    expect(report).toEqual({ thrown: KNOWN });
    expect(calls).toEqual(['part 1 of 8', 'part 2 of 8', 'abort']);
  });

  it('compares its parts with an object that an earlier delivery may have written', async () => {
    const { report, calls } = await stream([8, 8], {
      write: { destination: { bucket: 'b', key: 'k' }, ifExists: 'fail' },
      mayBeWritten: true,
      completed: [EXISTS],
    });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls).toEqual(['part 1 of 8', 'part 2 of 8', 'compare 2', 'abort']);
  });

  it('ends without waiting where its job is halted', async () => {
    const { report, calls } = await stream([8, 8], { isHalted: () => true });
    expect(report).toMatchObject({ end: { kind: 'unfinished' } });
    expect(calls).toEqual([]);
  });
});
