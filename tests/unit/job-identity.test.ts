// Identities: the same place names the same thing, and two drops are two jobs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashedJobId, isJobId, jobIdOfManifest } from '../../shared/job/identity.ts';
import { codePoint } from '../helpers/outside-values.ts';

const arrival = { bucket: 'inbox', key: 'lists/a.csv', versionId: 'v1' };

describe('the id of a job', () => {
  it('is the same for the same version, and another for each other bucket, key or version', () => {
    const id = jobIdOfManifest(arrival);
    expect(jobIdOfManifest({ ...arrival })).toBe(id);
    const others = [
      { ...arrival, versionId: 'v2' },
      { ...arrival, key: 'lists/b.csv' },
      { ...arrival, bucket: 'inbox2' },
      // The parts run together would be the same text.
      { bucket: 'inboxlists', key: '/a.csv', versionId: 'v1' },
    ].map(jobIdOfManifest);
    expect(new Set([id, ...others]).size).toBe(5);
    expect([id, ...others].every(isJobId)).toBe(true);
  });

  it.each([
    { key: 'api/0123456789abcdef0123/manifest', id: '0123456789abcdef0123' },
    { key: 'api/my-job-0001/manifest', id: 'my-job-0001' },
  ])('is in the key $key', ({ key, id }) => {
    expect(jobIdOfManifest({ ...arrival, key })).toBe(id);
    expect(jobIdOfManifest({ ...arrival, key, versionId: 'v2' })).toBe(id);
  });

  it.each([
    'api/customers/list.csv',
    'api/customers/manifest.csv',
    'api/customers/manifest/2026',
    'api/0123456789abcdef0123/x.csv',
    'api/short/manifest',
    'api/UPPERCASE1/manifest',
    'api/no-slash-behind',
    'x/api/0123456789abcdef/manifest',
    'api//manifest',
  ])('is not taken from the key %s', (key) => {
    const id = jobIdOfManifest({ ...arrival, key });
    expect(id).toMatch(/^[0-9a-f]{20}$/);
    expect(jobIdOfManifest({ ...arrival, key, versionId: 'v2' })).not.toBe(id);
  });

  it('follows without a version from ETag and sequencer: the same bytes dropped twice are two jobs', () => {
    const drop = { bucket: 'inbox', key: 'lists/a.csv', etag: '"e"', sequencer: '0A' };
    const ids = [drop, { ...drop, sequencer: '0B' }, { ...drop, etag: '"f"' }, arrival].map(jobIdOfManifest);
    expect(new Set(ids).size).toBe(4);
    expect(jobIdOfManifest({ ...drop })).toBe(ids[0]);
  });

  it('is one that URLs, keys and queues take as it stands', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: codePoint })), (parts) => {
        const id = hashedJobId(...parts);
        expect(isJobId(id)).toBe(true);
        expect(encodeURIComponent(id)).toBe(id);
      }),
    );
  });

  it.each([
    '',
    'short',
    '-starts-with-hyphen',
    'has space1',
    'has#hash1',
    'has/slash1',
    'x'.repeat(65),
    '0123456\n',
  ])('is not %o', (text) => {
    expect(isJobId(text)).toBe(false);
  });
});
