// A bucket that a company has already as an inbox, announced by S3, by SNS and by EventBridge, and the events of its jobs. The
// embedded cloud holds the functions to their roles, so a right that is missing for such a bucket stops its jobs.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../shared/job/view.ts';
import { DETAIL_TYPES } from '../../shared/report/job-event-names.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { type Dropped, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** It notifies the ingest queue itself. */
const NOTIFYING = 'company-exports';
/** Its objects are announced by what a test sends. */
const SILENT = 'partner-lists';
const ELSEWHERE = 'elsewhere';
const ACCOUNT = '000000000000';
const QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:spillway-dev-ingest`;
const TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:new-objects`;
const RULE = `arn:aws:events:us-east-1:${ACCOUNT}:rule/spillway-dev-inboxes`;

const cloud = duringTests(() =>
  startPipelineCloud({
    receivesMost: { IngestQueue: 2 },
    adjust({ functions: { ingest } }) {
      if (ingest !== undefined) ingest.environment['SPILLWAY_RETRY_SECONDS'] = '1';
    },
    sliceBytes: 2_000,
    params: { inboxBuckets: `${NOTIFYING},${SILENT}`, inboxTopics: TOPIC },
    buckets: [
      {
        ...{ name: NOTIFYING, versioned: true, throttled: false },
        notifications: [{ queueArn: QUEUE }],
      },
      { name: SILENT, versioned: true, throttled: false },
      { name: ELSEWHERE, versioned: true, throttled: false },
    ],
  }),
);
afterEach(() => cloud.setFaults([]));

async function put(bucket: string, key: string, body: string, options = {}): Promise<Dropped> {
  const Metadata = Object.fromEntries(
    Object.entries({ spread: 'off', ...options }).map(([name, value]) => [`spillway-${name}`, value]),
  );
  const { VersionId = '' } = await cloud.s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      Metadata: Metadata as Record<string, string>,
    }),
  );
  return { key, versionId: VersionId };
}

const created = (bucket: string, { key, versionId }: Dropped) => ({
  ...{ version: '0', source: 'aws.s3', 'detail-type': 'Object Created', account: '123456789012' },
  detail: {
    bucket: { name: bucket },
    object: { key, size: 9, etag: 'e', 'version-id': versionId, sequencer: '0055AED6DCD90281E5' },
    reason: 'PutObject',
  },
});
const notification = (bucket: string, { key, versionId }: Dropped) => ({
  Records: [
    {
      ...{ eventName: 'ObjectCreated:Put', eventSource: 'aws:s3' },
      s3: {
        bucket: { name: bucket },
        object: { key: encodeURIComponent(key).replaceAll('%20', '+'), size: 9, versionId },
      },
    },
  ],
});
const inTopic = (message: object) => ({
  ...{ Type: 'Notification', TopicArn: TOPIC },
  Message: JSON.stringify(message),
});
/** What a service sends for its resource, as far as the queue's policy lets it. */
const deliver = (service: string, sourceArn: string, message: object) =>
  cloud.deliver({
    ...{ service, sourceArn, sourceAccount: ACCOUNT, queueArn: QUEUE },
    body: JSON.stringify(message),
  });
/** Each message comes on the route that it has the form of. */
async function announce(message: object): Promise<void> {
  const refusal =
    'detail' in message
      ? await deliver('events.amazonaws.com', RULE, message)
      : 'TopicArn' in message
        ? await deliver('sns.amazonaws.com', TOPIC, message)
        : await deliver('s3.amazonaws.com', `arn:aws:s3:::${NOTIFYING}`, message);
  expect(refusal).toBeUndefined();
}

const rowsOf = (prefix: string, count: number) =>
  `key,text\n${Array.from({ length: count }, (_, row) => `${prefix}/${row},text of ${row}\n`).join('')}`;

interface JobEvent {
  id: string;
  job: string;
  percent?: number;
}
const eventsOf = (job: string): { type: string; detail: JobEvent }[] =>
  cloud
    .events()
    .map(({ detailType, detail }) => ({ type: detailType, detail: detail as JobEvent }))
    .filter(({ detail }) => detail.job === job);

