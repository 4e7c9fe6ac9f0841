// A copy in parts: it is exactly its source, whatever fails, changes or comes twice, and leaves no upload behind that no
// delivery goes on with.
import { describe, expect, it } from 'vitest';
import type { ItemId, JobId } from '../../shared/job/identity.ts';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { batchBounds } from '../../shared/pacing/retry.ts';
import type { BegunCopy, CopyMemory } from '../../shared/sources/s3-copy/copy-memory.ts';
import type { CopyOptions } from '../../shared/sources/source.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { createRandom } from '../../shared/time/random.ts';
import { type TransferItem, transferOne } from '../../shared/transfer/engine.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';
import { errorAnswer } from '../helpers/answering-s3.ts';
import { createPartsS3, type Operation, type SizedObject, type Step } from '../helpers/parts-s3.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const MIB = 1024 ** 2;
const GIB = 1024 * MIB;
const SOURCE = 'source/big';
const AT = 'destination/k';
const ID: ItemId = { job: 'job-00000001' as JobId, slice: 0, block: 0, number: 7 };
const BIG: SizedObject = { sizeBytes: 1300 * MIB, etag: 'one' };
const SLOW_DOWN = errorAnswer(503, 'SlowDown');
/** More than a delivery tries. */
const REFUSALS: Step[] = Array.from({ length: 60 }, () => SLOW_DOWN);

function createMemory(): CopyMemory & { copies: Map<string, BegunCopy> } {
  const copies = new Map<string, BegunCopy>();
  const nameOf = ({ job, slice, block, number }: ItemId) => [job, slice, block, number].join('/');
  return {
    copies,
    find: async (item) => copies.get(nameOf(item)),
    async remember(item, copy) {
      if (!copies.has(nameOf(item))) copies.set(nameOf(item), copy);
      return copies.get(nameOf(item)) ?? copy;
    },
    async forget(item, uploadId) {
      if (copies.get(nameOf(item))?.uploadId === uploadId) copies.delete(nameOf(item));
    },
  };
}

interface Setting {
  script?: Partial<Record<Operation, Step[]>>;
  item?: Partial<ManifestItem>;
  write?: Partial<ObjectWrite>;
  source?: SizedObject;
  copies?: CopyOptions;
}

function open({ script = {}, item = {}, write = {}, source = BIG, copies = {} }: Setting = {}) {
  const clock = createVirtualClock();
  const s3 = createPartsS3(script, clock.now);
  s3.objects.set(SOURCE, source);
  const memory = createMemory();
  const asked: string[] = [];
  const rateLimiter: RateLimiter = {
    groupOf: (bucket) => bucket,
    async pass(group) {
      asked.push(group);
      return { kind: 'passed' };
    },
    observe: () => undefined,
  };
  const row = { key: 'k', source: `s3://${SOURCE}`, size: source.sizeBytes, ...item };
  const { size, ...withoutSize } = row;
  const fullWrite: ObjectWrite = {
    destination: { bucket: 'destination', key: 'k' },
    ifExists: 'overwrite',
    ...write,
  };
  const items = createItemWriter({ s3: s3.s3, clock, copies: { memory, ...copies } });

  /** One delivery of the item, by a worker that knows nothing but the memory. */
  async function deliver(change: Partial<TransferItem> = {}, stopMs = 60_000) {
    const writer = await items.begin(
      size === undefined ? withoutSize : { ...withoutSize, size },
      fullWrite,
      ID,
    );
    const report = await transferOne(
      { rateLimiter, clock, random: createRandom(3) },
      {
        write: fullWrite,
        writer,
        giveUpAtMs: clock.now() + 3_600_000,
        givenBack: 0,
        wasTried: false,
        mayBeWritten: false,
        ...change,
      },
      { ...batchBounds(1, clock.now() + stopMs), cutOff: new AbortController().signal },
    );
    return { end: report.end, report, writer };
  }
  return { ...s3, clock, memory, asked, deliver };
}

