// Links to the embedded S3: when their time is over.
import { expect, it } from 'vitest';
import { isExpired } from '../../local/aws/s3/presigned-query.ts';

const SIGNED_MS = Date.parse('2026-01-15T10:00:00Z');
const V4 = 'X-Amz-Credential=a&X-Amz-Date=20260115T100000Z&X-Amz-Expires=60';
const V2 = `AWSAccessKeyId=a&Signature=b&Expires=${SIGNED_MS / 1000 + 60}`;

it.each([
  ['version 4', V4],
  ['version 2', V2],
])('a link of signature %s holds to its last second', (_version, query) => {
  expect(isExpired(new URLSearchParams(query), SIGNED_MS + 60_000)).toBe(false);
  expect(isExpired(new URLSearchParams(query), SIGNED_MS + 60_001)).toBe(true);
});

it('a link of signature version 2 whose time is no number is over', () => {
  const query = new URLSearchParams(V2.replace(/Expires=.*/, 'Expires=soon'));
  expect(isExpired(query, SIGNED_MS)).toBe(true);
});

it('a request that is no link never expires', () => {
  expect(isExpired(new URLSearchParams('list-type=2&Expires=1'), SIGNED_MS)).toBe(false);
});
