// The ledger's contract, on a DynamoDB with the table that serverless.yml describes.
import {
  type AttributeValue,
  type BatchGetItemCommandOutput,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BlockId, JobId, SliceId } from '../../shared/job/identity.ts';
import { emptyTotals, faultOf, type Job, type RunningJob } from '../../shared/job/job.ts';
import { createJobIndex } from '../../shared/ledger/job-index.ts';
import { blockName } from '../../shared/ledger/ledger.ts';
import type { SliceResult } from '../../shared/ledger/rows.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import { UnreadableRowError } from '../../shared/ledger/unreadable-row.ts';
import type { SlicePlace } from '../../shared/manifest/slice-place.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { meddled } from '../helpers/failing.ts';
import { openLedger, startLedgerTable, type TestLedger } from '../helpers/ledger-table.ts';
import { aJob, aJobEnd, anUnopenedJob, JOB_OPTIONS, manifestBytes } from '../helpers/records.ts';

let ledger: TestLedger;
let job: JobId;
let count = 0;

const table = duringTests(startLedgerTable);
beforeEach(() => {
  ledger = openLedger(table);
  job = `contract-job-${String(count++).padStart(4, '0')}` as JobId;
});

const sliceOf = (slice = 0): SliceId => ({ job, slice });
const blockOf = (block = 0, slice = 0): BlockId => ({ job, slice, block });
const recordSlice = (rows: number, blocks: number, slice = 0) =>
  ledger.recordSlice(sliceOf(slice), { place: manifestBytes(9, 99, 2), rows, blocks });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

const REPORT_FILE = { bucket: 'reports', key: 'jobs/old/failed/000000-w.ndjson' };

async function item(pk: string) {
  const { Item } = await table.dynamodb.send(
    new GetItemCommand({ TableName: table.table, Key: { pk: { S: pk } }, ConsistentRead: true }),
  );
  return Item;
}
/** Adds to sets of a row, as an earlier version or another program would. */
const add = (pk: string, sets: Record<string, AttributeValue>) =>
  table.dynamodb.send(
    new UpdateItemCommand({
      TableName: table.table,
      Key: { pk: { S: pk } },
      UpdateExpression: `ADD ${Object.keys(sets).map((name) => `${name} :${name}`)}`,
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(sets).map(([name, set]) => [`:${name}`, set]),
      ),
    }),
  );
const remove = (pk: string) =>
  table.dynamodb.send(new DeleteItemCommand({ TableName: table.table, Key: { pk: { S: pk } } }));