/** Whether the ranges are of one source, from its first byte to its last, without a gap. */
function expectWhole(object: SizedObject | undefined, { etag, sizeBytes }: SizedObject): void {
  let next = 0;
  for (const part of object?.madeOf ?? []) {
    const [, from, first, last] = /^(.*):(\d+)-(\d+)$/.exec(part) ?? [];
    expect([from, Number(first)]).toEqual([etag, next]);
    next = Number(last) + 1;
  }
  expect(next).toBe(sizeBytes);
}

describe('an object', () => {
  it('above the threshold by its row is copied in parts at once', async () => {
    const { deliver, objects, uploads, countOf, asked, calls } = open();
    const { end, report } = await deliver();
    expect(end).toMatchObject({ kind: 'stored', object: { bytes: BIG.sizeBytes } });
    expectWhole(objects.get(AT), BIG);
    expect(countOf('part')).toBe(11);
    expect(countOf('copy')).toBe(0);
    expect(uploads.size).toBe(0);
    // HEAD, create, parts and completion, each at its turn.
    expect(report.attempts).toBe(14);
    expect(asked.filter((group) => group === 'destination')).toHaveLength(13);
    expect(calls[0]).toBe('head');
  });

  it('without a size is copied at once, and in parts where S3 refuses that for its size', async () => {
    const small = open({ source: { ...BIG, sizeBytes: 600 * MIB }, item: { size: undefined as never } });
    expect((await small.deliver()).end.kind).toBe('stored');
    expect(small.calls).toEqual(['copy']);
    const source = { sizeBytes: 6 * GIB, etag: 'big' };
    const large = open({ source, item: { size: undefined as never } });
    expect((await large.deliver()).end.kind).toBe('stored');
    expect(large.calls.slice(0, 3)).toEqual(['copy', 'head', 'create']);
    expectWhole(large.objects.get(AT), source);
  });

  it('that is read for its metadata goes in parts by the size that the HEAD finds', async () => {
    const { deliver, objects, calls, of } = open({
      item: { size: undefined as never, content_type: 'text/html' },
      write: { attributes: { contentType: 'text/html' } },
      source: { ...BIG, headers: { 'content-type': 'text/plain', 'cache-control': 'max-age=5' } },
    });
    expect((await deliver()).end.kind).toBe('stored');
    expect(calls).not.toContain('copy');
    expect(of('create')[0]?.headers).toMatchObject({
      'content-type': 'text/html',
      'cache-control': 'max-age=5',
    });
    expectWhole(objects.get(AT), BIG);
  });

  it('larger than S3 takes fails by name', async () => {
    const { deliver } = open({ source: { sizeBytes: 49 * 1024 * GIB, etag: 'huge' } });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code: 'EntityTooLarge' });
  });
});

describe('what is set on the copy', () => {
  const headers = {
    'content-type': 'text/plain',
    'cache-control': 'max-age=5',
    expires: 'never',
    'x-amz-meta-owner': 'web',
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-website-redirect-location': '/there',
    'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=',
    'x-amz-checksum-type': 'FULL_OBJECT',
  };

  it('is what CopyObject would keep: metadata and tags, without class and redirect', async () => {
    const { deliver, of, countOf } = open({ source: { ...BIG, headers, tags: { a: 'b c', d: '' } } });
    expect((await deliver()).end.kind).toBe('stored');
    const created = of('create')[0]!.headers;
    expect(created).toMatchObject({
      'content-type': 'text/plain',
      'cache-control': 'max-age=5',
      expires: 'never',
      'x-amz-meta-owner': 'web',
      'x-amz-tagging': 'a=b%20c&d=',
      'x-amz-checksum-algorithm': 'CRC64NVME',
      'x-amz-checksum-type': 'FULL_OBJECT',
    });
    expect(created).not.toHaveProperty('x-amz-storage-class');
    expect(created).not.toHaveProperty('x-amz-website-redirect-location');
    expect(countOf('tags')).toBe(1);
    // S3 compares the checksum of the whole before it makes the object.
    expect(of('complete')[0]!.headers).toMatchObject({ 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' });
  });

  it('keeps class and redirect where the row changes metadata, and asks for no tags where it sets its own', async () => {
    const { deliver, of, countOf } = open({
      source: { ...BIG, headers, tags: { a: 'b' } },
      write: { attributes: { contentType: 'text/html', tags: new Map([['own', 'tag']]) } },
    });
    expect((await deliver()).end.kind).toBe('stored');
    expect(of('create')[0]!.headers).toMatchObject({
      'content-type': 'text/html',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-website-redirect-location': '/there',
      'x-amz-tagging': 'own=tag',
    });
    expect(countOf('tags')).toBe(0);
  });

  it('says who pays in each request, where the deployment does', async () => {
    const { deliver, sent } = open({
      copies: { requesterPays: true },
      source: { ...BIG, tags: { a: 'b' } },
    });
    expect((await deliver()).end.kind).toBe('stored');
    expect(sent.map((request) => request.headers['x-amz-request-payer'])).toEqual(
      sent.map(() => 'requester'),
    );
  });

  it('fails where S3 hides metadata', async () => {
    const { deliver, countOf } = open({ source: { ...BIG, headers: { 'x-amz-missing-meta': '1' } } });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code: 'MetadataUnreadable' });
    expect(countOf('create')).toBe(0);
  });
});

