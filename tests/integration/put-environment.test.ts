// `spillway put` in the environment that AWS's tools share. Each case holds for the three ways in which an object is written:
// small ones directly, those above 1 MiB by one request of the SDK's, and large ones in parts.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ForwardProxy, startForwardProxy } from '../helpers/forward-proxy.ts';
import {
  refuse,
  SMALL_S3_KEYS,
  type SmallS3,
  type SmallS3Options,
  startSmallS3,
} from '../helpers/small-s3.ts';
import { runSpillway, startSpillway } from '../helpers/spillway.ts';

const CERTIFICATE = fileURLToPath(new URL('fixtures/test-only-certificate.pem', import.meta.url));
const TLS = {
  cert: readFileSync(CERTIFICATE, 'utf8'),
  key: readFileSync(new URL('fixtures/test-only-key.pem', import.meta.url), 'utf8'),
};
const MIB = 1024 ** 2;
const SIZES = { 'small.bin': 1_000, 'single.bin': 1.5 * MIB, 'parts.bin': 17 * MIB };
const NAMES = Object.keys(SIZES).map((name) => `bucket/${name}`);
/** Nothing of the machine's own environment. */
const BARE = {
  AWS_ACCESS_KEY_ID: SMALL_S3_KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: SMALL_S3_KEYS.secretAccessKey,
  AWS_SESSION_TOKEN: '',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PROFILE: '',
  AWS_REGION: '',
  AWS_DEFAULT_REGION: '',
  AWS_ENDPOINT_URL: '',
  AWS_ENDPOINT_URL_S3: '',
  AWS_CA_BUNDLE: '',
  NODE_EXTRA_CA_CERTS: '',
  HTTP_PROXY: '',
  HTTPS_PROXY: '',
  NO_PROXY: '',
  http_proxy: '',
  https_proxy: '',
  no_proxy: '',
};

let work: string;
const open: { close(): void }[] = [];

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-environment-'));
  for (const [name, bytes] of Object.entries(SIZES))
    await writeFile(path.join(work, name), Buffer.alloc(bytes, 7));
  await writeFile(path.join(work, 'no-config'), '');
});

afterEach(async () => {
  for (const each of open.splice(0)) each.close();
  await rm(work, { recursive: true, force: true });
});

async function startS3(options: SmallS3Options = {}): Promise<SmallS3> {
  const s3 = await startSmallS3(options);
  open.push(s3);
  return s3;
}

async function startProxy(ports: Record<string, number>, tls?: typeof TLS): Promise<ForwardProxy> {
  const proxy = await startForwardProxy(ports, tls);
  open.push(proxy);
  return proxy;
}

