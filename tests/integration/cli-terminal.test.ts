// The commands as a user runs them, with hostile text from every side: no byte of it steers the terminal.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultOf } from '../../shared/job/job.ts';
import { createFakeApi, type FakeOptions, get } from '../helpers/fake-api.ts';
import { aJob, anEndedJob, JOB_ID, JOB_OPTIONS } from '../helpers/records.ts';
import { serve } from '../helpers/serve.ts';
import { runSpillway } from '../helpers/spillway.ts';

/** Writes the clipboard, clears the screen, forges a line, turns the text around. */
const HOSTILE = '\u001b]52;c;aGk=\u0007\u009b2J\nspillway: all stored\u202e\u200b';
const SHOWN = '\\u001b]52;c;aGk=\\u0007\\u009b2J\\u000aspillway: all stored\\u202e\\u200b';
/** What XML can hold of it. */
const HOSTILE_XML = '\u009b2J\nspillway: all stored\u202e';
/** All that the commands' own layout is made of. */
const PLAIN = /^[\n -~×·–…█░]*$/;

let work: string;
const servers: (() => void)[] = [];

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-terminal-'));
});

afterEach(async () => {
  for (const close of servers.splice(0)) close();
  await rm(work, { recursive: true, force: true });
});

async function serving(listener: RequestListener): Promise<string> {
  const { url, close } = await serve(listener);
  servers.push(close);
  return url;
}

function serveApi(options: FakeOptions): Promise<string> {
  const { call } = createFakeApi(options);
  return serving(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://api');
    call(get(pathname, Object.fromEntries(searchParams))).then(
      ({ statusCode, body }) =>
        response.writeHead(statusCode, { 'content-type': 'application/json' }).end(body),
      (error: Error) => response.destroy(error),
    );
  });
}

/** An S3 that holds these objects and refuses every write. */
function serveS3(objects: Record<string, string> = {}): Promise<string> {
  return serving(({ method, url = '' }, response) => {
    const text = objects[decodeURIComponent(new URL(url, 'http://s3').pathname)];
    if (method === 'HEAD') response.writeHead(200).end();
    else if (method === 'GET' && text !== undefined) response.writeHead(200).end(text);
    else {
      const error = `<Error><Code>AccessDenied</Code><Message>${HOSTILE_XML}</Message></Error>`;
      response.writeHead(403, { 'content-type': 'application/xml' }).end(error);
    }
  });
}

async function run(args: string[], env: Record<string, string> = {}) {
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
  return await runSpillway(args, { cwd: work, env: { ...credentials, ...env } });
}

const totals = {
  ...{ rows: 3, stored: 1, skipped: 0, failed: 1, cancelled: 0, rejected: 1 },
  ...{ attempts: 2, throttled: 0, returned: 0, reposted: 0, bytes: 5 },
};
const hostileJob = anEndedJob({
  state: 'failed',
  manifest: { ...anEndedJob().manifest, key: `${HOSTILE}.csv` },
  options: { ...JOB_OPTIONS, destination: { bucket: 'destination', prefix: `${HOSTILE}/` } },
  endedAtMs: Date.UTC(2026, 0, 2),
  totals,
  report: 's3://reports/jobs/j/manifest.json',
  fault: { code: 'UnknownColumn', message: `${HOSTILE}${'x'.repeat(257 * 1024)}: save it as UTF-8` },
});