describe('a job', () => {
  it('is created once: the second gets the row that exists', async () => {
    const first = aJob({ id: job, startedAtMs: 1_000 });
    expect(await ledger.createJob(first)).toEqual(first);
    expect(await ledger.createJob(aJob({ id: job, startedAtMs: 2_000 }))).toEqual(first);
    expect(await ledger.getJob(job)).toEqual(first);
  });

  it('comes back as it was written, its head and options frozen', async () => {
    const written = aJob({
      id: job,
      head: { format: 'ndjson', bodyOffset: 3, bodyLine: 1 },
      files: { kind: 'report', bucket: 'reports', key: 'jobs/old/manifest.json' },
      options: {
        ...aJob().options,
        destination: { bucket: 'b', prefix: 'a b/+é' },
        spread: 'hex:4',
        ifExists: 'skip',
        retryForSeconds: 5,
        deadlineSeconds: 60,
        maxFailedPercent: 100,
        maxFailedAfterRows: 7,
        report: 'none',
      },
      blockRows: 3,
      redriveOf: '00000000aaaaaaaa0000' as JobId,
      plan: { slices: 2, rows: 7, offset: 50, line: 9, file: 1 },
    });
    await ledger.createJob(written);
    expect(await ledger.getJob(job)).toEqual(written);
    const found = await ledger.getJobs([job, 'no-such-job' as JobId]);
    expect(found).toEqual({ jobs: new Map([[job, written]]), unreadable: new Map() });
  });

  it('that can not be read is found by its id, beside the others', async () => {
    const other = `${job}-other` as JobId;
    await ledger.createJob(aJob({ id: job }));
    await ledger.createJob(aJob({ id: other }));
    const row = await item(`J#${job}`);
    await table.dynamodb.send(
      new PutItemCommand({ TableName: table.table, Item: { ...row, state: { S: 'resting' } } }),
    );
    const { jobs, unreadable } = await ledger.getJobs([job, other]);
    expect([...jobs.keys()]).toEqual([other]);
    expect([...unreadable].map(([id, { message }]) => [id, message])).toEqual([
      [job, expect.stringMatching(`row of job ${job} has the unknown state "resting": .*restore the row`)],
    ]);
    await expect(ledger.getJob(job)).rejects.toThrow(UnreadableRowError);
  });

  it('that is not there is undefined', async () => {
    expect(await ledger.getJob(job)).toBeUndefined();
  });

  it('moves its plan while it is planned, and not afterwards', async () => {
    await ledger.createJob(aJob({ id: job }));
    await ledger.movePlan(job, { slices: 16, rows: 100, offset: 500, line: 101 });
    expect(await ledger.getJob(job)).toMatchObject({ state: 'planning', plan: { slices: 16 } });
    const planned = await ledger.finishPlan(job, { slices: 20, rows: 120, offset: 600, line: 121 });
    expect(planned).toMatchObject({ state: 'running', slices: 20, plan: { rows: 120 } });
    await ledger.movePlan(job, { slices: 3, rows: 3, offset: 3, line: 3 });
    expect(await ledger.getJob(job)).toMatchObject({ state: 'running', plan: { slices: 20 } });
    expect(await ledger.finishPlan(job, planned?.plan ?? aJob().plan)).toMatchObject({ slices: 20 });
  });

  it('ends once, and nothing is planned in it any more', async () => {
    await ledger.createJob(aJob({ id: job }));
    await ledger.recordProgress(job, { rows: 5, done: 1, failed: 0, cancelled: 0, rejected: 0 });
    expect((await ledger.liveJob(job)).progress).toMatchObject({ rows: 5 });
    const end = aJobEnd();
    expect(await ledger.endJob(job, end)).toMatchObject(end);
    const fault = { code: 'X', message: 'y' };
    expect(await ledger.endJob(job, { ...end, state: 'failed', fault })).toBeUndefined();
    const ended = await ledger.getJob(job);
    expect(ended).toMatchObject({ ...end, endedAtMs: ledger.clock.now() });
    expect(ended).not.toHaveProperty('progress');
    expect(ended).not.toHaveProperty('fault');
    expect(await ledger.finishPlan(job, aJob().plan)).toBeUndefined();
    await ledger.recordProgress(job, { rows: 9, done: 9, failed: 0, cancelled: 0, rejected: 0 });
    expect(await ledger.getJob(job)).not.toHaveProperty('progress');
    const expiresAt = Number((await item(`J#${job}`))?.['expiresAt']?.N);
    expect(expiresAt).toBe(Math.floor(ledger.clock.now() / 1000) + 30 * 24 * 3600);
  });

  it('keeps a fault of any length cut, and reads one so that an earlier version kept whole', async () => {
    const long = 'ü'.repeat(128 * 1024);
    const isCut = (job: Job | undefined) =>
      expect(job && faultOf(job)).toEqual({
        code: 'X',
        message: expect.stringMatching(/^ü+… \[cut, 262144 bytes\]$/),
      });
    await ledger.createJob(aJob({ id: job }));
    await ledger.controlJob(job, 'cancelling', { code: 'X', message: long });
    expect((await item(`J#${job}`))?.['fault']?.S?.length).toBeLessThan(1_100);
    isCut(await ledger.getJob(job));
    await ledger.endJob(job, { ...aJobEnd(), state: 'failed', fault: { code: 'X', message: long } });
    isCut(await ledger.getJob(job));

    await table.dynamodb.send(
      new PutItemCommand({
        TableName: table.table,
        Item: {
          ...(await item(`J#${job}`)),
          fault: { S: JSON.stringify({ code: 'X', message: long }) },
        },
      }),
    );
    isCut(await ledger.getJob(job));
    isCut((await ledger.getJobs([job])).jobs.get(job));
  });

  it.each([
    ['before its options were read', {}],
    ['with its options read', { options: JOB_OPTIONS, redriveOf: '00000000aaaaaaaa0000' as JobId }],
  ])('that fails at its opening, %s, comes back as it was written, ends and expires', async (_, known) => {
    const unopened = anUnopenedJob({ id: job, ...known });
    expect(await ledger.createJob(unopened)).toEqual(unopened);
    expect(await ledger.getJob(job)).toEqual(unopened);
    expect(await ledger.controlJob(job, 'cancelling')).toMatchObject({ kind: 'refused' });
    const { fault } = unopened;
    const end = { ...aJobEnd(), state: 'failed' as const, fault };
    const { ending, ...rest } = unopened;
    const ended = { ...rest, ...end, endedAtMs: ledger.clock.now() };
    expect(await ledger.endJob(job, end)).toEqual(ended);
    expect(await ledger.getJob(job)).toEqual(ended);
    expect(await item(`J#${job}`)).toHaveProperty('expiresAt');
    expect(await ledger.endJob(job, aJobEnd())).toBeUndefined();
  });

  it('knows in groups which of its slices have settled, and has settled with the last, whichever that is', async () => {
    const plan = { ...aJob().plan, slices: 259 };
    await ledger.createJob(aJob({ id: job }));
    const settle = async (...slices: number[]) => {
      for (const slice of slices) await ledger.settleSlice(sliceOf(slice));
      return ledger.liveJob(job);
    };
    await settle(...range(1, 256), 256, 256, 258);
    expect((await ledger.liveJob(job)).settledGroups).toEqual(new Set());
    expect(await ledger.unsettledSlices({ ...aJob({ id: job }), plan })).toEqual([0, 257]);

    const full = await settle(0);
    expect(full.settledGroups).toEqual(new Set([0]));
    expect(isSettled(full)).toBe(false);
    const planned = (await ledger.finishPlan(job, plan)) as RunningJob;
    expect(isSettled(planned)).toBe(false);
    expect(await ledger.unsettledSlices(planned)).toEqual([257]);
    const settled = await settle(257);
    expect(isSettled(settled)).toBe(true);
    expect(await ledger.unsettledSlices(settled)).toEqual([]);
  });

  it('whose slices have all settled before they were counted has settled with their count', async () => {
    await ledger.createJob(aJob({ id: job }));
    for (const slice of [2, 0, 1, 2]) {
      expect(isSettled((await ledger.settleSlice(sliceOf(slice))) as Job)).toBe(false);
    }
    const planned = await ledger.finishPlan(job, { ...aJob().plan, slices: 3 });
    expect(isSettled(planned as Job)).toBe(true);
  });

  it('that is planned to two ends keeps the first, and settles by it', async () => {
    await ledger.createJob(aJob({ id: job }));
    const first = { ...aJob().plan, slices: 2, rows: 20 };
    expect(await ledger.finishPlan(job, first)).toMatchObject({ slices: 2, plan: first });
    expect(await ledger.finishPlan(job, { ...first, slices: 3, rows: 30 })).toMatchObject({
      slices: 2,
      plan: first,
    });
    await ledger.movePlan(job, { ...first, slices: 3 });
    for (const slice of [0, 2]) {
      expect(isSettled((await ledger.settleSlice(sliceOf(slice))) as Job)).toBe(false);
    }
    const settled = (await ledger.settleSlice(sliceOf(1))) as Job;
    expect(settled).toMatchObject({ plan: first });
    expect(isSettled(settled)).toBe(true);
  });

  it('that its TTL has deleted stays deleted', async () => {
    await ledger.createJob(aJob({ id: job }));
    await remove(`J#${job}`);
    for (const slice of range(0, 256)) expect(await ledger.settleSlice(sliceOf(slice))).toBeUndefined();
    expect(await item(`J#${job}`)).toBeUndefined();
  });

  it('lets the rows of its slices and their groups expire', async () => {
    await ledger.createJob(aJob({ id: job }));
    await recordSlice(1, 1, 0);
    await ledger.settleSlice(sliceOf(0));
    await ledger.expireSlices(job, 1);
    expect(await item(`S#${job}#0`)).toHaveProperty('expiresAt');
    expect(await item(`G#${job}#0`)).toHaveProperty('expiresAt');
  });
});

