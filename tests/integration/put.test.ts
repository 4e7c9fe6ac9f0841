// `spillway put` as a user runs it, against the emulated S3.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Emulators, startEmulators } from '../../local/aws/emulators.ts';
import { CHECKSUM_ALGORITHMS } from '../../shared/attributes/object-attributes.ts';
import { destinationKey } from '../../shared/keys/spread.ts';
import { createMultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import { runSpillway, startSpillway } from '../helpers/spillway.ts';

const ODD_NAMES = [
  'a b.txt',
  'a+b.txt',
  'a%2Fb.txt',
  'a&b=c?d#e.txt',
  `quotes "double" 'single'.txt`,
  'line\nbreak.txt',
  '日本語/größe/🌊.txt',
  'nested/deep/er/file',
  ' leading and trailing ',
  '...dots',
  '-dash',
];
const MIB = 1024 ** 2;
const DEMO_FIELDS = [
  ...['job', 'state', 'rows', 'stored', 'skipped', 'failed', 'cancelled', 'rejected', 'unaccounted'],
  ...['attempts', 'throttled', 'returned', 'reposted', 'bytes', 'seconds', 'objectsPerSecond'],
  ...['limitPerSecond', 'partitions', 'requests', 'costPerMillionUsd', 'report'],
];

let work: string;
let emulators: Emulators;
let s3: S3Client;
let bucket = 0;

beforeAll(async () => {
  emulators = await startEmulators({
    region: 'us-east-1',
    accountId: '000000000000',
    buckets: [
      ...Array.from({ length: 60 }, (_, index) => ({ name: `bucket-${index + 1}` })),
      { name: 'throttled', throttled: true },
      { name: 'slow', throttled: true },
    ],
    queues: [],
    tables: [],
    limit: { limitPerSecond: 60, burstSeconds: 0.5 },
    seed: 5,
  });
  // As `spillway put` finds them.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  s3 = new S3Client({ endpoint: emulators.endpoints.aws, region: 'us-east-1' });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  s3.destroy();
  await emulators.stop();
});

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-put-'));
  bucket++;
});

afterEach(() => rm(work, { recursive: true, force: true }));

const here = () => `bucket-${bucket}`;

async function write(files: Record<string, string | Buffer>, below = 'files'): Promise<string> {
  const folder = path.join(work, below);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

async function put(...args: string[]) {
  const end = await runSpillway(['put', ...args, '--endpoint-url', emulators.endpoints.aws, '--json'], {
    cwd: work,
  });
  const result = end.stdout === '' ? {} : (JSON.parse(end.stdout) as Record<string, unknown>);
  return { ...end, result };
}

async function keys(name = here()): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: name }));
  return Contents.map(({ Key = '' }) => Key);
}

