// The API as a client sees it that knows the OpenAPI document alone: every route, the answers held against the document.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type Document, type OpenAPIClient, OpenAPIClientAxios } from 'openapi-client-axios';
import { beforeAll, describe, expect, it } from 'vitest';
import { contractFaults } from '../helpers/api-contract.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const LISTS = 'spillway-test-lists';
const CSV = 'key,text\na.txt,one\nb.txt,two\n';

const document = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
) as Document;

interface Answer {
  status: number;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: what a client without types sees; the document is what checks it.
  data: any;
}

let client: OpenAPIClient;
const cloud = duringTests(() =>
  startPipelineCloud({
    params: { sourceBuckets: SOURCE_BUCKET, manifestBuckets: LISTS },
    buckets: [{ name: LISTS, versioned: false, throttled: false }],
  }),
);
beforeAll(async () => {
  const api = new OpenAPIClientAxios({
    definition: document,
    axiosConfigDefaults: { validateStatus: () => true },
    withServer: { url: cloud.endpoints.api },
  });
  client = await api.init();
});

/** Calls an operation of the document, whose answer must be one that the document has. */
async function call(
  operation: string,
  parameters?: object | null,
  body?: unknown,
  config: object = {},
): Promise<Answer> {
  const answer = await client[operation]?.(parameters as never, body, config);
  if (answer === undefined) throw new Error(`the document has no operation ${operation}`);
  const { status, headers, data } = answer;
  const [path = '', methods] = Object.entries(document.paths ?? {}).find(([, each]) =>
    Object.values(each ?? {}).some((one) => (one as { operationId?: string }).operationId === operation),
  ) ?? ['', {}];
  const [method = ''] =
    Object.entries(methods ?? {}).find(
      ([, each]) => (each as { operationId?: string }).operationId === operation,
    ) ?? [];
  const faults = contractFaults(
    { method: method.toUpperCase(), path },
    { status, contentType: String(headers['content-type']), body: data },
  );
  expect(faults).toEqual([]);
  return { status, headers: headers as Record<string, string>, data };
}

async function ended(job: string): Promise<Answer['data']> {
  await cloud.ended(job);
  await cloud.until(
    `job ${job} has ended`,
    async () => (await call('getJob', { id: job })).data.endedAt !== undefined,
  );
  return (await call('getJob', { id: job })).data;
}

