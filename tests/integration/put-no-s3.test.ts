// `spillway put` against servers that are no S3, or not all of the time: nothing is told as stored.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Serving, serve } from '../helpers/serve.ts';
import { runSpillway } from '../helpers/spillway.ts';

const PAGE = '<!doctype html><html><body>console</body></html>';

let work: string;
let server: Serving | undefined;

beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-no-s3-'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  await writeFile(path.join(work, 'a.txt'), 'a');
  await writeFile(path.join(work, 'large.bin'), Buffer.alloc(17 * 1024 ** 2));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server?.close();
  await rm(work, { recursive: true, force: true });
});

async function put(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  server = await serve((request, response) => {
    asked.push(request.method ?? '');
    request.resume();
    request.on('end', () => answer(request, response));
  });
  const { port } = server;
  const args = ['put', 'a.txt', 'large.bin', 's3://bucket', '--endpoint-url', `http://127.0.0.1:${port}`];
  const end = await runSpillway([...args, '--json'], { cwd: work });
  const result = end.stdout === '' ? undefined : (JSON.parse(end.stdout) as Record<string, unknown>);
  return { ...end, result, asked, host: `127.0.0.1:${port}` };
}

function page(request: IncomingMessage, response: ServerResponse, status = 200, headers = {}): void {
  response.writeHead(status, { 'content-type': 'text/html', ...headers });
  response.end(request.method === 'HEAD' ? undefined : PAGE);
}

function xml(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
}

describe('put', () => {
  it.each([
    { what: '200', status: 200, headers: {} },
    { what: '200 and an ETag', status: 200, headers: { etag: 'W/"30-a"' } },
    { what: '404', status: 404, headers: {} },
    { what: '405', status: 405, headers: {} },
  ])(
    'ends at once where a web page is answered with $what, and says whose it is',
    async ({ status, headers }) => {
      const { code, stderr, result, asked, host } = await put((request, response) =>
        page(request, response, status, headers),
      );
      expect(code).toBe(1);
      expect(result).toBeUndefined();
      expect(stderr).toContain(`no S3 endpoint: ${host} answered ${status} text/html "${PAGE.slice(0, 20)}`);
      expect(asked).toEqual(['HEAD', 'GET']);
    },
  );

  it('goes on where a HEAD is answered as text/html by a server that lists as S3 does', async () => {
    const { code, stderr, result } = await put((request, response) => {
      if (request.method === 'HEAD') return page(request, response);
      if (request.method === 'GET') return xml(response, 200, '<ListBucketResult></ListBucketResult>');
      if (request.method === 'POST') return xml(response, 501, '<Error><Code>NotImplemented</Code></Error>');
      response.writeHead(200, { etag: '"e"' }).end();
    });
    expect(result, stderr).toMatchObject({ rows: 2, stored: 1, failed: 1 });
    expect(code).toBe(1);
  });

  it.each([
    { what: 'with proof', headers: { etag: '"e"' }, ends: { stored: 1, failed: 1 } },
    { what: 'without', headers: {}, ends: { stored: 0, failed: 2 } },
  ])('judges a server that says nothing of its answers by its writes, $what', async ({ headers, ends }) => {
    const { result, stderr } = await put((request, response) => {
      if (request.method === 'POST') return xml(response, 501, '<Error><Code>NotImplemented</Code></Error>');
      response.writeHead(200, request.method === 'PUT' ? headers : {}).end();
    });
    expect(result, stderr).toMatchObject({ rows: 2, ...ends });
  });

  it('reports each file as failed where its write is answered with a page', async () => {
    const { code, stderr, result, host } = await put((request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end();
        return;
      }
      page(request, response);
    });
    expect(code).toBe(1);
    expect(result).toMatchObject({ rows: 2, stored: 0, failed: 2 });
    expect(result?.['failures']).toEqual([
      expect.objectContaining({ code: 'NoProof', message: expect.stringContaining(`${host} answered 200`) }),
      expect.objectContaining({ code: 'NoProof', message: expect.stringContaining('text/html') }),
    ]);
    expect(stderr).toContain('0 files stored');
  });
});
