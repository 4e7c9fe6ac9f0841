// Objects of the web by the engine, from a real https server to a real S3 server, both on this machine: what is stored, what is
// read again, and what each refusal is called.
import { hash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTransferClient } from '../../shared/aws/clients.ts';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import type { RateLimiter } from '../../shared/pacing/rate-limiter.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { createRandom } from '../../shared/time/random.ts';
import { type TransferItem, transferAll } from '../../shared/transfer/engine.ts';
import type { ObjectWrite } from '../../shared/transfer/object-writer.ts';
import { createHandClock, type HandClock } from '../helpers/hand-clock.ts';
import { refuse, SMALL_S3_KEYS, type SmallS3Options, startSmallS3 } from '../helpers/small-s3.ts';
import { type Answering, CDN_HOST, FILES_HOST, OTHER_HOST, startWebServer } from '../helpers/web-server.ts';

const MIB = 1024 ** 2;
const SMALL = Buffer.from('hello ü');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Setting {
  answer?: Answering;
  /** The same, where the answer takes its time. */
  slowly?: (clock: HandClock) => Answering;
  mostBytes?: number;
  /** How often the row is in the batch. */
  copies?: number;
  /** Further rows of the batch. */
  others?: { item: Partial<ManifestItem>; copies: number };
  /** Answers in place of the destination. */
  s3?: SmallS3Options['intercept'];
  item?: Partial<ManifestItem>;
  write?: Partial<ObjectWrite>;
  change?: Partial<TransferItem>;
  certificate?: 'expired';
  /** Addresses of names that the server does not have. */
  resolve?: (host: string) => Promise<string[]>;
  hosts?: string[];
}

const named = <Value extends object>(values: Value) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const ALLOWED = [FILES_HOST, '*.cdn.example.com', 'wrong.example.net'];

async function transfer({
  answer = () => undefined,
  slowly,
  mostBytes,
  s3: intercept,
  copies = 1,
  others,
  item = {},
  write: written = {},
  change = {},
  certificate,
  resolve,
  hosts,
}: Setting) {
  const clock = createHandClock();
  const web = await startWebServer(slowly?.(clock) ?? answer, certificate);
  const small = await startSmallS3(intercept === undefined ? {} : { intercept });
  const s3 = createTransferClient({
    endpoint: small.url,
    region: 'us-east-1',
    credentials: SMALL_S3_KEYS,
    forcePathStyle: true,
  });
  closers.push(
    () => web.close(),
    () => small.close(),
    () => s3.destroy(),
  );
  const seen: string[] = [];
  const rateLimiter: RateLimiter = {
    groupOf: (bucket) => bucket,
    pass: async () => ({ kind: 'passed' }),
    observe: (group, { throttled }) => void seen.push(`${group} ${throttled ? 'refused' : 'accepted'}`),
  };
  const write: ObjectWrite = {
    destination: { bucket: 'bucket', key: 'k' },
    ifExists: 'overwrite',
    ...written,
  };
  const { override } = web;
  const items = createItemWriter({
    s3,
    // The S3 server checks the time of signatures against nothing.
    clock,
    web: { hosts: hosts ?? ALLOWED, override, ...named({ resolve, mostBytes }) },
  });
  const row: ManifestItem = { key: 'k', source: `https://${FILES_HOST}/a/b?X-Amz-Signature=secret`, ...item };
  const rows = [
    ...Array.from({ length: copies }, () => row),
    ...Array.from({ length: others?.copies ?? 0 }, () => ({ ...row, ...others?.item })),
  ];
  const transfers = rows.map(async (each) => ({
    write,
    writer: await items.begin(each, write),
    giveUpAtMs: clock.now() + 3_600_000,
    givenBack: 0,
    wasTried: false,
    mayBeWritten: false,
    ...change,
  }));
  const reports = await transferAll(
    { rateLimiter, clock, random: createRandom(3) },
    await Promise.all(transfers),
    clock.now() + 600_000,
  );
  const [report] = reports;
  const sentTypes = small.asked
    .filter(({ method, url }) => (method === 'POST' ? url.includes('uploads') : method === 'PUT'))
    .map(({ headers }) => headers['content-type']);
  return {
    reports,
    report: report!,
    end: report!.end,
    asked: web.asked,
    stored: small.objects.get('bucket/k'),
    s3Asked: small.asked,
    contentType: sentTypes[0],
    seen,
    clock,
  };
}

