// A copy that changes the content type: what it keeps of its source, what it does when that changes, and whose fault is whose.
import type { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { classifyFault } from '../../shared/aws/classify.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { createRandom } from '../../shared/time/random.ts';
import { transferAll } from '../../shared/transfer/engine.ts';
import { answeringS3, errorAnswer, type GivenAnswer, isOfSdk, leftToSdk } from '../helpers/answering-s3.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const headOf = (etag: string, more: Record<string, string> = {}): GivenAnswer => ({
  statusCode: 200,
  headers: { etag, 'content-type': 'text/plain', ...more },
});
const COPIED: GivenAnswer = {
  statusCode: 200,
  text: '<CopyObjectResult><ETag>&quot;c&quot;</ETag></CopyObjectResult>',
};
const CHANGED = errorAnswer(412, 'PreconditionFailed', '<Condition>x-amz-copy-source-If-Match</Condition>');
const EXISTS = errorAnswer(412, 'PreconditionFailed', '<Condition>If-None-Match</Condition>');
/** As of a server that says no more. */
const EITHER = errorAnswer(412, 'PreconditionFailed');
const SLOW_DOWN = errorAnswer(503, 'SlowDown');
const BARE = (statusCode: number, headers: Record<string, string> = {}): GivenAnswer => ({
  statusCode,
  headers,
});

/** Answers in their order; the last one stays. */
function s3Of(heads: GivenAnswer[], copies: GivenAnswer[]) {
  const left = { HEAD: [...heads], PUT: [...copies] };
  const { s3, sent } = answeringS3(({ method }) => {
    const answers = left[method as 'HEAD' | 'PUT'];
    return (answers.length > 1 ? answers.shift() : answers[0])!;
  });
  const calls = () => sent.map(({ method }) => method).join(' ');
  const copies_ = () => sent.filter(({ method }) => method === 'PUT');
  return { s3, sent, calls, copies: copies_ };
}

function copyOf(change: Partial<ItemWrite> = {}): ItemWrite {
  return {
    item: { key: 'k', source: 's3://source/x/ü' },
    destination: { bucket: 'destination', key: 'k' },
    attributes: { contentType: 'text/html' },
    ifExists: 'overwrite',
    ...change,
  };
}

const write = (s3: S3Client, change: Partial<ItemWrite> = {}) => createItemWrites(s3).write(copyOf(change));
const faultOf = async (work: Promise<unknown>) =>
  classifyFault(
    await work.then(
      () => 'it was stored',
      (error: unknown) => error,
    ),
  );

/** Headers that say what the copy is to be. */
const told = (headers: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        /^(x-amz-(meta|copy|website|storage)|x-amz-metadata|cache|content-|expires)/.test(name) &&
        !/^(content-length|x-amz-content-sha256)/.test(name),
    ),
  );

const EVERYTHING: Record<string, string> = {
  'cache-control': 'max-age=600',
  'content-disposition': 'attachment; filename="a b.html"',
  'content-encoding': 'gzip',
  'content-language': 'de, en',
  expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
  'x-amz-website-redirect-location': '/there',
  'x-amz-storage-class': 'STANDARD_IA',
  'x-amz-meta-owner': 'web',
  'x-amz-meta-empty': '',
  'x-amz-meta-name': '=?UTF-8?B?Z3LDvMOfZQ==?=',
  'x-amz-meta-long': 'm'.repeat(1_900),
};
const TYPED = {
  'content-type': 'text/html',
  'x-amz-metadata-directive': 'REPLACE',
  'x-amz-copy-source': 'source/x%2F%C3%BC',
  'x-amz-copy-source-if-match': '"one"',
};

