// What comes to the pipeline from its edges: drops under odd keys, events and messages that nobody of the pipeline sent, an inbox
// without versions, a job of another parser.
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dropped, type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const FORBIDDEN_BUCKET = 'spillway-test-forbidden';
const ALL_STORED = { state: 'completed', unaccounted: 0 };
const OPTIONS = { spread: 'off' };

const manifest = (...keys: string[]) => `key,text\n${keys.map((key) => `${key},of ${key}\n`).join('')}`;

describe('at the edges of a versioned inbox', () => {
  let cloud: PipelineCloud;
  let destination: string;
  beforeAll(async () => {
    cloud = await startPipelineCloud({
      visibilitySeconds: 2,
      receivesMost: { IngestQueue: 2 },
      buckets: [{ name: FORBIDDEN_BUCKET, throttled: false }],
    });
    destination = cloud.names.destination;
  });
  afterAll(() => cloud?.stop());

  const text = async (key: string, bucket = destination) => (await cloud.read(bucket, key))?.toString();

  it('takes each drop under api/customers/ as a job of its own', async () => {
    const drops = [
      await cloud.drop('api/customers/a.csv', manifest('customers/a'), { options: OPTIONS }),
      await cloud.drop('api/customers/b.csv', manifest('customers/b'), { options: OPTIONS }),
    ];
    const ends = await Promise.all(drops.map((dropped) => cloud.ended(dropped)));
    expect(new Set(ends.map(({ job }) => job)).size).toBe(2);
    for (const end of ends) expect(end).toMatchObject({ ...ALL_STORED, rows: 1, stored: 1 });
    expect([await text('customers/a'), await text('customers/b')]).toEqual([
      'of customers/a',
      'of customers/b',
    ]);
  });

  it('fails a manifest whose key names a job that has another one, and leaves that and its report as they are', async () => {
    const answer = await fetch(`${cloud.endpoints.api}/jobs?spread=off`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: manifest('named/first'),
    });
    const { job } = (await answer.json()) as { job: string };
    const first = await cloud.ended(job);
    expect(first).toMatchObject({ ...ALL_STORED, stored: 1 });
    const report = await cloud.report(first);
    const failedBefore = cloud.metricsOf('ingest')['JobsFailed'] ?? 0;

    const again = await cloud.forge(`api/${job}/manifest`, manifest('named/second'), { options: OPTIONS });
    const refused = await cloud.ended(again);
    expect(refused).toMatchObject({ state: 'failed', fault: { code: 'JobIdTaken' }, unaccounted: 0 });
    expect(refused.job).not.toBe(job);
    expect(await cloud.report(refused)).toMatchObject({ state: 'failed', fault: { code: 'JobIdTaken' } });
    expect(await cloud.report(first)).toEqual(report);
    expect(await text('named/second')).toBeUndefined();
    await cloud.until(
      'the metric is out',
      () => (cloud.metricsOf('ingest')['JobsFailed'] ?? 0) > failedBefore,
    );
  });

  it('believes no event of a bucket that is not its inbox', async () => {
    await cloud.put(FORBIDDEN_BUCKET, 'forged.csv', manifest('forged/by-event'));
    const event = {
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: FORBIDDEN_BUCKET }, object: { key: 'forged.csv', versionId: 'null', size: 9 } },
    };
    await cloud.send('IngestQueue', JSON.stringify({ Records: [event] }));
    await cloud.until('the event is kept as a dead letter', async () =>
      (await kept()).includes('manifests are taken from'),
    );
    expect(await text('forged/by-event')).toBeUndefined();
  });

  it('copies nothing from a source that is not allowed, whatever a message says', async () => {
    await cloud.put(FORBIDDEN_BUCKET, 'secret.txt', 'secret');
    await whileHeld('forged', async (dropped, job) => {
      const item = { key: 'forged/held', source: `s3://${FORBIDDEN_BUCKET}/secret.txt` };
      // In a batch with the row's own message it counts as a duplicate, so it is sent until it comes alone.
      await cloud.until('the forged message has been judged', async () => {
        await cloud.send('UploadQueue', JSON.stringify(itemMessage(job, item)));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return cloud.endsOf(dropped).length > 0;
      });
      const end = await cloud.ended(dropped);
      expect(end).toMatchObject({ state: 'completed', unaccounted: 0, rows: 2, stored: 1, failed: 1 });
      expect(await cloud.rows(end, 'failed')).toMatchObject([{ spillway_code: 'SourceNotAllowed' }]);
    });
    expect(await text('forged/held')).toBeUndefined();
  });

  it('ends a job of another parser version with that reason, every row accounted for', async () => {
    const dynamodb = new DynamoDBClient(cloud.dynamodbClientConfig());
    try {
      await whileHeld('parser', async (dropped, job) => {
        await setParserVersion(dynamodb, job, 99);
        // As sweep sends it for a slice that stands still.
        await cloud.send('IngestQueue', JSON.stringify({ v: 1, kind: 'slice', job, slice: 0 }));
        await cloud.until('it has ended', async () => {
          await cloud.trigger('sweep');
          return cloud.endsOf(dropped).length > 0;
        });
        const end = await cloud.ended(dropped);
        expect(end).toMatchObject({
          state: 'failed',
          unaccounted: 0,
          rows: 2,
          stored: 1,
          fault: { code: 'ParserChanged' },
        });
        expect(end.cancelled + end.failed).toBe(1);
      });
    } finally {
      dynamodb.destroy();
    }
  });

  const kept = async () => {
    const keys = await cloud.keys(cloud.names.reports, 'deadletters/');
    return (await Promise.all(keys.map((key) => text(key, cloud.names.reports)))).join('');
  };

  const ask = async (path: string): Promise<unknown> => (await fetch(`${cloud.endpoints.api}${path}`)).json();

  async function jobOf(key: string): Promise<string | undefined> {
    const { jobs } = (await ask('/jobs')) as { jobs: { job: string; manifest: string }[] };
    return jobs.find((each) => each.manifest.endsWith(`/${key}`))?.job;
  }

  /** A job of a row that is stored, and one that S3 holds back until its second half has run. */
  async function whileHeld(
    name: string,
    run: (dropped: Dropped, job: string) => Promise<void>,
  ): Promise<void> {
    const held = `${name}/held`;
    await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: held }]);
    try {
      const dropped = await cloud.drop(`lists/${name}.csv`, manifest(held, `${name}/free`), {
        options: OPTIONS,
      });
      let job = '';
      await cloud.until('its other row is accounted for', async () => {
        job = (await jobOf(`lists/${name}.csv`)) ?? '';
        if (job === '') return false;
        const view = await ask(`/jobs/${job}`);
        return (view as { progress?: { done: number } }).progress?.done === 1;
      });
      await run(dropped, job);
    } finally {
      await cloud.setFaults([]);
    }
  }

  async function setParserVersion(
    dynamodb: DynamoDBClient,
    job: string,
    parserVersion: number,
  ): Promise<void> {
    const Key: Record<string, AttributeValue> = { pk: { S: `J#${job}` } };
    const TableName = cloud.names.table;
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName, Key }));
    const frozen = { ...JSON.parse(Item?.['frozen']?.S ?? '{}'), parserVersion };
    await dynamodb.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'SET frozen = :frozen',
        ExpressionAttributeValues: { ':frozen': { S: JSON.stringify(frozen) } },
      }),
    );
  }
});

