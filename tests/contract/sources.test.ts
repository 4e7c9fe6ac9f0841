// What every source of the table does, whatever it reads: its check, its write, and the look at an object that may be our own.
import { describe, expect, it } from 'vitest';
import { classifyFault } from '../../shared/aws/classify.ts';
import type { ManifestItem, PayloadColumn } from '../../shared/manifest/columns.ts';
import { parseItem } from '../../shared/manifest/columns.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { checkSource, createItemWriter } from '../../shared/sources/table.ts';
import { createRandom } from '../../shared/time/random.ts';
import { type TransferItem, transferAll } from '../../shared/transfer/engine.ts';
import { SourceRefusal } from '../../shared/transfer/known-fault.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';
import { errorAnswer, type GivenAnswer } from '../helpers/answering-s3.ts';
import { askAtOnce, ofOneRequest } from '../helpers/item-writes.ts';
import { createScriptedS3, type Script, type ScriptedObject } from '../helpers/scripted-s3.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

interface Sample {
  what: string;
  item: ManifestItem;
  /** The bytes that the row asks for. */
  bytes: Buffer;
  /** The object that the row names, where it names one. */
  from?: string;
  /** The code of its refusal where the deployment allows no source at all; absent where it needs none. */
  refusedAs?: string;
}

const CONTENT_TYPE = 'text/html';
const BYTES = Buffer.from('hello ü');
const copied = { bytes: BYTES, from: 'source/x/ü +%20', refusedAs: 'SourceNotAllowed' };

/** A column without a sample does not compile. */
const SAMPLES: Record<PayloadColumn, Sample[]> = {
  text: [
    { what: 'text', item: { key: 'k', text: 'hello ü' }, bytes: BYTES },
    { what: 'no text', item: { key: 'k', text: '' }, bytes: Buffer.alloc(0) },
  ],
  base64: [{ what: 'bytes', item: { key: 'k', base64: 'AP/+' }, bytes: Buffer.from([0, 255, 254]) }],
  source: [
    { what: 'a copy', item: { key: 'k', source: 's3://source/x/ü +%20' }, ...copied },
    {
      what: 'a copy with a content type',
      item: { key: 'k', source: 's3://source/x/ü +%20', content_type: CONTENT_TYPE },
      ...copied,
    },
  ],
};

const DESTINATION = { bucket: 'destination', key: 'a/k' };
const AT = 'destination/a/k';
const SLOW_DOWN = errorAnswer(503, 'SlowDown');
const PAGE: GivenAnswer = {
  statusCode: 200,
  headers: { 'content-type': 'text/html' },
  text: '<html></html>',
};

function open(
  { item, bytes, from }: Sample,
  { writes, heads, ...change }: Script & Partial<ObjectWrite> = {},
) {
  const clock = createVirtualClock();
  const script = { ...(writes === undefined ? {} : { writes }), ...(heads === undefined ? {} : { heads }) };
  const { s3, sent, objects } = createScriptedS3(script);
  if (from !== undefined) objects.set(from, { bytes, contentType: 'text/plain' });
  const write: ObjectWrite = {
    destination: DESTINATION,
    ifExists: 'overwrite',
    ...(item.content_type === undefined ? {} : { attributes: { contentType: item.content_type } }),
    ...change,
  };
  const items = createItemWriter({ s3, clock });
  const begin = async () => ofOneRequest(await items.begin(item, write));
  return { clock, sent, objects, write, begin };
}