describe('a copy with a content type', () => {
  it.each([
    { by: 'past the SDK', prepare: (s3: S3Client) => s3, bySdk: false },
    { by: 'by the SDK', prepare: leftToSdk, bySdk: true },
  ])('keeps all else that its source has, $by', async ({ prepare, bySdk }) => {
    const { s3, sent, copies } = s3Of([headOf('"one"', EVERYTHING)], [COPIED]);
    expect(await write(prepare(s3))).toEqual({ etag: '"c"' });
    expect(sent).toHaveLength(2);
    expect(isOfSdk(copies()[0]!)).toBe(bySdk);
    expect(told(copies()[0]!.headers)).toEqual({ ...EVERYTHING, ...TYPED });
  });

  it('sends an Expires on that is no date', async () => {
    const { s3, copies } = s3Of([headOf('"one"', { expires: '0' })], [COPIED]);
    await write(s3);
    expect(told(copies()[0]!.headers)).toEqual({ ...TYPED, expires: '0' });
  });

  it('copies the version that the HEAD found, or the one that the row names', async () => {
    const { s3, copies } = s3Of([headOf('"one"', { 'x-amz-version-id': 'v/1' })], [COPIED]);
    await write(s3);
    expect(copies()[0]!.headers['x-amz-copy-source']).toBe('source/x%2F%C3%BC?versionId=v%2F1');
    const named = s3Of([headOf('"one"', { 'x-amz-version-id': 'v0' })], [COPIED]);
    await write(named.s3, { item: { key: 'k', source: 's3://source/x', source_version: 'v0' } });
    expect(named.sent[0]!.query).toMatchObject({ versionId: 'v0' });
    expect(named.copies()[0]!.headers['x-amz-copy-source']).toBe('source/x?versionId=v0');
  });

  it.each([
    { what: 'the class of a directory bucket', head: { 'x-amz-storage-class': 'EXPRESS_ONEZONE' } },
    { what: 'how an upload was sent', head: { 'content-encoding': 'aws-chunked' } },
    {
      what: 'how an upload was sent, beside an encoding',
      head: { 'content-encoding': 'gzip, aws-chunked' },
      kept: { 'content-encoding': 'gzip' },
    },
  ])('does not take over $what', async ({ head, kept = {} }) => {
    const { s3, copies } = s3Of([headOf('"one"', head as Record<string, string>)], [COPIED]);
    await write(s3);
    expect(told(copies()[0]!.headers)).toEqual({ ...TYPED, ...kept });
  });

  it('is not made where metadata would be lost that no header shows', async () => {
    const { s3, calls } = s3Of([headOf('"one"', { 'x-amz-missing-meta': '2' })], [COPIED]);
    expect(await faultOf(write(s3))).toMatchObject({ kind: 'permanent', code: 'MetadataUnreadable' });
    expect(calls()).toBe('HEAD');
  });

  it('costs no HEAD where it keeps the content type, nor where bytes are written', async () => {
    const { s3, calls } = s3Of([headOf('"one"')], [COPIED]);
    const { attributes: _, ...plain } = copyOf();
    await createItemWrites(s3).write(plain);
    expect(calls()).toBe('PUT');
  });

  it('signs bytes that are no ASCII as they are sent', async () => {
    // What a server sends as raw UTF-8, Node hands on as one character a byte, and sends so again.
    const raw = Buffer.from('größe').toString('latin1');
    const { s3, copies } = s3Of([headOf('"one"', { 'x-amz-meta-name': raw })], [COPIED]);
    await write(s3);
    expect(copies()[0]!.headers['x-amz-meta-name']).toBe(raw);
  });

  it('finds a source in another region, and asks there at once from then on', async () => {
    const { s3, sent } = answeringS3(({ method, hostname }) => {
      if (method === 'PUT') return COPIED;
      return hostname.includes('eu-west-1')
        ? headOf('"one"')
        : BARE(301, { 'x-amz-bucket-region': 'eu-west-1' });
    });
    const writer = createItemWrites(s3);
    await writer.write(copyOf());
    await writer.write(copyOf());
    expect(sent.map(({ method, hostname }) => `${method} ${hostname}`)).toEqual([
      'HEAD source.s3.us-east-1.amazonaws.com',
      'HEAD source.s3.eu-west-1.amazonaws.com',
      'PUT destination.s3.us-east-1.amazonaws.com',
      'HEAD source.s3.eu-west-1.amazonaws.com',
      'PUT destination.s3.us-east-1.amazonaws.com',
    ]);
  });

  it.each(['eu-west-1.evil.example', 'x', 'us-east-1'])(
    'does not go round in circles after a region that is %s',
    async (region) => {
      const { s3, sent } = answeringS3(() => BARE(301, { 'x-amz-bucket-region': region }));
      expect((await faultOf(write(s3))).kind).toBe('permanent');
      expect(sent.length).toBeLessThanOrEqual(3);
      expect(sent.every(({ hostname }) => hostname.endsWith('.amazonaws.com'))).toBe(true);
    },
  );
});

