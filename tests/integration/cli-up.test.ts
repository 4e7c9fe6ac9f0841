// `spillway up` as any client meets it: over its ports, with the AWS CLI where it is installed, and the SDK.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { S3Event, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../helpers/raw-request.ts';
import { type CommandRun, runSpillway, startSpillway } from '../helpers/spillway.ts';

interface Ready {
  s3: string;
  dynamodb: string;
  api: string;
  page: string;
  inbox: string;
  destination: string;
  reports: string;
  source: string;
}

interface JobView {
  job: string;
  state: string;
  manifest: string;
  rows: number;
  stored: number;
  unaccounted: number;
  fault?: { code: string };
}

const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const WAIT_MS = 240_000;
const LOOK_EVERY_MS = 100;
const aws = spawnSync('aws', ['--version'], { encoding: 'utf8' });

let work: string;
let run: CommandRun;
let ready: Ready;
let s3: S3Client;
let sqs: SQSClient;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-up-'));
  const names = ['--allow-host', 'devbox', '--allow-host', 's3.example'];
  run = startSpillway(['up', '--port', '0', '--limit', '500', ...names, '--json'], { cwd: work });
  await run.until('}\n');
  ready = JSON.parse(run.stdout());
  const config = { endpoint: ready.s3, region: 'us-east-1', credentials: CREDENTIALS };
  s3 = new S3Client(config);
  sqs = new SQSClient(config);
});

afterAll(async () => {
  run.child.kill('SIGKILL');
  s3.destroy();
  sqs.destroy();
  await rm(work, { recursive: true, force: true });
});

describe('spillway up', () => {
  it('prints as one JSON object where everything is', async () => {
    expect(run.stdout().trim().split('\n')).toHaveLength(1);
    expect(ready).toMatchObject({
      s3: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      dynamodb: expect.stringMatching(/^http:/),
      api: expect.stringMatching(/^http:/),
      inbox: expect.stringContaining('inbox'),
      destination: expect.stringContaining('destination'),
      reports: expect.stringContaining('reports'),
    });
  });

  it('serves a page that asks nothing of other hosts', async () => {
    const answer = await fetch(ready.page);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await answer.text();
    expect(html).toContain('<h1>Spillway</h1>');
    expect(html.match(/(src|href)="https?:/g)).toBeNull();
    const state = (await (await fetch(new URL('/page/state', ready.page))).json()) as object;
    expect(Object.keys(state)).toEqual(
      expect.arrayContaining(['writesBySecond', 'limits', 'queues', 'metrics']),
    );
  });

  it.skipIf(aws.status !== 0)(
    `takes a manifest from the AWS CLI${aws.status === 0 ? '' : ' (skipped: aws is not installed)'}`,
    async () => {
      const file = path.join(work, 'from cli+1.csv');
      await writeFile(file, 'key,text\n"a b+c/%2F/é.txt",from the CLI\n');
      await promisify(execFile)(
        'aws',
        [
          '--endpoint-url',
          ready.s3,
          's3',
          'cp',
          file,
          `s3://${ready.inbox}/`,
          '--metadata',
          'spillway-spread=off',
        ],
        {
          env: {
            ...process.env,
            AWS_ACCESS_KEY_ID: 'local',
            AWS_SECRET_ACCESS_KEY: 'local',
            AWS_REGION: 'us-east-1',
          },
        },
      );
      const job = await jobOf('from cli+1.csv');
      expect(job).toMatchObject({ state: 'completed', rows: 1, stored: 1, unaccounted: 0 });
      expect(await textOf(ready.destination, 'a b+c/%2F/é.txt')).toBe('from the CLI');
    },
  );

  it('copies from the source bucket, and reports the job when it ends', async () => {
    await s3.send(new PutObjectCommand({ Bucket: ready.source, Key: 'old key', Body: 'copied' }));
    await drop('copy.ndjson', `{"key":"new key","source":"s3://${ready.source}/old key"}\n`, {
      spread: 'off',
    });
    const { job } = await jobOf('copy.ndjson');
    expect(await textOf(ready.destination, 'new key')).toBe('copied');
    await run.until(`${job} completed: copy.ndjson: 1 row, 1 stored`);
  });

  it('takes a manifest over the API', async () => {
    const answer = await fetch(`${ready.api}/jobs?spread=off`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: 'key,text\nfrom/api.txt,posted\n',
    });
    expect(answer.status).toBe(202);
    const { job } = (await answer.json()) as { job: string };
    const ended = await until(async () => {
      const view = (await (await fetch(`${ready.api}/jobs/${job}`)).json()) as JobView;
      return view.state === 'completed' ? view : undefined;
    });
    expect(ended).toMatchObject({ rows: 1, stored: 1 });
    expect(await textOf(ready.destination, 'from/api.txt')).toBe('posted');
  });

  it('makes two jobs of one file dropped twice, and one of an event that comes twice', async () => {
    const body = 'key,text\ntwice.txt,twice\n';
    const versionId = await drop('twice.csv', body);
    await drop('twice.csv', body);
    await until(async () => ((await jobsOf('twice.csv')).filter(isEnded).length === 2 ? true : undefined));

    await sendEventAgain('twice.csv', versionId);
    // What comes after it in the queue has ended, so it has been looked at too.
    await drop('after.csv', body);
    await jobOf('after.csv');
    expect(await jobsOf('twice.csv')).toHaveLength(2);
  });

  it('says why a manifest can not be read', async () => {
    await drop('wrong.csv', 'key,txt\na,b\n');
    expect(await jobOf('wrong.csv')).toMatchObject({ state: 'failed', fault: { code: 'UnknownColumn' } });
    await run.until('did you mean text?');
  });

  it('shows what is hostile in a key or a column escaped', async () => {
    // Writes the clipboard, forges a line, turns the text around.
    const hostile = '\u001b]52;c;aGk=\u0007\nforged completed\u202e';
    const shown = '\\u001b]52;c;aGk=\\u0007\\u000aforged completed\\u202e';
    await drop(`${hostile}.csv`, 'key,text\nhostile.txt,x\n', { spread: 'off' });
    await run.until(`completed: ${shown}.csv: 1 row, 1 stored`);
    await drop(`${hostile}-2.csv`, 'key\u200b,text\na,b\n');
    await run.until(`failed: ${shown}-2.csv: UnknownColumn: unknown column "key\\u200b" (did you mean key?)`);
    const said = run.stdout() + run.stderr();
    expect(said).toMatch(/^[\n -~]*$/);
    expect(said).not.toMatch(/^forged/m);
  });

  it('answers to the names of --allow-host, and to no other', async () => {
    for (const endpoint of [ready.s3, ready.dynamodb, ready.api]) {
      for (const [host, status] of Object.entries({
        devbox: 200,
        's3.example:80': 200,
        'evil.example': 403,
      })) {
        expect(await rawRequest(endpoint, { headers: { host } })).toMatchObject({ status });
      }
    }
    const { body } = await rawRequest(ready.s3, { headers: { host: `${ready.source}.s3.example` } });
    expect(body).toContain(`<Name>${ready.source}</Name>`);
  });

  it('refuses a name that would open too much, or is none', async () => {
    const wrong = await runSpillway(['up', '--allow-host', '*.devbox'], { cwd: work });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/--allow-host.*wildcard/);
  });

  it('names a taken port and the remedy', async () => {
    const { port } = new URL(ready.s3);
    const second = await runSpillway(['up', '--port', port], { cwd: work });
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain(`port ${port}`);
    expect(second.stderr).toContain('--port 0');
    expect(second.stderr).not.toMatch(/^\s+at /m);
  });

  it('ends with 130 on Ctrl-C, and frees its ports', async () => {
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).not.toMatch(/^\s+at /m);
    const { port } = new URL(ready.s3);
    await new Promise<void>((resolve, reject) => {
      const server = createServer().once('error', reject);
      server.listen(Number(port), '127.0.0.1', () => server.close(() => resolve()));
    });
  });
});

