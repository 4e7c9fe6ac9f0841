// The end-to-end job, as every cloud that runs the packaged functions must do it: manifests over the inbox and over the API, copies,
// bad rows, a redrive, a dead letter, a sweep.
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { listKeys } from '../../../shared/aws/list-keys.ts';
import type { JobView } from '../../../shared/job/view.ts';
import { destinationKey } from '../../../shared/keys/spread.ts';
import type { JobReport, ReportRow } from '../pipeline-cloud.ts';

export const SOURCE_BUCKET = 'spillway-packaged-source';

export interface PackagedWorld {
  /** http://127.0.0.1:PORT of the HTTP API. */
  api: string;
  s3: S3Client;
  sqs: SQSClient;
  names: { inbox: string; destination: string; reports: string };
  /** URLs by logical id. */
  queues: Record<string, string>;
  /** Runs a scheduled function at once. */
  trigger(functionName: string): Promise<unknown>;
  /** The last warnings and errors that the functions logged. */
  faults(): string[];
}

/** Bounds a run that hangs: one takes seconds. */
const WAIT_MS = 280_000;
const POLL_MS = 100;

/** What a job of which each row was stored, and nothing had to be tried again, says of itself. */
const ALL_STORED = { state: 'completed', skipped: 0, failed: 0, cancelled: 0, rejected: 0, unaccounted: 0 };

/**
 * Declares the tests; each drops a manifest of its own.
 * @param inlineRows of the large manifest. Above 2,000 they fill more than one block of the ledger
 */
export function runsEndToEnd(worldOf: () => PackagedWorld, inlineRows: number): void {
  it('stores inline rows and copies, and names the bad rows of a manifest that was dropped', async () => {
    const world = worldOf();
    const { s3, names } = world;
    await put(world, SOURCE_BUCKET, 'pictures/a b+ü.png', 'not really a picture');
    const inline = Array.from({ length: inlineRows }, (_, index) => `texts/${index}.txt`);
    const manifest = [
      'key,source,text,content_type',
      ...inline.map((key) => `${key},,text of ${key},`),
      `copies/plain.png,s3://${SOURCE_BUCKET}/pictures/a b+ü.png,,`,
      `copies/typed.png,s3://${SOURCE_BUCKET}/pictures/a b+ü.png,,image/png`,
      `copies/missing.png,s3://${SOURCE_BUCKET}/pictures/none.png,,`,
      ',,a row without a key,',
      'both,s3://elsewhere/x,and a text,',
    ];
    const view = await ended(world, await drop(world, 'lists/mixed one+two.csv', manifest));
    expect(view).toMatchObject({
      ...{ state: 'completed', rows: inlineRows + 5, stored: inlineRows + 2, skipped: 0, failed: 1 },
      ...{ cancelled: 0, rejected: 2, unaccounted: 0 },
    });

    const at = (key: string) => destinationKey(key, { kind: 'binary' });
    const bodies = await Promise.all(inline.map((key) => read(world, names.destination, at(key))));
    expect(bodies).toEqual(inline.map((key) => `text of ${key}`));
    expect(await read(world, names.destination, at('copies/plain.png'))).toBe('not really a picture');
    expect(await read(world, names.destination, at('copies/typed.png'))).toBe('not really a picture');
    expect((await head(s3, names.destination, at('copies/typed.png'))).ContentType).toBe('image/png');
    const stored = await Array.fromAsync(listKeys(s3, names.destination));
    expect(stored.filter((key) => key.includes('missing') || key.includes('both'))).toEqual([]);

    const succeeded = await reportRows(world, view, 'succeeded');
    expect(succeeded.map(({ key }) => String(key)).sort()).toEqual(
      [...inline, 'copies/plain.png', 'copies/typed.png'].sort(),
    );
    expect(await reportRows(world, view, 'failed')).toMatchObject([
      { key: 'copies/missing.png', spillway_code: 'NoSuchKey', spillway_place: `line ${inlineRows + 4}` },
    ]);
    const rejected = await reportRows(world, view, 'rejected');
    expect(rejected.map((row) => row['spillway_place']).sort()).toEqual([
      `line ${inlineRows + 5}`,
      `line ${inlineRows + 6}`,
    ]);
  });

  it('stores what is posted, and answers the same post with the same job', async () => {
    const world = worldOf();
    const post = () =>
      call(world, 'POST', '/jobs?spread=off', {
        body: 'key,text\nposted/1,one\nposted/2,"two\nlines"\n',
        headers: { 'content-type': 'text/csv', 'idempotency-key': 'packaged-post-1' },
      });
    const first = await post();
    expect(first.status).toBe(202);
    const { job } = first.body as unknown as JobView;
    const view = await ended(world, async () => job);
    expect(view).toMatchObject({ ...ALL_STORED, rows: 2, stored: 2 });
    expect(((await post()).body as unknown as JobView).job).toBe(job);
    expect(await read(world, world.names.destination, 'posted/1')).toBe('one');
    expect(await read(world, world.names.destination, 'posted/2')).toBe('two\nlines');
  });

  it('names what is wrong with a post', async () => {
    const answer = await call(worldOf(), 'POST', '/jobs?spread=sideways', {
      body: 'key,text\na,b\n',
      headers: { 'content-type': 'text/csv' },
    });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain('sideways');
  });

  it('stores in a redrive what its job could not', async () => {
    const world = worldOf();
    const manifest = [
      'key,source,text',
      `late,s3://${SOURCE_BUCKET}/late.bin,`,
      'early,,there from the first',
    ];
    const view = await ended(world, await drop(world, 'lists/late.csv', manifest, { spread: 'off' }));
    expect(view).toMatchObject({ state: 'completed', rows: 2, stored: 1, failed: 1 });
    await put(world, SOURCE_BUCKET, 'late.bin', 'here at last');
    const order = await call(world, 'POST', `/jobs/${view.job}/redrive`);
    expect(order.status).toBe(202);
    const { job } = order.body as unknown as JobView;
    const second = await ended(world, async () => job);
    expect(second).toMatchObject({ ...ALL_STORED, rows: 1, stored: 1, redriveOf: view.job });
    expect(await read(world, world.names.destination, 'late')).toBe('here at last');
  });

  it('keeps a message that no function can read as a dead letter', async () => {
    const world = worldOf();
    const QueueUrl = world.queues['IngestQueue'];
    await receiveOnce(world, QueueUrl);
    const junk = 'junk of the packaged run';
    await world.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: junk }));
    const letters = async () =>
      ((await call(world, 'GET', '/deadletters')).body['letters'] ?? []) as { kind: string; place: string }[];
    await until(world, 'the junk is a dead letter', async () => (await letters()).length > 0);
    const [letter, ...others] = await letters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ kind: 'unreadable' });
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(letter?.place ?? '') ?? [];
    expect(await read(world, bucket, key)).toContain(junk);
  });

  it('sweeps without a fault', async () => {
    await expect(worldOf().trigger('sweep')).resolves.not.toThrow();
  });
}

