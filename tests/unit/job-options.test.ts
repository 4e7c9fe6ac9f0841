// A job's options: what is taken, what is refused, and that all faults are reported at once.
import { describe, expect, it } from 'vitest';
import { jobOptionFlag } from '../../cli/job-option.ts';
import { storedDefaults } from '../../shared/job/frozen-options.ts';
import type { OptionTable } from '../../shared/job/option-kinds.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';
import {
  createOptionReader,
  metadataOfOptionTexts,
  optionTextsOfMetadata,
  parseFrozenOptions,
  parseJobOptions,
} from '../../shared/job/options.ts';
import { aJob } from '../helpers/records.ts';

const BUCKETS = ['own-bucket', 'other.bucket'];
const parse = (texts: Record<string, string | undefined>, buckets = BUCKETS) =>
  parseJobOptions(texts, buckets);
const messageOf = (texts: Record<string, string | undefined>, buckets = BUCKETS) => {
  const parsed = parse(texts, buckets);
  return parsed.kind === 'invalid' ? parsed.message : `valid: ${JSON.stringify(parsed.options)}`;
};

describe('parseJobOptions', () => {
  it('has a default for everything', () => {
    expect(parse({})).toEqual({
      kind: 'valid',
      options: {
        destination: { bucket: 'own-bucket', prefix: '' },
        spread: 'binary',
        keyTemplate: '{key}',
        stripPrefix: '',
        stripSuffix: '',
        duplicateKeys: 'reject',
        ifExists: 'overwrite',
        retryForSeconds: 86_400,
        deadlineSeconds: 1_209_600,
        maxFailedPercent: 50,
        maxFailedAfterRows: 1000,
        maxRatePerSecond: 0,
        maxBytesPerSecond: 0,
        report: 'all',
        contentTypes: 'guess',
      },
    });
  });

  it.each([
    { text: 'other.bucket', destination: { bucket: 'other.bucket', prefix: '' } },
    { text: 's3://other.bucket', destination: { bucket: 'other.bucket', prefix: '' } },
    { text: 's3://other.bucket/', destination: { bucket: 'other.bucket', prefix: '' } },
    { text: 'own-bucket/a/b', destination: { bucket: 'own-bucket', prefix: 'a/b/' } },
    { text: 's3://own-bucket/2026', destination: { bucket: 'own-bucket', prefix: '2026/' } },
    { text: 's3://own-bucket/2026/', destination: { bucket: 'own-bucket', prefix: '2026/' } },
    { text: 's3://own-bucket/a b/c+/', destination: { bucket: 'own-bucket', prefix: 'a b/c+/' } },
    { text: 's3://own-bucket/a%2Fb', destination: { bucket: 'own-bucket', prefix: 'a%2Fb/' } },
    {
      text: `s3://own-bucket/${'x'.repeat(899)}`,
      destination: { bucket: 'own-bucket', prefix: `${'x'.repeat(899)}/` },
    },
  ])('takes the destination "$text"', ({ text, destination }) => {
    expect(parse({ destination: text })).toMatchObject({ kind: 'valid', options: { destination } });
  });

  it.each([
    { text: '', says: /destination "" is not/ },
    { text: '/prefix', says: /destination "\/prefix" is not s3:\/\/BUCKET/ },
    { text: 's3://', says: /is not s3:\/\/BUCKET/ },
    { text: 's3:///prefix', says: /is not s3:\/\/BUCKET/ },
    { text: 'UPPER', says: /"UPPER" is not allowed/ },
    { text: 'two words', says: /is not s3:\/\/BUCKET/ },
    { text: 'https://own-bucket/x', says: /is not s3:\/\/BUCKET/ },
    { text: 's3://strange-bucket/x', says: /"strange-bucket" is not allowed.*own-bucket, other\.bucket/ },
    { text: 's3://own-bucket/é', says: /printable ASCII/ },
    { text: 's3://own-bucket/a\nb', says: /printable ASCII/ },
    { text: `s3://own-bucket/${'x'.repeat(900)}`, says: /up to 900/ },
    { text: 's3://own-bucket//x', says: /prefix has an empty name/ },
    { text: 's3://own-bucket//', says: /prefix has an empty name/ },
    { text: 's3://own-bucket/a//b', says: /prefix has an empty name/ },
    { text: 's3://own-bucket/a/../b', says: /prefix has the name "\.\."/ },
    { text: 's3://own-bucket/.', says: /prefix has the name "\."/ },
  ])('refuses the destination "$text"', ({ text, says }) => {
    expect(messageOf({ destination: text })).toMatch(says);
  });

  it('quotes a long text that is no destination in short', () => {
    expect(messageOf({ destination: `/${'x'.repeat(5_000)}` }).length).toBeLessThan(400);
  });

  it('refuses every destination where the deployment allows none', () => {
    expect(messageOf({ destination: 'own-bucket' }, [])).toMatch(/not allowed/);
  });

  it.each([
    { texts: { 'retry-for-seconds': '0' }, says: /retry-for-seconds is 0: it takes 1 to 777600/ },
    { texts: { 'retry-for-seconds': '777601' }, says: /777601/ },
    { texts: { 'retry-for-seconds': '-5' }, says: /retry-for-seconds: is not a whole number/ },
    { texts: { 'retry-for-seconds': '1e3' }, says: /retry-for-seconds: is not a whole number/ },
    { texts: { 'retry-for-seconds': '' }, says: /^retry-for-seconds: is not a whole number$/ },
    { texts: { 'deadline-seconds': '0x100' }, says: /^deadline-seconds: is not a whole number$/ },
    { texts: { 'max-failed-percent': '+5' }, says: /^max-failed-percent: is not a whole number$/ },
    { texts: { 'max-failed-percent': ' 5' }, says: /^max-failed-percent: is not a whole number$/ },
    {
      texts: { 'max-failed-after-rows': 'Infinity' },
      says: /^max-failed-after-rows: is not a whole number$/,
    },
    { texts: { 'deadline-seconds': '59' }, says: /deadline-seconds is 59: it takes 60 to 7776000/ },
    { texts: { 'max-failed-percent': '101' }, says: /max-failed-percent is 101: it takes 0 to 100/ },
    { texts: { 'max-failed-after-rows': '0' }, says: /max-failed-after-rows is 0/ },
    { texts: { report: 'some' }, says: /report: takes all, failures or none/ },
    { texts: { spread: 'hex:9' }, says: /hex/ },
    { texts: { spread: '' }, says: /spread/ },
    { texts: { 'if-exists': 'ask' }, says: /if-exists: takes overwrite, skip or fail/ },
  ])('refuses $texts', ({ texts, says }) => {
    expect(messageOf(texts)).toMatch(says);
  });

  it('takes a destination with an old name like any other', () => {
    expect(parse({ destination: 's3://Legacy_Images/a' }, ['Legacy_Images'])).toMatchObject({
      options: { destination: { bucket: 'Legacy_Images', prefix: 'a/' } },
    });
  });

  it('names an unknown option, and the known ones', () => {
    expect(messageOf({ prefix: 'x', Spread: 'off' })).toMatch(
      /unknown option "prefix", "Spread": the options are destination, spread, key-template, .*if-exists, retry-for-seconds/,
    );
  });

  it('reports every fault, not only the first', () => {
    const message = messageOf({
      colour: 'red',
      'if-exists': 'ask',
      destination: 'nowhere-bucket',
      spread: 'wide',
      'retry-for-seconds': '0',
    });
    for (const fault of [/colour/, /if-exists/, /nowhere-bucket/, /wide/, /retry-for-seconds is 0/])
      expect(message).toMatch(fault);
  });

  it.each([
    { name: 'retry-for-seconds', option: 'retryForSeconds', bounds: [1, 777_600] },
    { name: 'deadline-seconds', option: 'deadlineSeconds', bounds: [60, 7_776_000] },
    { name: 'max-failed-percent', option: 'maxFailedPercent', bounds: [0, 100] },
    { name: 'max-failed-after-rows', option: 'maxFailedAfterRows', bounds: [1, 1_000_000_000] },
  ])('takes $name up to its bounds', ({ name, option, bounds }) => {
    for (const bound of bounds)
      expect(parse({ [name]: String(bound) })).toMatchObject({ kind: 'valid', options: { [option]: bound } });
  });
});

