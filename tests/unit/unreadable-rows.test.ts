// Rows of the ledger that can't be read stop nothing but what depends on them.
import type { Context, ScheduledEvent, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { IngestDependencies } from '../../functions/ingest/dependencies.ts';
import { createIngest } from '../../functions/ingest/handler.ts';
import type { SweepDependencies } from '../../functions/sweep/dependencies.ts';
import { createSweep } from '../../functions/sweep/handler.ts';
import { watchJobs } from '../../functions/upload/watch-jobs.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import type { FoundJobs } from '../../shared/ledger/job-reads.ts';
import { createRounds } from '../../shared/ledger/rounds.ts';
import { readableSliceRow, readSliceRow } from '../../shared/ledger/rows.ts';
import type { Table } from '../../shared/ledger/table.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { aJob, aRunningJob, JOB_ID } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const BAD = 'job-unreadable' as JobId;
const ERROR = new UnreadableRowError(`job ${BAD}`, 'has no state');
const SECOND_MS = 1_000;

describe('sweep', () => {
  it('goes on with the other jobs, and names the row in the error of its invocation', async () => {
    const clock = createVirtualClock();
    const swept: JobId[] = [];
    const sweep = createSweep({
      index: { live: async () => [BAD, JOB_ID] },
      ledger: {
        getJob: async (id: JobId) => {
          if (id === BAD) throw ERROR;
          swept.push(id);
          return undefined;
        },
      },
      queue: { sqs: { send: async () => ({}) }, clock, random: () => 0 },
      queueUrls: { ingest: 'i', upload: 'u', settle: 's' },
      clock,
      telemetry: { logger: { info: () => undefined }, count: () => undefined },
    } as unknown as SweepDependencies);
    const context = { getRemainingTimeInMillis: () => 60 * SECOND_MS } as Context;
    await expect(sweep({} as ScheduledEvent, context)).rejects.toThrow(
      `${BAD}: UnreadableRowError: ${ERROR.message}`,
    );
    expect(swept).toEqual([JOB_ID]);
  });
});

describe('ingest', () => {
  it('looks at every manifest of a notification, though the job of the first can not be read', async () => {
    const clock = createVirtualClock();
    const asked: JobId[] = [];
    const logged: unknown[][] = [];
    const ingest = createIngest({
      inbox: 'inbox',
      end: {},
      ledger: {
        getJob: async (id: JobId) => {
          asked.push(id);
          throw new UnreadableRowError(`job ${id}`, 'has no state');
        },
      },
      queue: { sqs: { send: async () => ({}) }, clock, random: () => 0 },
      ingestQueueUrl: 'ingest',
      retrySeconds: [1],
      clock,
      telemetry: {
        logger: { error: (...line: unknown[]) => logged.push(line) },
        count: () => undefined,
      },
    } as unknown as IngestDependencies);
    const keys = [`api/${BAD}/manifest`, `api/${JOB_ID}/manifest`];
    const body = JSON.stringify({
      Records: keys.map((key) => ({
        eventName: 'ObjectCreated:Put',
        s3: { bucket: { name: 'inbox' }, object: { key, versionId: 'v' } },
      })),
    });
    const attributes = { ApproximateReceiveCount: '1' };
    const event = { Records: [{ messageId: 'm', receiptHandle: 'r', body, attributes }] } as SQSEvent;
    const answer = await ingest(event, { getRemainingTimeInMillis: () => 60 * SECOND_MS } as Context);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    expect(asked).toEqual([BAD, JOB_ID]);
    const message = expect.stringMatching(`row of job ${BAD} .*; .*row of job ${JOB_ID} `);
    expect(logged).toEqual([
      [expect.anything(), expect.objectContaining({ error: expect.objectContaining({ message }) })],
    ]);
  });
});

describe("upload's watch", () => {
  it('keeps the last good reading of a job whose row became unreadable, and reports it once', async () => {
    const clock = createVirtualClock();
    const other = aRunningJob();
    const jobs = new Map<JobId, Job>([
      [BAD, aJob({ id: BAD })],
      [other.id, other],
    ]);
    const found: FoundJobs = {
      jobs: new Map([[other.id, { ...other, control: 'cancelling', haltedAtMs: 0 } as Job]]),
      unreadable: new Map([[BAD, ERROR]]),
    };
    const untilMs = clock.now() + 60 * SECOND_MS;
    const watch = watchJobs({ ledger: { getJobs: async () => found }, clock }, jobs, untilMs);
    await clock.sleep(30 * SECOND_MS);
    expect([watch.instructionFor(BAD), watch.instructionFor(other.id)]).toEqual(['go-on', 'cancel']);
    expect(await watch.end()).toEqual([ERROR]);
  });
});

describe('a row of a slice', () => {
  const ROW = {
    pk: { S: `S#${JOB_ID}#7` },
    rows: { N: '9' },
    blocks: { N: '1' },
    startOffset: { N: '0' },
    endOffset: { N: '99' },
  };
  const named = (what: string) =>
    `the ledger's row of slice ${JOB_ID}/7 has ${what}: deploy the version that wrote it, or restore`;

  it.each([
    ['rows', 'no number of rows', { rows: { S: '9' } }],
    ['blocks', 'no number of blocks', { blocks: { N: '-1' } }],
  ])('with broken %s is an error that names job, slice and remedy', (_, what, attributes) => {
    expect(() => readSliceRow({ ...ROW, ...attributes })).toThrow(named(what));
    expect(readableSliceRow({ ...ROW, ...attributes })).toBeUndefined();
  });

  it.each([
    ['file', 'a file that is not a JSON object', { file: { S: 'null' } }],
    ['file', 'a file that is not JSON', { file: { N: '1' } }],
    ['end', 'no range of bytes', { endOffset: { S: 'x' } }],
  ])('with a broken %s has a place that names it, and its counts', (_, what, attributes) => {
    const error = expect.objectContaining({ message: expect.stringContaining(named(what)) });
    expect(readSliceRow({ ...ROW, ...attributes })).toMatchObject({
      rows: 9,
      place: { kind: 'unreadable', error },
    });
  });

  it.each(['{', '{}', '{"totals":{"rows":1},"files":[]}'])('with the result %s has a damaged one', (text) => {
    const slice = readSliceRow({ ...ROW, result: { S: text } });
    expect(slice).toMatchObject({ damagedResult: { S: text } });
    expect(slice.result).toBeUndefined();
  });
});

describe("sweep's round", () => {
  it.each(['', '{', 'null', '[]', '{"next":"x"}', '{"next":3}'])(
    'begins again where its row holds %j',
    async (text) => {
      const table = { get: async () => ({ round: { S: text } }) } as unknown as Table;
      expect(await createRounds(table).getRound(JOB_ID)).toMatchObject({ next: 0, sum: { rows: 0 } });
    },
  );
});
