// What sweep decides: which jobs are stopped, which slices are sent again or settled, and how long it is patient.
import { describe, expect, it } from 'vitest';
import {
  allowanceFor,
  needOfPlan,
  needOfSlice,
  orderFor,
  type SliceNeed,
  slicesToRead,
} from '../../functions/sweep/job-needs.ts';
import { uploadsAreOver } from '../../shared/job/halted-uploads.ts';
import type { JobControl, LiveJob, Progress } from '../../shared/job/job.ts';
import type { SliceRow, StoredBlockRow } from '../../shared/ledger/rows.ts';
import { aJob, aRunningJob, manifestBytes, type RunningChange } from '../helpers/records.ts';

const NOW = Date.UTC(2026, 0, 2);
const LIMITS = { idleMs: 300_000, busyMs: 21_600_000, uploadMs: 180_000 };
const NO_BACKLOG = { ingest: 0, upload: 0, settle: 0 };
const HOUR_MS = 3_600_000;

const running = aRunningJob;
const halted = (control: JobControl, agoMs: number, change: RunningChange = {}) =>
  running({ control, haltedAtMs: NOW - agoMs, ...change });

const slice = (change: Partial<SliceRow> = {}): SliceRow => ({
  slice: 0,
  place: manifestBytes(0, 99, 2),
  rows: 4,
  blocks: 2,
  sentBlocks: new Set([0, 1]),
  closedBlocks: new Set([0]),
  counts: new Map(),
  movedAtMs: NOW - HOUR_MS,
  replays: 0,
  replayedAtMs: 0,
  ...change,
});
const block = (done: number[], agoMs = HOUR_MS): StoredBlockRow => ({
  size: 2,
  movedAtMs: NOW - agoMs,
  openings: 1,
  done: new Set(done),
  failed: new Set(),
  cancelled: new Set(),
  rejected: new Set(),
});
const result = { totals: {} as never, files: [] };

describe('the need of a slice', () => {
  it.each<{
    of: string;
    job?: LiveJob;
    slice?: Partial<SliceRow>;
    open?: StoredBlockRow[];
    backlog?: Partial<typeof NO_BACKLOG>;
    need: SliceNeed;
  }>([
    { of: 'that moved just now', slice: { movedAtMs: NOW - 1_000 }, need: 'none' },
    { of: 'that stands still by its own row, its blocks unread', need: 'look' },
    { of: 'that stands still, blocks and all', open: [block([0])], need: 'replay' },
    { of: 'of which no block has a row', open: [], need: 'replay' },
    { of: 'one of whose blocks moved just now', open: [block([0]), block([], 1_000)], need: 'none' },
    { of: 'whose messages may wait in upload', open: [block([0])], backlog: { upload: 1 }, need: 'none' },
    { of: 'whose message may wait in ingest', open: [block([0])], backlog: { ingest: 1 }, need: 'none' },
    {
      of: 'that stands still for hours beside others',
      slice: { movedAtMs: NOW - 7 * HOUR_MS },
      open: [block([0], 7 * HOUR_MS)],
      backlog: { upload: 9 },
      need: 'replay',
    },
    {
      of: 'that was replayed already, for twice as long',
      slice: { movedAtMs: NOW - 7 * HOUR_MS, replays: 1 },
      open: [block([0], 7 * HOUR_MS)],
      backlog: { upload: 9 },
      need: 'none',
    },
    { of: 'whose notice to settle was lost', slice: { closedBlocks: new Set([0, 1]) }, need: 'settle' },
    { of: 'that is frozen, but not booked', slice: { result }, need: 'settle' },
    {
      of: 'whose notice may wait in settle',
      slice: { closedBlocks: new Set([0, 1]) },
      backlog: { settle: 1 },
      need: 'none',
    },
    { of: 'of a paused job', job: halted('paused', HOUR_MS), open: [block([0])], need: 'none' },
    { of: 'of a job just cancelled', job: halted('cancelling', 1_000), need: 'look' },
    {
      of: 'of one, while settle is busy',
      job: halted('cancelling', HOUR_MS),
      backlog: { settle: 1 },
      need: 'none',
    },
    { of: 'of one, with items out', job: halted('cancelling', 1_000), open: [block([0])], need: 'none' },
    { of: 'of one, with none out', job: halted('cancelling', 1_000), open: [block([0, 1])], need: 'settle' },
    { of: 'of one, never sent', job: halted('expiring', 1_000), open: [], need: 'settle' },
    { of: 'of one whose uploads are over', job: halted('expiring', 195_000), need: 'settle' },
  ])('$of: $need', ({ job = running(), slice: change = {}, open, backlog = {}, need }) => {
    const at = { backlog: { ...NO_BACKLOG, ...backlog }, limits: LIMITS, nowMs: NOW };
    expect(needOfSlice(job, slice(change), open, at)).toBe(need);
  });

  it('grows in patience with the replays, but not without end', () => {
    const patienceOf = (replays: number) => {
      let hours = 0;
      const at = { backlog: { ...NO_BACKLOG, upload: 1 }, limits: LIMITS, nowMs: NOW };
      while (
        needOfSlice(running(), slice({ movedAtMs: NOW - hours * HOUR_MS, replays }), [], at) !== 'replay'
      )
        hours++;
      return hours;
    };
    expect([0, 1, 2, 8, 9, 60].map(patienceOf)).toEqual([6, 12, 24, 1536, 1536, 1536]);
  });
});

describe('uploads that began before a halt', () => {
  it('are over when their timeout and the clocks difference have passed', () => {
    expect(uploadsAreOver({ haltedAtMs: NOW }, 180_000, NOW + 194_999)).toBe(false);
    expect(uploadsAreOver({ haltedAtMs: NOW }, 180_000, NOW + 195_000)).toBe(true);
  });
});

