// What the fast ways of ingest must hold to: they give what the slow ones give.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import { destinationOf, faultOfDestination, faultOfKey } from '../../shared/keys/destination-key.ts';
import { type ManifestItem, parseItem, parseItemBySchema } from '../../shared/manifest/columns.ts';
import { createMessageWriter, messageBody, parseUploadMessage } from '../../shared/queue/messages.ts';

/** Values at the borders of what a column takes. */
const odd = fc.constantFrom<unknown>(
  ...[
    '',
    'a',
    's3://b/k',
    's3://bucket/k',
    's3://bucket/',
    's3://bucket',
    's3://../k',
    's3://bucket//k',
    'S3://bucket/k',
  ],
  ...[
    'text/plain',
    'ü',
    '\ud800',
    'a\uffff',
    'x'.repeat(341),
    'x'.repeat(342),
    'x'.repeat(1_025),
    'ü'.repeat(512),
  ],
  ...['x'.repeat(16_385), 'x'.repeat(65_537), 'aGk=', 'v1', '\n', `s3://bucket/${'k'.repeat(1_025)}`],
  ...[0, -0, -1, 1.5, 5, 50 * 1024 ** 4, 50 * 1024 ** 4 + 1, Number.NaN, Number.POSITIVE_INFINITY],
  ...[null, undefined, true, [], {}, 5n],
);
const value = fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 20 }), fc.webUrl(), fc.nat());
const column = fc.constantFrom('key', 'source', 'source_version', 'text', 'base64', 'content_type', 'size');
const record = fc.oneof(
  { weight: 3, arbitrary: fc.dictionary(column, value, { noNullPrototype: true }) },
  { weight: 1, arbitrary: fc.dictionary(fc.oneof(column, fc.string()), value) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        key: fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), value),
        source: fc.oneof(
          fc.string({ unit: 'binary' }).map((key) => `s3://bucket/${key}`),
          value,
        ),
        size: fc.nat(),
      },
      { requiredKeys: ['key', 'source'] },
    ),
  },
);

it('a row that is taken without the schema is one that the schema takes, as the same item', () => {
  fc.assert(
    fc.property(record, (row) => {
      expect(parseItem({ ...row })).toEqual(parseItemBySchema({ ...row }));
    }),
    { numRuns: 5_000 },
  );
});

it('a destination key that is not looked at is one without a fault', () => {
  const part = fc.constantFrom('a', '..', '.', '/', 'soap', 'ü', 'x'.repeat(300), 'x'.repeat(900));
  const text = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, fc.constantFrom('off', 'binary', 'hex:8'), (key, prefix, spread) => {
      const options = { destination: { bucket: 'b', prefix }, spread };
      const whole = faultOfKey(destinationOf({ key }, options).key, spread);
      expect(faultOfDestination({ key }, options)).toEqual(whole);
    }),
    { numRuns: 1_000 },
  );
});

it('a message that is written with its block is the message of its own', () => {
  const block: BlockId = { job: 'job-00000001' as JobId, slice: 3, block: 4 };
  const key = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 300 })
    .filter((text) => !/[\uFFFE\uFFFF]/.test(text));
  fc.assert(
    fc.property(key, fc.nat(), fc.nat(), fc.boolean(), (text, number, line, isReplay) => {
      const item: ManifestItem = { key: text, text };
      const history = { firstSentAtMs: 5, attempts: 0, throttled: 0, returned: 0, reposted: 0 };
      const replay = isReplay ? { replay: true as const } : {};
      const message = { v: 1 as const, ...block, number, line, item, ...history, ...replay };
      const body = createMessageWriter(block, 5, isReplay)({ number, line, item });
      expect(JSON.parse(body)).toEqual(JSON.parse(messageBody(message)));
      expect(body).not.toMatch(/[\uD800-\uDFFF\uFFFE\uFFFF]/);
      expect(parseUploadMessage(body).kind).toBe(parseUploadMessage(messageBody(message)).kind);
    }),
    { numRuns: 300 },
  );
});