const thrownBy = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => expect.unreachable(`it ended with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );

async function transfer(
  sample: Sample,
  script: Script & Partial<ObjectWrite>,
  change: Partial<TransferItem> = {},
  prepare: (objects: Map<string, ScriptedObject>) => void = () => undefined,
) {
  const opened = open(sample, script);
  const { clock, write, begin } = opened;
  prepare(opened.objects);
  const seen: string[] = [];
  const rateLimiter: RateLimiter = {
    groupOf: (bucket) => bucket,
    pass: async () => ({ kind: 'passed' }),
    observe: (group, { throttled }) => void seen.push(`${group} ${throttled ? 'refused' : 'accepted'}`),
  };
  const [report] = await transferAll(
    { rateLimiter, clock, random: createRandom(3) },
    [
      {
        write,
        writer: await begin(),
        giveUpAtMs: clock.now() + 3_600_000,
        givenBack: 0,
        wasTried: false,
        mayBeWritten: false,
        ...change,
      },
    ],
    clock.now() + 60_000,
  );
  return { ...opened, report: report!, seen: seen.filter((each) => each.startsWith('destination')) };
}

const ALL = Object.values(SAMPLES).flat();

describe.each(ALL)('the source of $what', (sample) => {
  const { item, bytes, from } = sample;

  it('is that of a good row', () => {
    expect(parseItem({ ...item })).toEqual({ kind: 'good', item });
  });

  describe('is checked', () => {
    it('and taken where the deployment allows it', () => {
      expect(checkSource(item, { buckets: ['other', 'source'] })).toBeUndefined();
    });

    it('and refused with a code and a remedy, unless nothing is read but the row', () => {
      const { refusedAs } = sample;
      const refusal = {
        code: refusedAs,
        message: expect.stringMatching(/"source".*: add it to .*parameter/),
      };
      expect(checkSource(item, { buckets: ['other'] })).toEqual(
        refusedAs === undefined ? undefined : refusal,
      );
    });
  });

  describe('is written', () => {
    it('where the row says, with what S3 answers', async () => {
      const { begin, objects, sent } = open(sample);
      const writer = await begin();
      expect(sent).toEqual([]);
      expect((await writer.write(askAtOnce)).etag).toMatch(/^"[0-9a-f]{32}"$/);
      const stored = objects.get(AT);
      expect(stored?.bytes.equals(bytes)).toBe(true);
      const own = from === undefined ? 'application/octet-stream' : 'text/plain';
      expect(stored?.contentType).toBe(item.content_type ?? own);
      expect([...objects.keys()].filter((name) => name !== from)).toEqual([AT]);
    });

    it('again by another delivery', async () => {
      const { begin, objects } = open(sample);
      await (await begin()).write(askAtOnce);
      objects.delete(AT);
      await (await begin()).write(askAtOnce);
      expect(objects.get(AT)?.bytes.equals(bytes)).toBe(true);
    });

    it.each(['skip', 'fail'] as const)('over nothing, where if-exists is %s', async (ifExists) => {
      const { begin, objects } = open(sample, { ifExists });
      objects.set(AT, { bytes: Buffer.from('old'), contentType: '' });
      expect(classifyFault(await thrownBy((await begin()).write(askAtOnce))).kind).toBe('exists');
      expect(String(objects.get(AT)?.bytes)).toBe('old');
    });

    it('by requests that its signal ends', async () => {
      const { begin, sent } = open(sample);
      const { signal } = new AbortController();
      await (await begin()).write(askAtOnce, signal);
      expect(sent.map(({ options }) => options.abortSignal === signal)).toEqual(sent.map(() => true));
    });

    it('not by an answer that proves nothing', async () => {
      const { begin } = open(sample, { writes: [PAGE] });
      expect(classifyFault(await thrownBy((await begin()).write(askAtOnce)))).toMatchObject({
        kind: 'permanent',
        code: 'NoProof',
      });
    });

    it("not while the destination throttles: the fault is the destination's", async () => {
      const { begin } = open(sample, { writes: [SLOW_DOWN] });
      const thrown = await thrownBy((await begin()).write(askAtOnce));
      expect(thrown).not.toBeInstanceOf(SourceRefusal);
      expect(classifyFault(thrown)).toMatchObject({ kind: 'throttle', scope: 'partition' });
    });
  });

  describe('recognises', () => {
    it('its own object', async () => {
      const { begin } = open(sample);
      const { etag } = await (await begin()).write(askAtOnce);
      expect(await (await begin()).recognise()).toMatchObject({ etag, bytes: bytes.length });
    });

    it("another's object, even of the same size", async () => {
      const { begin, objects } = open(sample);
      const others = bytes.length === 0 ? Buffer.from('x') : Buffer.from(bytes).fill('-');
      objects.set(AT, { bytes: others, contentType: '' });
      expect(await (await begin()).recognise()).toBeUndefined();
    });

    it('nothing where there is no object, or S3 does not say', async () => {
      const gone = open(sample);
      expect(classifyFault(await thrownBy((await gone.begin()).recognise()))).toMatchObject({
        code: 'NotFound',
      });
      const { begin } = open(sample, { heads: [{ statusCode: 503 }] });
      expect(classifyFault(await thrownBy((await begin()).recognise())).kind).toBe('throttle');
    });

    it('its object by HEADs that its signal ends', async () => {
      const { begin, objects, sent } = open(sample);
      objects.set(AT, { bytes, contentType: '' });
      const { signal } = new AbortController();
      await (await begin()).recognise(signal);
      expect(sent.map(({ options }) => options.abortSignal === signal)).toEqual(sent.map(() => true));
    });
  });

  describe('by the engine', () => {
    it('is stored after throttling, of which the pacer of the destination hears', async () => {
      const { report, objects, seen } = await transfer(sample, { writes: [SLOW_DOWN, SLOW_DOWN] });
      expect(report).toMatchObject({ end: { kind: 'stored' }, throttled: 2 });
      expect(objects.get(AT)?.bytes.equals(bytes)).toBe(true);
      expect(seen).toEqual(['destination refused', 'destination refused', 'destination accepted']);
    });

    it('is stored once where the answer to its write was lost', async () => {
      const { report } = await transfer(sample, { writes: ['lost'], ifExists: 'fail' });
      expect(report).toMatchObject({ end: { kind: 'stored', object: { bytes: bytes.length } } });
    });

    it('is stored where an earlier delivery wrote it', async () => {
      const earlier = (objects: Map<string, ScriptedObject>) => objects.set(AT, { bytes, contentType: '' });
      const { report } = await transfer(sample, { ifExists: 'fail' }, { mayBeWritten: true }, earlier);
      expect(report.end).toMatchObject({ kind: 'stored', object: { bytes: bytes.length } });
    });

    it("fails where the object is another's, and if-exists says fail", async () => {
      const others = (objects: Map<string, ScriptedObject>) =>
        objects.set(AT, { bytes: Buffer.from('other'), contentType: '' });
      const { report } = await transfer(sample, { ifExists: 'fail' }, { mayBeWritten: true }, others);
      expect(report.end).toMatchObject({ kind: 'failed', code: 'AlreadyExists' });
    });

    it('fails at once where S3 denies the write', async () => {
      const { report, objects } = await transfer(sample, { writes: [errorAnswer(403, 'AccessDenied')] });
      expect(report).toMatchObject({ end: { kind: 'failed', code: 'AccessDenied' } });
      expect(objects.has(AT)).toBe(false);
    });
  });
});

describe.each(ALL.filter(({ from }) => from !== undefined))(
  'the source of $what, where it is gone',
  (sample) => {
    const missing = { ...sample, from: 'source/another' };

    it('fails the row by name, without a write to be tried again', async () => {
      const { report } = await transfer(missing, {});
      expect(report).toMatchObject({ end: { kind: 'failed', code: 'NoSuchKey' }, attempts: 1, transient: 0 });
    });

    it('leaves it open whether the object is our own', async () => {
      const { begin, objects } = open(missing);
      objects.set(AT, { bytes: sample.bytes, contentType: '' });
      expect(await thrownBy((await begin()).recognise())).toMatchObject({ name: 'SourceUnreadable' });
    });
  },
);

it('has no writer, and no check, for a row that names no source', async () => {
  const { s3 } = createScriptedS3();
  const items = createItemWriter({ s3, clock: createVirtualClock() });
  const write = { destination: DESTINATION, ifExists: 'overwrite' } as const;
  await expect(items.begin({ key: 'k' }, write)).rejects.toThrow(/"k" has no source/);
  expect(() => checkSource({ key: 'k' }, { buckets: [] })).toThrow(/"k" has no source/);
});
