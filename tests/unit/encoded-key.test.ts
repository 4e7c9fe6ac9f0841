// A copy whose source is missing, where the row's key looks URL-encoded: the message of the row says what to do.
import { expect, it } from 'vitest';
import { explainMissing } from '../../shared/sources/s3-copy/encoded-key.ts';
import { MAX_TEXT_BYTES } from '../../shared/text/bounded.ts';

const messageFor = (key: string, code = 'NoSuchKey', message = `S3 says ${code}`) => {
  const meaning = explainMissing({ kind: 'permanent', code, message }, { key });
  return meaning?.kind === 'failed' ? meaning.message : undefined;
};

it.each([
  ['a%20b%2B%C3%BC.txt', /here perhaps a b\+ü\.txt$/],
  ['a+b%2B%C3%BC.txt', /here perhaps a b\+ü\.txt$/],
  ['a%20b+c', /here perhaps a b\+c$/],
  ['x%2Fy', /here perhaps x\/y$/],
  ['a%20b%FC', /raw keys$/],
  ['%E2%80%8Bx', /here perhaps \\u200bx$/],
])('names the raw key of %s', (key, shown) => {
  for (const code of ['NoSuchKey', 'NoSuchVersion']) {
    const message = messageFor(key, code);
    expect(message).toMatch(
      /^S3 says NoSuch\w+; the key of its source looks URL-encoded, as those of S3 Inventory and Batch Operations/,
    );
    expect(message).toMatch(shown);
  }
});

it('bounds the message, whatever the key and the answer', () => {
  const key = '%C3%BC'.repeat(170);
  expect(Buffer.byteLength(messageFor(key) ?? '')).toBeLessThan(600);
  const long = messageFor(key, 'NoSuchKey', 'said S3'.repeat(200)) ?? '';
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
  expect(long).toMatch(/raw keys: here perhaps ü/);
});

it.each(['100%.txt', 'a+b', 'plain', '%FC', '50%zz'])('says nothing of a raw key: %s', (key) => {
  expect(messageFor(key)).toBeUndefined();
});

it('says nothing of another refusal', () => {
  expect(messageFor('a%20b', 'AccessDenied')).toBeUndefined();
  expect(
    explainMissing({ kind: 'exists', code: 'NoSuchKey', message: '' }, { key: 'a%20b' }),
  ).toBeUndefined();
});
