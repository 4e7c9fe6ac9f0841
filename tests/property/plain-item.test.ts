// What the fast ways of ingest must hold to: they give what the slow ones give.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BlockId, JobId } from '../../shared/job/identity.ts';
import {
  type CheckedKey,
  createKeyCheck,
  createLocator,
  type DestinationOptions,
  faultOfKey,
} from '../../shared/keys/destination-key.ts';
import type { TemplateRow } from '../../shared/keys/key-template.ts';
import {
  knownColumns,
  type ManifestItem,
  parseItem,
  parseItemByColumns,
} from '../../shared/manifest/columns.ts';
import { splitRow } from '../../shared/manifest/formats/csv-quoted-row.ts';
import { sizeOf } from '../../shared/manifest/written-numbers.ts';
import { createMessageWriter, messageBody, parseUploadMessage } from '../../shared/queue/messages.ts';
import { codePoint } from '../helpers/outside-values.ts';

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
  ...[0, -0, -1, 1.5, 5, 50_000 * 1024 ** 3, 50_000 * 1024 ** 3 + 1, Number.NaN, Number.POSITIVE_INFINITY],
  ...[null, undefined, true, [], {}, 5n],
);
const value = fc.oneof(odd, fc.string({ unit: codePoint, maxLength: 20 }), fc.webUrl(), fc.nat());
const column = fc.constantFrom(...knownColumns);
const usualColumn = fc.constantFrom(
  ...['key', 'source', 'source_version', 'text', 'base64', 'content_type', 'size'],
);
/** Good values of the columns that few rows have, which is where rules between columns are met. */
const attributes = fc.record(
  {
    source_etag: fc.constantFrom('"e"', 'W/"e"', 'e'),
    storage_class: fc.constantFrom('source', 'STANDARD', 'COLD'),
    metadata: fc.constantFrom<unknown>({ a: 'b' }, { a: 'ü' }, 'a'),
    tags: fc.constantFrom<unknown>({ a: 'b' }, { '': 'b' }),
    encryption: fc.constantFrom('AES256', 'aws:kms', ''),
    bucket_key: fc.constantFrom<unknown>(true, 'false', 1),
    if_exists: fc.constantFrom('skip', 'keep'),
    content_type: value,
    cache_control: value,
  },
  { requiredKeys: [] },
);
const web = fc.constantFrom(
  'https://example.com/a',
  'HTTPS://example.com/a',
  'http://example.com',
  's3://https/a',
);
const usual = fc.record(
  {
    key: fc.oneof(fc.string({ minLength: 1, unit: codePoint }), value),
    source: fc.oneof(
      fc.string({ unit: codePoint }).map((key) => `s3://bucket/${key}`),
      web,
      value,
    ),
    source_version: fc.constantFrom('v1', 'a b'),
    size: fc.nat(),
  },
  { requiredKeys: ['key', 'source'] },
);
const record = fc.oneof(
  { weight: 2, arbitrary: fc.dictionary(usualColumn, value, { noNullPrototype: true }) },
  { weight: 1, arbitrary: fc.dictionary(column, value, { noNullPrototype: true }) },
  { weight: 1, arbitrary: fc.dictionary(fc.oneof(column, fc.string()), value) },
  { weight: 3, arbitrary: usual },
  {
    weight: 2,
    arbitrary: fc.tuple(usual, attributes).map(([one, other]) => ({ ...one, ...other })),
  },
);
/** What a key template alone knows of a row. */
const extra = fc.option(fc.dictionary(fc.string({ maxLength: 5 }), value, { maxKeys: 2 }), {
  nil: undefined,
  freq: 2,
});

it('a row that is taken as plainly good is one that the check of every column takes, as the same item', () => {
  fc.assert(
    fc.property(record, extra, (row, columns) => {
      expect(parseItem({ ...row }, columns)).toEqual(parseItemByColumns({ ...row }, columns));
    }),
    { numRuns: 10_000 },
  );
});