async function content(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: here(), Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function contentType(Key: string): Promise<string | undefined> {
  return (await s3.send(new HeadObjectCommand({ Bucket: here(), Key }))).ContentType;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('spillway put', () => {
  it('keeps names and bytes, whatever they are', async () => {
    const folder = await write(Object.fromEntries(ODD_NAMES.map((name) => [name, `contents of ${name}`])));
    await writeFile(path.join(folder, 'empty'), '');
    const { code, stderr, result } = await put(folder, `s3://${here()}/to`);
    expect(code, stderr).toBe(0);
    expect(Object.keys(result)).toEqual(expect.arrayContaining(DEMO_FIELDS));
    expect(result).toMatchObject({ destination: `s3://${here()}/to/`, passedOver: 0 });
    const rows = ODD_NAMES.length + 1;
    expect(result).toMatchObject({ state: 'completed', rows, stored: rows, failed: 0, attempts: rows });
    expect((await keys()).sort()).toEqual([...ODD_NAMES, 'empty'].map((name) => `to/${name}`).sort());
    for (const name of ODD_NAMES) expect(String(await content(`to/${name}`))).toBe(`contents of ${name}`);
    expect(await content('to/empty')).toHaveLength(0);
  });

  it('sends a large file in parts, and the same bytes arrive', async () => {
    const large = randomBytes(20 * MIB + 17);
    const folder = await write({ 'large.bin': large });
    const { code, stderr, result } = await put(path.join(folder, 'large.bin'), `s3://${here()}`);
    expect(code, stderr).toBe(0);
    expect(result).toMatchObject({ rows: 1, stored: 1, bytes: large.length, attempts: 1 + 3 + 1 });
    expect(sha256(await content('large.bin'))).toBe(sha256(large));
  });

  it('gives content types by the names of files of every size, or the given one', async () => {
    const folder = await write({
      'small.html': 'x',
      'middle.svg': Buffer.alloc(MIB + 1),
      'large.mp4': Buffer.alloc(17 * MIB),
      'large.unheard-of': Buffer.alloc(17 * MIB),
      data: 'x',
    });
    expect(await put(folder, `s3://${here()}`)).toMatchObject({ code: 0 });
    expect(await contentType('small.html')).toBe('text/html');
    expect(await contentType('middle.svg')).toBe('image/svg+xml');
    expect(await contentType('large.mp4')).toBe('video/mp4');
    expect(await contentType('large.unheard-of')).toBe('application/octet-stream');
    expect(await contentType('data')).toBe('application/octet-stream');
    const told = await put(folder, `s3://${here()}/told`, '--content-type', 'text/x-own; charset="a b"');
    expect(told).toMatchObject({ code: 0 });
    for (const name of ['small.html', 'middle.svg', 'large.mp4'])
      expect(await contentType(`told/${name}`)).toBe('text/x-own; charset="a b"');
  });

  it.each(CHECKSUM_ALGORITHMS)('sets what it is told on files of every size, with %s', async (name) => {
    const folder = await write({ small: 'x', large: randomBytes(17 * MIB) });
    const told = await put(
      folder,
      `s3://${here()}`,
      ...['--cache-control', 'no-store', '--metadata', 'owner=web&a=%21', '--tags', 'team=a%20b'],
      ...['--storage-class', 'STANDARD_IA', '--encryption', 'aws:kms', '--kms-key', 'alias/x'],
      ...['--checksum-algorithm', name],
    );
    expect(told, told.stderr).toMatchObject({ code: 0 });
    for (const Key of ['small', 'large']) {
      const head = await s3.send(new HeadObjectCommand({ Bucket: here(), Key, ChecksumMode: 'ENABLED' }));
      expect(head).toMatchObject({
        CacheControl: 'no-store',
        Metadata: { owner: 'web', a: '!' },
        TagCount: 1,
        StorageClass: 'STANDARD_IA',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: 'alias/x',
        [`Checksum${name}`]: expect.any(String),
      });
    }
  });

  it('knows its own upload in parts by each checksum', async () => {
    const uploads = createMultipartWriter(s3);
    const bytes = [randomBytes(5 * MIB), randomBytes(17)];
    for (const checksumAlgorithm of CHECKSUM_ALGORITHMS) {
      const parted = {
        destination: { bucket: here(), key: checksumAlgorithm },
        ifExists: 'overwrite' as const,
        attributes: { checksumAlgorithm },
      };
      const { signal } = new AbortController();
      const id = await uploads.begin(parted);
      const send = (part: Buffer, index: number) =>
        uploads.send(parted, id, { number: index + 1, bytes: part }, signal);
      const parts = await Promise.all(bytes.map(send));
      const stored = await uploads.complete(parted, id, parts, signal);
      expect(await uploads.recognise(parted, parts)).toEqual(stored);
      const others = parts.map((part) => ({ ...part, checksum: parts[1]?.checksum ?? '' }));
      expect(await uploads.recognise(parted, others)).toBeUndefined();
    }
  });

  it.each([
    ['a key without encryption', ['--kms-key', 'alias/x'], 'without the encryption aws:kms'],
    ['eleven tags', ['--tags', 'abcdefghijk'.split('').join('=&').concat('=')], 'it has 11 tags'],
    ['an unknown class', ['--storage-class', 'COLD'], 'Allowed choices are STANDARD'],
  ])('refuses %s before it sends anything', async (_, flags, says) => {
    const { code, stderr } = await put('x', `s3://${here()}`, ...flags);
    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
  });

  it.each([
    { title: 'nothing', type: '' },
    { title: 'more than a line', type: 'text/html\r\nx-amz-acl: public-read' },
    { title: 'characters outside ASCII', type: 'text/höher' },
    { title: 'more than 256 characters', type: `text/${'x'.repeat(252)}` },
    { title: 'a space at its end', type: 'text/html ' },
  ])('refuses a content type of $title', async ({ type }) => {
    const { code, stderr } = await put('.', `s3://${here()}`, '--content-type', type);
    expect(code).toBe(2);
    expect(stderr).toContain('1 to 256 printable ASCII characters');
  });

  it('leaves what is there where an option says so', async () => {
    const folder = await write({ old: 'new bytes', new: 'new bytes', 'large.bin': Buffer.alloc(17 * MIB) });
    for (const Key of ['old', 'large.bin'])
      await s3.send(new PutObjectCommand({ Bucket: here(), Key, Body: 'old' }));
    const skip = await put(folder, `s3://${here()}`, '--if-exists', 'skip');
    expect(skip.code, skip.stderr).toBe(0);
    expect(skip.result).toMatchObject({ stored: 1, skipped: 2, failed: 0 });
    const fail = await put(folder, `s3://${here()}`, '--if-exists', 'fail');
    expect(fail.code).toBe(1);
    expect(fail.result).toMatchObject({ stored: 0, failed: 3 });
    expect(fail.stderr).toContain('AlreadyExists');
    expect(String(await content('old'))).toBe('old');
    expect(String(await content('large.bin'))).toBe('old');
  });

  it('knows its own object after an answer that was lost', async () => {
    const folder = await write({ a: 'a', 'b.bin': Buffer.alloc(17 * MIB) });
    await emulators.setFaults([
      { kind: 's3-drop', when: 'after', bucket: here(), operations: ['PutObject'], count: 1 },
      {
        kind: 's3-drop',
        when: 'after',
        bucket: here(),
        operations: ['CompleteMultipartUpload'],
        count: 1,
      },
    ]);
    const { code, stderr, result } = await put(folder, `s3://${here()}`, '--if-exists', 'fail');
    await emulators.setFaults([]);
    expect(code, stderr).toBe(0);
    expect(result).toMatchObject({ stored: 2, failed: 0 });
  });

  it('stores all in the end where S3 throttles, but a file that vanishes meanwhile', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `${index}`);
    const folder = await write(Object.fromEntries([...names, 'last'].map((name) => [name, name])));
    const run = startSpillway(
      ['put', folder, 's3://throttled/', '--endpoint-url', emulators.endpoints.aws, '--json'],
      {
        cwd: work,
      },
    );
    await run.until('putting');
    await rm(path.join(folder, 'last'));
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr).toBe(1);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ rows: 501, stored: 500, failed: 1 });
    expect(result.failures).toEqual([
      expect.objectContaining({ path: path.join(folder, 'last'), code: 'FileMissing' }),
    ]);
    expect(result.throttled).toBeGreaterThan(0);
    expect(await keys('throttled')).toHaveLength(500);
  });

  it('says why nothing is stored, and goes on when it can', async () => {
    const folder = await write({ a: 'a', b: 'b' });
    await emulators.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError' }]);
    const args = ['put', folder, `s3://${here()}`, '--endpoint-url', emulators.endpoints.aws];
    const run = startSpillway(args, { cwd: work });
    try {
      await run.until('nothing was stored for');
    } finally {
      await emulators.setFaults([]);
    }
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('(InternalError)');
    expect(stdout).toMatch(/2 files stored.*\n.*requests failed and were tried again/);
    expect((await keys()).sort()).toEqual(['a', 'b']);
  });

  it('goes on at its pace while the clock is set back by an hour', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${index}`);
    const folder = await write(Object.fromEntries(names.map((name) => [name, name])));
    const setBack = path.join(work, 'set-back');
    const clock = path.join(work, 'clock.mjs');
    await writeFile(
      clock,
      `import { existsSync } from 'node:fs';
      const RealDate = Date;
      const now = () => RealDate.now() - (existsSync(${JSON.stringify(setBack)}) ? 3_600_000 : 0);
      globalThis.Date = class extends RealDate {
        constructor(...args) { super(...(args.length === 0 ? [now()] : args)); }
        static now = now;
      };`,
    );
    let refused = 0;
    const refuse = 40;
    const server = createServer((request, response) => {
      response.setHeader('x-amz-request-id', 'r');
      request.resume().on('end', () => {
        if (request.method !== 'PUT') return response.end();
        // It goes back while requests wait for their turns and to be tried again.
        if (refused === refuse / 2) writeFileSync(setBack, '');
        if (refused++ < refuse) return response.writeHead(503).end();
        return response.writeHead(200, { etag: '"e"' }).end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stdout, stderr } = await runSpillway(
      ['put', folder, 's3://any', '--endpoint-url', endpoint, '--json'],
      { cwd: work, env: { NODE_OPTIONS: `--import=${clock}` } },
    );
    server.close();
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as { stored: number; seconds: number };
    expect(result).toMatchObject({ stored: 100, throttled: refuse });
    expect(result.seconds).toBeGreaterThanOrEqual(0);
  });

  it.skipIf(process.platform === 'win32')(
    'stores all where the system allows it few open files',
    async () => {
      const names = Array.from({ length: 300 }, (_, index) => `${index % 30}/${index}`);
      const folder = await write(Object.fromEntries(names.map((name) => [name, name])));
      const waiting: (() => void)[] = [];
      const server = createServer((request, response) => {
        response.setHeader('x-amz-request-id', 'r');
        const answer = () => response.writeHead(200, { etag: '"e"' }).end();
        request.resume().on('end', () => {
          if (request.method !== 'PUT') return answer();
          // Slowly, so that `put` would have as many connections as it may.
          waiting.push(answer);
          return setTimeout(() => waiting.shift()?.(), 100);
        });
      }).listen(0, '127.0.0.1');
      // Idle connections keep their descriptors, on this side too.
      server.keepAliveTimeout = 600_000;
      await once(server, 'listening');
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stdout, stderr } = await runSpillway(
        ['put', folder, 's3://any', '--endpoint-url', endpoint, '--json'],
        { cwd: work, openFiles: 60 },
      );
      server.close();
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ rows: 300, stored: 300, failed: 0 });
    },
  );

  it('reports failures also where the output is not read', async () => {
    const run = startSpillway(
      ['put', 'nowhere', `s3://${here()}`, '--endpoint-url', emulators.endpoints.aws],
      {
        cwd: work,
      },
    );
    run.child.stdout?.destroy();
    expect((await run.ended).code).toBe(1);
  });

  it('reports files that can not be put, and puts the others', async () => {
    const folder = await write({ good: 'good' });
    await symlink('nowhere', path.join(folder, 'dangling'));
    await symlink('good', path.join(folder, 'link'));
    await symlink('.', path.join(folder, 'circle'));
    await writeFile(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff])]), 'x');
    const { code, stderr, result } = await put(folder, path.join(work, 'missing'), `s3://${here()}`);
    expect(code).toBe(1);
    expect(result).toMatchObject({ rows: 4, stored: 1, failed: 3, passedOver: 2 });
    expect(stderr).toContain('NameNotUtf8');
    expect(stderr).toMatch(/dangling.*FileMissing/);
    expect(stderr).toMatch(/missing.*FileMissing/);
    expect(stderr).toMatch(/passed over: .*circle: a link to/);
    expect((await keys()).sort()).toEqual(['good']);
  });

  it('stores nothing that links lead to outside of its folder, unless an option says so', async () => {
    await write({ secret: 'secret', 'more/a': 'a', 'more/b': 'b' }, 'outside');
    const folder = await write({ good: 'good' });
    await symlink('../outside/secret', path.join(folder, 'secret'));
    await symlink('../outside/more', path.join(folder, 'more'));
    await symlink('more', path.join(folder, 'more-again'));
    const only = await put(folder, `s3://${here()}/only`);
    expect(only.code, only.stderr).toBe(0);
    expect(only.result).toMatchObject({ rows: 1, stored: 1, passedOver: 3 });
    expect(only.stderr).toMatch(/passed over: .*secret: a link that leads outside.*--follow-links/);
    const all = await put(folder, `s3://${here()}/all`, '--follow-links');
    expect(all.code, all.stderr).toBe(0);
    expect(all.result).toMatchObject({ rows: 4, stored: 4, passedOver: 1 });
    expect(await keys()).toEqual(['all/good', 'all/more/a', 'all/more/b', 'all/secret', 'only/good']);
  });

  it('names the first of very many that it passes over, and counts the others', async () => {
    const folder = await write({ good: 'good' });
    for (let index = 100; index < 140; index++) await symlink('good', path.join(folder, `\u001b[2J${index}`));
    const args = ['put', folder, `s3://${here()}`, '--endpoint-url', emulators.endpoints.aws];
    const { code, stdout, stderr } = await runSpillway(args, { cwd: work });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/1 file stored at s3:\/\/.*, 40 passed over/);
    expect(stdout).toContain('passed over: 20 more');
    expect(stderr.match(/passed over/g)).toHaveLength(20);
    expect(stderr).not.toContain('\u001b[2J');
  });

  describe('puts one file', () => {
    it.each([
      { to: '/2026/final.csv', key: '2026/final.csv' },
      { to: '/2026/', key: '2026/report.csv' },
      { to: '/final.csv', key: 'final.csv' },
      { to: '', key: 'report.csv' },
      { to: '/', key: 'report.csv' },
    ])('to s3://BUCKET$to as $key, and says so', async ({ to, key }) => {
      const folder = await write({ 'report.csv': 'a,b' });
      const { code, stderr, result } = await put(path.join(folder, 'report.csv'), `s3://${here()}${to}`);
      expect(code, stderr).toBe(0);
      expect(await keys()).toEqual([key]);
      expect(result).toMatchObject({ stored: 1, destination: `s3://${here()}/${key}` });
      expect(stderr).toContain(`1 file stored at s3://${here()}/${key} (`);
    });

    it('under its key by a link, and spread as it would be under that name in the folder', async () => {
      const folder = await write({ 'report.csv': 'a,b', 'final.csv': 'a,b' });
      await symlink('report.csv', path.join(folder, 'link'));
      await put(path.join(folder, 'link'), `s3://${here()}/2026/final.csv`, '--spread', 'hex:2');
      const named = await keys();
      expect(named).toEqual([destinationKey('final.csv', { kind: 'hex', digits: 2 }, '2026/')]);
      await put(path.join(folder, 'final.csv'), `s3://${here()}/2026/`, '--spread', 'hex:2');
      expect(await keys()).toEqual(named);
    });
  });

  it('takes a destination without a slash as a folder for a folder, a link to one, and several files', async () => {
    const folder = await write({ a: 'a', b: 'b' });
    await symlink('files', path.join(work, 'link'));
    await put(folder, `s3://${here()}/folder`);
    await put(path.join(work, 'link'), `s3://${here()}/link`);
    await put(path.join(folder, 'a'), path.join(folder, 'b'), `s3://${here()}/several`);
    const names = ['folder', 'link', 'several'].flatMap((name) => [`${name}/a`, `${name}/b`]);
    expect(await keys()).toEqual(names);
    await mkdir(path.join(work, 'empty'));
    const empty = await put(path.join(work, 'empty'), `s3://${here()}/empty`);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain('there are no files there');
    expect(await keys()).toEqual(names);
  });

  it('spreads keys where it is asked to', async () => {
    const folder = await write({ a: 'a' });
    const { code } = await put(folder, `s3://${here()}/p/`, '--spread', 'hex:2');
    expect(code).toBe(0);
    expect(await keys()).toEqual([destinationKey('a', { kind: 'hex', digits: 2 }, 'p/')]);
  });

  it('takes several paths, and refuses to let one overwrite the other', async () => {
    const one = await write({ same: '1', a: 'a' }, 'one');
    const two = await write({ same: '2', b: 'b' }, 'two');
    const { code, stderr, result } = await put(one, two, `s3://${here()}`);
    expect(code).toBe(1);
    expect(result).toMatchObject({ rows: 4, stored: 3, failed: 1 });
    expect(stderr).toContain('KeyTaken');
    expect(String(await content('same'))).toBe('1');
  });

  it('reports what was done, and leaves no upload open, on Ctrl-C', async () => {
    const folder = await write(
      Object.fromEntries([
        ...Array.from({ length: 2_000 }, (_, index) => [`n${index}`, `${index}`]),
        // The first that is found: it is under way for long.
        ['a-large.bin', Buffer.alloc(320 * MIB)],
      ]),
    );
    const run = startSpillway(
      ['put', folder, 's3://slow', '--endpoint-url', emulators.endpoints.aws, '--json'],
      { cwd: work },
    );
    await run.until('putting');
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted');
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ state: 'interrupted', failed: 0 });
    expect(result.stored).toBeGreaterThan(0);
    expect(result.stored + result.cancelled).toBe(result.rows);
    expect(result.stored).toBeLessThan(2_000);
    const { operations = {} } = (await emulators.meter()).s3.buckets['slow'] ?? {};
    const accepted = (name: string) => operations[name]?.accepted ?? 0;
    expect(result.openUploads).toEqual([]);
    expect(accepted('CreateMultipartUpload')).toBeGreaterThan(0);
    expect(accepted('AbortMultipartUpload')).toBe(accepted('CreateMultipartUpload'));
  });

  it.each([
    { args: ['put', 'x'], code: 2, says: 'x is not s3://BUCKET/PREFIX' },
    { args: ['put', 's3://b'], code: 2, says: 'name what to put' },
    { args: ['put', 'x', 's3://b//p'], code: 2, says: 'has an empty name' },
    { args: ['put', 'x', 's3://b/p/../q'], code: 2, says: 'has the name ".."' },
    { args: ['put', 'x', 's3://b', '--if-exists', 'ask'], code: 2, says: 'Allowed choices' },
    { args: ['put', 'x', 's3://b', '--spread', 'no'], code: 2, says: 'none of binary' },
    {
      args: ['put', 'x', 's3://b', '--endpoint-url', 'http://127.0.0.1:9'],
      code: 1,
      says: "bucket b can't be reached: ECONNREFUSED",
    },
  ])('refuses $args with $code and a sentence', async ({ args, code, says }) => {
    const end = await runSpillway(args, { cwd: work });
    expect(end).toMatchObject({ code, stdout: '' });
    expect(end.stderr).toContain(says);
    expect(end.stderr).not.toMatch(/^\s+at /m);
  });

  it('says at once that its credentials are refused', async () => {
    let puts = 0;
    const refusing = createServer(({ method }, response) => {
      if (method === 'PUT') puts++;
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end(
        method === 'HEAD'
          ? ''
          : '<Error><Code>InvalidAccessKeyId</Code><Message>no such key</Message></Error>',
      );
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    try {
      const { port } = refusing.address() as AddressInfo;
      await write({ a: 'a' });
      const args = ['put', 'files', 's3://bucket', '--endpoint-url', `http://127.0.0.1:${port}`];
      const { code, stderr } = await runSpillway(args, { cwd: work });
      expect(code).toBe(1);
      expect(stderr).toContain('the credentials are refused: no such key (InvalidAccessKeyId)');
      expect(puts).toBe(0);
    } finally {
      refusing.close();
    }
  });

  it('says so where there is no such bucket', async () => {
    const { code, stderr } = await put(work, 's3://no-such-bucket');
    expect(code).toBe(1);
    expect(stderr).toContain('there is no bucket no-such-bucket');
  });
});
