// What S3 says of an arrival, and what is passed over.
import { readFileSync } from 'node:fs';
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { parseArrivals } from '../../shared/queue/arrivals.ts';

const sample = (name: string): unknown => {
  const event = JSON.parse(
    readFileSync(new URL(`../../events/${name}.json`, import.meta.url), 'utf8'),
  ) as SQSEvent;
  return JSON.parse(event.Records[0]?.body ?? '');
};

function notification(object: object, eventName = 'ObjectCreated:Put') {
  return {
    Records: [
      { eventName, s3: { bucket: { name: 'inbox' }, object: { versionId: 'v1', size: 5, ...object } } },
    ],
  };
}

describe('parseArrivals', () => {
  it("reads S3's event, and decodes its form-encoded key", () => {
    expect(
      parseArrivals(sample('ingest-s3-put'), { inbox: 'spillway-dev-inbox-123456789012-us-east-1' }),
    ).toEqual({
      kind: 'arrivals',
      passedOver: [],
      arrivals: [
        {
          bucket: 'spillway-dev-inbox-123456789012-us-east-1',
          key: 'exports/daily list+1 %2F é.csv',
          versionId: '096fKKXTRTtl3on89fVO.nfljtsv6qko',
        },
      ],
    });
  });

  it('ignores the event that S3 sends when the notification is set up', () => {
    expect(parseArrivals(sample('ingest-s3-test'), { inbox: 'inbox' })).toMatchObject({
      kind: 'arrivals',
      arrivals: [],
    });
  });

  it.each([
    ['a+b', 'a b'],
    ['a%2Bb', 'a+b'],
    ['a%252Fb', 'a%2Fb'],
    ['a%2e%2e/x', 'a../x'],
    ['%F0%9F%8C%8A', '🌊'],
  ])('decodes %s as %s', (key, decoded) => {
    expect(parseArrivals(notification({ key }), { inbox: 'inbox' })).toMatchObject({
      arrivals: [{ key: decoded }],
    });
  });

  it.each([undefined, 'null'])(
    'takes an arrival whose version id is %s by its ETag and sequencer',
    (versionId) => {
      const event = notification({ key: 'a', versionId, eTag: 'abc', sequencer: '0A' });
      expect(parseArrivals(event, { inbox: 'inbox' })).toEqual({
        kind: 'arrivals',
        passedOver: [],
        arrivals: [{ bucket: 'inbox', key: 'a', etag: '"abc"', sequencer: '0A' }],
      });
    },
  );

  it.each([
    { what: 'a folder marker', event: notification({ key: 'lists/', size: 0 }) },
    { what: 'a folder marker without a size', event: notification({ key: 'lists/', size: undefined }) },
    { what: 'a removal', event: notification({ key: 'a.csv' }, 'ObjectRemoved:Delete') },
    { what: 'an event without records', event: { Records: [] } },
  ])('passes over $what', ({ event }) => {
    expect(parseArrivals(event, { inbox: 'inbox' })).toMatchObject({ kind: 'arrivals', arrivals: [] });
  });

  it.each([
    'out/_SUCCESS',
    'out/.part-00000.csv.crc',
    '.DS_Store',
    'out/_metadata',
    'out/_temporary/0/task_1/part-00000.csv',
    '.staging/list.csv',
    '.spark-staging-1/part-00000.csv',
    '../x.csv',
    'out/run1_$folder$',
    'out/part-00000.csv._COPYING_',
    'lists/',
    'lists/source-bucket/daily/2026-11-27T01-00Z/manifest.checksum',
    'source-bucket/daily/hive/dt=2026-11-27-01-00/symlink.txt',
    'Old_Bucket/daily/data/939c6d46-85a9-4ba8-87bd-9db705a579ce.csv.gz',
    'source-bucket/daily/data/939c6d46-85a9-4ba8-87bd-9db705a579ce.parquet',
    'source-bucket/daily/data/939c6d46-85a9-4ba8-87bd-9db705a579ce.orc',
    'job-f8fb9d89-a3aa-461d-bddc-ea6a1b131955/manifest.json.md5',
    'reports/job-f8fb9d89-a3aa-461d-bddc-ea6a1b131955/results/b2ddad417e94331e9f37b44f1faf8c7ed5873f2e.csv',
    'maps/ad9b5f27-090b-3ac6-9beb-243cd77144a7/FAILED_0.json',
    'maps/ad9b5f27-090b-3ac6-9beb-243cd77144a7/PENDING_0.jsonl',
    'ad9b5f27-090b-3ac6-9beb-243cd77144a7/SUCCEEDED_12.json',
    'Unsaved/2026/11/28/1d5f8b33-2b5f-4a7c-9d0f-5d3f1a6f1c11.csv.metadata',
    '1d5f8b33-2b5f-4a7c-9d0f-5d3f1a6f1c11.txt.metadata',
  ])('makes no job of %s, and names it', (key) => {
    const event = notification({ key: encodeURIComponent(key), size: key.endsWith('/') ? 0 : 5 });
    expect(parseArrivals(event, { inbox: 'inbox' })).toEqual({
      kind: 'arrivals',
      arrivals: [],
      passedOver: [key],
    });
  });

  it.each([
    'api/11111111111111111111/manifest',
    'out/part-00000_1.csv',
    'out/a.b_c/list.csv',
    '_day=2026-11-24/part-00000.csv',
    'day=2026-11-24/x.csv',
    'a//b.csv',
    'lists/source-bucket/daily/2026-11-27T01-00Z/manifest.json',
    'job-f8fb9d89-a3aa-461d-bddc-ea6a1b131955/manifest.json',
    'data/x.csv.gz',
    'team/exports/data/list.csv.gz',
    'team/exports/data/part-0000-939c6d46-85a9-4ba8-87bd-9db705a579ce.parquet',
    'data/939c6d46-85a9-4ba8-87bd-9db705a579ce.csv.gz',
    'daily/manifest.checksum',
    'hive/symlink.txt',
    'job-7/results/x.csv',
    'results/b2ddad417e94331e9f37b44f1faf8c7ed5873f2e.csv',
    'maps/ad9b5f27-090b-3ac6-9beb-243cd77144a7/manifest.json',
    'maps/FAILED_0.json',
    'Unsaved/2026/11/28/1d5f8b33-2b5f-4a7c-9d0f-5d3f1a6f1c11.csv',
    'list.csv.metadata',
  ])('makes a job of %s', (key) => {
    const event = notification({ key: encodeURIComponent(key) });
    expect(parseArrivals(event, { inbox: 'inbox' })).toMatchObject({ arrivals: [{ key }], passedOver: [] });
  });

  it('takes every arrival of an event, and a manifest whose name ends in a slash but has bytes', () => {
    const event = {
      Records: [...notification({ key: 'a' }).Records, ...notification({ key: 'b/' }).Records],
    };
    expect(parseArrivals(event, { inbox: 'inbox' })).toMatchObject({
      arrivals: [{ key: 'a' }, { key: 'b/' }],
    });
  });

  it.each([
    {
      what: 'neither a version nor an ETag',
      event: notification({ key: 'a', versionId: undefined, sequencer: '0A' }),
      says: /neither a version id nor an ETag and a sequencer/,
    },
    {
      what: 'neither a version nor a sequencer',
      event: notification({ key: 'a', versionId: undefined, eTag: 'abc' }),
      says: /neither a version id nor an ETag and a sequencer/,
    },
    {
      what: 'another bucket, to whose objects a forged event could point',
      event: {
        Records: [
          ...notification({ key: 'a' }).Records,
          {
            eventName: 'ObjectCreated:Put',
            s3: { bucket: { name: 'elsewhere' }, object: { key: 'a', versionId: 'v1' } },
          },
        ],
      },
      says: /bucket "elsewhere", and manifests are taken from inbox alone/,
    },
    {
      what: 'a key that is not form-encoded',
      event: notification({ key: 'a%ZZ' }),
      says: /"a%ZZ" is not form-encoded/,
    },
    { what: 'no bucket', event: { Records: [{ eventName: 'ObjectCreated:Put', s3: {} }] }, says: /bucket/ },
    { what: 'another JSON', event: { v: 1, kind: 'slice' }, says: /Records/ },
    { what: 'no JSON', event: undefined, says: /./ },
    { what: 'null', event: null, says: /./ },
  ])('is told why it is none: $what', ({ event, says }) => {
    const parsed = parseArrivals(event, { inbox: 'inbox' });
    expect(parsed.kind).toBe('not-a-notification');
    expect(parsed.kind === 'not-a-notification' ? parsed.reason : '').toMatch(says);
  });
});