describe('hostile text', () => {
  it('of a job is escaped, and bounded, in its status', async () => {
    const api = await serveApi({ jobs: [hostileJob] });
    const { code, stdout, stderr } = await run(['status', JOB_ID, '--api', api]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(PLAIN);
    expect(stdout).toContain(`manifest    s3://inbox/${SHOWN}.csv\n`);
    expect(stdout).toContain(`s3://destination/${SHOWN}/ (`);
    expect(stdout).toContain(`state       failed: ${SHOWN}xxx`);
    expect(stdout).toMatch(/characters left out\) …x+: save it as UTF-8 \(UnknownColumn\)\n/);
    expect(stdout.length).toBeLessThan(4_000);

    const list = await run(['status', '--api', api]);
    expect(list.stdout).toMatch(PLAIN);
    expect(list.stdout.split('\n')).toHaveLength(3);
    expect(list.stdout).toContain(`${SHOWN}.csv`);
  });

  it('of a job is escaped in JSON, with the same values', async () => {
    const api = await serveApi({ jobs: [hostileJob] });
    const { stdout } = await run(['status', JOB_ID, '--api', api, '--json']);
    expect(stdout).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(stdout)).toMatchObject({
      manifest: `s3://inbox/${HOSTILE}.csv`,
      fault: faultOf(hostileJob),
    });
  });

  it('of an API that is another is escaped where it is the fault', async () => {
    const api = await serving((_, response) =>
      response.writeHead(409).end(JSON.stringify({ message: `${HOSTILE}${'x'.repeat(257 * 1024)}` })),
    );
    const { code, stderr } = await run(['pause', JOB_ID, '--api', api]);
    expect(code).toBe(1);
    expect(stderr).toMatch(PLAIN);
    expect(stderr.startsWith(`spillway: ${SHOWN}xxx`)).toBe(true);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr.length).toBeLessThan(2_000);
  });

  it('of dead letters is escaped', async () => {
    const letter = {
      ...{ id: 'i', queue: HOSTILE, messageId: HOSTILE, kind: 'row-failed' as const },
      ...{ reason: HOSTILE, job: JOB_ID, slice: 0, block: 1, number: 2 },
      ...{ sentAt: '2026-01-01T00:00:00.000Z', buriedAt: '2026-01-01T00:10:00.000Z', bodyBytes: 99 },
    };
    const api = await serveApi({ letters: { letters: [letter] } });
    const { code, stdout } = await run(['deadletters', '--api', api]);
    expect(code).toBe(0);
    expect(stdout).toMatch(PLAIN);
    expect(stdout).toContain(`row-failed: ${SHOWN}\n`);
    expect(stdout).toContain(`raw  s3://reports/deadletters/${SHOWN}.json\n`);
  });

  it('of a report is escaped, that of its files too', async () => {
    const row = {
      ...{ key: HOSTILE, spillway_code: HOSTILE, spillway_message: HOSTILE, spillway_place: HOSTILE },
    };
    const file = { kind: 'failed', key: 'jobs/j/failed/0.ndjson', rows: 1, bytes: 9, sha256: 'x' };
    const s3 = await serveS3({
      '/reports/jobs/j/manifest.json': JSON.stringify({ version: 1, files: [file] }),
      '/reports/jobs/j/failed/0.ndjson': `${JSON.stringify(row)}\n`,
    });
    const args = ['report', JOB_ID, '--api', await serveApi({ jobs: [hostileJob] }), '--endpoint-url', s3];
    const { code, stdout, stderr } = await run(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(PLAIN);
    expect(stdout).toContain(`  ${SHOWN}, ${SHOWN}: ${SHOWN} (${SHOWN})\n`);
    const { stdout: json } = await run([...args, '--json']);
    expect(json).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(json).unstored).toMatchObject([{ key: HOSTILE, message: HOSTILE, place: HOSTILE }]);
  });

  it('of S3 is escaped where a report can not be read, and so is what caused it', async () => {
    const job = { ...hostileJob, report: `s3://reports/${HOSTILE}` };
    const args = ['report', JOB_ID, '--api', await serveApi({ jobs: [job] })];
    const { code, stdout, stderr } = await run([...args, '--endpoint-url', await serveS3()], {
      SPILLWAY_DEBUG: '1',
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(PLAIN);
    expect(stderr).toContain(`s3://reports/${SHOWN} can't be read`);
    expect(stderr).toMatch(/because of AccessDenied: \\u009b2J\\u000aspillway: all stored\\u202e\n {4}at /);
    for (const each of stderr.trimEnd().split('\n').slice(1))
      expect(each).toMatch(/^ {2}(because of| {2}at) /);
  });

  it('of files and of what S3 says of them is escaped', async () => {
    const names = [`${HOSTILE}.txt`, 'new\nline', '\u202egpj.exe'];
    for (const name of names) await writeFile(path.join(work, name.replaceAll('/', '_')), 'x');
    const args = ['put', work, 's3://bucket', '--endpoint-url', await serveS3()];
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(PLAIN);
    const message = `\\u009b2J\\u000aspillway: all stored\\u202e (AccessDenied)\n`;
    for (const shown of [`${SHOWN}.txt`, 'new\\u000aline', '\\u202egpj.exe'])
      expect(stdout).toContain(`  ${path.join(work, shown)}: ${message}`);
    const { stdout: json } = await run([...args, '--json']);
    expect(json).toMatch(/^[ -~]+\n$/);
    const { failures } = JSON.parse(json) as { failures: { path: string }[] };
    expect(failures.map((each) => path.basename(each.path)).sort()).toEqual([...names].sort());
  });

  it.each([
    ['an option', ['status', `--${HOSTILE}`]],
    ['an id', ['status', HOSTILE]],
    ["an option's value", ['put', 'x', 's3://b', '--concurrency', HOSTILE]],
    ['a destination', ['put', 'x', HOSTILE]],
    ['a scenario', ['simulate', '--scenario', HOSTILE]],
    ['a folder', ['demo', `/nowhere/${HOSTILE}`]],
    ['a command', [HOSTILE]],
  ])('of %s is escaped in what refuses it', async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(PLAIN);
    expect(stderr).not.toMatch(/^spillway: all stored/m);
    expect(stderr).toContain(SHOWN);
  });

  it('of the environment is escaped', async () => {
    const { code, stderr } = await run(['status'], { SPILLWAY_API: HOSTILE });
    expect(code).toBe(2);
    expect(stderr).toMatch(PLAIN);
    expect(stderr).toContain(`value '${SHOWN}' from env 'SPILLWAY_API'`);
  });

  it('of the environment holds no password when it is refused', async () => {
    const { code, stdout, stderr } = await run(['status'], { SPILLWAY_API: 'https://me:s3cret@host/' });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^spillway: --api, or SPILLWAY_API, takes an address .* https:\/\/\*\*\*@host\/ holds one: .*\n$/,
    );
  });

  it('that others print in this process is escaped too, as are errors that nothing catches', async () => {
    const stranger = `
      const text = ${JSON.stringify(HOSTILE)};
      process.on('newListener', (event) => {
        if (event === 'uncaughtException') setImmediate(print);
      });
      function print() {
        console.log(text);
        console.error(text);
        process.emitWarning(text);
        // Warnings come a tick later.
        setImmediate(() => Promise.reject(new TypeError(text)));
      }`;
    const { code, stdout, stderr } = await run(['key', 'a'], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stranger)}`,
    });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(PLAIN);
    expect(stdout).toContain(SHOWN.replace('\\u000a', '\n'));
    expect(stderr).toContain(`Warning: ${SHOWN}\n`);
    expect(stderr).toContain(`spillway: TypeError: ${SHOWN} (SPILLWAY_DEBUG=1 shows where)\n`);
  });
});

// Linux's device that takes nothing, as a full disk.
const FULL = '/dev/full';
describe.skipIf(!existsSync(FULL))(
  `an output that is full${existsSync(FULL) ? '' : ` (skipped: no ${FULL})`}`,
  () => {
    const shell = promisify(execFile);
    const LINE =
      'spillway: the output is cut off: no space is left on the disk (ENOSPC). Free space there, or send it elsewhere\n';

    async function redirect(redirection: string, args: string[]) {
      const command = `"$0" "$@" ${redirection}`;
      const call = ['-c', command, process.execPath, path.resolve('cli/bin.js'), ...args];
      const env = { ...process.env, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
      return await shell('sh', call, { cwd: work, env }).then(
        (told) => ({ code: 0, ...told }),
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
          code,
          stdout,
          stderr,
        }),
      );
    }

    it.each([
      ['a key', ['key', 'a']],
      ['help', ['--help']],
      ['JSON', ['simulate', '--seconds', '1', '--workers', '1', '--json']],
      ['a job', ['demo']],
    ])('of %s is told in one line, with exit code 1', async (_, args) => {
      expect(await redirect(`> ${FULL}`, args)).toEqual({ code: 1, stdout: '', stderr: LINE });
    });

    it('leaves a list of jobs the same line, and the jobs to the API', async () => {
      const api = await serveApi({ jobs: [aJob()] });
      expect(await redirect(`> ${FULL}`, ['status', '--api', api, '--json'])).toEqual({
        code: 1,
        stdout: '',
        stderr: LINE,
      });
    });

    it('as stderr changes neither the result nor the exit code', async () => {
      const keys = await redirect(`2> ${FULL}`, ['key', 'a', '--spread', 'off']);
      expect(keys).toEqual({ code: 0, stdout: 'a\n', stderr: '' });
      const use = await redirect(`2> ${FULL}`, ['key', '--no-such-option']);
      expect(use).toEqual({ code: 2, stdout: '', stderr: '' });
      const both = await redirect(`> ${FULL} 2>&1`, ['key', 'a']);
      expect(both).toEqual({ code: 1, stdout: '', stderr: '' });
    });

    it('ends without a word where the reader has seen enough', async () => {
      const keys = Array.from({ length: 20_000 }, (_, at) => `a-key-of-a-pipe-that-is-full/${at}`);
      expect(await redirect('| head -n 1', ['key', ...keys, '--spread', 'off'])).toEqual({
        code: 0,
        stdout: `${keys[0]}\n`,
        stderr: '',
      });
    });
  },
);

describe('spillway key', () => {
  it('writes keys as they are to a pipe', async () => {
    const { stdout } = await run(['key', HOSTILE, 'b', '--spread', 'off']);
    expect(stdout).toBe(`${HOSTILE}\nb\n`);
    const { stdout: json } = await run(['key', HOSTILE, '--spread', 'off', '--json']);
    expect(json).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(json)).toEqual({ keys: [HOSTILE] });
  });

  // Of util-linux: runs a command on a terminal of its own.
  const program = 'script';
  const script = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const isThere = script.status === 0 && script.stdout.includes('util-linux');
  it.skipIf(!isThere)(`escapes them on a terminal${isThere ? '' : ' (skipped: no script)'}`, () => {
    const main = path.resolve('cli/bin.js');
    const { stdout } = spawnSync(
      program,
      ['-qec', `"${process.execPath}" "${main}" key "$HOSTILE" --spread off`, '/dev/null'],
      { cwd: work, env: { ...process.env, HOSTILE }, encoding: 'utf8' },
    );
    expect(stdout).toBe(`${SHOWN}\r\n`);
  });
});
