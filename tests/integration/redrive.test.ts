// Redrives over the API: what a job did not store is taken up by a new one, with the same options, as often as it takes.
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../shared/job/view.ts';
import { destinationKey } from '../../shared/keys/spread.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { type JobEnd, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ALL_ENDED = { state: 'completed', unaccounted: 0 };

let destination: string;

const cloud = duringTests(() => startPipelineCloud({ sliceBytes: 500 }));
beforeAll(async () => {
  destination = cloud.names.destination;
});

async function orderRedrive(job: string): Promise<{ status: number; body: JobView & { message?: string } }> {
  const answer = await fetch(`${cloud.endpoints.api}/jobs/${job}/redrive`, { method: 'POST' });
  return { status: answer.status, body: (await answer.json()) as JobView };
}

async function viewOf(job: string): Promise<JobView> {
  return (await (await fetch(`${cloud.endpoints.api}/jobs/${job}`)).json()) as JobView;
}

/** A job's row ends just behind its event: what the API says of it follows. */
async function endOf(job: string): Promise<JobEnd> {
  const end = await cloud.ended(job);
  await cloud.until(`job ${job} has ended`, async () => (await viewOf(job)).endedAt !== undefined);
  return end;
}

const text = async (key: string) => (await cloud.read(destination, key))?.toString();
const bodyOf = (key: string) => `of ${key}`;

describe('a redrive', () => {
  const keys = Array.from(
    { length: 40 },
    (_, index) => `pictures/${String(index).padStart(3, '0')}, grün.png`,
  );
  /** Every fifth source stands from the beginning; of the others the even ones are put first. */
  const first = keys.filter((_, index) => index % 5 === 0);
  const second = keys.filter((_, index) => index % 5 !== 0 && index % 2 === 0);
  const third = keys.filter((_, index) => index % 5 !== 0 && index % 2 === 1);
  const at = (key: string) => destinationKey(key, { kind: 'hex', digits: 2 }, 'pre/');
  const putSources = (some: readonly string[]) =>
    Promise.all(some.map((key) => cloud.put(SOURCE_BUCKET, key, bodyOf(key))));
  const options = {
    spread: 'hex:2',
    'if-exists': 'skip',
    'retry-for-seconds': '600',
    'deadline-seconds': '900',
  };

  it('stores what was missing, and again what that redrive was missing, under the old options', async () => {
    await putSources(first);
    const rows = keys.map((key) => `"${key}","s3://${SOURCE_BUCKET}/${key}",image/png`);
    const manifest = ['key,source,content_type', ...rows];
    const dropped = await cloud.drop('lists/missing.csv', `${manifest.join('\n')}\n`, {
      options: { destination: `s3://${destination}/pre/`, ...options },
    });
    const { job } = await cloud.ended(dropped);
    const original = await endOf(job);
    expect(original).toMatchObject({ ...ALL_ENDED, rows: 40, stored: 8, failed: 32 });
    expect(
      (await cloud.report(original)).files.filter(({ kind }) => kind === 'failed').length,
    ).toBeGreaterThan(1);

    // One of the missing is there by now under its destination key, from elsewhere: the old job says skip.
    const [standing = '', ...missing] = second;
    await cloud.put(destination, at(standing), 'from elsewhere');
    await putSources(second);
    const redrive = await orderRedrive(job);
    expect(redrive).toMatchObject({ status: 202, body: { state: 'submitted', redriveOf: job } });
    const redriven = await endOf(redrive.body.job);
    expect(redriven).toMatchObject({
      ...ALL_ENDED,
      rows: 32,
      stored: missing.length,
      skipped: 1,
      failed: third.length,
    });
    expect(await text(at(standing))).toBe('from elsewhere');
    for (const key of missing) expect(await text(at(key)), key).toBe(bodyOf(key));
    const { ContentType } = await cloud.s3.send(
      new HeadObjectCommand({ Bucket: destination, Key: at(missing[0] ?? '') }),
    );
    expect(ContentType).toBe('image/png');
    const view = await viewOf(redrive.body.job);
    expect(view).toMatchObject({ redriveOf: job, options: (await viewOf(job)).options });

    await putSources(third);
    const again = await orderRedrive(redrive.body.job);
    expect(again.body).toMatchObject({ redriveOf: redrive.body.job });
    expect(await endOf(again.body.job)).toMatchObject({
      ...ALL_ENDED,
      rows: third.length,
      stored: third.length,
    });
    for (const key of third) expect(await text(at(key)), key).toBe(bodyOf(key));
    expect((await viewOf(again.body.job)).options).toEqual(view.options);
    expect(await cloud.keys(destination, 'pre/')).toHaveLength(keys.length);

    const done = await orderRedrive(again.body.job);
    expect(done).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('nothing to redrive') },
    });
  });

  it('ordered twice is one job', async () => {
    const dropped = await cloud.drop(
      'lists/twice.ndjson',
      `${JSON.stringify({ key: 'twice.txt', source: `s3://${SOURCE_BUCKET}/twice.txt` })}\n`,
      { options: { spread: 'off' } },
    );
    const { job } = await cloud.ended(dropped);
    await endOf(job);
    await cloud.put(SOURCE_BUCKET, 'twice.txt', 'once');
    const orders = await Promise.all([orderRedrive(job), orderRedrive(job)]);
    expect(orders.map(({ status }) => status).toSorted()).toEqual([200, 202]);
    const [id = ''] = new Set(orders.map(({ body }) => body.job));
    expect(await endOf(id)).toMatchObject({ ...ALL_ENDED, rows: 1, stored: 1 });
    expect(await orderRedrive(job)).toMatchObject({
      status: 200,
      body: { job: id, state: 'completed', stored: 1 },
    });
    expect(cloud.endsOf(id)).toHaveLength(1);
    const { jobs } = (await (await fetch(`${cloud.endpoints.api}/jobs?limit=100`)).json()) as {
      jobs: JobView[];
    };
    expect(jobs.filter(({ redriveOf }) => redriveOf === job)).toHaveLength(1);
  });

  it('of a job with nothing failed is refused', async () => {
    const dropped = await cloud.drop('lists/good.csv', 'key,text\nfine.txt,fine\nbad.txt,\n', {
      options: { spread: 'off' },
    });
    const { job } = await cloud.ended(dropped);
    expect(await endOf(job)).toMatchObject({ ...ALL_ENDED, stored: 1, rejected: 1 });
    expect(await orderRedrive(job)).toMatchObject({ status: 409 });
  });

  it('whose report has been deleted fails with the reason', async () => {
    const dropped = await cloud.drop(
      'lists/forgotten.ndjson',
      `${JSON.stringify({ key: 'x', source: `s3://${SOURCE_BUCKET}/never-there` })}\n`,
    );
    const { job } = await cloud.ended(dropped);
    const { report } = await endOf(job);
    const [, , bucket = '', ...key] = report.split('/');
    await cloud.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key.join('/') }));
    const { body } = await orderRedrive(job);
    expect(await endOf(body.job)).toMatchObject({ state: 'failed', fault: { code: 'ReportGone' } });
  });
});