describe('a slice', () => {
  it('is written once: what is booked in it stays when it is cut again', async () => {
    await recordSlice(3, 1);
    await ledger.markSent(sliceOf(), 0, [0]);
    await ledger.recordSlice(sliceOf(), { place: manifestBytes(0, 1), rows: 1, blocks: 1 });
    expect(await ledger.getSlice(sliceOf())).toMatchObject({
      place: manifestBytes(9, 99, 2),
      rows: 3,
      sentBlocks: new Set([0]),
    });
  });

  it('knows what was read of it and how much of that was rejected, as it was written last', async () => {
    await recordSlice(3, 3);
    expect(await ledger.getSlice(sliceOf())).not.toHaveProperty('intake');
    await ledger.markSent(sliceOf(), 0, [0], { read: 1, rejected: 1 });
    await ledger.markSent(sliceOf(), 0, [1, 2], { read: 3, rejected: 1 });
    await ledger.markSent(sliceOf(), 0, [], { read: 9, rejected: 9 });
    expect(await ledger.getSlice(sliceOf())).toMatchObject({
      sentBlocks: new Set([0, 1, 2]),
      intake: { read: 3, rejected: 1 },
    });
  });

  it.each<[string, SlicePlace, object]>([
    ['the manifest', manifestBytes(9, 99, 2), {}],
    [
      'a file of a list',
      { kind: 'file-bytes', file: REPORT_FILE, startOffset: 9, startLine: 2, endOffset: 99 },
      { file: { S: JSON.stringify(REPORT_FILE) } },
    ],
  ])('has its place in %s in the attributes that earlier versions read and wrote', async (_, place, file) => {
    await ledger.recordSlice(sliceOf(), { place, rows: 1, blocks: 1 });
    const stored = await item(`S#${job}#0`);
    const offsets = { startOffset: { N: '9' }, startLine: { N: '2' }, endOffset: { N: '99' } };
    expect(stored).toMatchObject({ ...offsets, ...file });
    expect(stored).not.toHaveProperty('place');
    if (place.kind === 'manifest-bytes') expect(stored).not.toHaveProperty('file');
    expect((await ledger.getSlice(sliceOf()))?.place).toEqual(place);
  });

  it('closes when its last block does, whichever comes last', async () => {
    await recordSlice(5, 2);
    await ledger.openBlock(blockOf(0), 3, []);
    await ledger.openBlock(blockOf(1), 2, []);
    expect(await ledger.recordEnds(blockOf(1), { done: [0], failed: [1] })).toBe('in time');
    expect(await ledger.recordEnds(blockOf(0), { done: [0, 2] })).toBe('in time');
    expect(ledger.closed).toEqual([]);
    await ledger.recordEnds(blockOf(0), { cancelled: [1] });
    expect(ledger.closed).toEqual([sliceOf()]);
    const slice = await ledger.getSlice(sliceOf());
    expect(slice?.closedBlocks).toEqual(new Set([0, 1]));
    expect(slice?.counts).toEqual(
      new Map([
        [0, { done: 2, failed: 0, cancelled: 1, rejected: 0 }],
        [1, { done: 1, failed: 1, cancelled: 0, rejected: 0 }],
      ]),
    );
  });

  it('closes by its opening, where all rows of its blocks are rejected', async () => {
    await recordSlice(2, 1);
    await ledger.openBlock(blockOf(), 2, [0, 1]);
    expect(ledger.closed).toEqual([sliceOf()]);
  });

  it('without rows closes by itself, and one with rows does not', async () => {
    await recordSlice(0, 0);
    await recordSlice(1, 1, 1);
    await ledger.closeSlice(sliceOf(0));
    await ledger.closeSlice(sliceOf(1));
    await ledger.closeSlice(sliceOf(7));
    expect(ledger.closed).toEqual([sliceOf(0)]);
  });

  it('is reported again by a redelivery where the report failed', async () => {
    let failures = 1;
    ledger = openLedger(table, async () => {
      if (failures-- > 0) throw new Error('no queue');
    });
    await recordSlice(1, 1);
    await ledger.openBlock(blockOf(), 1, []);
    await expect(ledger.recordEnds(blockOf(), { done: [0] })).rejects.toThrow('no queue');
    expect(await ledger.recordEnds(blockOf(), {})).toBe('in time');
    expect(ledger.closed).toEqual([sliceOf(), sliceOf()]);
  });

  it('is frozen once: the first result wins, and what ends afterwards is late', async () => {
    await recordSlice(2, 1);
    await ledger.openBlock(blockOf(), 2, []);
    await ledger.recordEnds(blockOf(), { done: [0, 1] });
    const result = (stored: number): SliceResult => ({
      totals: { ...emptyTotals(), rows: 2, stored },
      files: [],
    });
    expect(await ledger.freezeSlice(sliceOf(), result(2))).toEqual(result(2));
    expect(await ledger.freezeSlice(sliceOf(), result(1))).toEqual(result(2));
    expect((await ledger.getSlice(sliceOf()))?.result).toEqual(result(2));
    expect(await ledger.recordEnds(blockOf(), { failed: [1] })).toBe('late');
    expect(ledger.closed).toHaveLength(1);
    await expect(ledger.freezeSlice(sliceOf(5), result(2))).rejects.toThrow(/no row/);
  });

  it.each([2, 250])('of %i slices are all read', async (slices) => {
    await Promise.all(range(0, slices).map((slice) => recordSlice(slice, 1, slice)));
    const rows = (await ledger.getSlices(job, 0, slices + 5)).map((slice) => slice.rows);
    expect(rows.toSorted((a, b) => a - b)).toEqual(range(0, slices));
    expect(await ledger.getSlices(job, 1, 2)).toHaveLength(1);
    expect(await ledger.getSlices(job, 3, 3)).toEqual([]);
  });
});