describe('a part', () => {
  it('is copied again alone where it fails', async () => {
    const { deliver, objects, countOf } = open({
      script: { part: ['usual', SLOW_DOWN, errorAnswer(500, 'InternalError'), 'lost'] },
    });
    const { end, report } = await deliver();
    expect(end.kind).toBe('stored');
    expect(report).toMatchObject({ throttled: 1, transient: 2 });
    expect(countOf('part')).toBe(14);
    expect(countOf('create')).toBe(1);
    expectWhole(objects.get(AT), BIG);
  });

  it('that is refused for good fails the row, and the upload is aborted', async () => {
    const { deliver, uploads, memory } = open({
      script: { part: ['usual', errorAnswer(403, 'AccessDenied')] },
    });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code: 'AccessDenied' });
    expect(uploads.size).toBe(0);
    expect(memory.copies.size).toBe(0);
  });

  it.each([
    ['names no condition', errorAnswer(412, 'PreconditionFailed')],
    [
      'names the source',
      errorAnswer(412, 'PreconditionFailed', '<Condition>x-amz-copy-source-If-Match</Condition>'),
    ],
  ])('whose 412 %s begins the copy again', async (_what, changed) => {
    const { deliver, objects, uploads, countOf } = open({ script: { part: ['usual', changed] } });
    expect((await deliver()).end.kind).toBe('stored');
    expect([countOf('create'), uploads.size]).toEqual([2, 0]);
    expectWhole(objects.get(AT), BIG);
  });
});

