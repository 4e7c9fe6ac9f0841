// What upload does with items that may not be written, and with a batch that it can't look up.
import type { Context, SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { UploadDependencies } from '../../functions/upload/dependencies.ts';
import { createUpload } from '../../functions/upload/handler.ts';
import type { JobId } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import type { FoundJobs } from '../../shared/ledger/job-reads.ts';
import { blockName } from '../../shared/ledger/rows.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import { createReturnShare } from '../../shared/queue/give-back.ts';
import { messageBody, type UploadMessage } from '../../shared/queue/messages.ts';
import type { Outcome, OutcomeRecord } from '../../shared/report/outcome.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import { createWatchedSqs } from '../helpers/failing.ts';
import { aJob, anUploadMessage } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const CONTEXT = { awsRequestId: 'r', getRemainingTimeInMillis: () => 180_000 } as Context;

interface Start {
  job?: Job;
  lookUp?: () => Promise<void>;
  unreadable?: FoundJobs['unreadable'];
}

function start({ job = aJob(), lookUp = async () => {}, unreadable = new Map() }: Start = {}) {
  const clock = createVirtualClock();
  const sqs = createWatchedSqs();
  const written: string[] = [];
  const outcomes: OutcomeRecord[] = [];
  const logged: unknown[][] = [];
  const counted: Record<string, unknown>[] = [];
  let canKeepOutcomes = true;
  const none = new Set<number>();
  const block = {
    size: 9,
    movedAtMs: 0,
    openings: 1,
    done: none,
    failed: none,
    cancelled: none,
    rejected: none,
  };
  const upload = createUpload({
    engine: {
      rateLimiter: { groupOf: () => 'g', pass: async () => ({ kind: 'passed' }), observe: () => undefined },
      clock,
      random: () => 0,
    },
    writer: {
      begin: (_item: unknown, { destination }: { destination: { key: string } }) => ({
        write: async () => {
          written.push(destination.key);
          return { etag: '"e"' };
        },
        recognise: async () => undefined,
      }),
    },
    ledger: {
      getJobs: async () => {
        await lookUp();
        return { jobs: new Map([[job.id, job]]), unreadable };
      },
      readBlocks: async () => new Map([[blockName(anUploadMessage()), block]]),
      recordEnds: async () => 'in time',
    },
    outcomes: {
      write: async (_slice: unknown, _name: string, records: readonly OutcomeRecord[]) => {
        if (!canKeepOutcomes) throw new Error('S3 is away');
        outcomes.push(...records);
      },
      list: async () => [],
      read: async () => new Uint8Array(),
    },
    queue: { sqs: sqs.client, clock, random: () => 0 },
    uploadQueueUrl: 'upload',
    returns: createReturnShare(clock),
    returnedAttempts: createReturnedAttempts(),
    pacer: { ratePerSecond: () => 100, drain: () => undefined },
    allowed: { sources: { buckets: ['allowed'] }, destinations: ['destination'] },
    retrySeconds: [10, 60, 300, 720],
    telemetry: {
      logger: { info: () => undefined, error: (...line: unknown[]) => logged.push(line) },
      count: (values: Record<string, unknown>) => counted.push(values),
    },
  } as unknown as UploadDependencies);
  const run = (...messages: Partial<UploadMessage>[]) =>
    upload({ Records: messages.map((message, index) => recordOf(anUploadMessage(message), index)) }, CONTEXT);
  const hidden = () =>
    sqs.calls
      .filter(({ operation }) => operation === 'visibility')
      .flatMap(({ entries }) =>
        entries.map(({ ReceiptHandle, VisibilityTimeout }) => [ReceiptHandle, VisibilityTimeout]),
      );
  const loseOutcomes = () => {
    canKeepOutcomes = false;
  };
  return {
    run,
    written,
    outcomes,
    logged,
    hidden,
    loseOutcomes,
    counts: () => Object.assign({}, ...counted),
  };
}

const recordOf = (message: UploadMessage, index: number): SQSRecord =>
  ({
    messageId: `m${index}`,
    receiptHandle: `r${index}`,
    body: messageBody(message),
    attributes: { ApproximateReceiveCount: String(index + 1), ApproximateFirstReceiveTimestamp: '0' },
  }) as SQSRecord;

describe('an item that this deployment does not allow', () => {
  it('fails for its source and is not written, while its neighbours are', async () => {
    const { run, written, outcomes } = start();
    const answer = await run(
      { number: 0, item: { key: 'a', source: 's3://elsewhere/secret' } },
      { number: 1, item: { key: 'b', source: 's3://allowed/x' } },
      { number: 2, item: { key: 'c', text: 'inline' } },
    );
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(written).toEqual(['b', 'c']);
    expect((outcomes as Outcome[]).map(({ number, status, code }) => [number, status, code])).toEqual([
      [0, 'failed', 'SourceNotAllowed'],
      [1, 'stored', undefined],
      [2, 'stored', undefined],
    ]);
  });

  it('fails for its destination', async () => {
    const job = aJob({ options: { ...aJob().options, destination: { bucket: 'another', prefix: '' } } });
    const { run, written, outcomes } = start({ job });
    await run({ number: 0 });
    expect(written).toEqual([]);
    expect(outcomes).toMatchObject([{ status: 'failed', code: 'DestinationNotAllowed' }]);
  });

  it('fails for a key that its job can not make, while its neighbours are written', async () => {
    const job = aJob({ options: { ...aJob().options, keyTemplate: '{column:album}/{key}' } });
    const { run, written, outcomes } = start({ job });
    const album = { spillway_columns: { album: 's' } };
    await run({ number: 0 }, { number: 1, item: { key: 'b', text: '', ...album } });
    expect(written).toEqual(['s/b']);
    expect(outcomes).toMatchObject([
      { number: 0, status: 'failed', code: 'TemplateColumnMissing' },
      { number: 1, status: 'stored', destination: 's3://destination/s/b' },
    ]);
    expect(outcomes[0]).not.toHaveProperty('destination');
  });
});

describe('items of a job whose row can not be read', () => {
  it('stay for the dead-letter queue, while those of other jobs are written', async () => {
    const bad = 'job-unreadable' as JobId;
    const error = new UnreadableRowError(`job ${bad}`, 'has no state');
    const { run, written, hidden, logged } = start({ unreadable: new Map([[bad, error]]) });
    const answer = await run(
      { number: 0, job: bad },
      { number: 1, item: { key: 'b', text: 'x' } },
      { number: 2, job: bad },
    );
    expect(answer).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm0' }, { itemIdentifier: 'm2' }],
    });
    expect(written).toEqual(['b']);
    // No retry helps: the visibility timeout of the queue hides them.
    expect(hidden()).toEqual([]);
    // One line of the log names the row, once.
    expect(logged).toEqual([[expect.anything(), expect.objectContaining({ faults: [error.message] })]]);
  });
});

