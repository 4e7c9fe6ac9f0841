// Rows of the ledger and outcomes that another program damaged, on a DynamoDB with the project's tables: sweep and settle go on
// with all else, name what they can't read, and end the job with every row in its counts.
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Context, SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSettle } from '../../functions/settle/handler.ts';
import { reconcileJob } from '../../functions/sweep/reconcile-job.ts';
import { createMemoryS3, type MemoryS3 } from '../../lab/memory/s3.ts';
import { openBlock, readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import { CLOCK_MARGIN_MS } from '../../shared/job/halted-uploads.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { type JobFault, unaccountedRows } from '../../shared/job/job.ts';
import { accountFor, type EndedRow } from '../../shared/report/account.ts';
import { failJob } from '../../shared/report/end-job.ts';
import { createOutcomeFiles } from '../../shared/report/outcome-files.ts';
import { createOutcomeRows } from '../../shared/report/outcome-rows.ts';
import { createOutcomeStore } from '../../shared/report/outcome-store.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { openLedger, startLedgerTable, type TestLedger } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';

const REPORTS = 'reports';
const LIMITS = { idleMs: 300_000, busyMs: 21_600_000, uploadMs: 180_000 };
const HALTED_MS = LIMITS.uploadMs + CLOCK_MARGIN_MS;
const HEADER = 'key,text\n';
const ROWS = 4;
const SLICE_BYTES = 'k0-0,x\n'.length * ROWS;

let ledger: TestLedger;
let s3: MemoryS3;
let id: JobId;
let jobs = 0;
let logged: string[];

const table = duringTests(startLedgerTable);
beforeEach(() => {
  ledger = openLedger(table);
  s3 = createMemoryS3({ versioned: ['inbox'] });
  id = `damaged-job-${String(jobs++).padStart(4, '0')}` as JobId;
  logged = [];
});

const sliceOf = (slice: number) => ({ job: id, slice });
const reader = () => ({ s3: s3.client, clock: ledger.clock, random: () => 0 });
function outcomesTo(mostRowBytes: number) {
  const rows = createOutcomeRows({
    dynamodb: table.dynamodb,
    table: table.outcomes,
    clock: ledger.clock,
    keepDays: 100,
  });
  return createOutcomeStore(
    { files: createOutcomeFiles({ s3: s3.client, bucket: REPORTS }), rows },
    mostRowBytes,
  );
}
/** Every outcome as an item of the table, or as a file. */
const places = { item: 4_000, file: 0 };

async function startJob(slices: number): Promise<void> {
  const lines = Array.from(
    { length: slices * ROWS },
    (_, row) => `k${Math.floor(row / ROWS)}-${row % ROWS},x\n`,
  );
  s3.write('inbox', 'list.csv', HEADER + lines.join(''));
  await ledger.createJob(aJob({ id, startedAtMs: ledger.clock.now(), blockRows: ROWS }));
  for (let slice = 0; slice < slices; slice++) {
    const from = HEADER.length + slice * SLICE_BYTES;
    const place = manifestBytes(from, from + SLICE_BYTES, 2 + slice * ROWS);
    await ledger.recordSlice(sliceOf(slice), { place, rows: ROWS, blocks: 1 });
  }
  await ledger.finishPlan(id, { slices, rows: slices * ROWS, offset: 99, line: 3 });
}

/** Rows of a slice are stored, and counted. */
async function store(slice: number, numbers: readonly number[], place: keyof typeof places = 'item') {
  const outcomes = outcomesTo(places[place]);
  const job = await ledger.liveJob(id);
  const row = await ledger.getSlice(sliceOf(slice));
  if (row === undefined) throw new Error(`slice ${slice} was not recorded`);
  const blocks = readSliceBlocks({ ...reader(), sources: 'unchecked' }, job, row);
  for await (const block of blocks) {
    await openBlock({ ledger, outcomes }, sliceOf(slice), block);
    const ended = block.accepted
      .filter(({ number }) => numbers.includes(number))
      .map(
        ({ number, line, item }): EndedRow => ({
          id: { ...sliceOf(slice), block: 0, number },
          outcome: { status: 'stored', line, item, etag: '"e"', bytes: 1 },
        }),
      );
    const { errors } = await accountFor({ outcomes, ledger }, ended, `w-${numbers.join('-')}`);
    expect(errors).toEqual([]);
  }
}

const key = (pk: string) => ({ TableName: table.table, Key: { pk: { S: pk } } });
const setAttribute = (pk: string, name: string, value: { S: string }) =>
  table.dynamodb.send(
    new UpdateItemCommand({
      ...key(pk),
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );

async function sweep() {
  const told: unknown[] = [];
  const nowMs = ledger.clock.now();
  const { lost } = await reconcileJob(
    {
      ledger,
      requestIngest: async ({ kind, ...message }) => void told.push({ kind, ...message }),
      notifySettle: async (notice) => void told.push(notice),
      clock: ledger.clock,
      random: () => 0,
    },
    await ledger.liveJob(id),
    { backlog: { ingest: 0, upload: 0, settle: 0 }, limits: LIMITS, nowMs },
    nowMs + 60_000,
  );
  return { told, lost };
}

function anEnd() {
  return {
    ledger,
    reports: { s3: s3.client, bucket: REPORTS },
    events: {
      started: async () => undefined,
      progressed: async () => undefined,
      ended: async () => undefined,
    },
  };
}

/** @returns the error of the message, where it was not settled */
async function settle(slice: number): Promise<string | undefined> {
  const errors: string[] = [];
  const log = (message: string, fields: { error?: Error } = {}) => {
    logged.push(message);
    if (fields.error !== undefined) errors.push(fields.error.message);
  };
  const handler = createSettle({
    ledger,
    reports: { s3: s3.client, bucket: REPORTS, outcomes: outcomesTo(places.item) },
    end: anEnd(),
    clock: ledger.clock,
    uploadMs: LIMITS.uploadMs,
    source: {
      queue: { sqs: { send: async () => ({}) }, clock: ledger.clock, random: () => 0 },
      queueUrl: 'settle',
      retrySeconds: [1],
    },
    telemetry: { logger: { info: log, warn: log, error: log }, count: () => undefined },
  } as unknown as Parameters<typeof createSettle>[0]);
  const body = JSON.stringify({ v: 1, ...sliceOf(slice) });
  const attributes = { ApproximateReceiveCount: '1' };
  const event = { Records: [{ messageId: 'm', receiptHandle: 'r', body, attributes }] } as SQSEvent;
  const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: `r${logged.length}` } as Context;
  await handler(event, context);
  return errors[0];
}

interface Report {
  state: string;
  totals: Parameters<typeof unaccountedRows>[0];
  fault?: JobFault;
  files: { kind: string; key: string }[];
}

const report = () => JSON.parse(String(s3.read(REPORTS, `jobs/${id}/manifest.json`))) as Report;
function failedRows(): Record<string, unknown>[] {
  const files = report().files.filter(({ kind }) => kind === 'failed');
  const lines = files.flatMap((file) => String(s3.read(REPORTS, file.key)).trim().split('\n'));
  return lines.map((line) => JSON.parse(line));
}

const ALL = [0, 1, 2, 3];

describe('a slice whose row in the ledger is lost', () => {
  const damages: [string, RegExp, () => Promise<unknown>][] = [
    [
      'damaged',
      /slice .*\/1 has no number of rows: .* restore the row/,
      () => setAttribute(`S#${id}#1`, 'rows', { S: '?' }),
    ],
    [
      'deleted',
      /slice .*\/1 has no row in the ledger: restore it/,
      () => table.dynamodb.send(new DeleteItemCommand(key(`S#${id}#1`))),
    ],
  ];

  it.each(damages)('(%s) is named at each sweep, and the other slices go on', async (_, named, damage) => {
    await startJob(3);
    await damage();
    ledger.clock.advance(LIMITS.idleMs);
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      const { told, lost } = await sweep();
      expect(lost).toMatch(named);
      const replayed = [0, 2].map((slice) => ({ kind: 'slice', v: 1, ...sliceOf(slice) }));
      expect(new Set(told)).toEqual(new Set(sweeps === 0 ? replayed : []));
    }
  });

  it.each(damages)(
    '(%s) ends its job after the deadline, with its rows unaccounted',
    async (_, named, damage) => {
      await startJob(3);
      for (const slice of [0, 2]) await store(slice, ALL);
      for (const slice of [0, 2]) expect(await settle(slice)).toBeUndefined();
      await damage();
      await ledger.controlJob(id, 'expiring', { code: 'DeadlineExceeded', message: 'late' });
      expect((await sweep()).told).toEqual([]);
      ledger.clock.advance(HALTED_MS);
      // Settle's message is tried until the dead-letter handler gives the job up.
      const { told, lost } = await sweep();
      expect(told).toEqual([sliceOf(1)]);
      expect(lost).toMatch(named);
      expect(await settle(1)).toMatch(/slice .*\/1 has no /);
      expect(report).toThrow();
      await failJob(anEnd(), { id }, { code: 'SettleFailed', message: 'slice 1 could not be settled' });
      const { state, totals, fault } = report();
      expect({ state, ...totals }).toMatchObject({ state: 'failed', rows: 3 * ROWS, stored: 2 * ROWS });
      expect(unaccountedRows(totals)).toBe(ROWS);
      expect(fault?.message).toMatch(
        / 4 rows, those of slices 1, are unaccounted: drop the manifest again.*slices 1 are missing/,
      );
    },
  );

  it('keeps no item of it in the queue: its blocks close', async () => {
    await startJob(1);
    const job = await ledger.liveJob(id);
    await setAttribute(`S#${id}#0`, 'blocks', { S: '?' });
    await ledger.openBlock({ ...sliceOf(0), block: 0 }, ROWS, []);
    expect(await ledger.recordEnds({ job: job.id, slice: 0, block: 0 }, { done: ALL })).toBe('in time');
    expect(await ledger.recordEnds({ job: job.id, slice: 0, block: 0 }, {})).toBe('in time');
  });
});

describe('a slice whose result is damaged', () => {
  it.each(['{', '{"totals":{},"files":[]}'])('(%s) is settled again from its outcomes', async (result) => {
    await startJob(2);
    for (const slice of [0, 1]) await store(slice, ALL);
    expect(await settle(0)).toBeUndefined();
    await setAttribute(`S#${id}#0`, 'result', { S: result });
    // Its job is completed with the last slice, which needs the results of all.
    expect(await settle(1)).toBeUndefined();
    expect(report()).toMatchObject({ state: 'completed', totals: { rows: 2 * ROWS, stored: 2 * ROWS } });
    expect(logged).toContain('result of a slice can not be read');
  });

  it('before it was booked, is settled by the notice that sweep sends', async () => {
    await startJob(1);
    await store(0, ALL);
    await setAttribute(`S#${id}#0`, 'result', { S: 'null' });
    expect((await sweep()).told).toEqual([sliceOf(0)]);
    expect(await settle(0)).toBeUndefined();
    expect(report()).toMatchObject({ state: 'completed', totals: { stored: ROWS } });
  });
});

describe('a slice whose place in the manifest is damaged', () => {
  it('is settled: what had not ended is booked without its columns, and the reason is named', async () => {
    await startJob(1);
    await store(0, [0, 1]);
    await setAttribute(`S#${id}#0`, 'file', { S: '{' });
    await ledger.controlJob(id, 'expiring', { code: 'DeadlineExceeded', message: 'late' });
    ledger.clock.advance(HALTED_MS);
    expect((await sweep()).told).toEqual([sliceOf(0)]);
    expect(await settle(0)).toBeUndefined();
    expect(report().totals).toMatchObject({ rows: ROWS, stored: 2, failed: 2 });
    const message = expect.stringMatching(
      /deadline.*; the ledger's row of slice .*\/0 has a file that is not JSON/,
    );
    expect(failedRows()).toMatchObject([
      { spillway_code: 'Lost', spillway_message: message },
      { spillway_code: 'Lost', spillway_message: message },
    ]);
  });
});

describe('a block whose row is damaged', () => {
  it('does not close before its rows have ended, and is whole again after a replay', async () => {
    await startJob(1);
    await store(0, [0]);
    await setAttribute(`B#${id}#0#0`, 'size', { S: '?' });
    await store(0, [1]);
    await setAttribute(`B#${id}#0#0`, 'size', { S: '?' });
    await ledger.recordEnds({ ...sliceOf(0), block: 0 }, { done: [2] });
    expect(ledger.closed).toEqual([]);
    ledger.clock.advance(LIMITS.idleMs);
    expect((await sweep()).told).toMatchObject([{ kind: 'slice' }]);
    await store(0, [2, 3]);
    expect(ledger.closed).toContainEqual(sliceOf(0));
    expect(await settle(0)).toBeUndefined();
    expect(report().totals).toMatchObject({ rows: ROWS, stored: ROWS });
  });

  it('with a set of another type is settled at the deadline, by the outcomes', async () => {
    await startJob(1);
    await store(0, [0, 1]);
    await setAttribute(`B#${id}#0#0`, 'doneRows', { S: '?' });
    const done = ledger.recordEnds({ ...sliceOf(0), block: 0 }, { done: [2] });
    await expect(done).rejects.toThrow();
    await ledger.controlJob(id, 'expiring', { code: 'DeadlineExceeded', message: 'late' });
    ledger.clock.advance(HALTED_MS);
    expect((await sweep()).told).toEqual([sliceOf(0)]);
    expect(await settle(0)).toBeUndefined();
    expect(report().totals).toMatchObject({ rows: ROWS, stored: 2, failed: 2 });
  });
});

describe('outcomes that are damaged', () => {
  const damage = {
    async item() {
      const item = { pk: { S: `${id}/0/0` }, name: { S: 'bad' }, outcomes: { S: 'no bytes' } };
      await table.dynamodb.send(new PutItemCommand({ TableName: table.outcomes, Item: item }));
    },
    async file() {
      const file = s3.keys(REPORTS).find((each) => each.startsWith(`outcomes/${id}/0/`)) ?? '';
      s3.write(REPORTS, file, s3.read(REPORTS, file).subarray(0, 20));
    },
  };

  it.each(['item', 'file'] as const)(
    '(%s) keep their slice open, by their name, while its job runs',
    async (place) => {
      await startJob(1);
      await store(0, ALL, place);
      await damage[place]();
      expect(await settle(0)).toMatch(/^the outcomes at .* are damaged: .* Restore them; or delete them/);
      expect(report).toThrow();
    },
  );

  it.each([
    ['expiring', 'failed', 'Lost'],
    ['cancelling', 'cancelled', 'Cancelled'],
  ] as const)(
    'once it is %s, cost only their own rows, which are named as such',
    async (control, status, code) => {
      await startJob(1);
      await store(0, [0], 'item');
      await store(0, [1, 2], 'file');
      await damage.file();
      await damage.item();
      await ledger.controlJob(id, control);
      ledger.clock.advance(HALTED_MS);
      expect(await settle(0)).toBeUndefined();
      expect(logged).toContain('damaged outcomes of a slice given up');
      const { totals } = report();
      expect(totals).toMatchObject({ rows: ROWS, stored: 1, [status]: status === 'failed' ? 3 : 1 });
      expect(unaccountedRows(totals)).toBe(0);
      // They are a manifest as they stand: a redrive takes them up.
      expect(failedRows()).toMatchObject([
        { key: 'k0-1', text: 'x', spillway_code: 'OutcomeUnreadable' },
        { key: 'k0-2', text: 'x', spillway_code: 'OutcomeUnreadable' },
        { key: 'k0-3', text: 'x', spillway_code: code },
      ]);
    },
  );
});