it("takes the options out of an object's metadata, and leaves the rest", () => {
  expect(
    optionTextsOfMetadata({ 'spillway-spread': 'off', 'spillway-': 'x', author: 'me', spillway: '1' }),
  ).toEqual({ spread: 'off', '': 'x' });
  // A report that is copied into the inbox within S3 keeps this, and it is no option.
  expect(optionTextsOfMetadata({ 'spillway-drop': 'a1b2' })).toEqual({});
});

it('writes options as metadata from which it reads the same', () => {
  const texts = { spread: 'off', 'if-exists': 'skip' };
  expect(metadataOfOptionTexts(texts)).toEqual({ 'spillway-spread': 'off', 'spillway-if-exists': 'skip' });
  expect(optionTextsOfMetadata(metadataOfOptionTexts(texts))).toEqual(texts);
});

describe('the options of an earlier job', () => {
  const frozen = (prefix: string, bucket = 'own-bucket') => {
    const { options } = aJob();
    return { ...options, destination: { bucket, prefix } };
  };

  it.each(['', 'folder/', 'glued-', 'a//b', '/x', '../y', 'x'.repeat(900)])(
    'keep the prefix "%s", so that a redrive writes to the same keys',
    (prefix) => {
      expect(parseFrozenOptions(frozen(prefix), BUCKETS)).toEqual({ kind: 'valid', options: frozen(prefix) });
    },
  );

  it('are refused where the deployment no longer takes them', () => {
    expect(parseFrozenOptions(frozen('x', 'gone-bucket'), BUCKETS)).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/"gone-bucket" is not allowed/),
    });
    expect(parseFrozenOptions(frozen('a\nb'), BUCKETS)).toMatchObject({ kind: 'invalid' });
  });
});