const give =
  (bytes: Buffer, headers: Record<string, string> = {}, status = 200): Answering =>
  (_request, response) =>
    void response.writeHead(status, { 'content-length': String(bytes.length), ...headers }).end(bytes);

describe('an object of the web', () => {
  it('is stored with its type, by one read and one write', async () => {
    const { end, stored, asked, contentType, report, seen } = await transfer({
      answer: give(SMALL, { 'content-type': 'text/plain; charset=utf-8', etag: '"e"' }),
      item: { size: SMALL.length, source_etag: 'e' },
    });
    expect(end).toMatchObject({ kind: 'stored', object: { bytes: SMALL.length } });
    expect(stored).toEqual(SMALL);
    expect(contentType).toBe('text/plain; charset=utf-8');
    expect(report).toMatchObject({ attempts: 2, throttled: 0, transient: 0 });
    expect(seen).toEqual([`https:${FILES_HOST} accepted`, 'bucket accepted']);
    expect(asked.map(({ url, headers }) => ({ url, ...headers }))).toEqual([
      {
        url: '/a/b?X-Amz-Signature=secret',
        host: FILES_HOST,
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': expect.stringContaining('spillway'),
        connection: 'keep-alive',
      },
    ]);
  });

  it("has the row's type where the row gives one, and none that no header can carry", async () => {
    const own = await transfer({
      answer: give(SMALL, { 'content-type': 'text/plain' }),
      write: { attributes: { contentType: 'image/png' } },
    });
    expect(own.contentType).toBe('image/png');
    const odd = await transfer({ answer: give(SMALL, { 'content-type': `text/plain;${'x'.repeat(300)}` }) });
    expect(odd.contentType).toBe('application/octet-stream');
  });

  it("has the type of its key's ending only where the server says none", async () => {
    const guessing = { guessesType: true, destination: { bucket: 'bucket', key: 'k.png' } };
    expect((await transfer({ answer: give(SMALL), write: guessing })).contentType).toBe('image/png');
    const typed = give(SMALL, { 'content-type': 'text/plain' });
    expect((await transfer({ answer: typed, write: guessing })).contentType).toBe('text/plain');
  });

  it('may be empty, or come without its length', async () => {
    const empty = await transfer({ answer: give(Buffer.alloc(0)) });
    expect(empty.stored).toEqual(Buffer.alloc(0));
    const chunked = await transfer({ answer: (_request, response) => void response.end(SMALL) });
    expect(chunked.stored).toEqual(SMALL);
  });

  it('is refused where a body that breaks off would look whole, unless the row has its size', async () => {
    // As HTTP/1.0: the connection's end is the body's.
    const answer: Answering = (_request, response) => {
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: 'close' }).write(SMALL);
      response.end();
    };
    const refused = await transfer({ answer });
    expect(refused.end).toMatchObject({ kind: 'failed', code: 'SourceLengthUnknown' });
    const sized = await transfer({ answer, item: { size: SMALL.length } });
    expect(sized.stored).toEqual(SMALL);
    const cutOff = await transfer({ answer, item: { size: SMALL.length + 1 } });
    expect(cutOff.end).toMatchObject({ kind: 'failed', code: 'SourceSizeMismatch' });
  });

  it('is stored as what it is where the server encodes it all the same', async () => {
    const { s3Asked, end } = await transfer({ answer: give(SMALL, { 'content-encoding': 'gzip' }) });
    expect(end.kind).toBe('stored');
    expect(s3Asked.at(-1)?.headers['content-encoding']).toBe('gzip');
  });

  it('is not said to be sent in chunks, as its own server had it sent', async () => {
    const { s3Asked } = await transfer({ answer: give(SMALL, { 'content-encoding': 'gzip,aws-chunked' }) });
    expect(s3Asked.at(-1)?.headers['content-encoding']).toBe('gzip');
  });

  it.each([
    ['whose length is known', true],
    ['whose length is not', false],
  ])('goes in parts where it is large, %s', async (_what, isKnown) => {
    const large = randomBytes(19 * MIB + 5);
    const { end, stored, contentType, s3Asked, report } = await transfer({
      answer: (_request, response) => {
        response.writeHead(200, {
          'content-type': 'video/mp4',
          ...(isKnown ? { 'content-length': String(large.length) } : {}),
        });
        response.end(large);
      },
      item: { size: large.length },
    });
    expect(end).toMatchObject({ kind: 'stored', object: { bytes: large.length } });
    expect(stored?.equals(large)).toBe(true);
    expect(contentType).toBe('video/mp4');
    expect(s3Asked.map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'PUT', 'POST']);
    expect(report.attempts).toBe(6);
  });

  it.each([16 * MIB, 8 * MIB])('is whole at %d bytes, the edge of a part', async (bytes) => {
    const edge = randomBytes(bytes);
    for (const headers of [{ 'content-length': String(bytes) }, { 'transfer-encoding': 'chunked' }]) {
      const { stored } = await transfer({
        answer: (_request, response) => void response.writeHead(200, headers).end(edge),
      });
      expect(stored?.equals(edge)).toBe(true);
    }
  });
});