it('asks no other host for a source where the endpoint is not AWS', async () => {
  const { s3, sent } = answeringS3(() => BARE(301, { 'x-amz-bucket-region': 'eu-west-1' }), {
    endpoint: 'https://minio.test',
  });
  expect((await faultOf(write(s3))).kind).toBe('permanent');
  expect(sent.map(({ hostname }) => hostname)).toEqual(['source.minio.test']);
});

describe('a 412', () => {
  const meaning = async (heads: GivenAnswer[], copy: GivenAnswer, ifExists: ItemWrite['ifExists']) => {
    const { s3, calls } = s3Of(heads, [copy]);
    return { kind: (await faultOf(write(s3, { ifExists }))).kind, calls: calls() };
  };

  it.each([
    { says: 'the source', copy: CHANGED, ifExists: 'fail', kind: 'source-changed', calls: 'HEAD PUT' },
    { says: 'the destination', copy: EXISTS, ifExists: 'fail', kind: 'exists', calls: 'HEAD PUT' },
    {
      says: 'neither, and only one can be',
      copy: EITHER,
      ifExists: 'overwrite',
      kind: 'source-changed',
      calls: 'HEAD PUT',
    },
  ] as const)('that names $says is $kind', async ({ copy, ifExists, kind, calls }) => {
    expect(await meaning([headOf('"one"')], copy, ifExists)).toEqual({ kind, calls });
  });

  it('that names neither where both can be is decided by another HEAD', async () => {
    const both = (second: string) => meaning([headOf('"one"'), headOf(second)], EITHER, 'skip');
    expect(await both('"one"')).toEqual({ kind: 'exists', calls: 'HEAD PUT HEAD' });
    expect(await both('"two"')).toEqual({ kind: 'source-changed', calls: 'HEAD PUT HEAD' });
  });

  it('is named to the SDK as well', async () => {
    const { s3 } = s3Of([headOf('"one"')], [CHANGED]);
    expect((await faultOf(write(leftToSdk(s3), { ifExists: 'fail' }))).kind).toBe('source-changed');
  });
});