/** Puts a file of each size. */
async function put(endpoint: string | undefined, env: Record<string, string> = {}, more: string[] = []) {
  const files = {
    AWS_CONFIG_FILE: path.join(work, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: path.join(work, 'no-config'),
  };
  const at = endpoint === undefined ? [] : ['--endpoint-url', endpoint];
  const args = ['put', ...Object.keys(SIZES), 's3://bucket', ...at, '--json', ...more];
  const end = await runSpillway(args, { cwd: work, env: { ...BARE, ...files, ...env } });
  const result = end.stdout === '' ? undefined : (JSON.parse(end.stdout) as Record<string, unknown>);
  return { ...end, result };
}

function expectAll({ objects }: SmallS3, { result, stderr }: Awaited<ReturnType<typeof put>>): void {
  expect(result, stderr).toMatchObject({ state: 'completed', rows: 3, stored: 3 });
  const sizes = NAMES.map((name) => objects.get(name)?.length);
  expect(sizes).toEqual(Object.values(SIZES));
}

function refuseChecksums(request: IncomingMessage, response: ServerResponse): boolean {
  const name = Object.keys(request.headers).find((each) => /^x-amz-(sdk-)?checksum-/.test(each));
  if (name === undefined) return false;
  refuse(response, 400, 'InvalidArgument', `Unsupported header '${name}' received for this API call.`);
  return true;
}

describe('checksums', () => {
  it('are left out where AWS_REQUEST_CHECKSUM_CALCULATION says so', async () => {
    const s3 = await startS3({ intercept: refuseChecksums });
    const end = await put(s3.url, {
      AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
      AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
    });
    expectAll(s3, end);
  });

  it('are left out where the profile says so', async () => {
    const s3 = await startS3({ intercept: refuseChecksums });
    const config = path.join(work, 'config');
    await writeFile(config, '[default]\nrequest_checksum_calculation = when_required\n');
    expectAll(s3, await put(s3.url, { AWS_CONFIG_FILE: config }));
  });

  it('name the setting where an endpoint refuses them', async () => {
    const s3 = await startS3({ intercept: refuseChecksums });
    const { code, result } = await put(s3.url);
    expect(code).toBe(1);
    const { failures } = result as { failures: { message: string }[] };
    expect(failures).toHaveLength(3);
    for (const { message } of failures)
      expect(message).toContain('AWS_REQUEST_CHECKSUM_CALCULATION=when_required leaves checksums out');
  });
});

/** Older ones refuse proxies (tests/unit/connection.test.ts). */
const [MAJOR = 0, MINOR = 0] = process.versions.node.split('.').map(Number);
const TAKES_PROXIES = MAJOR > 24 || MINOR >= 5;

describe.skipIf(!TAKES_PROXIES)('proxies', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('are asked for http endpoints by %s', async (name) => {
    const s3 = await startS3();
    const proxy = await startProxy({ 's3.corp.example': s3.port });
    expectAll(s3, await put('http://s3.corp.example', { [name]: proxy.url.replace('//', '//user:pass@') }));
    expect(proxy.asked).toHaveLength(s3.asked.length);
    expect(new Set(proxy.authorizations)).toEqual(new Set([`Basic ${btoa('user:pass')}`]));
  });

  it('are asked for a tunnel to https endpoints', async () => {
    const s3 = await startS3({ tls: TLS });
    const proxy = await startProxy({ 's3.corp.example': s3.port });
    const env = { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: CERTIFICATE };
    expectAll(s3, await put('https://s3.corp.example', env));
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT s3.corp.example:443']));
  });

  it('with a certificate of an authority in AWS_CA_BUNDLE are trusted', async () => {
    const s3 = await startS3({ tls: TLS });
    const proxy = await startProxy({ 's3.corp.example': s3.port }, TLS);
    const env = { HTTPS_PROXY: proxy.url, AWS_CA_BUNDLE: CERTIFICATE };
    expectAll(s3, await put('https://s3.corp.example', env));
  });

  it('that ask for a user and a password are named, and not taken for the endpoint', async () => {
    const asking = await startS3({
      intercept(_request, response) {
        response.writeHead(407, { 'proxy-authenticate': 'Basic', 'content-type': 'text/html' }).end('<html>');
        return true;
      },
    });
    const { code, stderr } = await put('http://s3.corp.example', { HTTP_PROXY: asking.url });
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the proxy asks for a user name and a password: HTTP_PROXY takes them before its host',
    );
  });

  it('are passed by for an API on this machine', async () => {
    const api = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jobs":[]}');
    });
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    open.push(api);
    const { port } = api.address() as AddressInfo;
    const proxy = await startProxy({ '127.0.0.1': port });
    const end = await runSpillway(['status', '--api', `http://127.0.0.1:${port}`], {
      cwd: work,
      env: { ...BARE, HTTP_PROXY: proxy.url },
    });
    expect(end.code, end.stderr).toBe(0);
    expect(proxy.asked).toEqual([]);
  });

  it('are passed by for the hosts of NO_PROXY and for this machine', async () => {
    const s3 = await startS3();
    const proxy = await startProxy({});
    expectAll(s3, await put(s3.url, { HTTP_PROXY: proxy.url }));
    const { code, stderr } = await put('http://s3.none.invalid', {
      HTTP_PROXY: proxy.url,
      NO_PROXY: 'none.invalid',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('ENOTFOUND');
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    {
      value: 'socks5://127.0.0.1:1',
      message: 'HTTP_PROXY names a socks5 proxy: only http and https proxies can be used',
    },
    { value: 'http://user:secret@', message: 'HTTP_PROXY is no address of a proxy: http://HOST:PORT' },
  ])('that can not be used are refused by the name of their setting: $value', async ({ value, message }) => {
    const { code, stderr } = await put('http://s3.corp.example', { HTTP_PROXY: value });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
  });
});