describe('an object in a further inbox', () => {
  it('is one job, though S3, a topic and EventBridge announce it', async () => {
    const dropped = await put(NOTIFYING, 'out/daily list+1 %2F é.csv', rowsOf('three routes', 3));
    for (const told of [created(NOTIFYING, dropped), notification(NOTIFYING, dropped)]) {
      await announce(told);
      await announce(inTopic(told));
    }
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ state: 'completed', rows: 3, stored: 3, unaccounted: 0 });
    expect(end.manifest).toMatchObject({ bucket: NOTIFYING, ...dropped });
    expect((await cloud.keys(cloud.names.destination, 'three routes/')).length).toBe(3);
    await cloud.until('all of the messages are read', async () => {
      const { IngestQueue } = await cloud.queueDepths();
      return IngestQueue !== undefined && IngestQueue.visible + IngestQueue.inFlight === 0;
    });
    expect(new Set(cloud.endsOf(dropped).map(({ job }) => job)).size).toBe(1);
  });

  it.each([
    ['EventBridge', (dropped: Dropped) => created(SILENT, dropped)],
    ['SNS', (dropped: Dropped) => inTopic(notification(SILENT, dropped))],
  ])('is a job where %s alone announces it', async (route, told) => {
    const dropped = await put(SILENT, `a b+${route}.csv`, rowsOf(route, 2));
    await announce(told(dropped));
    expect(await cloud.ended(dropped)).toMatchObject({ state: 'completed', rows: 2, stored: 2 });
  });

  it('names no job by its key', async () => {
    const dropped = await put(SILENT, 'api/0123456789abcdef0123/manifest', rowsOf('named', 1));
    await announce(created(SILENT, dropped));
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ state: 'completed', stored: 1 });
    expect(end.job).not.toBe('0123456789abcdef0123');
  });

  it('has its rows read again where their slice can not be sent, and is redriven', async () => {
    const upload = cloud.names.queues['UploadQueue']?.split('/').at(-1) ?? '';
    await cloud.setFaults([{ kind: 'sqs-entries-failed', action: 'SendMessageBatch', queue: upload }]);
    const dropped = await put(SILENT, 'unsent.csv', rowsOf('unsent', 2), { 'max-failed-percent': '100' });
    await announce(created(SILENT, dropped));
    const end = await cloud.ended(dropped);
    await cloud.setFaults([]);
    expect(end).toMatchObject({ rows: 2, failed: 2, unaccounted: 0 });
    expect((await cloud.rows(end, 'failed')).map(({ key }) => key)).toEqual(['unsent/0', 'unsent/1']);

    const api = `${cloud.endpoints.api}/jobs/${end.job}`;
    await cloud.until('the job has ended', async () => {
      const view = (await (await fetch(api)).json()) as JobView;
      return view.endedAt !== undefined;
    });
    const redriven = (await (await fetch(`${api}/redrive`, { method: 'POST' })).json()) as JobView;
    expect(await cloud.ended(redriven.job)).toMatchObject({ state: 'completed', rows: 2, stored: 2 });
  });

  it('of any other bucket is refused on every route, and kept as a dead letter that says why', async () => {
    const dropped = await put(ELSEWHERE, 'list.csv', rowsOf('elsewhere', 1));
    await announce(created(ELSEWHERE, dropped));
    await announce(inTopic(notification(ELSEWHERE, dropped)));
    const letters = async () => {
      const keys = await cloud.keys(cloud.names.reports, 'deadletters/');
      const texts = await Promise.all(keys.map((key) => cloud.read(cloud.names.reports, key)));
      return texts.map(String).filter((text) => text.includes(ELSEWHERE));
    };
    await cloud.until('both are dead letters', async () => (await letters()).length === 2);
    for (const letter of await letters()) expect(letter).toMatch(/"unreadable".*inboxBuckets/s);
    expect(cloud.endsOf(dropped)).toEqual([]);
    expect(await cloud.keys(cloud.names.destination, 'elsewhere/')).toEqual([]);
  });
});