describe('an item that is such a copy', () => {
  async function transfer(
    heads: GivenAnswer[],
    copies: GivenAnswer[],
    { change = {}, shed }: { change?: Partial<ItemWrite>; shed?: string } = {},
  ) {
    const clock = createVirtualClock();
    const { s3, sent, calls } = s3Of(heads, copies);
    const seen: string[] = [];
    const rateLimiter: RateLimiter = {
      groupOf: (bucket) => bucket,
      pass: async (group) => (group === shed ? { kind: 'shed', turnInMs: 5_000 } : { kind: 'passed' }),
      observe: (group, { throttled }) => void seen.push(`${group} ${throttled ? 'refused' : 'accepted'}`),
    };
    const { item, ...write } = copyOf(change);
    const [report] = await transferAll(
      { rateLimiter, clock, random: createRandom(5) },
      [
        {
          write,
          writer: await createItemWriter({ s3, clock }).begin(item, write),
          giveUpAtMs: clock.now() + 3_600_000,
          givenBack: 0,
          wasTried: false,
          mayBeWritten: false,
        },
      ],
      clock.now() + 60_000,
    );
    return { report: report!, sent, calls: calls(), seen };
  }

  it('is stored with two requests', async () => {
    const { report, seen, calls } = await transfer([headOf('"one"')], [COPIED]);
    expect(report).toMatchObject({
      end: { kind: 'stored', object: { etag: '"c"' } },
      attempts: 2,
      throttled: 0,
    });
    expect(calls).toBe('HEAD PUT');
    expect(seen).toEqual(['readers:source accepted', 'destination accepted']);
  });

  it('reads its source again where that has changed, and copies what it is then', async () => {
    const { report, sent, calls } = await transfer(
      [headOf('"one"', { 'cache-control': 'old' }), headOf('"two"', { 'cache-control': 'new' })],
      [CHANGED, COPIED],
    );
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 4 });
    expect(calls).toBe('HEAD PUT HEAD PUT');
    expect(sent.at(-1)!.headers).toMatchObject({
      'x-amz-copy-source-if-match': '"two"',
      'cache-control': 'new',
    });
  });

  it('fails where its source changes each time, and does not go on for its retry time', async () => {
    const { report, calls } = await transfer([headOf('"one"')], [CHANGED]);
    expect(report.end).toMatchObject({
      kind: 'failed',
      code: 'SourceChanged',
      message: expect.stringContaining('s3://source/x/ü'),
    });
    expect(calls.split(' ')).toHaveLength(8);
  });

  it('goes on with the HEAD that it has where the copy is refused for the rate', async () => {
    const { report, calls } = await transfer([headOf('"one"')], [SLOW_DOWN, SLOW_DOWN, COPIED]);
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 4, throttled: 2 });
    expect(calls).toBe('HEAD PUT PUT PUT');
  });

  it('looks again where the version that it found has been deleted', async () => {
    const gone = errorAnswer(404, 'NoSuchVersion');
    const heads = ['1', '2'].map((version) => headOf(`"${version}"`, { 'x-amz-version-id': version }));
    const found = await transfer(heads, [gone, COPIED]);
    expect(found.report.end.kind).toBe('stored');
    // The row's own version is what was asked for.
    const item = { key: 'k', source: 's3://source/x', source_version: '1' };
    const named = await transfer(heads, [gone, COPIED], { change: { item } });
    expect(named.report.end).toMatchObject({ kind: 'failed', code: 'NoSuchVersion' });
  });

  it('is skipped, or fails, where the destination holds an object', async () => {
    for (const [ifExists, end] of [
      ['skip', { kind: 'skipped' }],
      ['fail', { kind: 'failed', code: 'AlreadyExists' }],
    ] as const) {
      const { report } = await transfer([headOf('"one"')], [EXISTS], { change: { ifExists } });
      expect(report).toMatchObject({ end, attempts: 2 });
    }
  });

  it("does not slow the destination down where its source's bucket refuses the HEAD", async () => {
    const { report, seen, calls } = await transfer([BARE(503), BARE(503), headOf('"one"')], [COPIED]);
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 4, throttled: 2 });
    expect(calls).toBe('HEAD HEAD HEAD PUT');
    expect(seen).toEqual([
      'readers:source refused',
      'readers:source refused',
      'readers:source accepted',
      'destination accepted',
    ]);
  });

  it.each(['readers:source', 'destination'])('waits for a turn of %s, untried', async (shed) => {
    const { report, calls } = await transfer([headOf('"one"')], [COPIED], { shed });
    expect(report).toMatchObject({ end: { kind: 'unfinished' }, attempts: 0 });
    expect(calls).toBe('');
  });

  const versioned = { item: { key: 'k', source: 's3://source/x', source_version: 'v' } };
  it.each([
    { status: 404, change: {}, code: 'NoSuchKey', says: /s3:\/\/source\/x\/ü does not exist/ },
    { status: 404, change: versioned, code: 'NoSuchVersion', says: /s3:\/\/source\/x \(version v\)/ },
    { status: 403, change: {}, code: 'AccessDenied', says: /s3:GetObject.*s3:ListBucket/ },
    { status: 405, change: versioned, code: 'MethodNotAllowed', says: /delete marker/ },
  ])('fails as $code where its HEAD is answered with $status', async ({ status, change, code, says }) => {
    const { report, seen } = await transfer([BARE(status)], [COPIED], { change });
    expect(report).toMatchObject({
      end: { kind: 'failed', code, message: expect.stringMatching(says) },
      attempts: 1,
    });
    expect(seen).toEqual(['readers:source accepted']);
  });

  it('is tried again where its HEAD meets a fault', async () => {
    const { report, seen } = await transfer([BARE(500), headOf('"one"')], [COPIED]);
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 3, transient: 1 });
    expect(seen).toEqual(['readers:source accepted', 'destination accepted']);
  });
});