describe('a source that changes', () => {
  it('between parts is copied again as it is then', async () => {
    const after: SizedObject = { sizeBytes: 900 * MIB, etag: 'two' };
    let change: () => void = () => undefined;
    const { deliver, objects, uploads } = open({
      item: { size: undefined as never },
      source: { ...BIG, sizeBytes: 6 * GIB },
      script: { part: ['usual', 'usual', () => change()] },
    });
    change = () => void objects.set(SOURCE, after);
    expect((await deliver()).end.kind).toBe('stored');
    expectWhole(objects.get(AT), after);
    expect(uploads.size).toBe(0);
  });

  it('each time fails by name', async () => {
    let version = 0;
    const { deliver, objects, uploads } = open({
      script: {
        part: Array.from(
          { length: 200 },
          () => () => void objects.set(SOURCE, { ...BIG, etag: `v${++version}` }),
        ),
      },
    });
    expect((await deliver()).end).toMatchObject({
      kind: 'failed',
      code: 'SourceChanged',
      message: expect.stringContaining('s3://source/big'),
    });
    expect(uploads.size).toBe(0);
  });

  it.each([
    { item: { size: 1299 * MIB }, says: /1363148800 bytes, where the row says 1362100224/ },
    { item: { source_etag: '"other"' }, says: /ETag "one", where the row says "other"/ },
  ])('before its copy is not what its row says: $item', async ({ item, says }) => {
    const { deliver, countOf } = open({ item });
    const { end } = await deliver();
    expect(end).toMatchObject({
      kind: 'failed',
      code: 'SourceChanged',
      message: expect.stringMatching(says),
    });
    expect(countOf('create')).toBe(0);
  });

  it('is told from its row by S3 where it is copied at once', async () => {
    const source = { ...BIG, sizeBytes: 3 };
    const item = { source_etag: 'other' };
    const { deliver, of } = open({ source, item });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code: 'SourceChanged' });
    expect(of('copy')[0]!.headers['x-amz-copy-source-if-match']).toBe('"other"');
    const same = open({ source, item: { source_etag: '"one"' } });
    expect((await same.deliver()).end.kind).toBe('stored');
    // Of a server that does not name the condition.
    const vague = open({
      source,
      item,
      write: { ifExists: 'skip' },
      script: { copy: [errorAnswer(412, 'PreconditionFailed')] },
    });
    expect((await vague.deliver()).end).toMatchObject({ kind: 'failed', code: 'SourceChanged' });
  });

  it('is told by its metadata alone: the upload of another delivery is not used', async () => {
    const at = (minute: number) => ({ 'last-modified': `Thu, 26 Nov 2026 10:0${minute}:00 GMT` });
    const { deliver, calm, objects, uploads, countOf } = open({
      source: { ...BIG, headers: at(1) },
      script: { part: ['usual', ...REFUSALS] },
    });
    expect((await deliver({}, 2_000)).end.kind).toBe('unfinished');
    calm();
    objects.set(SOURCE, { ...BIG, headers: { ...at(2), 'x-amz-meta-owner': 'new' } });
    expect((await deliver()).end.kind).toBe('stored');
    expect([countOf('create'), uploads.size]).toEqual([2, 0]);
    expect(objects.get(AT)?.headers).toMatchObject({ 'x-amz-meta-owner': 'new' });
  });
});

describe('a source that can not be copied', () => {
  it.each([
    { class: 'GLACIER', restore: undefined, says: /archived \(GLACIER\): restore it/ },
    { class: 'DEEP_ARCHIVE', restore: 'ongoing-request="true"', says: /is being restored from DEEP_ARCHIVE/ },
  ])('is archived as $class, restore $restore', async ({ class: storageClass, restore, says }) => {
    const headers = {
      'x-amz-storage-class': storageClass,
      ...(restore === undefined ? {} : { 'x-amz-restore': restore }),
    };
    const { deliver } = open({ source: { ...BIG, headers } });
    const { end } = await deliver();
    expect(end).toMatchObject({
      kind: 'failed',
      code: 'SourceArchived',
      message: expect.stringMatching(says),
    });
  });

  it('is archived in a tier of its class', async () => {
    const headers = {
      'x-amz-storage-class': 'INTELLIGENT_TIERING',
      'x-amz-archive-status': 'ARCHIVE_ACCESS',
    };
    const { deliver } = open({ source: { ...BIG, headers } });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code: 'SourceArchived' });
  });

  it('can be once it is restored', async () => {
    const headers = {
      'x-amz-storage-class': 'GLACIER',
      'x-amz-restore': 'ongoing-request="false", expiry-date="Fri, 23 Dec 2026 00:00:00 GMT"',
    };
    const { deliver } = open({ source: { ...BIG, headers } });
    expect((await deliver()).end.kind).toBe('stored');
  });

  it.each(['InvalidObjectState', 'ObjectNotInActiveTierError'])(
    'is archived by what CopyObject says: %s',
    async (code) => {
      const source = { ...BIG, sizeBytes: 3 };
      const { deliver } = open({ source, script: { copy: [errorAnswer(403, code)] } });
      const { end } = await deliver();
      expect(end).toMatchObject({
        kind: 'failed',
        code: 'SourceArchived',
        message: expect.stringMatching(/s3:\/\/source\/big.*restore it.*redrive/),
      });
    },
  );

  it("is under a customer's key", async () => {
    const text =
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.';
    const refusal = {
      statusCode: 400,
      text: `<Error><Code>InvalidRequest</Code><Message>${text}</Message></Error>`,
    };
    const small = open({ source: { ...BIG, sizeBytes: 3 }, script: { copy: [refusal] } });
    const named = { kind: 'failed', code: 'SourceKeyNeeded', message: expect.stringContaining('SSE-C') };
    expect((await small.deliver()).end).toMatchObject(named);
    const large = open({ script: { head: [{ statusCode: 400 }] } });
    expect((await large.deliver()).end).toMatchObject(named);
  });

  it.each([
    [403, 'AccessDenied'],
    [404, 'NoSuchKey'],
    [405, 'MethodNotAllowed'],
  ])('answers its HEAD with %i', async (statusCode, code) => {
    const { deliver } = open({ script: { head: [{ statusCode }] } });
    expect((await deliver()).end).toMatchObject({ kind: 'failed', code });
  });
});