describe('a message to the ingest queue', () => {
  it.each([
    ['s3.amazonaws.com', `arn:aws:s3:::${ELSEWHERE}`],
    ['sns.amazonaws.com', `${TOPIC}-2`],
    ['events.amazonaws.com', RULE.replace('spillway-dev', 'spillway-prod')],
    ['events.amazonaws.com', TOPIC],
  ])('of %s for %s is refused by the policy of the queue', async (service, sourceArn) => {
    expect(await deliver(service, sourceArn, {})).toBe(
      `Service: ${service} for ${sourceArn} is not authorized to perform: sqs:SendMessage on resource: ` +
        `"${QUEUE}" because no resource-based policy allows the sqs:SendMessage action`,
    );
  });
});

describe('the events of a job', () => {
  it('are its start, its progress in rising tenths, and its end, each with an id of its own', async () => {
    // About six slices.
    const dropped = await cloud.drop('events.csv', rowsOf('events', 400));
    const { job } = await cloud.ended(dropped);
    const events = eventsOf(job);
    const types = events.map(({ type }) => type);
    expect(types).toContain(DETAIL_TYPES.started);
    expect(types).toContain(DETAIL_TYPES.completed);
    const percents = events.flatMap(({ detail }) => detail.percent ?? []);
    expect(percents.length).toBeLessThanOrEqual(9);
    expect(percents.every((percent) => percent % 10 === 0 && percent >= 10 && percent <= 90)).toBe(true);
    expect(new Set(percents).size).toBe(percents.length);
    const ids = new Set(events.map(({ detail }) => detail.id));
    expect(ids).toEqual(
      new Set([
        `${job}/started`,
        `${job}/ended`,
        ...percents.map((percent) => `${job}/progressed/${percent}`),
      ]),
    );
  });

  it('of a job that can not be opened are its failure alone', async () => {
    const { job } = await cloud.ended(await cloud.drop('broken.csv', 'no,manifest\n1,2\n'));
    expect(new Set(eventsOf(job).map(({ type }) => type))).toEqual(new Set([DETAIL_TYPES.failed]));
  });

  it('are its progress by rows, where sweep finds a part of a slice done', async () => {
    await cloud.setFaults([{ kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: 'stuck' }]);
    const rows = Array.from({ length: 20 }, (_, row) => `${row < 8 ? 'free' : 'stuck'}/${row},text\n`);
    await cloud.drop('part.csv', `key,text\n${rows.join('')}`, { options: { spread: 'off' } });
    // A sweep that comes earlier announces an earlier tenth.
    const progress = () =>
      cloud.events().find(({ detailType, detail }) => {
        const { manifest, percent } = detail as { manifest: { key: string }; percent?: number };
        return detailType === DETAIL_TYPES.progressed && manifest.key === 'part.csv' && percent === 40;
      });
    await cloud.until('sweep announces the progress of all free rows', async () => {
      await cloud.trigger('sweep');
      return progress() !== undefined;
    });
    expect(progress()?.detail).toMatchObject({
      ...{ state: 'running', rows: 20 },
      counts: { done: 8, failed: 0, cancelled: 0, rejected: 0 },
    });
  });
});

it('asks for nothing that a role does not allow, and every sender that the queue lets in has sent', async () => {
  const { denied, used } = await cloud.access();
  expect(denied.filter(({ role }) => !role.endsWith('.amazonaws.com'))).toEqual([]);
  const allowing = cloud.service.policies['IngestQueuePolicy']?.statements.filter(
    ({ effect }) => effect === 'Allow',
  );
  expect(allowing?.map(({ sid }) => sid)).toEqual([
    'InboxMayNotify',
    'InboxRuleMaySend',
    'InboxTopicsMaySend',
  ]);
  const needed = used.filter(({ role, isNeeded }) => role === 'IngestQueuePolicy' && isNeeded);
  expect(needed.map(({ statement }) => statement).sort()).toEqual([0, 1, 2]);
});