describe('a batch that can not be worked on', () => {
  it('comes back by its receives where the ledger is away, and fails the invocation', async () => {
    const { run, hidden } = start({
      lookUp: async () => {
        throw new Error('DynamoDB is away');
      },
    });
    await expect(run({ number: 0 }, { number: 1 })).rejects.toThrow('DynamoDB is away');
    expect(hidden()).toEqual([
      ['r0', 10],
      ['r1', 60],
    ]);
  });

  it('comes back by its receives where its outcomes can not be written', async () => {
    const { run, hidden, loseOutcomes } = start();
    loseOutcomes();
    const { batchItemFailures } = await run({ number: 0 }, { number: 1 });
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['m0', 'm1']);
    expect(hidden()).toEqual([
      ['r0', 10],
      ['r1', 60],
    ]);
  });

  it('does not count rows as stored that will end again', async () => {
    const { run, counts, loseOutcomes, written } = start();
    loseOutcomes();
    await run({ number: 0 }, { number: 1 });
    expect(written).toHaveLength(2);
    expect(counts()).toMatchObject({ ObjectsStored: 0, Attempts: 2, MessagesFailed: 2 });
    expect(counts()).not.toHaveProperty('BytesStored');
  });
});

it('a batch counts its rows, its pace and its latencies, and no cause that did not occur', async () => {
  const { run, counts } = start();
  await run({ number: 0 }, { number: 1, item: { key: 'b', source: 's3://elsewhere/x' } });
  expect(counts()).toMatchObject({ ObjectsStored: 1, ObjectsFailed: 1, Attempts: 1, Pace: [100] });
  expect(counts().RequestMs).toEqual([expect.any(Number)]);
  expect(Object.keys(counts()).filter((name) => name.startsWith('ThrottledBy'))).toEqual([]);
});
