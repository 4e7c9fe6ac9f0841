// A job's row: written and read back, read as earlier versions wrote it, and refused where it is no job.
import { describe, expect, it } from 'vitest';
import type { JobId } from '../../shared/job/identity.ts';
import { emptyTotals, type Job, type NewJob, type UnopenedJob } from '../../shared/job/job.ts';
import { viewJob } from '../../shared/job/view.ts';
import { readJobRow, writeJobRow } from '../../shared/ledger/job-row-format.ts';
import type { Attributes } from '../../shared/ledger/rows.ts';
import { aJob, anUnopenedJob, aRunningJob, JOB_ID, JOB_OPTIONS } from '../helpers/records.ts';

const HALTED_AT_MS = Date.UTC(2026, 0, 2);
const ENDED_AT_MS = Date.UTC(2026, 0, 3);
const FAULT = { code: 'TooManyFailures', message: '51%' };
const REPORT = `s3://reports/jobs/${JOB_ID}/manifest.json`;
const TOTALS = { ...emptyTotals(), rows: 20, stored: 20 };
const planning = aJob();
const running = aRunningJob({ slices: 2, settledGroups: new Set([0]) });
const { id, manifest, parserVersion, startedAtMs } = planning;
const ended = {
  id,
  manifest,
  parserVersion,
  startedAtMs,
  totals: TOTALS,
  report: REPORT,
  endedAtMs: ENDED_AT_MS,
};

const json = (value: unknown) => ({ S: JSON.stringify(value) });

/** A row as the version before the union wrote it: all that was frozen, and each further attribute where it was known. */
function earlierRow(attributes: Attributes, frozen: object = {}): Attributes {
  const { head, options, sliceBytes, blockRows } = planning;
  return {
    pk: { S: `J#${JOB_ID}` },
    listing: { S: 'job' },
    listedAt: { S: `${new Date(startedAtMs).toISOString()}#${JOB_ID}` },
    frozen: json({ manifest, options, parserVersion, sliceBytes, blockRows, head, ...frozen }),
    startedAtMs: { N: String(startedAtMs) },
    deadlineMs: { N: String(planning.deadlineMs) },
    state: { S: 'planning' },
    control: { S: 'run' },
    plan: json(planning.plan),
    live: { S: 'live' },
    ...attributes,
  };
}

const RUNNING: Attributes = {
  state: { S: 'running' },
  plan: json(running.plan),
  slices: { N: '2' },
  settledGroups: { NS: ['0'] },
};
const HALTED = { haltedAtMs: { N: String(HALTED_AT_MS) } };
const ENDED: Attributes = {
  ...RUNNING,
  endedAtMs: { N: String(ENDED_AT_MS) },
  totals: json(TOTALS),
  report: { S: REPORT },
};
/** What an earlier version stored for a job whose options it had not read. */
const INVENTED = {
  head: undefined,
  options: {
    ...{ destination: { bucket: '', prefix: '' }, spread: 'off', ifExists: 'overwrite', retryForSeconds: 0 },
    ...{ deadlineSeconds: 0, maxFailedPercent: 100, maxFailedAfterRows: 1, report: 'all' },
  },
};
const ABANDONED: Attributes = { ending: { S: 'abandoned' }, fault: json(FAULT) };