describe('a block', () => {
  it('opened after its ends would be is no place for them: they are not booked', async () => {
    await recordSlice(2, 1);
    expect(await ledger.recordEnds(blockOf(), { done: [0] })).toBe('late');
    expect(await item(blockName(blockOf()))).toBeUndefined();
    expect(await ledger.openBlock(blockOf(), 2, [])).toMatchObject({ size: 2, done: new Set() });
  });

  it('opened again keeps what has ended, and returns it', async () => {
    await recordSlice(4, 1);
    await ledger.openBlock(blockOf(), 4, [3]);
    await ledger.recordEnds(blockOf(), { done: [0], failed: [1] });
    expect(await ledger.openBlock(blockOf(), 4, [3])).toEqual({
      movedAtMs: ledger.clock.now(),
      openings: 2,
      size: 4,
      done: new Set([0]),
      failed: new Set([1]),
      cancelled: new Set(),
      rejected: new Set([3]),
    });
    expect(ledger.closed).toEqual([]);
    await ledger.recordEnds(blockOf(), { done: [2] });
    expect(ledger.closed).toEqual([sliceOf()]);
  });

  it('books the same ends twice as once', async () => {
    await recordSlice(2, 1);
    await ledger.openBlock(blockOf(), 2, []);
    for (let time = 0; time < 2; time++) await ledger.recordEnds(blockOf(), { done: [0, 0] });
    expect((await ledger.readBlocks([blockOf()])).get(blockName(blockOf()))?.done).toEqual(new Set([0]));
    expect(ledger.closed).toEqual([]);
  });

  it('of 500 rows closes, and 101 blocks are read at once', async () => {
    await recordSlice(500, 1);
    await ledger.openBlock(blockOf(), 500, []);
    await ledger.recordEnds(blockOf(), { done: range(0, 499) });
    expect(ledger.closed).toEqual([]);
    await ledger.recordEnds(blockOf(), { done: range(499, 500) });
    expect(ledger.closed).toEqual([sliceOf()]);

    await Promise.all(range(0, 101).map((block) => ledger.openBlock(blockOf(block, 1), 9, [])));
    const blocks = await ledger.readBlocks(range(0, 103).map((block) => blockOf(block, 1)));
    expect(blocks.size).toBe(101);
  });

  it('that an earlier version began keeps its ends, and closes with those of this one', async () => {
    await recordSlice(5, 1);
    await ledger.openBlock(blockOf(), 5, []);
    await add(blockName(blockOf()), {
      done: { NS: ['0', '1'] },
      failed: { NS: ['2'] },
      rejected: { NS: ['3'] },
    });
    await ledger.recordEnds(blockOf(), { done: [1] });
    expect(ledger.closed).toEqual([]);
    await ledger.recordEnds(blockOf(), { done: [4] });
    expect(ledger.closed).toEqual([sliceOf()]);
    const counts = (await ledger.getSlice(sliceOf()))?.counts.get(0);
    expect(counts).toEqual({ done: 3, failed: 1, cancelled: 0, rejected: 1 });
  });

  it('with damaged ends keeps the others, and closes once the lost rows have ended again', async () => {
    await recordSlice(2, 1);
    await ledger.openBlock(blockOf(), 2, []);
    await ledger.recordEnds(blockOf(), { done: [1] });
    await add(blockName(blockOf()), { doneRows: { BS: [Uint8Array.of(0x80)] } });
    const read = await ledger.readBlocks([blockOf()]);
    expect([...(read.get(blockName(blockOf()))?.done ?? [])]).toEqual([1]);
    await ledger.recordEnds(blockOf(), { done: [0] });
    expect(ledger.closed).toEqual([sliceOf()]);
  });

  it('that its TTL has deleted stays deleted, and so does its slice', async () => {
    await recordSlice(1, 1);
    await ledger.openBlock(blockOf(), 1, []);
    await ledger.expireBlocks(sliceOf(), 1);
    await ledger.expireSlices(job, 1);
    expect(await item(blockName(blockOf()))).toHaveProperty('expiresAt');
    await remove(blockName(blockOf()));
    expect(await ledger.recordEnds(blockOf(), { done: [0] })).toBe('late');
    expect(await ledger.recordEnds(blockOf(), {})).toBe('late');
    await ledger.expireBlocks(sliceOf(), 1);
    expect(await item(blockName(blockOf()))).toBeUndefined();

    await remove(`S#${job}#0`);
    await ledger.markSent(sliceOf(), 0, [0]);
    await ledger.expireSlices(job, 1);
    expect(await item(`S#${job}#0`)).toBeUndefined();
  });
});