/** Parts of keys and of what stands around them, which may make of each other what S3 refuses. */
const part = fc.constantFrom('a', '..', '.', '/', 'soap', 'so', 'ap', 'ü', 'x'.repeat(300), 'x'.repeat(900));
const text = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(''));
const destination = fc.record(
  {
    destination: text.map((prefix) => ({ bucket: 'b', prefix })),
    spread: fc.constantFrom('off', 'binary', 'hex:1', 'hex:8'),
    keyTemplate: fc.constantFrom(
      ...[
        '{key}',
        '{name}',
        '{dir}/{name}',
        '{stem}',
        '{hash}/{key}',
        '{key}{key}',
        '../{key}',
        '{column:c}',
      ],
      ...['{column:c}/{key}', '{column:source}', '{key}.'],
    ),
    stripPrefix: fc.oneof(part, fc.constant('')),
    stripSuffix: fc.oneof(part, fc.constant('')),
  },
  { requiredKeys: ['destination', 'spread'] },
);
const keyed = fc.record(
  { key: text, source: text, spillway_columns: fc.dictionary(fc.constantFrom('c', 'd'), text) },
  { requiredKeys: ['key'] },
);

/** The whole way: what upload makes of the row, and every rule of S3 on it. */
function lookedAt(
  row: TemplateRow,
  options: DestinationOptions,
): CheckedKey | { kind: 'taken'; key: string } {
  const located = createLocator(options)(row);
  if (located.kind === 'fault') return located;
  const { key } = located.destination;
  const fault = faultOfKey(key, options.spread);
  if (fault === undefined) return { kind: 'taken', key };
  return { kind: 'fault', fault: { ...fault, message: `the destination key ${fault.message}` } };
}

it('a destination key that is not looked at is one without a fault, under any options', () => {
  fc.assert(
    fc.property(keyed, destination, (row, options) => {
      const checked = createKeyCheck(options)(row);
      const whole = lookedAt(row, options);
      if (whole.kind === 'taken') expect(checked.kind).toBe('key');
      else expect(checked).toEqual(whole);
    }),
    { numRuns: 10_000 },
  );
});

it('two rows have the same checked key where they have the same destination, and nowhere else', () => {
  fc.assert(
    fc.property(keyed, keyed, destination, (one, other, options) => {
      const [first, second] = [lookedAt(one, options), lookedAt(other, options)];
      fc.pre(first.kind === 'taken' && second.kind === 'taken');
      const check = createKeyCheck(options);
      const isSame = isDeepStrictEqual(check(one), check(other));
      expect(isSame).toBe(isDeepStrictEqual(first, second));
    }),
    { numRuns: 3_000 },
  );
});

it('a row without quotes has the fields that lie between its separators', () => {
  const row = fc.string({ unit: fc.constantFrom(',', '\t', 'a', 'ü') });
  fc.assert(
    fc.property(row, fc.constantFrom(',', '\t'), (text, separator) => {
      expect(splitRow(text, separator, false)).toEqual(text.split(separator));
    }),
  );
});

it('a size is the number of 1 to 15 digits, and other text stays as it is', () => {
  const text = fc.oneof(fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 17 }), fc.string());
  fc.assert(
    fc.property(text, (written) => {
      expect(sizeOf(written)).toBe(/^[0-9]{1,15}$/.test(written) ? Number(written) : written);
    }),
    { numRuns: 1_000 },
  );
});

it('a message that is written with its block is the message of its own', () => {
  const block: BlockId = { job: 'job-00000001' as JobId, slice: 3, block: 4 };
  const key = fc
    .string({ unit: codePoint, minLength: 1, maxLength: 300 })
    .filter((text) => !/[\uFFFE\uFFFF]/.test(text));
  fc.assert(
    fc.property(key, fc.nat(), fc.nat(), fc.boolean(), (text, number, line, isReplay) => {
      const item: ManifestItem = { key: text, text, spillway_columns: { album: text }, tags: { team: text } };
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