async function drop(key: string, body: string, options: Record<string, string> = {}): Promise<string> {
  const Metadata = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [`spillway-${name}`, value]),
  );
  const { VersionId = '' } = await s3.send(
    new PutObjectCommand({ Bucket: ready.inbox, Key: key, Body: body, Metadata }),
  );
  return VersionId;
}

/** S3's notification of the manifest, once more: it is sent at least once. */
async function sendEventAgain(key: string, versionId: string): Promise<void> {
  const sample = await readFile(new URL('../../events/ingest-s3-put.json', import.meta.url), 'utf8');
  const [message] = (JSON.parse(sample) as SQSEvent).Records;
  const event = JSON.parse(message?.body ?? '') as S3Event;
  for (const { s3: told } of event.Records) {
    told.bucket.name = ready.inbox;
    told.object.key = key;
    told.object.versionId = versionId;
  }
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'spillway-dev-ingest' }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(event) }));
}

async function jobsOf(key: string): Promise<JobView[]> {
  const { jobs } = (await (await fetch(`${ready.api}/jobs?limit=100`)).json()) as { jobs: JobView[] };
  return jobs.filter(({ manifest }) => manifest === `s3://${ready.inbox}/${key}`);
}

function jobOf(key: string): Promise<JobView> {
  return until(async () => (await jobsOf(key)).find(isEnded));
}

function isEnded({ state }: JobView): boolean {
  return state === 'completed' || state === 'failed';
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadlineMs = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadlineMs) throw new Error(`waited ${WAIT_MS} ms in vain; stderr:\n${run.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function textOf(bucket: string, key: string): Promise<string | undefined> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  if (!Contents.some((object) => object.Key === key)) return undefined;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Body?.transformToString();
}