describe('what DynamoDB had no capacity for', () => {
  it('is asked for again, with the rest', async () => {
    let calls = 0;
    const dynamodb = meddled(table.dynamodb, async (_command, pass) => {
      calls++;
      const answer = (await pass()) as BatchGetItemCommandOutput;
      const items = answer.Responses?.[table.table];
      if (calls > 2 || items === undefined) return answer;
      const [kept, ...left] = items;
      return {
        Responses: { [table.table]: kept === undefined ? [] : [kept] },
        UnprocessedKeys: { [table.table]: { Keys: left.map(({ pk }) => ({ pk })) } },
      };
    });
    const slow = openLedger({ dynamodb, table: table.table });
    await Promise.all(range(0, 5).map((slice) => recordSlice(slice, 1, slice)));
    expect(await slow.getSlices(job, 0, 5)).toHaveLength(5);
    expect(calls).toBe(3);
  });

  it('for long is an error, not an endless wait', async () => {
    const UnprocessedKeys = { [table.table]: { Keys: [{ pk: { S: 'x' } }] } };
    const dynamodb = meddled(table.dynamodb, async () => ({ UnprocessedKeys }));
    const starved = openLedger({ dynamodb, table: table.table });
    await expect(starved.getSlices(job, 0, 1)).rejects.toThrow(/1 keys unprocessed after 10 rounds/);
  });
});

