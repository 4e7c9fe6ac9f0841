// A job of https rows on the embedded cloud: the handlers read a server of this machine, under the names that the rows give.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { headObject, type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';
import { FILES_HOST, OTHER_HOST, startWebServer, type WebServer } from '../helpers/web-server.ts';

const LARGE = randomBytes(17 * 1024 ** 2);
const SECRET = 's3cret';
let cloud: PipelineCloud;
let web: WebServer;

beforeAll(async () => {
  let breaks = 2;
  web = await startWebServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'https://any');
    if (pathname === '/small') response.writeHead(200, { 'content-type': 'text/plain' }).end('small');
    else if (pathname !== '/large') response.writeHead(404).end();
    else {
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"large"',
        'content-length': String(LARGE.length - from),
        ...(from > 0 ? { 'content-range': `bytes ${from}-${LARGE.length - 1}/${LARGE.length}` } : {}),
      });
      if (breaks-- > 0)
        response.write(LARGE.subarray(from, from + 3_000_000), () => response.socket?.destroy());
      else response.end(LARGE.subarray(from));
    }
  });
  cloud = await startPipelineCloud({
    params: { sourceHosts: FILES_HOST },
    web: web.override,
    fidelity: { shuffleWindow: 0, duplicateShare: 0, unevenBatches: false },
  });
});
afterAll(async () => {
  await cloud?.stop();
  web?.close();
});

it('ends a job of good and bad URLs with every row accounted for, and no secret told', async () => {
  const url = (path: string, host = FILES_HOST) => `https://${host}${path}?X-Amz-Signature=${SECRET}`;
  const rows = [
    { key: 'small.txt', source: url('/small'), size: 5 },
    { key: 'large.bin', source: url('/large'), source_etag: 'large', content_type: 'video/mp4' },
    { key: 'typed.html', source: url('/small'), content_type: 'text/html' },
    { key: 'missing', source: url('/none') },
    { key: 'wrong-size', source: url('/small'), size: 6 },
    { key: 'elsewhere', source: url('/small', OTHER_HOST) },
    { key: 'address', source: 'https://169.254.169.254/latest/meta-data/' },
    { key: 'inline', text: 'beside them' },
  ];
  const manifest = rows.map((row) => JSON.stringify(row)).join('\n');
  const end = await cloud.ended(await cloud.drop('web.ndjson', manifest, { options: { spread: 'off' } }));

  expect(end).toMatchObject({
    state: 'completed',
    rows: 8,
    stored: 4,
    failed: 2,
    rejected: 2,
    unaccounted: 0,
  });
  const { destination } = cloud.names;
  expect(String(await cloud.read(destination, 'small.txt'))).toBe('small');
  expect((await cloud.read(destination, 'large.bin'))?.equals(LARGE)).toBe(true);
  expect(await headObject(cloud.s3, destination, 'small.txt')).toMatchObject({ ContentType: 'text/plain' });
  expect(await headObject(cloud.s3, destination, 'typed.html')).toMatchObject({ ContentType: 'text/html' });
  expect(await headObject(cloud.s3, destination, 'large.bin')).toMatchObject({ ContentType: 'video/mp4' });

  const codes = async (kind: 'failed' | 'rejected') =>
    (await cloud.rows(end, kind)).map((row) => [row['key'], row['spillway_code']]).sort();
  expect(await codes('failed')).toEqual([
    ['missing', 'SourceNotFound'],
    ['wrong-size', 'SourceSizeMismatch'],
  ]);
  expect(await codes('rejected')).toEqual([
    ['address', 'UrlHostIsAddress'],
    ['elsewhere', 'SourceNotAllowed'],
  ]);

  // A redrive needs the whole URL of a failed row; nothing else does.
  const failed = await cloud.rows(end, 'failed');
  expect(failed.find(({ key }) => key === 'missing')?.['source']).toBe(url('/none'));
  expect(failed.map((row) => String(row['spillway_message'])).join()).not.toContain(SECRET);
  const succeeded = await cloud.rows(end, 'succeeded');
  expect(succeeded.find(({ key }) => key === 'small.txt')).toMatchObject({
    source: `https://${FILES_HOST}/small?***`,
    size: 5,
  });
  expect(JSON.stringify(succeeded)).not.toContain(SECRET);
  expect(JSON.stringify(cloud.events())).not.toContain(SECRET);
  expect(
    cloud
      .logs()
      .map(({ line }) => line)
      .join('\n'),
  ).not.toContain(SECRET);
});