describe('an option that is new in the table', () => {
  const table = {
    ...OPTIONS,
    noOp: { name: 'no-op', kind: 'choice', choices: ['on', 'off'], default: 'off', description: 'nothing' },
    noOps: {
      name: 'no-ops',
      kind: 'whole number',
      unit: 'rows',
      default: 3,
      least: 2,
      most: 4,
      description: 'rows of nothing',
    },
  } as const satisfies OptionTable;
  const reader = createOptionReader(table);
  const before = aJob().options;

  it('is read from its text, and has its default without one', () => {
    expect(reader.parse({ 'no-op': 'on', 'no-ops': '4' }, BUCKETS)).toMatchObject({
      kind: 'valid',
      options: { noOp: 'on', noOps: 4, spread: 'binary' },
    });
    expect(reader.parse({}, BUCKETS)).toMatchObject({ options: { noOp: 'off', noOps: 3 } });
  });

  it('is held to its values, and named among the options', () => {
    expect(reader.parse({ 'no-op': 'x', 'no-ops': '5', other: '' }, BUCKETS)).toMatchObject({
      kind: 'invalid',
      message: `no-op: takes on or off; unknown option "other": the options are ${reader.names.join(', ')}; no-ops is 5: it takes 2 to 4`,
    });
    expect(reader.names.slice(-2)).toEqual(['no-op', 'no-ops']);
  });

  it('has its default in jobs and reports that were stored before', () => {
    const expected = { ...before, noOp: 'off', noOps: 3 };
    expect({ ...storedDefaults(table), ...before }).toEqual(expected);
    expect(reader.stored.parse(before)).toEqual(expected);
  });

  it('goes on to a redrive, and is validated again there', () => {
    const chosen = { ...before, noOp: 'on', noOps: 2 } as const;
    expect(reader.parseFrozen(chosen, ['destination'])).toEqual({ kind: 'valid', options: chosen });
    expect(reader.parseFrozen({ ...chosen, noOps: 5 }, ['destination'])).toMatchObject({
      kind: 'invalid',
      message: 'no-ops is 5: it takes 2 to 4',
    });
  });
});

it.each([
  ['spread', 'spread', 'binary', /: binary, hex:N \(N from 1 to 8\) or off$/],
  ['ifExists', 'if-exists', 'overwrite', /holds an object already$/],
] as const)('makes a flag of %s', (field, name, usual, says) => {
  expect(jobOptionFlag(OPTIONS[field], 'x')).toMatchObject({
    long: `--${name}`,
    defaultValue: usual,
    description: expect.stringMatching(says),
  });
});
