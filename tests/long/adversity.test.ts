// S3 and SQS at their worst: throttling, lost answers, refused entries. Everything is stored in the end, and once.
import { afterEach, describe, expect, it } from 'vitest';
import type { S3Fault } from '../../local/faults/fault.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { type JobEnd, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const LIMIT_PER_SECOND = 80;
/** No measure: how long a job takes is a benchmark's to say. */
const SLACK_MS = 100_000;
const FEW_ROWS = 40;

const cloud = duringTests(() =>
  startPipelineCloud({
    visibilitySeconds: 4,
    limit: { limitPerSecond: LIMIT_PER_SECOND },
  }),
);
afterEach(() => cloud?.setFaults([]));

const keysOf = (prefix: string, rows: number) =>
  Array.from({ length: rows }, (_, row) => `${prefix}/${String(row).padStart(4, '0')}`);

async function run(prefix: string, rows: number, options: Record<string, string> = {}): Promise<JobEnd> {
  const body = `key,text\n${keysOf(prefix, rows)
    .map((key) => `${key},of ${key}\n`)
    .join('')}`;
  const dropped = await cloud.drop(`lists/${prefix}.csv`, body, { options: { spread: 'off', ...options } });
  const end = await cloud.ended(dropped, SLACK_MS + (rows / LIMIT_PER_SECOND) * 1_000);
  expect(end).toMatchObject({ state: 'completed', rows, unaccounted: 0 });
  return end;
}

async function expectAllThere(end: JobEnd, prefix: string, rows: number): Promise<void> {
  const keys = keysOf(prefix, rows);
  expect(await cloud.rows(end, 'failed')).toEqual([]);
  expect(end).toMatchObject({ stored: rows, failed: 0 });
  expect((await cloud.rows(end, 'succeeded')).map(({ key }) => key).toSorted()).toEqual(keys);
  expect(await cloud.keys(cloud.names.destination, prefix)).toEqual(keys);
  for (const key of [keys[0], keys.at(-1)])
    expect(String(await cloud.read(cloud.names.destination, key ?? ''))).toBe(`of ${key}`);
}

/** Half of the requests for its objects meet the fault, until it was met as often as there are rows. */
async function expectStoredDespite(prefix: string, fault: S3Fault): Promise<void> {
  await cloud.setFaults([{ ...fault, keyIncludes: `${prefix}/`, probability: 0.5, count: FEW_ROWS }]);
  const end = await run(prefix, FEW_ROWS);
  await expectAllThere(end, prefix, FEW_ROWS);
  expect(end.attempts).toBeGreaterThan(FEW_ROWS);
}

describe('answers that are lost or odd', () => {
  it.each([
    { prefix: 'internal', fault: { kind: 's3-error', status: 500, code: 'InternalError' } },
    { prefix: 'cut-before', fault: { kind: 's3-drop', when: 'before' } },
    { prefix: 'cut-after', fault: { kind: 's3-drop', when: 'after' } },
  ] as const)('($prefix) are tried again until each object is there', ({ prefix, fault }) =>
    expectStoredDespite(prefix, fault),
  );

  it('are not mistaken for another writer by a job that must not overwrite', async () => {
    await cloud.setFaults([
      { kind: 's3-drop', when: 'after', keyIncludes: 'own/', operations: ['PutObject'], count: 10 },
    ]);
    const end = await run('own', FEW_ROWS, { 'if-exists': 'fail' });
    await expectAllThere(end, 'own', FEW_ROWS);
  });
});

describe('SQS that refuses entries', () => {
  it('loses no message, whichever call it refuses', async () => {
    await cloud.setFaults([
      { kind: 'sqs-entries-failed', action: 'SendMessageBatch', probability: 0.3 },
      { kind: 'sqs-entries-failed', action: 'DeleteMessageBatch', probability: 0.3 },
      { kind: 'sqs-entries-failed', action: 'ChangeMessageVisibilityBatch', probability: 0.3 },
    ]);
    const end = await run('entries', 250);
    await expectAllThere(end, 'entries', 250);
  });
});

// Last, the one that is refused longest behind the rest: it leaves the pacers at their floor, and whatever came next would crawl.
describe('S3 that throttles', () => {
  it('stores everything in the end, gives back what it would not take, and has no dead letter', async () => {
    const rows = 800;
    // At first it refuses all: near a job's end a worker keeps what S3 takes within seconds, so a limit alone gives nothing back.
    await cloud.setFaults([
      { kind: 's3-error', status: 503, code: 'SlowDown', keyIncludes: 'throttled/', count: 150 },
    ]);
    const end = await run('throttled', rows);
    await expectAllThere(end, 'throttled', rows);
    expect(end.throttled).toBeGreaterThan(0);
    expect(end.attempts).toBe(rows + end.throttled);
    const metrics = cloud.metricsOf('upload');
    const givenBack = ['RefusedReturned', 'RefusedReposted', 'UntriedReturned', 'UntriedReposted'];
    expect(givenBack.reduce((sum, name) => sum + (metrics[name] ?? 0), 0)).toBeGreaterThan(0);
    expect(end.returned + end.reposted).toBeGreaterThan(0);
    expect(cloud.metricsOf('deadLetters')['DeadLettersFlagged'] ?? 0).toBe(0);
  });

  it('is heard without a body too: what it answered 503 is tried again until each object is there', () =>
    expectStoredDespite('bodiless', { kind: 's3-bodiless', status: 503 }));

  it('fails what it refuses for longer than the job retries, and says what it answered', async () => {
    await cloud.setFaults([{ kind: 's3-error', status: 503, code: 'SlowDown', keyIncludes: 'refused/0001' }]);
    const end = await run('refused', 3, { 'retry-for-seconds': '1' });
    expect(end).toMatchObject({ stored: 2, failed: 1 });
    expect(await cloud.rows(end, 'failed')).toMatchObject([
      {
        key: 'refused/0001',
        text: 'of refused/0001',
        spillway_code: 'RetryTimeExceeded',
        spillway_message: expect.stringContaining('SlowDown'),
      },
    ]);
  });
});