describe('certificates', () => {
  it('of AWS_CA_BUNDLE are trusted', async () => {
    const s3 = await startS3({ tls: TLS });
    expectAll(s3, await put(s3.url, { AWS_CA_BUNDLE: CERTIFICATE }));
  });

  it('of others are not, and the message names the setting', async () => {
    const s3 = await startS3({ tls: TLS });
    const { code, stderr } = await put(s3.url);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /DEPTH_ZERO_SELF_SIGNED_CERT: its certificate is not trusted. AWS_CA_BUNDLE names/,
    );
  });

  it.each([
    { what: 'no file', file: 'none.pem', message: "none.pem, which can't be read (ENOENT)" },
    { what: 'a file without certificates', file: 'small.bin', message: 'which holds no certificates in PEM' },
    { what: 'a broken certificate', file: 'broken.pem', message: "whose certificate 1 can't be read" },
  ])('are refused where AWS_CA_BUNDLE names $what', async ({ file, message }) => {
    await writeFile(
      path.join(work, 'broken.pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    const { code, stderr } = await put('https://127.0.0.1:9', { AWS_CA_BUNDLE: path.join(work, file) });
    expect(code).toBe(1);
    expect(stderr).toContain('spillway: AWS_CA_BUNDLE names');
    expect(stderr).toContain(message);
  });
});

describe('the endpoint', () => {
  it.each([
    { what: 'the profile', config: (url: string) => `[profile corp]\nendpoint_url = ${url}\n` },
    {
      what: "the profile's services section",
      config: (url: string) =>
        `[profile corp]\nservices = on-site\n[services on-site]\ns3 =\n  endpoint_url = ${url}\n`,
    },
  ])('is found in $what, with path style', async ({ config }) => {
    const s3 = await startS3();
    const file = path.join(work, 'config');
    await writeFile(file, config(s3.url));
    const credentials = path.join(work, 'credentials');
    const { accessKeyId, secretAccessKey } = SMALL_S3_KEYS;
    await writeFile(
      credentials,
      `[corp]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    const end = await put(undefined, {
      AWS_PROFILE: 'corp',
      AWS_CONFIG_FILE: file,
      AWS_SHARED_CREDENTIALS_FILE: credentials,
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
    });
    expectAll(s3, end);
  });

  it('of AWS_ENDPOINT_URL_S3 goes before AWS_ENDPOINT_URL', async () => {
    const s3 = await startS3();
    const env = { AWS_ENDPOINT_URL_S3: s3.url, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    expectAll(s3, await put(undefined, env));
  });

  it('that is no address is named with the settings it may come from', async () => {
    const { code, stderr } = await put(undefined, { AWS_ENDPOINT_URL: 'localhost:9000' });
    expect(code).toBe(2);
    expect(stderr).toContain(
      'AWS_ENDPOINT_URL takes an address such as http://127.0.0.1:4566, not "localhost:9000"',
    );
  });
});

describe('redirects', () => {
  const redirect =
    (to: () => string, status: number, more: { text?: string; headers?: Record<string, string> } = {}) =>
    (request: IncomingMessage, response: ServerResponse): boolean => {
      response.writeHead(status, { location: `${to()}${request.url}`, ...more.headers });
      response.end(request.method === 'HEAD' ? undefined : (more.text ?? '<html>moved</html>'));
      return true;
    };

  it.each([301, 307, 308])('of status %d are followed, signed again', async (status) => {
    const real = await startS3();
    const first = await startS3({ intercept: redirect(() => real.url, status) });
    expectAll(real, await put(first.url));
    // The bucket's first question teaches the way.
    expect(first.asked).toHaveLength(1);
  });

  it.each([
    {
      what: 'the first small write',
      isMet: ({ url = '', method }: IncomingMessage) => method === 'PUT' && url.includes('small'),
    },
    {
      what: 'the first single write',
      isMet: ({ url = '', method }: IncomingMessage) => method === 'PUT' && url.includes('single'),
    },
    { what: 'a part', isMet: ({ url = '' }: IncomingMessage) => url.includes('partNumber=2') },
  ])('are followed from $what on', { skip: !TAKES_PROXIES }, async ({ isMet }) => {
    const s3 = await startS3({
      intercept: (request, response) =>
        request.headers.host === 's3.corp.example' &&
        isMet(request) &&
        redirect(() => 'http://s3-new.corp.example', 307)(request, response),
    });
    const proxy = await startProxy({ 's3.corp.example': s3.port, 's3-new.corp.example': s3.port });
    expectAll(s3, await put('http://s3.corp.example', { HTTP_PROXY: proxy.url }));
    expect(new Set(s3.asked.map(({ host }) => host))).toEqual(
      new Set(['s3.corp.example', 's3-new.corp.example']),
    );
  });

  it('of S3, with an Endpoint and no Location, are followed', async () => {
    const real = await startS3();
    const first = await startS3({
      intercept(request, response) {
        // A HEAD has no body to name it.
        if (request.method === 'HEAD') return false;
        const named = `<Bucket>bucket</Bucket><Endpoint>127.0.0.1:${real.port}</Endpoint>`;
        refuse(response, 301, 'PermanentRedirect', 'Use the specified endpoint.', named);
        return true;
      },
    });
    const end = await put(first.url);
    expect(end.result, end.stderr).toMatchObject({ rows: 3, stored: 3 });
    expect([...real.objects.keys()].sort()).toEqual([...NAMES].sort());
  });

  it('lead from path style to a virtual-hosted name', { skip: !TAKES_PROXIES }, async () => {
    const real = await startS3();
    const first = await startS3({
      intercept(request, response) {
        const rest = String(request.url).slice('/bucket'.length);
        response.writeHead(307, { location: `http://bucket.s3.corp.example${rest}` }).end();
        return true;
      },
    });
    const proxy = await startProxy({ 's3.corp.example': first.port, 'bucket.s3.corp.example': real.port });
    expectAll(real, await put('http://s3.corp.example', { HTTP_PROXY: proxy.url }));
    expect(new Set(real.asked.map(({ host }) => host))).toEqual(new Set(['bucket.s3.corp.example']));
  });

  it('to another region are signed for it', async () => {
    const s3 = await startS3({ region: 'eu-west-9' });
    expectAll(s3, await put(s3.url, { AWS_REGION: 'us-east-1' }));
  });

  it.each([
    {
      what: 'another domain',
      to: 'http://evil.example',
      message:
        /redirects to http:\/\/evil\.example, which is outside of its own domain\. .*--endpoint-url http:\/\/evil\.example/,
    },
    { what: 'nowhere', to: 'ftp://127.0.0.1', message: /redirects and names no address/ },
    { what: 'another object', to: 'http://127.0.0.1/other', message: /and there to another object/ },
  ])('to $what are not followed, and named', async ({ to, message }) => {
    const first = await startS3({ intercept: redirect(() => to, 307) });
    const { code, stderr } = await put(first.url);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(first.asked).toHaveLength(1);
  });

  it('from https to http are not followed', async () => {
    const real = await startS3();
    const first = await startS3({ tls: TLS, intercept: redirect(() => real.url, 308) });
    const { code, stderr } = await put(first.url, { AWS_CA_BUNDLE: CERTIFICATE });
    expect(code).toBe(1);
    expect(stderr).toMatch(/from https to http\. .*--endpoint-url http:\/\/127\.0\.0\.1:/);
    expect(real.asked).toEqual([]);
  });

  it('in a circle end', async () => {
    const first = await startS3({ intercept: redirect(() => first.url, 307) });
    const { code, stderr } = await put(first.url);
    expect(code).toBe(1);
    expect(stderr).toContain('they form a loop');
    expect(first.asked.length).toBeLessThan(10);
  });
});