describe('where the time is over', () => {
  it('the upload stays, and the next delivery copies the parts that are missing', async () => {
    const { deliver, calm, countOf, uploads, objects } = open({
      script: { part: ['usual', 'usual', 'usual', ...REFUSALS] },
    });
    expect((await deliver({}, 2_000)).end.kind).toBe('unfinished');
    const copied = [...uploads.values()].map(({ parts }) => parts.size);
    expect(copied).toEqual([3]);
    calm();
    const before = countOf('part');
    expect((await deliver({ mayBeWritten: true })).end.kind).toBe('stored');
    expect([countOf('create'), countOf('part') - before, uploads.size]).toEqual([1, 8, 0]);
    expectWhole(objects.get(AT), BIG);
  });

  it('a part that would be cut off is not begun, and the item comes back at once', async () => {
    let pass: () => void = () => undefined;
    const second = Array.from({ length: 11 }, () => () => pass());
    const { deliver, clock, calm, countOf, objects } = open({ script: { part: second } });
    pass = () => clock.advance(1_000);
    expect((await deliver({}, 12_000)).end).toEqual({ kind: 'unfinished', delayMs: 0 });
    expect(countOf('part')).toBe(8);
    calm();
    expect((await deliver({ mayBeWritten: true })).end.kind).toBe('stored');
    expectWhole(objects.get(AT), BIG);
  });

  it('an old item is not given up while parts are copied', async () => {
    const { deliver, clock, uploads } = open({
      script: { part: ['usual', 'usual', ...REFUSALS, ...REFUSALS] },
    });
    const old = { wasTried: true, mayBeWritten: true, retryForMs: 3_600_000 };
    expect((await deliver({ ...old, giveUpAtMs: clock.now() + 600_000 }, 2_000)).end.kind).toBe('unfinished');
    await clock.sleep(1_800_000);
    // Half an hour after the last part; an hour and a half after it, no more.
    expect((await deliver({ ...old, giveUpAtMs: clock.now() - 1 }, 2_000)).end.kind).toBe('unfinished');
    await clock.sleep(3_600_000);
    expect((await deliver({ ...old, giveUpAtMs: clock.now() - 1 }, 2_000)).end).toMatchObject({
      kind: 'failed',
      code: 'RetryTimeExceeded',
    });
    expect(uploads.size).toBe(0);
  });

  it('no upload stays where nothing remembers it', async () => {
    const { deliver, uploads } = open({
      copies: { memory: undefined as never },
      script: { part: ['usual', ...Array.from({ length: 40 }, () => SLOW_DOWN)] },
    });
    expect((await deliver({}, 2_000)).end.kind).toBe('unfinished');
    expect(uploads.size).toBe(0);
  });
});

describe('two deliveries of one item', () => {
  it('at once make one object that is the source', async () => {
    const { deliver, objects, uploads } = open();
    const ends = await Promise.all([deliver(), deliver()]);
    expect(ends.map(({ end }) => end.kind)).toEqual(['stored', 'stored']);
    expectWhole(objects.get(AT), BIG);
    expect(uploads.size).toBe(0);
  });

  it('recognise the object where the answer to the completion was lost with its worker', async () => {
    const { deliver, objects, countOf } = open({
      write: { ifExists: 'fail' },
      script: { complete: ['lost', ...Array.from({ length: 9 }, () => SLOW_DOWN)] },
    });
    expect((await deliver({}, 2_000)).end.kind).toBe('unfinished');
    expect(objects.has(AT)).toBe(true);
    const again = await deliver({ mayBeWritten: true, wasTried: true });
    expect(again.end).toMatchObject({ kind: 'stored', object: { bytes: BIG.sizeBytes } });
    expect(countOf('create')).toBe(1);
  });
});

