// A write counts only with S3's proof. Whatever else an endpoint answers with 200 is told as what it is: by every way to write.
import { once } from 'node:events';
import { glob, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { submitObject } from '../../functions/api/submit-manifest.ts';
import { createReportFile } from '../../functions/settle/report-file.ts';
import { describeAnswer, MOST_ANSWER_BYTES } from '../../shared/aws/answer.ts';
import { boundAnswers } from '../../shared/aws/bound-answers.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { listKeys } from '../../shared/aws/list-keys.ts';
import { createDeadLetterFiles } from '../../shared/report/dead-letters.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { encodeOutcomes } from '../../shared/report/outcome-text.ts';
import { writeJobReport } from '../../shared/report/report.ts';
import { createMultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import { answeringS3, type GivenAnswer, leftToSdk } from '../helpers/answering-s3.ts';
import { createItemWrites, type ItemWrite } from '../helpers/item-writes.ts';
import { aCopyTo, aJob, anOutcome, JOB_ID } from '../helpers/records.ts';

const PAGE = '<!doctype html><html><body><div id="root"></div></body></html>';
const HTML: GivenAnswer = {
  statusCode: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: PAGE,
};
/** Web frameworks put an ETag on whatever they answer. */
const HTML_WITH_ETAG: GivenAnswer = { ...HTML, headers: { ...HTML.headers, etag: 'W/"3e-0"' } };
const JSON_WITH_ETAG: GivenAnswer = {
  statusCode: 200,
  headers: { 'content-type': 'application/json', etag: 'W/"3e-0"' },
  text: '{"ok":true}',
};
const EMPTY: GivenAnswer = { statusCode: 200 };

/** A client whose requests are all answered alike, and that would try again. */
const clientOf = (answer: GivenAnswer) =>
  answeringS3(() => answer, { endpoint: 'http://console.test:9001', forcePathStyle: true, maxAttempts: 3 });

const destination = { bucket: 'bucket', key: 'k' };
const bytesOf = (size: number): ItemWrite => ({
  item: { key: 'k', text: '\0'.repeat(size) },
  destination,
  ifExists: 'overwrite',
});
const COPY = aCopyTo(destination);
const parted = { destination, ifExists: 'skip' } as const;
const signal = new AbortController().signal;
const SENT = { number: 1, etag: '"e"', checksum: 'AAAAAA==', bytes: 1 };
const LETTER = {
  queue: 'q',
  messageId: 'm',
  sentAt: '2026-01-01T00:00:00.000Z',
  buriedAt: '2026-01-01T00:00:00.000Z',
  kind: 'unreadable',
  reason: 'r',
  body: '',
  attributes: {},
  messageAttributes: {},
} as const;

/** Every way in which the project writes an object, or asks for one. */
const WAYS: [string, (s3: S3Client) => Promise<unknown>][] = [
  ['small bytes', (s3) => createItemWrites(s3).write(bytesOf(5))],
  ['large bytes, by the SDK', (s3) => createItemWrites(s3).write(bytesOf(2 * 1024 ** 2))],
  ['a copy', (s3) => createItemWrites(s3).write(COPY)],
  ['a copy by the SDK', (s3) => createItemWrites(leftToSdk(s3)).write(COPY)],
  [
    'a copy with a content type',
    (s3) => createItemWrites(s3).write({ ...COPY, attributes: { contentType: 'a/b' } }),
  ],
  ['the look for our own object', (s3) => createItemWrites(s3).recognise(bytesOf(5))],
  ['the begin of an upload', (s3) => createMultipartWriter(s3).begin(parted)],
  [
    'a part',
    (s3) => createMultipartWriter(s3).send(parted, 'u', { number: 1, bytes: Buffer.from('x') }, signal),
  ],
  ['the end of an upload', (s3) => createMultipartWriter(s3).complete(parted, 'u', [SENT], signal)],
  ['the question whether an object exists', (s3) => createMultipartWriter(s3).exists(parted)],
  [
    'an outcome file',
    (s3) =>
      createOutcomeFiles({ s3, bucket: 'reports' }).write(
        { job: JOB_ID, slice: 0 },
        'w',
        encodeOutcomes([anOutcome()]),
      ),
  ],
  [
    'a file of the report',
    async (s3) => {
      const file = createReportFile({ s3, bucket: 'reports' }, 'failed', 'key');
      file.add({ key: 'a' });
      await file.close();
    },
  ],
  [
    "a job's report",
    (s3) => writeJobReport({ s3, bucket: 'reports' }, { ...aJob(), state: 'completed' as const }, []),
  ],
  ['a dead letter', (s3) => createDeadLetterFiles({ s3, bucket: 'reports' }).write(LETTER, 'latest')],
  [
    'a submission',
    (s3) =>
      submitObject(
        { s3, inbox: 'inbox' },
        { job: JOB_ID, contentType: 'text/csv', body: Buffer.from('key\n'), metadata: {} },
      ),
  ],
];

const thrownBy = (work: Promise<unknown>) =>
  work.then(
    (value) => {
      throw new Error(`it was taken for done: ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );

describe.each(WAYS)('%s', (_, way) => {
  it.each([
    ['a web page', HTML],
    ['a web page with an ETag', HTML_WITH_ETAG],
    ['a JSON with an ETag', JSON_WITH_ETAG],
  ])('is not done, and not tried again, where the endpoint answers with %s', async (__, answer) => {
    const { s3, sent } = clientOf(answer);
    const fault = classifyFault(await thrownBy(way(s3)));
    expect(fault).toMatchObject({ kind: 'permanent', code: 'NoProof' });
    expect(fault.message).toContain(`console.test:9001 answered 200 ${answer.headers!['content-type']}`);
    expect(sent).toHaveLength(1);
  });
});

describe.each(WAYS.filter(([name]) => !/our own|exists|copy|begin|end/.test(name)))('%s', (_, way) => {
  it('is not done where the answer is empty and has no ETag', async () => {
    const { s3 } = clientOf(EMPTY);
    expect(classifyFault(await thrownBy(way(s3)))).toMatchObject({ kind: 'permanent', code: 'NoProof' });
  });
});

describe.each(WAYS.filter(([name]) => !/our own|exists|content type/.test(name)))('%s', (_, way) => {
  it('fails with what was said where a page is answered with 405', async () => {
    const { s3, sent } = clientOf({ ...HTML, statusCode: 405 });
    const fault = classifyFault(await thrownBy(way(s3)));
    expect(fault).toMatchObject({ kind: 'permanent', code: 'Http405' });
    expect(fault.message).toContain(
      'console.test:9001 answered 405 text/html; charset=utf-8 "<!doctype html>',
    );
    expect(sent).toHaveLength(1);
  });
});

it('has no write in shared/ or functions/ that goes without', async () => {
  const bare = /\.send\(\s*new (PutObject|CopyObject|UploadPart|UploadPartCopy|\w+MultipartUpload)Command/;
  const found: string[] = [];
  for (const folder of ['shared', 'functions']) {
    for await (const file of glob(`${folder}/**/*.ts`)) {
      const source = await readFile(file, 'utf8');
      for (const [text] of source.matchAll(new RegExp(bare, 'g')))
        if (!text.includes('AbortMultipartUpload')) found.push(`${file}: ${text}`);
    }
  }
  expect(found).toEqual([]);
});

describe('any answer without an ETag', () => {
  it.each(WAYS.filter(([name]) => /^(small|large|a copy by|a copy$|a part|the begin|the end)/.test(name)))(
    'is never taken for done: %s',
    async (_, way) => {
      const text = fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom(PAGE, '<?xml version="1.0"?>', '<a></a>', '<CopyObjectResult></CopyObjectResult>'),
      );
      const type = fc.constantFrom('text/html', 'application/xml', 'application/json', '');
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 200, max: 299 }), text, type, async (statusCode, body, given) => {
          const { s3 } = answeringS3(() => ({ statusCode, headers: { 'content-type': given }, text: body }));
          const fault = classifyFault(await thrownBy(way(s3)));
          expect(['permanent', 'transient']).toContain(fault.kind);
          expect(fault.message.length).toBeLessThan(500);
        }),
        { numRuns: 40 },
      );
    },
  );
});

describe('a copy', () => {
  const copyWith = (text: string, headers: Record<string, string> = {}) =>
    createItemWrites(clientOf({ statusCode: 200, text, headers }).s3).write(COPY);
  const done = '<?xml version="1.0"?>\n<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>';

  it('is done by its result, even if the connection was kept open with blanks', async () => {
    expect(await copyWith(`   ${done}`)).toEqual({ etag: '"e"' });
    expect(await copyWith(done.replace('?>\n', '?>\n     '))).toEqual({ etag: '"e"' });
  });

  it.each([1, 9, 21, 30, 45, 60, 75, done.length - 1].map((length) => done.slice(0, length)))(
    'is tried again where its result breaks off: %s',
    async (text) => {
      expect(classifyFault(await thrownBy(copyWith(text)))).toMatchObject({
        kind: 'transient',
        code: 'InternalError',
      });
    },
  );

  it('is tried again where nothing came, but for a web page that is empty', async () => {
    expect(classifyFault(await thrownBy(copyWith('')))).toMatchObject({ kind: 'transient' });
    const page = await thrownBy(copyWith('', { 'content-type': 'text/html' }));
    expect(classifyFault(page)).toMatchObject({ kind: 'permanent', code: 'NoProof' });
  });

  it('is not done without an ETag in a result that is whole', async () => {
    const text = '<CopyObjectResult><LastModified>x</LastModified></CopyObjectResult>';
    expect(classifyFault(await thrownBy(copyWith(text)))).toMatchObject({ code: 'NoProof' });
    expect(
      classifyFault(await thrownBy(copyWith('<CopyObjectResult><ETag></ETag></CopyObjectResult>'))),
    ).toMatchObject({ code: 'NoProof' });
  });
});

it('keeps the proof of an answer that some servers send as text/html, without a body', async () => {
  const answer = { statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8', etag: '"e"' } };
  const { s3 } = clientOf(answer);
  expect(await createItemWrites(s3).write(bytesOf(5))).toMatchObject({ etag: '"e"' });
  expect(await createItemWrites(s3).write(bytesOf(2 * 1024 ** 2))).toMatchObject({
    etag: '"e"',
  });
});

describe('what was answered', () => {
  const answer = { host: 'h', status: 200, headers: {}, text: '', isWhole: true };

  it('is shown on one line of bounded length, without control characters', () => {
    const hostile = `a\u001b[2J\r\nb\u009b\u202e\u2028${'\u{1f30a}'.repeat(500)}`;
    const told = describeAnswer({
      ...answer,
      headers: { 'content-type': `x\u001b${'y'.repeat(500)}` },
      text: hostile,
    });
    expect(told).not.toMatch(/[\p{Cc}\p{Cf}\u2028]/u);
    expect(told.isWellFormed()).toBe(true);
    expect(told.length).toBeLessThan(300);
  });

  it('is shown where it says nothing', () => {
    expect(describeAnswer(answer)).toBe('h answered 200 without a content type');
  });
});

describe('an answer without end', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  /** A server that sends as long as it is listened to. @returns how many bytes it has sent, once a connection is closed */
  async function flooding(status: number, first = '') {
    const closed = Promise.withResolvers<number>();
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.write(first);
      let sent = 0;
      const send = () => {
        do sent += MOST_ANSWER_BYTES / 4;
        while (response.write('<a>'.padEnd(MOST_ANSWER_BYTES / 4, '<a>')));
      };
      response.on('drain', send);
      response.on('close', () => closed.resolve(sent));
      send();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const s3 = boundAnswers(
      new S3Client({
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        forcePathStyle: true,
        credentials: { accessKeyId: 'A', secretAccessKey: 'B' },
        maxAttempts: 1,
      }),
    );
    return { s3, closed: closed.promise };
  }

  it.each(WAYS.filter(([name]) => !/HEAD|own|exists|content type/.test(name)))(
    'is not read to its end: %s',
    async (_, way) => {
      const { s3, closed } = await flooding(200);
      expect(classifyFault(await thrownBy(way(s3)))).toMatchObject({ kind: 'permanent', code: 'NoProof' });
      // What the sockets hold was sent as well.
      expect(await closed).toBeLessThan(64 * 1024 ** 2);
      s3.destroy();
    },
  );

  it.each(WAYS.filter(([name]) => /^(small|large|a part)/.test(name)))(
    'is not read to its end where it is a refusal: %s',
    async (_, way) => {
      const { s3, closed } = await flooding(403, '<Error><Code>AccessDenied</Code></Error>');
      expect(classifyFault(await thrownBy(way(s3)))).toMatchObject({ kind: 'permanent' });
      await closed;
      s3.destroy();
    },
  );

  it('is not read to its end where it is a listing', async () => {
    const { s3, closed } = await flooding(200);
    await expect(Array.fromAsync(listKeys(s3, 'bucket'))).rejects.toThrow();
    await closed;
    s3.destroy();
  });
});
