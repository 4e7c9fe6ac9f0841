// What a command loads before it does anything: that is the time of its start.
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSpillway } from '../helpers/spillway.ts';

/** Writes the addresses of all modules that a process has loaded, and the names of Node's own, to a file at its end. */
const RECORDER = `
  import { registerHooks } from 'node:module';
  import { writeFileSync } from 'node:fs';
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      loaded.push(url);
      return next(url, context);
    },
  });
  process.on('exit', () => writeFileSync(process.env.LOADED, [...loaded, ...process.moduleLoadList].join('\\n')));`;

let work: string;
let endpoint: string;
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response
      .writeHead(200, { 'x-amz-request-id': '1', ...(request.method === 'PUT' ? { etag: '"e"' } : {}) })
      .end();
  });
});

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-start-'));
  await writeFile(path.join(work, 'a.txt'), 'a');
  await once(server.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(work, { recursive: true, force: true });
});

async function run(args: string[], env: Record<string, string> = {}) {
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
  return await runSpillway(args, { cwd: work, env: { ...credentials, ...env } });
}

async function loadedBy(args: string[]): Promise<{ code: number | null; loaded: string[] }> {
  const file = path.join(work, 'loaded');
  const { code } = await run(args, {
    LOADED: file,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(RECORDER)}`,
  });
  return { code, loaded: (await readFile(file, 'utf8')).split('\n') };
}

const CLOUD = /\/local\/(cloud|emulators|lambda|service)|\/node_modules\/(fauxqs|dynalite|yaml)\//;
const SDK = /\/node_modules\/@(aws-sdk|smithy)\//;
const OTHER_CLIENTS = /\/client-(dynamodb|sqs|eventbridge)\//;
/** fetch: an import of node:http as a module loads it too, since it reads every name that the module exports. */
const FETCH = /internal\/deps\/undici/;
const OTHERS = /\/node_modules\/(zod|papaparse|cli-progress|echarts)\//;

describe('the start', () => {
  it('of put loads the S3 client, and nothing that only others need', async () => {
    const { code, loaded } = await loadedBy(['put', 'a.txt', 's3://bucket', '--endpoint-url', endpoint]);
    expect(code).toBe(0);
    expect(loaded.some((each) => each.includes('/client-s3/'))).toBe(true);
    for (const other of [CLOUD, OTHER_CLIENTS, FETCH, OTHERS]) {
      expect(loaded.filter((each) => other.test(each))).toEqual([]);
    }
    // By the environment credentials are found without the providers of profiles, SSO and roles.
    expect(loaded.filter((each) => /credential-provider-(?!node|env)/.test(each))).toEqual([]);
  });

  it('of the demo says its first line before the cloud is loaded', async () => {
    // A folder that is not there ends it where the line would be said.
    const { code, loaded } = await loadedBy(['demo', 'nowhere']);
    expect(code).toBe(1);
    expect(loaded.some((each) => each.endsWith('/cli/demo/files.ts'))).toBe(true);
    for (const other of [CLOUD, SDK, FETCH, OTHERS]) {
      expect(loaded.filter((each) => other.test(each))).toEqual([]);
    }
  });

  it('of any command loads no other one', async () => {
    const { code, loaded } = await loadedBy(['key', 'a']);
    expect(code).toBe(0);
    const others = [CLOUD, SDK, FETCH, OTHERS, /\/lab\//, /\/cli\/(demo|put|report|up\/run)/];
    for (const other of others) expect(loaded.filter((each) => other.test(each))).toEqual([]);
  });
});

describe('the cache of compiled code', () => {
  it('lies where NODE_COMPILE_CACHE says', async () => {
    const folder = path.join(work, 'cache');
    const { code, stdout } = await run(['key', 'a', '--spread', 'off'], { NODE_COMPILE_CACHE: folder });
    expect([code, stdout]).toEqual([0, 'a\n']);
    expect((await readdir(folder, { recursive: true })).length).toBeGreaterThan(10);
  });

  it('lies with the installation where the variable is empty, and not in a folder that users share', async () => {
    const shared = path.join(work, 'shared');
    await mkdir(shared);
    const { code } = await run(['key', 'a'], { NODE_COMPILE_CACHE: '', TMPDIR: shared });
    expect([code, await readdir(shared)]).toEqual([0, []]);
  });

  it('is not used where its folder cannot be made', async () => {
    const folder = path.join(work, 'a.txt', 'cache');
    const { code, stdout, stderr } = await run(['key', 'a', '--spread', 'off'], {
      NODE_COMPILE_CACHE: folder,
    });
    expect([code, stdout, stderr]).toEqual([0, 'a\n', '']);
  });
});