describe('at the edge of an inbox that has no versions yet', () => {
  let cloud: PipelineCloud;
  beforeAll(async () => {
    cloud = await startPipelineCloud({
      adjust({ buckets }) {
        if (buckets['InboxBucket'] !== undefined) buckets['InboxBucket'].versioned = false;
      },
    });
  });
  afterAll(() => cloud?.stop());

  it('takes each drop as a job, also the same file twice', async () => {
    const first = await cloud.drop('list.csv', manifest('a', 'b'), { options: OPTIONS });
    expect(first.versionId).toBe('');
    expect(await cloud.ended(first)).toMatchObject({ ...ALL_STORED, rows: 2, stored: 2 });
    await cloud.drop('list.csv', manifest('a', 'b'), { options: OPTIONS });
    await cloud.until('the second has ended', () => cloud.endsOf(first).length === 2);
    const jobs = cloud.endsOf(first);
    expect(new Set(jobs.map(({ job }) => job)).size).toBe(2);
    for (const end of jobs) expect(end).toMatchObject({ ...ALL_STORED, stored: 2 });
  });
});

function itemMessage(job: string, item: object) {
  return {
    ...{ v: 1, job, slice: 0, block: 0, number: 0, line: 2, item, firstSentAtMs: Date.now() },
    ...{ attempts: 0, throttled: 0, returned: 0, reposted: 0 },
  };
}