/** The template's own number of receives spans minutes. */
async function receiveOnce({ sqs }: PackagedWorld, QueueUrl: string | undefined): Promise<void> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
  );
  const policy: object = JSON.parse(Attributes?.['RedrivePolicy'] ?? '{}');
  const RedrivePolicy = JSON.stringify({ ...policy, maxReceiveCount: 1 });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }));
}

/** @returns asks for the id of the manifest's job; undefined as long as there is none */
async function drop(
  world: PackagedWorld,
  key: string,
  lines: readonly string[],
  options: Record<string, string> = {},
): Promise<() => Promise<string | undefined>> {
  const { inbox } = world.names;
  const metadata = Object.entries(options).map(([name, value]) => [`spillway-${name}`, value]);
  await world.s3.send(
    new PutObjectCommand({
      ...{ Bucket: inbox, Key: key, Body: `${lines.join('\n')}\n` },
      Metadata: Object.fromEntries(metadata),
    }),
  );
  return async () => {
    const { jobs } = (await call(world, 'GET', '/jobs?limit=100')).body as { jobs: JobView[] };
    return jobs.find(({ manifest }) => manifest === `s3://${inbox}/${key}`)?.job;
  };
}

async function ended(world: PackagedWorld, idOf: () => Promise<string | undefined>): Promise<JobView> {
  let view: JobView | undefined;
  await until(world, 'the end of the job', async () => {
    const id = await idOf();
    if (id === undefined) return false;
    view = (await call(world, 'GET', `/jobs/${id}`)).body as unknown as JobView;
    return view.endedAt !== undefined;
  });
  return view as JobView;
}

async function reportRows(world: PackagedWorld, view: JobView, wanted: string): Promise<ReportRow[]> {
  const [, bucket = '', manifest = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(view.report ?? '') ?? [];
  const { files } = JSON.parse((await read(world, bucket, manifest)) ?? '{}') as JobReport;
  const texts = await Promise.all(
    files.filter(({ kind }) => kind === wanted).map(({ key }) => read(world, bucket, key)),
  );
  return texts.flatMap((text) =>
    String(text)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReportRow),
  );
}

async function call(
  { api }: PackagedWorld,
  method: string,
  path: string,
  about: { body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${api}${path}`, { method, ...about });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function until(world: PackagedWorld, what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) {
      throw new Error(`not within ${WAIT_MS} ms: ${what}\n${world.faults().join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function put({ s3 }: PackagedWorld, Bucket: string, Key: string, Body: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
}

async function read({ s3 }: PackagedWorld, Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return await Body?.transformToString();
}

async function head(s3: S3Client, Bucket: string, Key: string): Promise<HeadObjectCommandOutput> {
  return s3.send(new HeadObjectCommand({ Bucket, Key }));
}