describe('a client made of the OpenAPI document', () => {
  it('plans rows, submits them, follows the job and reads its report by its links', async () => {
    const rows = [{ key: 'planned.txt', text: 'hello' }, { key: 'bad.txt' }];
    const plan = await call('planJob', { spread: 'off' }, { rows });
    expect(plan.data).toMatchObject({
      ...{ rows: 2, good: 1, rejected: 1, rejectedByCode: { PayloadMissing: 1 } },
      ...{ knownBytes: 5, sources: { inline: 1, s3: 0, https: 0 }, requests: { writes: 1, reads: 0 } },
      faults: [{ place: 'line 2', code: 'PayloadMissing', rows: 1 }],
    });

    const submitted = await call('submitJob', { spread: 'off' }, { rows });
    expect(submitted.status).toBe(202);
    const { job } = submitted.data;
    expect(await ended(job)).toMatchObject({ state: 'completed', stored: 1, rejected: 1, unaccounted: 0 });

    const report = await call('getReport', { id: job });
    expect(report.data.files.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      'rejected',
      'succeeded',
    ]);
    const texts = await Promise.all(
      report.data.files.map(async ({ url }: { url: string }) => (await fetch(url)).text()),
    );
    expect(texts.join('')).toContain('planned.txt');
    expect(texts.join('')).toContain('PayloadMissing');
    // A header that is signed into a link would have to be sent by those who follow it.
    expect(report.data.url).not.toMatch(/expected-bucket-owner/i);
    const manifest = (await (await fetch(report.data.url)).json()) as { job: string };
    expect(manifest.job).toBe(job);

    const first = await call('getReport', { id: job, limit: '1' });
    const second = await call('getReport', { id: job, limit: '1', cursor: first.data.cursor });
    expect([first.data.files.length, second.data.files.length, second.data.cursor]).toEqual([
      1,
      1,
      undefined,
    ]);

    const listed = await call('listJobs', { limit: '100' });
    expect(listed.data.jobs.map((each: { job: string }) => each.job)).toContain(job);
    expect((await call('redriveJob', { id: job })).status).toBe(409);
    expect((await call('listDeadLetters')).data.letters).toEqual([]);
  });

  it('gives orders to a job', async () => {
    await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: 'held' }]);
    const rows = Array.from({ length: 50 }, (_, index) => ({ key: `held/${index}`, text: 'x' }));
    const { job } = (await call('submitJob', { spread: 'off' }, { rows })).data;
    await cloud.until(
      'the job runs',
      async () => (await call('getJob', { id: job })).data.state === 'running',
    );
    expect((await call('getReport', { id: job })).status).toBe(409);
    expect((await call('rateJob', { id: job, 'max-rate-per-second': '10' })).data.options).toMatchObject({
      maxRatePerSecond: 10,
    });
    expect((await call('pauseJob', { id: job })).data.state).toBe('paused');
    expect((await call('resumeJob', { id: job })).data.state).toBe('running');
    expect((await call('cancelJob', { id: job })).data.state).toBe('cancelling');
    await cloud.setFaults([]);
  });

  it('uploads a manifest with a form, whose terms it can not change', async () => {
    const order = {
      contentType: 'text/csv',
      options: { spread: 'off', destination: cloud.names.destination },
    };
    const made = await call('createUpload', null, order);
    expect(made.status).toBe(201);
    const { job, upload } = made.data;
    const post = async (changes: Record<string, string | undefined>, file = CSV) => {
      const form = new FormData();
      const fields = { ...upload.fields, ...changes } as Record<string, string | undefined>;
      for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value);
      form.append('file', new Blob([file]));
      const answer = await fetch(upload.url, { method: 'POST', body: form });
      return `${answer.status} ${/<Code>(\w+)/.exec(await answer.text())?.[1] ?? ''}`.trim();
    };
    expect(await post({ key: 'api/somewhere-else/manifest' })).toBe('403 AccessDenied');
    expect(await post({ 'Content-Type': 'application/vnd.spillway.redrive+json' })).toBe('403 AccessDenied');
    expect(await post({ 'x-amz-meta-spillway-spread': 'binary' })).toBe('403 AccessDenied');
    expect(await post({ 'x-amz-meta-spillway-report': 'none' })).toBe('403 AccessDenied');
    expect(await post({ Policy: Buffer.from('{"conditions":[]}').toString('base64') })).toBe(
      '403 SignatureDoesNotMatch',
    );
    expect(await post({}, '')).toBe('400 EntityTooSmall');
    expect((await call('getJob', { id: job })).status).toBe(404);

    expect(await post({})).toBe('204');
    expect(await ended(job)).toMatchObject({ state: 'completed', stored: 2 });
    expect(String(await cloud.read(cloud.names.destination, 'b.txt'))).toBe('two');
  });

  it('submits a manifest by its place, and reads what it looked at or nothing', async () => {
    await cloud.s3.send(
      new PutObjectCommand({
        ...{ Bucket: LISTS, Key: 'placed.csv', Body: 'key,text\nplaced.txt,here\n' },
        Metadata: { 'spillway-spread': 'hex:1' },
      }),
    );
    const manifest = { bucket: LISTS, key: 'placed.csv' };
    expect((await call('planJob', null, { manifest })).data).toMatchObject({ rows: 1, good: 1 });
    const stale = await call('submitJob', null, { manifest: { ...manifest, etag: '"00000000"' } });
    expect([stale.status, stale.data.faults]).toEqual([
      409,
      [{ place: 'body.manifest', message: expect.stringContaining('it was replaced') }],
    ]);
    const { job } = (await call('submitJob', null, { manifest, options: { spread: 'off' } })).data;
    expect(await ended(job)).toMatchObject({ stored: 1, options: { spread: 'off' } });
    expect(String(await cloud.read(cloud.names.destination, 'placed.txt'))).toBe('here');
  });

  it('submits a compressed manifest by its place, and a report of failed rows', async () => {
    await cloud.put(LISTS, 'packed.csv.gz', gzipSync(`key,source\nlater.txt,s3://${SOURCE_BUCKET}/later\n`));
    const manifest = { bucket: LISTS, key: 'packed.csv.gz' };
    const { job } = (await call('submitJob', { spread: 'off' }, { manifest })).data;
    expect(await ended(job)).toMatchObject({ failed: 1 });

    await cloud.put(SOURCE_BUCKET, 'later', 'come');
    const { files } = (await call('getReport', { id: job })).data;
    const failed = files.find(({ kind }: { kind: string }) => kind === 'failed');
    const place = { bucket: cloud.names.reports, key: failed.key };
    const again = (await call('submitJob', { spread: 'off' }, { manifest: place })).data;
    expect(await ended(again.job)).toMatchObject({ stored: 1 });
  });

  it.each([
    ['a foreign bucket', { bucket: 'not-ours', key: 'a.csv' }, 403, /add the bucket to manifestBuckets/],
    ['an object that is not there', { bucket: LISTS, key: 'none.csv' }, 400, /can't be read/],
    [
      'a bucket with a scheme',
      { bucket: 's3://x', key: '' },
      400,
      /body.manifest.bucket: .*body.manifest.key: /,
    ],
  ])('is refused %s, with the place of each fault', async (_, manifest, status, says) => {
    const answer = await call('submitJob', null, { manifest });
    expect([answer.status, answer.data.detail]).toEqual([status, expect.stringMatching(says)]);
    for (const { place } of answer.data.faults) expect(place).toMatch(/^body\.manifest/);
  });

  it('is told of every wrong option, each with its place', async () => {
    const answer = await call('submitJob', { spread: 'wide', colour: 'red' } as object, {
      rows: [{ key: 'a', text: 'b' }],
      options: { report: 'some' },
    });
    expect(answer.data.faults.map(({ place }: { place: string }) => place).sort()).toEqual([
      'options.colour',
      'options.report',
      'options.spread',
    ]);
  });

  it('is refused what others posted, and a plan of what is too large', async () => {
    const { job } = (await call('submitJob', { spread: 'off' }, { rows: [{ key: 'own', text: 'x' }] })).data;
    const posted = { bucket: cloud.names.inbox, key: `api/${job}/manifest` };
    expect((await call('planJob', null, { manifest: posted })).status).toBe(403);
    await cloud.put(LISTS, 'large.csv', `key,text\n${'a'.repeat(32 * 1024 * 1024)},x\n`);
    const plan = await call('planJob', null, { manifest: { bucket: LISTS, key: 'large.csv' } });
    expect([plan.status, plan.data.detail]).toEqual([413, expect.stringMatching(/or submit it/)]);
  });

  it('can not forge an order, which would read what its writer may not', async () => {
    const drop = await cloud.drop(
      'forged.csv',
      JSON.stringify({ manifest: { bucket: LISTS, key: 'placed.csv', etag: '"0"' } }),
      { contentType: 'application/vnd.spillway.manifest+json' },
    );
    expect(await cloud.ended(drop)).toMatchObject({ state: 'failed', fault: { code: 'InvalidOrder' } });
  });

  it('has its manifest read as it was looked at: one that was replaced since fails the job', async () => {
    const order = {
      manifest: { bucket: LISTS, key: 'placed.csv', etag: '"0123456789abcdef0123456789abcdef"' },
    };
    await cloud.forge('api/replaced-since/manifest', JSON.stringify(order), {
      contentType: 'application/vnd.spillway.manifest+json',
    });
    expect(await cloud.ended('replaced-since')).toMatchObject({
      state: 'failed',
      fault: { code: 'ManifestMissing', message: expect.stringContaining('submit it again') },
    });
  });

  it('is denied nothing that its roles must allow', async () => {
    const { denied } = await cloud.access();
    expect(
      denied.filter(({ resource }) => !resource.endsWith('/none.csv') && !resource.endsWith(LISTS)),
    ).toEqual([]);
    // Links and forms count as requests of the API's role.
    const { used } = await cloud.access();
    const ofApi = used.filter(({ role }) => role === 'ApiRole').map(({ action }) => action);
    expect(ofApi).toEqual(expect.arrayContaining(['s3:GetObject', 's3:PutObject']));
  });
});