describe('a row of an earlier version', () => {
  it.each<{ of: string; row: Attributes; job: Job }>([
    { of: 'is planned', row: earlierRow({}), job: planning },
    {
      of: 'is planned, and abandoned',
      row: earlierRow(ABANDONED),
      job: { ...planning, ending: 'abandoned', fault: FAULT },
    },
    {
      of: 'has its slices counted, and is not running yet',
      row: earlierRow({ ...RUNNING, state: { S: 'planning' } }),
      job: { ...planning, plan: running.plan, settledGroups: new Set([0]) },
    },
    {
      of: 'has its end decided before it was running',
      row: earlierRow({ ...RUNNING, state: { S: 'planning' }, ending: { S: 'completed' } }),
      job: { ...running, ending: 'completed' },
    },
    { of: 'is running', row: earlierRow(RUNNING), job: running },
    {
      of: 'was resumed, with its progress summed',
      row: earlierRow({
        ...RUNNING,
        resumedAtMs: { N: String(HALTED_AT_MS) },
        progress: json({ rows: 20, done: 3, failed: 0, cancelled: 0, rejected: 0 }),
      }),
      job: {
        ...running,
        resumedAtMs: HALTED_AT_MS,
        progress: { rows: 20, done: 3, failed: 0, cancelled: 0, rejected: 0 },
      },
    },
    {
      of: 'is paused',
      row: earlierRow({ ...RUNNING, ...HALTED, control: { S: 'paused' } }),
      job: aRunningJob({ ...running, control: 'paused', haltedAtMs: HALTED_AT_MS }),
    },
    {
      of: 'is cancelled by its user',
      row: earlierRow({ ...RUNNING, ...HALTED, control: { S: 'cancelling' } }),
      job: aRunningJob({ ...running, control: 'cancelling', haltedAtMs: HALTED_AT_MS }),
    },
    {
      of: 'is past its deadline',
      row: earlierRow({ ...RUNNING, ...HALTED, control: { S: 'expiring' }, fault: json(FAULT) }),
      job: aRunningJob({ ...running, control: 'expiring', haltedAtMs: HALTED_AT_MS, fault: FAULT }),
    },
    {
      of: 'is about to have failed',
      row: earlierRow({
        ...{ ...RUNNING, ...HALTED },
        ...{ control: { S: 'cancelling' }, ending: { S: 'failed' }, fault: json(FAULT) },
      }),
      job: aRunningJob({
        ...running,
        ...{ control: 'cancelling', haltedAtMs: HALTED_AT_MS, ending: 'failed', fault: FAULT },
      }),
    },
    {
      of: 'has completed',
      row: earlierRow({ ...ENDED, state: { S: 'completed' }, ending: { S: 'completed' } }),
      job: { ...ended, state: 'completed', options: JOB_OPTIONS },
    },
    {
      of: 'is cancelled',
      row: earlierRow({ ...ENDED, ...HALTED, state: { S: 'cancelled' }, control: { S: 'cancelling' } }),
      job: { ...ended, state: 'cancelled', options: JOB_OPTIONS },
    },
    {
      of: 'has failed',
      row: earlierRow({ ...ENDED, state: { S: 'failed' }, fault: json(FAULT) }),
      job: { ...ended, state: 'failed', options: JOB_OPTIONS, fault: FAULT },
    },
    {
      of: 'could not be opened, and is to fail',
      row: earlierRow(ABANDONED, INVENTED),
      job: anUnopenedJob({ fault: FAULT }),
    },
    {
      of: 'could not be opened, with its options read',
      row: earlierRow(ABANDONED, { head: undefined, redriveOf: 'job-00000001' }),
      job: anUnopenedJob({ fault: FAULT, options: JOB_OPTIONS, redriveOf: 'job-00000001' as JobId }),
    },
    {
      of: 'has failed before its options were read',
      row: earlierRow({ ...ENDED, ...ABANDONED, state: { S: 'failed' } }, INVENTED),
      job: { ...ended, state: 'failed', fault: FAULT },
    },
  ])('of a job that $of is read', ({ row, job }) => {
    expect(readJobRow(row)).toEqual(job);
  });

  it('shows no options of a job that failed before they were read', () => {
    for (const row of [ABANDONED, { ...ENDED, ...ABANDONED, state: { S: 'failed' } }])
      expect(viewJob(readJobRow(earlierRow(row, INVENTED)))).not.toHaveProperty('options');
  });

  it('has a fault of any length cut', () => {
    const row = earlierRow({ ...ABANDONED, fault: json({ code: 'X', message: 'x'.repeat(9_000) }) });
    expect(readJobRow(row)).toMatchObject({
      fault: { message: expect.stringMatching(/cut, 9000 bytes\]$/) },
    });
  });
});

describe('a row that is no job', () => {
  const without = (row: Attributes, name: string) =>
    Object.fromEntries(Object.entries(row).filter(([each]) => each !== name));
  it.each<[string, Attributes, string]>([
    ['no state', without(earlierRow({}), 'state'), 'has no state'],
    [
      'a state of a later version',
      earlierRow({ state: { S: 'resting' } }),
      'has the unknown state "resting"',
    ],
    ['an unknown control', earlierRow({ control: { S: 'slow' } }), 'has the unknown control "slow"'],
    ['an unknown ending', earlierRow({ ending: { S: 'lost' } }), 'has the unknown ending "lost"'],
    ['nothing frozen', without(earlierRow({}), 'frozen'), 'has no frozen'],
    ['no JSON', earlierRow({ plan: { S: '{' } }), 'has a plan that is not JSON'],
    ['no head, though it has not failed', earlierRow({}, { head: undefined }), 'has no frozen head'],
    ['no options', earlierRow(RUNNING, { options: undefined }), 'has no frozen options'],
    ['no count of its slices', without(earlierRow(RUNNING), 'slices'), 'has no slices'],
    ['no time of its halt', earlierRow({ control: { S: 'paused' } }), 'has no haltedAtMs'],
    ['no fault, though it failed', earlierRow({ ...ENDED, state: { S: 'failed' } }), 'has no fault'],
    ['no totals', without(earlierRow({ ...ENDED, state: { S: 'completed' } }), 'totals'), 'has no totals'],
    ['no report', without(earlierRow({ ...ENDED, state: { S: 'cancelled' } }), 'report'), 'has no report'],
  ])('with %s is an error that names the job and the field', (_, row, says) => {
    expect(() => readJobRow(row)).toThrow(`the ledger's row of job ${JOB_ID} ${says}`);
  });
});

describe('a row of a new job', () => {
  it.each<[string, NewJob | UnopenedJob]>([
    ['is planned', aJob({ files: { kind: 'report', bucket: 'reports', key: 'k' }, redriveOf: JOB_ID })],
    ['fails before its options are read', anUnopenedJob()],
    ['fails after its options are read', anUnopenedJob({ options: JOB_OPTIONS, redriveOf: JOB_ID })],
  ])('that %s comes back as it was written', (_, job) => {
    expect(readJobRow(writeJobRow(job))).toEqual(job);
  });

  it('that fails at its opening is planned and abandoned to an earlier version', () => {
    const row = writeJobRow(anUnopenedJob());
    expect(row).toMatchObject({
      state: { S: 'planning' },
      control: { S: 'run' },
      ending: { S: 'abandoned' },
    });
    expect(JSON.parse(row['frozen']?.S ?? '')).toEqual({ manifest, parserVersion });
  });
});