it('opens few connections to a host, whatever the batch', async () => {
  let [open, most] = [0, 0];
  const waiting: (() => void)[] = [];
  const { reports, asked } = await transfer({
    answer: (_request, response, nth) => {
      open++;
      most = Math.max(most, open);
      const end = (): void => {
        open--;
        response.end(SMALL);
      };
      // The first six are held until they are all there.
      if (nth > 6) end();
      else waiting.push(end);
      if (nth === 6) for (const endHeld of waiting) endHeld();
    },
    copies: 40,
  });
  expect(reports.map(({ end }) => end.kind)).toEqual(Array(40).fill('stored'));
  expect(asked).toHaveLength(40);
  expect(most).toBe(6);
});

describe('a broken connection', () => {
  const LARGE = randomBytes(20 * MIB);
  /** Breaks the first answers after so many bytes each, and honours ranges of the ETag that it has. */
  const breaking =
    (cuts: number[], etags: (nth: number) => string, honours = true): Answering =>
    (request, response, nth) => {
      const etag = etags(nth);
      const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
      const isRange = honours && start !== undefined && request.headers['if-range'] === etag;
      const from = isRange ? Number(start) : 0;
      const cut = cuts[nth - 1];
      response.writeHead(isRange ? 206 : 200, {
        etag,
        'content-length': String(LARGE.length - from),
        ...(isRange ? { 'content-range': `bytes ${from}-${LARGE.length - 1}/${LARGE.length}` } : {}),
      });
      if (cut === undefined) response.end(LARGE.subarray(from));
      else response.write(LARGE.subarray(from, from + cut), () => response.socket?.destroy());
    };

  it('is resumed twice at its byte, in the first parts and in a later one', async () => {
    const { end, stored, asked } = await transfer({ answer: breaking([3 * MIB, 15 * MIB], () => '"e"') });
    expect(end.kind).toBe('stored');
    expect(stored?.equals(LARGE)).toBe(true);
    expect(asked).toHaveLength(3);
    expect(asked.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"e"', '"e"']);
  });

  it('slows the host where the answer to its resumption asks for a lower rate', async () => {
    const breaks = breaking([3 * MIB], () => '"e"');
    const { end, seen } = await transfer({
      answer: (request, response, nth) =>
        nth === 2
          ? void response.writeHead(503, { 'retry-after': '1' }).end()
          : breaks(request, response, nth),
    });
    expect(end.kind).toBe('stored');
    expect(seen.slice(0, 3)).toEqual([
      `https:${FILES_HOST} refused`,
      `https:${FILES_HOST} accepted`,
      `https:${FILES_HOST} accepted`,
    ]);
  });

  it('is read from the start where the object has changed meanwhile', async () => {
    const { end, stored, asked, s3Asked } = await transfer({
      answer: breaking([18 * MIB], (nth) => `"e${Math.min(nth, 2)}"`),
    });
    expect(end.kind).toBe('stored');
    expect(stored?.equals(LARGE)).toBe(true);
    // The read, its end that another object answers, and the read of that one.
    expect(asked.map(({ headers }) => headers.range === undefined)).toEqual([true, false, true]);
    // The parts of the first one are not left open.
    expect(s3Asked.map(({ method }) => method)).toContain('DELETE');
  });

  it('is read from the start where its ETag is weak', async () => {
    const { end, stored, asked } = await transfer({ answer: breaking([MIB], () => 'W/"e"') });
    expect(end.kind).toBe('stored');
    expect(stored?.equals(LARGE)).toBe(true);
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  it('fails by name where the object changes at each read', async () => {
    const { end, s3Asked } = await transfer({
      answer: breaking(Array(20).fill(18 * MIB), (nth) => `"e${nth}"`),
    });
    expect(end).toMatchObject({ kind: 'failed', code: 'SourceChanged' });
    expect(s3Asked.at(-1)?.method).toBe('DELETE');
  });

  it.each([
    ['another start', 'bytes 5-9/10'],
    ['another size', 'bytes 3-20/21'],
    ['not all of it', 'bytes 3-5/10'],
    ['no numbers', 'bytes */10'],
  ])('is not resumed by a range of %s', async (_what, range) => {
    const { asked, stored } = await transfer({
      answer: (request, response, nth) => {
        const isRange = request.headers.range !== undefined;
        response.writeHead(isRange ? 206 : 200, {
          etag: '"e"',
          'content-length': '10',
          ...(isRange ? { 'content-range': range } : {}),
        });
        if (nth === 1) response.write('abc', () => response.socket?.destroy());
        else response.end('0123456789');
      },
    });
    expect(asked).toHaveLength(3);
    expect(String(stored)).toBe('0123456789');
  });

  it('goes back to the queue where a server promises more bytes than it has', async () => {
    const { end, report, stored } = await transfer({
      answer: (_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('abc', () => response.socket?.destroy());
      },
    });
    expect(end.kind).toBe('unfinished');
    expect(report.transient).toBeGreaterThan(1);
    expect(stored).toBeUndefined();
  });
});

describe('an answer that says later', () => {
  it.each([429, 503])('of status %d keeps to its Retry-After', async (status) => {
    const { end, report, seen } = await transfer({
      answer: (_request, response) => void response.writeHead(status, { 'retry-after': '40' }).end(),
    });
    expect(end.kind).toBe('unfinished');
    const { delayMs } = end as { delayMs: number };
    expect(delayMs).toBeGreaterThanOrEqual(40_000);
    expect(delayMs).toBeLessThanOrEqual(50_000);
    expect(report).toMatchObject({ attempts: 1, throttled: 1 });
    expect(seen).toEqual([`https:${FILES_HOST} refused`]);
  });

  it('is bounded, whatever it says', async () => {
    const { end } = await transfer({
      answer: (_request, response) => void response.writeHead(503, { 'retry-after': '999999999' }).end(),
    });
    expect((end as { delayMs: number }).delayMs).toBeLessThanOrEqual(900_000 * 1.25);
  });

  it.each([500, 502, 504, 408])('of status %d is tried again', async (status) => {
    const { end, asked } = await transfer({
      answer: (_request, response, nth) =>
        nth === 1 ? void response.writeHead(status).end() : void response.end(SMALL),
    });
    expect(end.kind).toBe('stored');
    expect(asked).toHaveLength(2);
  });
});

describe('a source that is not read', () => {
  const status = (code: number): Answering => give(SMALL, {}, code);
  const redirect =
    (location: string): Answering =>
    (_request, response) =>
      void response.writeHead(302, { location }).end();

  it.each<[string, string, Setting]>([
    ['401', 'SourceUnauthorized', { answer: status(401) }],
    ['403', 'SourceForbidden', { answer: status(403) }],
    ['404', 'SourceNotFound', { answer: status(404) }],
    ['410', 'SourceGone', { answer: status(410) }],
    ['416', 'SourceRangeRefused', { answer: status(416) }],
    ['418', 'SourceRefused', { answer: status(418) }],
    ['501', 'SourceRefused', { answer: status(501) }],
    ['206 that was not asked for', 'SourceAnswerInvalid', { answer: status(206) }],
    ['another size', 'SourceSizeMismatch', { answer: give(SMALL), item: { size: 3 } }],
    [
      'another size that only its end tells',
      'SourceSizeMismatch',
      { answer: (_request, response) => void response.end(SMALL), item: { size: 3 } },
    ],
    [
      'another ETag',
      'SourceEtagMismatch',
      { answer: give(SMALL, { etag: '"f"' }), item: { source_etag: 'e' } },
    ],
    [
      'a weak ETag',
      'SourceEtagMismatch',
      { answer: give(SMALL, { etag: 'W/"e"' }), item: { source_etag: 'e' } },
    ],
    ['no ETag', 'SourceEtagMismatch', { answer: give(SMALL), item: { source_etag: '"e"' } }],
    [
      'a length above the limit',
      'SourceTooLarge',
      {
        answer: (_request, response) =>
          void response.writeHead(200, { 'content-length': String(17 * 1024 ** 3) }).write('x'),
      },
    ],
    [
      'a body that does not end',
      'SourceTooLarge',
      {
        answer: (_request, response) => {
          const more = (): void => {
            if (!response.destroyed) response.write(Buffer.alloc(MIB), () => setImmediate(more));
          };
          response.writeHead(200);
          more();
        },
        mostBytes: 3 * MIB,
      },
    ],
    [
      'headers above 16 KiB',
      'SourceHeadersTooLarge',
      { answer: give(SMALL, { 'x-long': 'x'.repeat(20_000) }) },
    ],
    [
      'many headers',
      'SourceHeadersTooLarge',
      {
        answer: give(
          SMALL,
          Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x-${index}`, '1'])),
        ),
      },
    ],
    [
      'an upgrade',
      'SourceAnswerInvalid',
      {
        answer: (_request, response) =>
          void response.socket?.end(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
          ),
      },
    ],
    [
      'no HTTP',
      'SourceAnswerInvalid',
      { answer: (_request, response) => void response.socket?.end('SSH-2.0-x\r\n\r\n') },
    ],
    ['an expired certificate', 'SourceCertificateExpired', { answer: give(SMALL), certificate: 'expired' }],
    [
      'a certificate of other names',
      'SourceCertificateWrongHost',
      { answer: give(SMALL), item: { source: 'https://wrong.example.net/a' } },
    ],
    ['a host that is not allowed', 'SourceNotAllowed', { answer: give(SMALL), hosts: ['example.com'] }],
    ['a redirect loop', 'SourceTooManyRedirects', { answer: redirect('/again') }],
    ['a redirect to http', 'SourceRedirectRefused', { answer: redirect(`http://${FILES_HOST}/`) }],
    [
      'a redirect to another port',
      'SourceRedirectRefused',
      { answer: redirect(`https://${FILES_HOST}:8443/`) },
    ],
    [
      'a redirect with a password',
      'SourceRedirectRefused',
      { answer: redirect(`https://a:b@${FILES_HOST}/`) },
    ],
    ['a redirect to a file', 'SourceRedirectRefused', { answer: redirect('file:///etc/passwd') }],
    ['a redirect to nowhere', 'SourceRedirectRefused', { answer: redirect('https://') }],
    [
      'a redirect to a host that is not allowed',
      'SourceRedirectRefused',
      { answer: redirect(`https://${OTHER_HOST}/`) },
    ],
    ['a redirect to loopback', 'SourceRedirectRefused', { answer: redirect('https://127.0.0.1/') }],
    [
      'a redirect to loopback as a number',
      'SourceRedirectRefused',
      { answer: redirect('https://2130706433/') },
    ],
    [
      'a redirect to a name of loopback',
      'SourceAddressRefused',
      { answer: redirect('https://in.cdn.example.com/'), resolve: async () => ['127.0.0.1'] },
    ],
    [
      'a name of a private address',
      'SourceAddressRefused',
      {
        answer: give(SMALL),
        item: { source: 'https://in.cdn.example.com/' },
        resolve: async () => ['10.0.0.7'],
      },
    ],
    [
      'a name of which one address is private',
      'SourceAddressRefused',
      {
        answer: give(SMALL),
        item: { source: 'https://in.cdn.example.com/' },
        resolve: async () => ['8.8.8.8', '::1'],
      },
    ],
  ])('fails at once: %s is %s', async (_what, code, setting) => {
    const { end, stored, report } = await transfer(setting);
    expect(end).toMatchObject({ kind: 'failed', code });
    expect(stored).toBeUndefined();
    expect(report.attempts).toBe(1);
    expect(JSON.stringify(end)).not.toContain('secret');
  });

  it('is read by redirects to allowed hosts, without a header that names where it came from', async () => {
    const { end, asked } = await transfer({
      answer: (request, response) =>
        request.headers.host === CDN_HOST
          ? void response.end(SMALL)
          : void response
              .writeHead(307, { location: `https://${CDN_HOST}/x#part`, 'set-cookie': 'a=b' })
              .end(),
    });
    expect(end.kind).toBe('stored');
    expect(asked.map(({ headers, url }) => [headers.host, url, headers.cookie, headers.referer])).toEqual([
      [FILES_HOST, '/a/b?X-Amz-Signature=secret', undefined, undefined],
      [CDN_HOST, '/x', undefined, undefined],
    ]);
  });

  it.each([
    ['UTF-8', Buffer.from('/größe b.png'), '/gr%C3%B6%C3%9Fe%20b.png'],
    ['Latin-1', Buffer.from('/gr\u00f6.png', 'latin1'), '/gr%C3%B6.png'],
    ['ASCII', Buffer.from('/gr%C3%B6.png'), '/gr%C3%B6.png'],
  ])('is read where a redirect names it in %s', async (_, location, path) => {
    const { end, asked } = await transfer({
      answer: (request, response) =>
        request.url === path
          ? void response.end(SMALL)
          : // One character a byte, as Node sends headers.
            void response.writeHead(302, { location: location.toString('latin1') }).end(),
    });
    expect(end.kind).toBe('stored');
    expect(asked.map(({ url }) => url)).toEqual(['/a/b?X-Amz-Signature=secret', path]);
  });

  it('ends by its idle time where nothing comes, and goes back to the queue', async () => {
    const slowly = (clock: HandClock) => () => clock.advance(30_000);
    const { end } = await transfer({ slowly });
    expect(end.kind).toBe('unfinished');
    const last = await transfer({ slowly, change: { giveUpAtMs: 0 } });
    expect(last.end).toMatchObject({
      code: 'RetryTimeExceeded',
      message: expect.stringContaining('SourceTimeout'),
    });
  });

  it('waits for a connection that others hold for longer than a server may be silent', async () => {
    // Two hosts redirect to a third: more objects at once than it has connections.
    const held: (() => void)[] = [];
    let asked = 0;
    const answerHeld = () => {
      for (const answer of held.splice(0)) answer();
    };
    const { reports } = await transfer({
      copies: 6,
      hosts: [...ALLOWED, OTHER_HOST],
      others: { item: { source: `https://${OTHER_HOST}/b` }, copies: 2 },
      slowly: (clock) => (request, response) => {
        if (request.headers.host !== CDN_HOST)
          return void response.writeHead(307, { location: `https://${CDN_HOST}/x` }).end();
        held.push(() => give(SMALL)(request, response, 1));
        asked += 1;
        if (asked === 6) {
          // The last two stand behind these six.
          clock.advance(29_000);
          setImmediate(answerHeld);
        } else if (asked === 8) {
          clock.advance(29_000);
          answerHeld();
        }
      },
    });
    expect(reports.map(({ end }) => end.kind)).toEqual(Array.from({ length: 8 }, () => 'stored'));
    expect(reports.map(({ transient }) => transient)).toEqual(Array.from({ length: 8 }, () => 0));
  });

  it('leaves out the type of the server where it and the row’s headers are more than S3 takes', async () => {
    const longest = 'x'.repeat(1_000);
    const attributes = { cacheControl: longest, contentDisposition: 'y'.repeat(900) };
    const typed = { 'content-type': `text/plain; charset=${'z'.repeat(200)}` };
    const setting = { answer: give(SMALL, typed), write: { attributes } };
    expect((await transfer(setting)).contentType).toBe('application/octet-stream');
    const { end, contentType } = await transfer({ answer: give(SMALL, typed) });
    expect([end.kind, contentType]).toEqual(['stored', typed['content-type']]);
  });

  it('fails where it drips for longer than a read may take', async () => {
    const { end } = await transfer({
      slowly: (clock) => (_request, response) => {
        response.writeHead(200);
        const drip = (): void => {
          if (response.destroyed) return;
          clock.advance(10_000);
          response.write('x', () => setImmediate(drip));
        };
        drip();
      },
    });
    expect(end).toMatchObject({ kind: 'failed', code: 'SourceTooSlow' });
  });

  it('is not read past TLS or by a proxy, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
    vi.stubEnv('https_proxy', 'http://127.0.0.1:1');
    closers.push(() => vi.unstubAllEnvs());
    expect((await transfer({ answer: give(SMALL) })).end.kind).toBe('stored');
    const { end } = await transfer({ answer: give(SMALL), certificate: 'expired' });
    expect(end).toMatchObject({ code: 'SourceCertificateExpired' });
  });

  it('is not read where its job is halted', async () => {
    const { end, asked } = await transfer({ answer: give(SMALL), change: { isHalted: () => true } });
    expect(end.kind).toBe('unfinished');
    expect(asked).toEqual([]);
  });
});

describe('the write of a read object', () => {
  it('is tried again with the bytes in memory while the destination throttles', async () => {
    const { end, report, asked, seen } = await transfer({
      answer: give(SMALL),
      s3: (request, response, nth) => {
        if (nth < 3) refuse(response, 503, 'SlowDown', 'Please reduce your request rate.');
        else if (request.method === 'PUT') return false;
        return true;
      },
    });
    expect(end.kind).toBe('stored');
    expect(asked).toHaveLength(1);
    expect(report).toMatchObject({ attempts: 4, throttled: 2 });
    expect(seen.slice(1)).toEqual(['bucket refused', 'bucket refused', 'bucket accepted']);
  });

  const taken = (others: Buffer): Setting['s3'] => {
    return (request, response) => {
      if (request.method === 'PUT') refuse(response, 412, 'PreconditionFailed', 'there is an object');
      else
        response.writeHead(200, { etag: `"${hash('md5', others)}"`, 'content-length': others.length }).end();
      return true;
    };
  };

  it('is known as our own where an earlier delivery wrote it, and fails where it is another', async () => {
    const setting: Setting = {
      answer: give(SMALL),
      write: { ifExists: 'fail' },
      change: { mayBeWritten: true },
    };
    expect((await transfer({ ...setting, s3: taken(SMALL) })).end.kind).toBe('stored');
    expect((await transfer({ ...setting, s3: taken(Buffer.from('HELLO Ü')) })).end).toMatchObject({
      kind: 'failed',
      code: 'AlreadyExists',
    });
  });
});