describe('the completion', () => {
  it('whose answer was lost is recognised as our own', async () => {
    const { deliver, countOf } = open({ write: { ifExists: 'fail' }, script: { complete: ['lost'] } });
    expect((await deliver()).end).toMatchObject({ kind: 'stored' });
    expect(countOf('create')).toBe(1);
  });

  it.each([
    ['skip', { kind: 'skipped' }],
    ['fail', { kind: 'failed', code: 'AlreadyExists' }],
  ] as const)('finds an object: %s, and the upload is aborted', async (ifExists, end) => {
    const other = { sizeBytes: 1, etag: 'other' };
    let appear: () => void = () => undefined;
    const { deliver, objects, uploads, of } = open({
      write: { ifExists },
      script: { complete: [() => appear()] },
    });
    appear = () => void objects.set(AT, other);
    expect((await deliver()).end).toMatchObject(end);
    expect(of('complete')[0]!.headers['if-none-match']).toBe('*');
    expect(objects.get(AT)).toEqual(other);
    expect(uploads.size).toBe(0);
  });

  it('is not reached where an object is there before', async () => {
    const { deliver, objects, countOf } = open({ write: { ifExists: 'skip' } });
    objects.set(AT, { sizeBytes: 1, etag: 'other' });
    expect((await deliver()).end).toEqual({ kind: 'skipped' });
    expect(countOf('create')).toBe(0);
  });

  it('of an upload that another has aborted begins the copy again, and not for ever', async () => {
    let drop: () => void = () => undefined;
    const once = open({ script: { complete: [() => drop()] } });
    drop = () => once.uploads.clear();
    expect((await once.deliver()).end.kind).toBe('stored');
    expect(once.countOf('create')).toBe(2);
    const always = open({
      script: { complete: Array.from({ length: 20 }, () => errorAnswer(404, 'NoSuchUpload')) },
    });
    expect((await always.deliver()).end).toMatchObject({ kind: 'failed', code: 'NoSuchUpload' });
    expect(always.countOf('create')).toBe(4);
  });
});

describe('the memory', () => {
  it('that fails gives the item back, and leaves no upload that is not remembered', async () => {
    const failing: CopyMemory = {
      find: async () => undefined,
      remember: () => Promise.reject(new Error('no table')),
      forget: async () => undefined,
    };
    const { deliver, uploads, clock } = open({ copies: { memory: failing } });
    expect((await deliver()).end.kind).toBe('unfinished');
    expect(uploads.size).toBe(0);
    expect((await deliver({ giveUpAtMs: clock.now() - 1 })).end).toMatchObject({
      kind: 'failed',
      code: 'RetryTimeExceeded',
      message: expect.stringContaining('no table'),
    });
  });

  it('knows what a cancelled row has begun', async () => {
    const { deliver, uploads, memory } = open({
      script: { part: Array.from({ length: 40 }, () => SLOW_DOWN) },
    });
    const { writer } = await deliver({}, 2_000);
    expect(uploads.size).toBe(1);
    await writer.abandon?.(true);
    expect([uploads.size, memory.copies.size]).toEqual([0, 0]);
  });

  it('is asked by a later delivery too, whose row is cancelled before it begins', async () => {
    const { deliver, uploads } = open({ script: { part: Array.from({ length: 40 }, () => SLOW_DOWN) } });
    await deliver({}, 2_000);
    const halted = await deliver({ isHalted: () => true, mayBeWritten: true });
    expect(halted.end.kind).toBe('unfinished');
    await halted.writer.abandon?.(true);
    expect(uploads.size).toBe(0);
  });

  it('tells of an upload that could not be aborted', async () => {
    const { deliver } = open({
      script: {
        part: [errorAnswer(403, 'AccessDenied')],
        abort: Array.from({ length: 9 }, () => errorAnswer(403, 'AccessDenied')),
      },
    });
    expect((await deliver()).end).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('its multipart upload is still open (AccessDenied)'),
    });
  });
});