describe('the order to stop', () => {
  const progress = (done: number, failed: number): Progress => ({
    rows: 10_000,
    done,
    failed,
    cancelled: 0,
    rejected: 0,
  });

  /** Nothing has ended of it but bad rows, as while S3 throttles the good ones. */
  const waiting = (read: number, rejected: number): Progress => ({
    ...progress(0, 0),
    rejected,
    intake: { read, rejected },
  });

  it.each<{ of: string; job?: LiveJob; progress?: Progress; code: string | undefined }>([
    { of: 'of which more than half is rejected', progress: waiting(1_000, 501), code: 'TooManyRejected' },
    { of: 'of which half is rejected', progress: waiting(1_000, 500), code: undefined },
    {
      of: 'of which all is rejected, of fewer than 1,000 rows',
      progress: waiting(999, 999),
      code: undefined,
    },
    {
      of: 'of which 5% is rejected, while the rest waits',
      progress: waiting(20_000, 1_000),
      code: undefined,
    },
    {
      of: 'that an earlier version has sent in part',
      progress: { ...progress(5_000, 0), rejected: 600, intake: { read: 1_000, rejected: 600 } },
      code: undefined,
    },
    {
      of: 'that allows every reject',
      job: running({ options: { ...aJob().options, maxFailedPercent: 100 } }),
      progress: waiting(5_000, 5_000),
      code: undefined,
    },
    { of: 'that does well', progress: progress(900, 100), code: undefined },
    { of: 'of which half has failed', progress: progress(500, 500), code: undefined },
    { of: 'of which more than half has failed', progress: progress(499, 501), code: 'TooManyFailures' },
    { of: 'of which all has failed, but not yet 1,000 rows', progress: progress(0, 999), code: undefined },
    { of: 'of which nothing is known yet', code: undefined },
    {
      of: 'that allows no failure',
      job: running({ options: { ...aJob().options, maxFailedPercent: 0, maxFailedAfterRows: 1 } }),
      progress: progress(10, 1),
      code: 'TooManyFailures',
    },
    {
      of: 'that allows every failure',
      job: running({ options: { ...aJob().options, maxFailedPercent: 100 } }),
      progress: progress(0, 5_000),
      code: undefined,
    },
    { of: 'past its deadline', job: running({ deadlineMs: NOW }), code: 'DeadlineExceeded' },
    {
      of: 'that is paused past its deadline',
      job: halted('paused', 1, { deadlineMs: 1 }),
      code: undefined,
    },
    { of: 'that is being ended', job: halted('cancelling', 1, { deadlineMs: 1 }), code: undefined },
    {
      of: 'whose end is decided',
      job: running({ ending: 'completed', deadlineMs: 1 }),
      progress: progress(0, 5_000),
      code: undefined,
    },
  ])('to a job $of: $code', ({ job = running(), progress: sum, code }) => {
    expect(orderFor(job, sum, NOW)?.fault.code).toBe(code);
  });
});

describe('a sweep of a job', () => {
  const LOTS = Number.POSITIVE_INFINITY;
  const few = { looks: 16, replays: 2 };
  const all = { looks: LOTS, replays: LOTS };
  it.each([
    { of: 'with rows on their way', backlog: { upload: 1 }, slices: 1_000, allowance: few },
    { of: 'with slices on their way', backlog: { ingest: 1 }, slices: 1_000, allowance: few },
    { of: 'with slices to settle', backlog: { settle: 1 }, slices: 1_000, allowance: all },
    { of: 'with nothing on its way', backlog: {}, slices: LOTS, allowance: all },
    {
      of: 'that is being ended beside others',
      job: halted('cancelling', 1),
      backlog: { upload: 1, ingest: 1 },
      slices: LOTS,
      allowance: all,
    },
    {
      of: 'that is being ended while settle is busy',
      job: halted('expiring', 1),
      backlog: { settle: 1 },
      slices: 1_000,
      allowance: all,
    },
  ])('$of reads $slices slices', ({ job = running(), backlog: change, slices, allowance }) => {
    const backlog = { ...NO_BACKLOG, ...change };
    expect(slicesToRead(job, backlog)).toBe(slices);
    expect(allowanceFor(job, backlog)).toEqual(allowance);
  });
});

describe('a plan', () => {
  const planning = aJob({ plan: { slices: 16, rows: 160, offset: 900, line: 162 } });
  const seen = (slices: number, agoMs: number) => ({ slices, sinceMs: NOW - agoMs });
  it.each([
    { of: 'that is finished', job: running(), before: seen(16, HOUR_MS), isLost: false, after: undefined },
    { of: 'seen first while ingest is busy', ingest: 1, isLost: false, after: seen(16, 0) },
    {
      of: 'that went on while ingest is busy',
      ingest: 1,
      before: seen(15, 9 * HOUR_MS),
      isLost: false,
      after: seen(16, 0),
    },
    {
      of: 'that stands still while ingest is busy',
      ingest: 1,
      before: seen(16, HOUR_MS),
      isLost: false,
      after: seen(16, HOUR_MS),
    },
    {
      of: 'that stands still for hours',
      ingest: 1,
      before: seen(16, 6 * HOUR_MS),
      isLost: true,
      after: seen(16, 0),
    },
    { of: 'without any message', before: seen(16, 1), isLost: true, after: seen(16, 0) },
  ])('$of is lost: $isLost', ({ job = planning as LiveJob, ingest = 0, before, isLost, after }) => {
    const at = { backlog: { ...NO_BACKLOG, ingest }, limits: LIMITS, nowMs: NOW };
    const need = needOfPlan(job, before, at);
    expect([need.isLost, need.seen]).toEqual([isLost, after]);
  });
});