describe('the index', () => {
  it('lists jobs newest first in pages, and those that live apart', async () => {
    // A table of its own: the index holds all jobs.
    const own = await startLedgerTable();
    try {
      const writer = openLedger(own);
      const index = createJobIndex(own);
      expect(await index.list(10)).toEqual({ jobs: [] });
      const ids = range(0, 7).map((number) => `listed-job-${number}` as JobId);
      for (const [number, id] of ids.entries()) {
        // Two pairs start in the same millisecond.
        await writer.createJob(aJob({ id, startedAtMs: Date.UTC(2026, 0, 1) + Math.floor(number / 2) }));
      }
      const seen: JobId[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await index.list(3, cursor);
        seen.push(...page.jobs.map(({ id }) => id));
        cursor = page.cursor;
        pages++;
      } while (cursor !== undefined && pages < 10);
      expect(seen).toEqual(ids.toReversed());
      expect(pages).toBeLessThanOrEqual(3);

      expect((await index.live()).toSorted()).toEqual(ids);
      await writer.endJob(ids[2] as JobId, aJobEnd());
      const failed = anUnopenedJob({ id: 'failed-job-1' as JobId });
      await writer.createJob(failed);
      await writer.endJob(failed.id, { ...aJobEnd(), state: 'failed', fault: failed.fault });
      expect((await index.live()).toSorted()).toEqual(ids.filter((_, number) => number !== 2));
      expect((await index.list(100)).jobs).toHaveLength(8);
      for (const bad of ['', 'nonsense', Buffer.from('2026#x').toString('base64url')])
        await expect(index.list(3, bad)).rejects.toThrow(/cursor is not one/);
    } finally {
      await own.stop();
    }
  });
});