describe('expired credentials', () => {
  it.each([
    { what: 'a small write', isMet: ({ url = '' }: IncomingMessage) => url.includes('small') },
    { what: 'a single write', isMet: ({ url = '' }: IncomingMessage) => url.includes('single') },
    { what: 'a part', isMet: ({ url = '' }: IncomingMessage) => url.includes('partNumber') },
  ])('of a session in the environment end the run, met by $what', async ({ isMet }) => {
    const s3 = await startS3({
      intercept(request, response) {
        if (!isMet(request)) return false;
        refuse(response, 400, 'ExpiredToken', 'The provided token has expired.');
        return true;
      },
    });
    const { code, result, stderr } = await put(s3.url, { AWS_SESSION_TOKEN: 'token' });
    expect(code).toBe(1);
    expect(result, stderr).toMatchObject({
      state: 'failed',
      fault: { code: 'ExpiredToken', message: 'The provided token has expired.' },
      failed: 0,
    });
    expect(stderr).toContain('Ended early: ');
    expect(stderr).toContain('Get new ones, and run the same command again.');
    // What ends the run is not tried again.
    expect(stderr).not.toContain('tried again');
    expect(stderr).toContain('--if-exists skip goes on where this ended');
  });
});

describe('a run that ends early', () => {
  it('asks nothing more once it has reported its end', async () => {
    const s3 = await startS3({
      intercept(request, response) {
        if (request.method === 'HEAD' || request.method === 'POST') return false;
        refuse(response, 400, 'ExpiredToken', 'The provided token has expired.');
        return true;
      },
    });
    const args = ['put', ...Object.keys(SIZES), 's3://bucket', '--endpoint-url', s3.url, '--json'];
    const run = startSpillway(args, {
      cwd: work,
      env: { ...BARE, AWS_SESSION_TOKEN: 'token', AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z' },
    });
    await run.until('"state":"failed"');
    const asked = s3.asked.length;
    expect((await run.ended).code).toBe(1);
    // An abort of its file and one of the run's end may have been on the way.
    expect(s3.asked.length - asked).toBeLessThanOrEqual(2);
  });
});

describe('requests', () => {
  it('never ask whether S3 wants the body: a gateway may not answer', async () => {
    const s3 = await startS3();
    expectAll(s3, await put(s3.url));
    expect(s3.asked.filter(({ headers }) => headers.expect !== undefined)).toEqual([]);
  });

  it.each([
    { what: 'silence', answerList: () => undefined },
    {
      what: 'blanks without an end',
      answerList(response: ServerResponse) {
        const timer = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(timer));
      },
    },
  ])('to a bucket whose listing is answered with $what are told to be late', async ({ answerList }) => {
    const s3 = await startS3({
      intercept(request, response) {
        // No header of S3's: so a listing has to tell whose answer it is.
        if (request.method === 'HEAD') response.writeHead(200).end();
        else answerList(response);
        return true;
      },
    });
    const args = ['put', ...Object.keys(SIZES), 's3://bucket', '--endpoint-url', s3.url];
    const run = startSpillway(args, { cwd: work, env: BARE });
    await run.until('bucket bucket: no answer in 5 s; asked again');
    run.child.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
  });

  it('that were never answered are no success in the summary', async () => {
    const s3 = await startS3({ intercept: ({ method }) => method === 'PUT' || method === 'POST' });
    const run = startSpillway(['put', ...Object.keys(SIZES), 's3://bucket', '--endpoint-url', s3.url], {
      cwd: work,
      env: BARE,
    });
    await run.until('no answer since');
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted: 0 files stored');
    expect(stderr).toContain('no request was answered');
    expect(stderr).not.toContain('S3 took every request');
  });
});
