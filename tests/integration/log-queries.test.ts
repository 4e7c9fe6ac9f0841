// The saved queries of CloudWatch Logs Insights name fields that the functions log: read from the lines of a run with trouble.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../functions/runtime/metrics.js';
import { LOG_QUERIES } from '../../infrastructure/log-queries.js';
import { type PipelineCloud, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ROWS = 120;
const BAD_ROWS = 2_000;
/** Commands, functions and operators of the queries. */
const WORDS = new Set(
  'filter fields stats sort limit unnest into as by desc asc and or like sum count latest jsonParse'.split(
    ' ',
  ),
);

type Line = Record<string, unknown>;
/** A slow machine may take so long until both jobs have ended. */
const RUN_MS = 300_000;
const SWEEP_EVERY_MS = 1_000;

let cloud: PipelineCloud;
let sweeping: NodeJS.Timeout;
let lines: Line[] = [];
let job = '';

beforeAll(async () => {
  cloud = await startPipelineCloud({
    visibilitySeconds: 20,
    limit: { limitPerSecond: 40, burstSeconds: 0.1 },
    adjust({ functions: { sweep, settle } }) {
      for (const each of [sweep, settle])
        if (each !== undefined) each.environment['SPILLWAY_UPLOAD_SECONDS'] = '1';
    },
  });
  // The job of bad rows is stopped, and ends by a sweep.
  sweeping = setInterval(() => void cloud.trigger('sweep').catch(() => undefined), SWEEP_EVERY_MS);
  const keys = Array.from({ length: ROWS }, (_, index) => `hot/${index % 2}/x/${index},,text`);
  const rows = [...keys, `hot/0/x/none,s3://${SOURCE_BUCKET}/none,`];
  const options = { spread: 'off', 'max-failed-percent': '100' };
  const mixed = await cloud.drop('lists/mixed.csv', `key,source,text\n${rows.join('\n')}\n`, { options });
  const bad = await cloud.drop('lists/bad.csv', `key,text\n${'x\n'.repeat(BAD_ROWS)}`, { options: {} });
  job = (await cloud.ended(mixed, RUN_MS)).job;
  await cloud.ended(bad, RUN_MS);
  await cloud.send('SettleQueue', 'unreadable');
  await cloud.until('settle logs its error', () =>
    cloud.logs().some(({ line }) => line.includes('message not settled')),
  );
  lines = cloud.logs().flatMap(({ line }) => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      return [];
    }
  });
}, RUN_MS);
afterAll(async () => {
  clearInterval(sweeping);
  await cloud?.stop();
});

/** Fields of a query by their path in a line; an entry of a list is `[]`. What Lambda itself adds begins with @. */
function fieldsOf(text: string): string[] {
  const plain = text.replaceAll(/#.*$/gm, '').replaceAll(/"[^"]*"/g, '');
  const aliases = new Map<string, string>(
    [...plain.matchAll(/\bas (\w+)/g)].map(([, name]) => [String(name), '']),
  );
  for (const [, path, name] of plain.matchAll(/unnest ([\w.]+) into (\w+)/g))
    aliases.set(String(name), `${String(path).split('.').slice(1).join('.')}[]`);
  const words = [...plain.matchAll(/(?<![\w@.])[A-Za-z][\w.]*/g)].map(([word]) => word);
  return words.flatMap((word) => {
    const [first = '', ...rest] = word.split('.');
    const root = aliases.get(first);
    if (WORDS.has(word) || (root !== undefined && rest.length === 0)) return [];
    return [root === undefined ? word : [root, ...rest].filter((part) => part !== '').join('.')];
  });
}

function valuesAt(value: unknown, path: string): unknown[] {
  const [, name = '', list = '', rest = ''] = /^([^.[]+)(\[\])?\.?(.*)$/.exec(path) ?? [];
  const inner = (value as Line | undefined)?.[name];
  const all = list === '' ? [inner] : Array.isArray(inner) ? inner : [];
  return (rest === '' ? all : all.flatMap((each) => valuesAt(each, rest))).filter(
    (each) => each !== undefined,
  );
}

describe.each(Object.entries(LOG_QUERIES))('%s', (_, { lines: commands }) => {
  it('names fields that the functions log', () => {
    // A line leaves out metrics of what did not occur, such as skipped rows.
    const missing = fieldsOf(commands.join('\n')).filter(
      (field) => !(field in METRICS) && lines.every((line) => valuesAt(line, field).length === 0),
    );
    expect(missing).toEqual([]);
  });
});

it('fieldsOf finds what is compared here', () => {
  expect(fieldsOf(LOG_QUERIES['ThrottledPrefixesQuery']?.lines.join('\n') ?? '')).toEqual(
    expect.arrayContaining(['Throttled', 'throttledPrefixes[].times', 'throttledPrefixes[].prefix']),
  );
});

describe('the lines of a batch', () => {
  it('name the prefixes that were refused', () => {
    const named = lines.flatMap((line) => valuesAt(line, 'throttledPrefixes[]')) as {
      prefix: string;
      cause: string;
      times: number;
    }[];
    const { destination } = cloud.names;
    expect(new Set(named.map(({ prefix }) => prefix))).toEqual(
      new Set([`${destination}/hot/0/`, `${destination}/hot/1/`]),
    );
    const refused = lines.reduce((sum, line) => sum + Number(line['Throttled'] ?? 0), 0);
    expect(named.reduce((sum, { times }) => sum + times, 0)).toBe(refused);
  });

  it('name the codes of failed rows', () => {
    const failures = lines.flatMap((line) => valuesAt(line, 'failures[]'));
    expect(failures[0]).toEqual({ code: expect.stringMatching(/^\w+$/), times: 1 });
  });

  it('tell the story of a job from ingest to settle', () => {
    const story = lines.filter((line) => JSON.stringify(line).includes(job));
    const services = new Set(story.map(({ service }) => String(service).replace(/^.*-/, '')));
    expect([...services]).toEqual(expect.arrayContaining(['ingest', 'upload', 'settle']));
  });
});

it('the metrics of upload have every row, and the values of a batch', () => {
  const sums = cloud.metrics();
  // SQS may deliver a message twice at the same time, and then both deliveries count.
  expect(sums['ObjectsStored']).toBeGreaterThanOrEqual(ROWS);
  expect(sums['BytesStored']).toBe(Number(sums['ObjectsStored']) * 4);
  for (const name of ['RequestMs', 'Pace', 'OldestJobSeconds']) expect(sums[name], name).toBeGreaterThan(0);
  expect(sums).toMatchObject({ RowsRejected: expect.any(Number), ThrottledByPartition: sums['Throttled'] });
});
