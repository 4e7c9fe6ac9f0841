// Arrivals that come wrapped by SNS, or as an event of EventBridge, from the stack's own inbox and from further ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropJobId, jobIdOfManifest } from '../../shared/job/identity.ts';
import { unopenedJob } from '../../shared/job/unopened-job.ts';
import { parseArrivals } from '../../shared/queue/arrivals.ts';

const INBOXES = { inbox: 'own', inboxBuckets: ['theirs', 'more'] };
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:new';

const event = (object: object, bucket = 'theirs', more: object = {}) => ({
  ...{ version: '0', source: 'aws.s3', 'detail-type': 'Object Created', account: '123456789012' },
  detail: { bucket: { name: bucket }, object: { size: 5, ...object }, reason: 'PutObject' },
  ...more,
});
const notification = (object: object, bucket = 'theirs') => ({
  Records: [
    { eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object: { size: 5, ...object } } },
  ],
});
const wrapped = (message: unknown, more: object = {}) => ({
  ...{ Type: 'Notification', TopicArn: TOPIC, Message: JSON.stringify(message), ...more },
});
/** As S3 encodes the key of a notification. */
const encoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

const arrivals = (json: unknown) => {
  const parsed = parseArrivals(json, INBOXES);
  if (parsed.kind !== 'arrivals') throw new Error(parsed.reason);
  return parsed;
};
const reasonOf = (json: unknown) => {
  const parsed = parseArrivals(json, INBOXES);
  return parsed.kind === 'arrivals' ? undefined : parsed.reason;
};

describe('one object on several routes', () => {
  const routes = (key: string, version: { id?: string; etag: string; sequencer: string }) => {
    const { id, etag, sequencer } = version;
    const told = notification({ key: encoded(key), versionId: id, eTag: etag, sequencer });
    const lower = sequencer.toLowerCase().replace(/^0+/, '');
    const created = event({ key, 'version-id': id, etag, sequencer: lower });
    return [told, wrapped(told), created, wrapped(created)];
  };

  it('is one job, whatever its key holds', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).map((text) => `k/${text}.csv`);
    fc.assert(
      fc.property(key, fc.option(fc.constant('v1'), { nil: undefined }), (name, id) => {
        const version = {
          etag: 'd41d',
          sequencer: '0055AED6DCD90281E5',
          ...(id === undefined ? {} : { id }),
        };
        const [first, ...others] = routes(name, version).map(arrivals);
        const taken = [...(first?.arrivals.map(({ key: of }) => of) ?? []), ...(first?.passedOver ?? [])];
        expect(taken).toEqual([name]);
        for (const other of others) expect(other).toEqual(first);
      }),
    );
  });

  it.each(['a+b.csv', 'a b.csv', 'a%2Bb.csv', 'ünï/cøde 🌊.csv', '100%.csv', 'a&b=c?d#e.csv'])(
    'keeps the key %s as it is',
    (key) => {
      for (const route of routes(key, { id: 'v', etag: 'e', sequencer: '0A' }))
        expect(arrivals(route).arrivals).toEqual([
          { bucket: 'theirs', key, isForeign: true, versionId: 'v' },
        ]);
    },
  );
});

describe('an event of EventBridge', () => {
  it.each(['PutObject', 'POST Object', 'CopyObject', 'CompleteMultipartUpload'])(
    'is an arrival, written by %s',
    (reason) => {
      const json = event({ key: 'a', 'version-id': 'v' });
      expect(arrivals({ ...json, detail: { ...json.detail, reason } }).arrivals).toHaveLength(1);
    },
  );

  it.each([
    'Object Deleted',
    'Object Tags Added',
    'Object Restore Completed',
    'Object Storage Class Changed',
  ])('is passed over where it is an %s', (type) => {
    expect(arrivals(event({ key: 'a' }, 'theirs', { 'detail-type': type })).arrivals).toEqual([]);
  });

  it('passes over folder markers and hidden names, and says which', () => {
    expect(arrivals(event({ key: 'lists/', size: 0, etag: 'e', sequencer: '0A' })).passedOver).toEqual([
      'lists/',
    ]);
    expect(arrivals(event({ key: 'out/_SUCCESS', 'version-id': 'v' })).passedOver).toEqual(['out/_SUCCESS']);
  });

  it.each(['', 'null', undefined])(
    'is taken by its ETag and sequencer where its version is %j',
    (version) => {
      const json = event({ key: 'a', 'version-id': version, etag: 'e', sequencer: '617f08299329d189' });
      expect(arrivals(json).arrivals).toEqual([
        { bucket: 'theirs', key: 'a', isForeign: true, etag: '"e"', sequencer: '00617F08299329D189' },
      ]);
    },
  );
});

