// The place of a manifest as a request names it: what may stand in it, before S3 is asked.
import { describe, expect, it } from 'vitest';
import { manifestOrderText, manifestPlace, parseManifestOrder } from '../../shared/job/manifest-order.ts';

const BUCKETS = { inbox: 'inbox', reportBucket: 'reports', manifestBuckets: ['company-lists'] };
const messages = (place: object) =>
  manifestPlace.safeParse(place).error?.issues.map(({ message }) => message) ?? [];

describe('the place of a manifest', () => {
  it.each([
    [{ key: '' }, /is empty/],
    [{ key: 'x'.repeat(1_025) }, /more than 1024 bytes/],
    [{ key: 'a\ud800' }, /half of a surrogate pair/],
    [{ bucket: 's3://company-lists' }, /no name of a bucket/],
    [{ versionId: 'a b' }, /no version id/],
    [{ etag: '\n' }, /no ETag/],
  ])('is refused with %j', (part, message) => {
    expect(messages({ bucket: 'company-lists', key: 'a.csv', ...part })).toEqual([
      expect.stringMatching(message),
    ]);
  });

  it.each([
    ['reports', 'outcomes/job/1', /no file of a report/],
    ['inbox', 'api/a1b2c3d4e5/manifest', /was posted to the API/],
    ['elsewhere', 'a.csv', /from which manifests are not read/],
  ])('in an order is looked at again: s3://%s/%s', (bucket, key, message) => {
    const parsed = parseManifestOrder(manifestOrderText({ bucket, key, etag: '"e"' }), BUCKETS);
    expect(parsed).toMatchObject({ kind: 'invalid', message: expect.stringMatching(message) });
  });
});
