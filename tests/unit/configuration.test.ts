// The functions' configuration: every fault in the environment is named with its variable, and serverless.yml has none.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  bucket,
  bucketList,
  eventBus,
  hostList,
  queueUrl,
  readConfiguration,
  retrySeconds,
  table,
  type Variable,
  wholeNumber,
} from '../../functions/runtime/configuration.ts';
import { readService } from '../../local/service/read-service.ts';
import { CONFIGURATIONS } from '../helpers/configurations.ts';

const read = (variable: Variable<unknown>, text: string) =>
  readConfiguration({ FIELD: variable }, { FIELD: text }).FIELD;

describe('a configuration', () => {
  it('reports every variable that is missing, empty or wrong, at once', () => {
    const schema = { A: bucket, B: bucket, C: wholeNumber(1, 500), D: queueUrl, E: bucketList };
    expect(() => readConfiguration(schema, { B: '', C: '501', D: 'queue', E: '' })).toThrow(
      /^environment variables, which serverless\.yml sets: A is missing; B is empty: it takes the name of a bucket; C is "501": it takes a whole number from 1 to 500; D is "queue": it takes the URL of a queue$/,
    );
  });

  it('shows a wrong value in part', () => {
    expect(() => read(bucket, 'x'.repeat(100_000))).toThrow(/FIELD is "x{1,100}… \[cut, 100000 bytes\]"/);
  });

  it('is read from the environment of the process, and ignores its other variables', () => {
    const text: Variable<string> = { takes: 'any text', parse: (found) => found };
    expect(readConfiguration({ PATH: text })).toEqual({ PATH: process.env['PATH'] });
    expect(() => readConfiguration({ SPILLWAY_NOT_SET: table })).toThrow('SPILLWAY_NOT_SET is missing');
  });
});

describe('a list of hosts', () => {
  it('may be empty, and takes names and patterns', () => {
    expect(read(hostList, '')).toEqual([]);
    expect(read(hostList, 'files.example.com, *.cdn.example.com')).toEqual([
      'files.example.com',
      '*.cdn.example.com',
    ]);
  });

  it.each([
    '*',
    '*.com',
    'localhost',
    '127.0.0.1',
    'a.b:443',
    'https://a.b',
    'A.example.com',
    'a.*.com',
    '[::1]',
  ])('takes no "%s"', (host) => {
    expect(() => read(hostList, `files.example.com,${host}`)).toThrow(
      /FIELD is ".*": it takes names of hosts/,
    );
  });
});

describe('a whole number', () => {
  const size = wholeNumber(0, Number.MAX_SAFE_INTEGER);

  it.each(['0', '8388608', '007'])('is read from "%s"', (text) => {
    expect(read(size, text)).toBe(Number(text));
  });

  it.each([
    '',
    ' ',
    ' 5',
    '5 ',
    '+5',
    '-5',
    '0x10',
    '1e3',
    '1.5',
    'Infinity',
    'NaN',
    '9007199254740993',
    '٣',
  ])('is not read from "%s", which is named with its variable', (text) => {
    const fault = text === '' ? 'is empty' : `is "${text}"`;
    expect(() => read(size, text)).toThrow(`FIELD ${fault}: it takes a whole number from 0`);
    expect(() => read(retrySeconds, `1,${text}x`)).toThrow(`FIELD is "1,${text}x"`);
  });

  it('lies within its bounds', () => {
    expect(read(wholeNumber(2, 5), '2')).toBe(2);
    expect(read(wholeNumber(2, 5), '5')).toBe(5);
    for (const text of ['1', '6']) expect(() => read(wholeNumber(2, 5), text)).toThrow('from 2 to 5');
  });
});

describe('the seconds until a retry', () => {
  it('are read from each part of a list', () => {
    expect(read(retrySeconds, '10, 60,300')).toEqual([10, 60, 300]);
  });

  it.each(['', ',', '10,43201', '10;60'])('are not read from "%s"', (text) => {
    expect(() => read(retrySeconds, text)).toThrow('it takes whole numbers of seconds from 0 to 43200');
  });
});

describe('names and addresses', () => {
  it('of buckets may be several, or none', () => {
    expect(read(bucketList, ' photos,, archive.2019,Old_Photos ')).toEqual([
      { bucket: 'photos' },
      { bucket: 'archive.2019' },
      { bucket: 'Old_Photos' },
    ]);
    expect(read(bucketList, 'photos@123456789012,open@any')).toEqual([
      { bucket: 'photos', account: '123456789012' },
      { bucket: 'open', account: 'any' },
    ]);
    expect(() => read(bucketList, 'photos@12')).toThrow('photos@ACCOUNT');
    expect(read(bucketList, '')).toEqual([]);
    expect(() => read(bucketList, 'photos,s3://more')).toThrow(
      'names of buckets, such as photos or photos@ACCOUNT, separated by commas',
    );
  });

  it.each([
    ['a table', table, 'spillway-dev-ledger', 'my table'],
    ['a queue', queueUrl, 'http://127.0.0.1:4566/000000000000/spillway-dev-ingest', 'https://sqs'],
    ['an event bus', eventBus, 'arn:aws:events:us-east-1:123456789012:event-bus/jobs', 'de fault'],
  ])('of %s are held to their form', (_what, field, good, bad) => {
    expect(read(field, good)).toBe(good);
    for (const text of [bad, '']) expect(() => read(field, text)).toThrow(/FIELD is .*it takes the/);
  });
});

it('serverless.yml gives each function a valid configuration', async () => {
  const { functions } = await readService(fileURLToPath(new URL('../../serverless.yml', import.meta.url)));
  expect(Object.keys(functions)).toEqual(Object.keys(CONFIGURATIONS));
  for (const [name, schema] of Object.entries(CONFIGURATIONS)) {
    expect(() => readConfiguration(schema, functions[name]?.environment), name).not.toThrow();
  }
});