describe('a bucket', () => {
  it('of the deployment’s list is an inbox, on every route', () => {
    for (const bucket of ['own', 'theirs', 'more']) {
      for (const json of [
        event({ key: 'a', 'version-id': 'v' }, bucket),
        notification({ key: 'a', versionId: 'v' }, bucket),
      ]) {
        expect(arrivals(json).arrivals).toMatchObject([{ bucket }]);
        expect(arrivals(wrapped(json)).arrivals).toMatchObject([{ bucket }]);
      }
    }
  });

  it('of no list is refused by name, with the remedy, on every route', () => {
    const created = event({ key: 'a', 'version-id': 'v' }, 'elsewhere');
    const told = notification({ key: 'a', versionId: 'v' }, 'elsewhere');
    for (const json of [created, told, wrapped(created), wrapped(told)])
      expect(reasonOf(json)).toMatch(
        /"elsewhere".*taken from "own", "theirs", "more": .*parameter inboxBuckets/,
      );
  });

  it('other than the stack’s own names no job by its keys, which others may write', () => {
    const key = 'api/0123456789abcdef0123/manifest';
    const [own] = arrivals(event({ key, 'version-id': 'v' }, 'own')).arrivals;
    const [theirs] = arrivals(event({ key, 'version-id': 'v' }, 'theirs')).arrivals;
    if (own === undefined || theirs === undefined) throw new Error('an arrival is missing');
    expect(jobIdOfManifest(own)).toBe('0123456789abcdef0123');
    expect(jobIdOfManifest(theirs)).toBe(dropJobId(theirs));
    expect(jobIdOfManifest(theirs)).not.toBe('0123456789abcdef0123');
    // What is known of the arrival alone stays out of the job's row.
    expect(unopenedJob(theirs, 0, { code: 'c', message: 'm' }).manifest).toEqual({
      ...{ bucket: 'theirs', key, versionId: 'v', etag: '', sizeBytes: 0 },
    });
  });
});

describe('a message that is no arrival', () => {
  it.each([
    [
      'a subscription to confirm',
      { Type: 'SubscriptionConfirmation', TopicArn: TOPIC, Message: 'You have…', Token: 'secret' },
      /new sent a SubscriptionConfirmation.*inboxTopics/,
    ],
    [
      'a topic that ends',
      { Type: 'UnsubscribeConfirmation', TopicArn: TOPIC, Message: 'You have…' },
      /UnsubscribeConfirmation/,
    ],
    [
      'a text in an envelope',
      { Type: 'Notification', TopicArn: TOPIC, Message: 'hello' },
      /message of the SNS topic .*new is no JSON/,
    ],
    ['another message in an envelope', wrapped({ hello: 1 }), /Records/],
    ['an envelope in an envelope', wrapped(wrapped(event({ key: 'a', 'version-id': 'v' }))), /Records/],
    ['an event of another service', event({ key: 'a' }, 'theirs', { source: 'my.app' }), /event of my\.app/],
    [
      'an event without an object',
      { ...event({}), detail: { bucket: { name: 'theirs' } } },
      /detail\.object/,
    ],
    ['an empty key', event({ key: '', 'version-id': 'v' }), /key of 0 bytes/],
    ['a key that S3 does not have', event({ key: 'é'.repeat(513), 'version-id': 'v' }), /key of 1026 bytes/],
    [
      'a version that S3 does not have',
      event({ key: 'a', 'version-id': 'v'.repeat(1025) }),
      /more than 1024/,
    ],
    ['an object without a version', event({ key: 'a', etag: 'e' }), /theirs\/a came with neither/],
  ])('says why: %s', (_what, json, says) => {
    expect(reasonOf(json)).toMatch(says);
    expect(reasonOf(json)).not.toContain('secret');
  });

  it('ignores S3’s test event in an envelope', () => {
    expect(arrivals(wrapped({ Service: 'Amazon S3', Event: 's3:TestEvent' })).arrivals).toEqual([]);
  });

  it('never throws, and never takes another bucket', () => {
    const known = fc.constantFrom<unknown>(
      'Records',
      'aws.s3',
      'Object Created',
      'Notification',
      'theirs',
      'x',
    );
    const loose = fc.oneof(fc.jsonValue(), known);
    const likely = fc.oneof(
      fc.record({ source: loose, 'detail-type': loose, detail: fc.record({ bucket: loose, object: loose }) }),
      fc.record({ Type: known, TopicArn: loose, Message: fc.oneof(fc.json(), fc.string()) }),
      fc.record({
        detail: loose,
        source: fc.constant('aws.s3'),
        'detail-type': fc.constant('Object Created'),
      }),
      fc
        .record({
          bucket: fc.record({ name: known }),
          object: fc.record({ key: fc.string(), 'version-id': fc.string() }),
        })
        .map((detail) => ({ source: 'aws.s3', 'detail-type': 'Object Created', detail })),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          likely,
          likely.map((json) => wrapped(json)),
        ),
        (json) => {
          const parsed = parseArrivals(json, INBOXES);
          if (parsed.kind === 'not-a-notification')
            expect(Buffer.byteLength(parsed.reason)).toBeLessThan(4_096);
          else for (const { bucket } of parsed.arrivals) expect(['own', 'theirs', 'more']).toContain(bucket);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
