// A redrive, from its order in the inbox to the slices that the old report's failed rows are cut into.
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { redrivableOf, submitRedrive } from '../../functions/api/submit-redrive.ts';
import { startJob } from '../../functions/ingest/open-job.ts';
import { planJob } from '../../functions/ingest/split-manifest.ts';
import { createMemoryS3, type MemoryS3 } from '../../lab/memory/s3.ts';
import { readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import { completeOptions } from '../../shared/job/frozen-options.ts';
import { hashedJobId } from '../../shared/job/identity.ts';
import {
  emptyTotals,
  type JobFault,
  type NewJob,
  type PlanCursor,
  type SettledTotals,
} from '../../shared/job/job.ts';
import type { JobOptions } from '../../shared/job/options.ts';
import { parseRedriveOrder } from '../../shared/job/redrive-order.ts';
import type { SliceStart } from '../../shared/ledger/slice-rows.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import { meddled } from '../helpers/failing.ts';
import {
  aJob,
  anEndedJob,
  anEndedWithoutOptions,
  type EndedChange,
  JOB_ID,
  JOB_OPTIONS,
} from '../helpers/records.ts';
import { startingWith } from '../helpers/starting.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';

const REPORT_KEY = `jobs/${JOB_ID}/manifest.json`;
const REPORT = `s3://reports/${REPORT_KEY}`;
const REDRIVE_ID = hashedJobId('redrive', JOB_ID);
const ORDER_KEY = `api/${REDRIVE_ID}/manifest`;
const OPTIONS = completeOptions({
  destination: { bucket: 'destination', prefix: 'pre/fix' },
  spread: 'hex:2',
  ifExists: 'skip',
  retryForSeconds: 77,
  deadlineSeconds: 600,
  maxFailedPercent: 12,
  maxFailedAfterRows: 34,
  report: 'failures',
});

const OPTIONS_ELSEWHERE: JobOptions = { ...OPTIONS, destination: { bucket: 'elsewhere', prefix: '' } };

let memory: MemoryS3;
let s3: S3Client;
let reader: { s3: S3Client; clock: VirtualClock; random: () => number };
/** Places of the report bucket that were read, with the version that was named. */
let asked: string[];

beforeEach(() => {
  memory = createMemoryS3({ versioned: ['inbox'] });
  asked = [];
  s3 = meddled(memory.client, async (command, pass) => {
    if (command instanceof GetObjectCommand) {
      const { Bucket, Key, VersionId } = command.input;
      asked.push(`${Bucket}/${Key}${VersionId === undefined ? '' : `@${VersionId}`}`);
    }
    return pass();
  });
  reader = { s3, clock: createVirtualClock(), random: () => 0 };
});

/** A row as settle writes it. */
const failedRow = (key: string) =>
  `${JSON.stringify({ key, text: `of ${key}`, spillway_code: 'AccessDenied', spillway_place: 'line 7' })}\n`;

/** Puts a report whose files of failed rows hold rows of these keys. */
function putReport(files: readonly string[][], options: Partial<JobOptions> = {}): void {
  const written = files.map((keys, index) => {
    const key = `jobs/${JOB_ID}/failed/00000${index}-w.ndjson`;
    const body = keys.map(failedRow).join('');
    memory.write('reports', key, body);
    return { kind: 'failed', key, rows: keys.length, bytes: body.length, sha256: 'x' };
  });
  const other = { kind: 'succeeded', key: `jobs/${JOB_ID}/succeeded/000000-w.ndjson`, rows: 1, bytes: 5 };
  const report = { version: 1, job: JOB_ID, options: { ...OPTIONS, ...options }, files: [other, ...written] };
  memory.write('reports', REPORT_KEY, JSON.stringify(report));
}

const order = () => submitRedrive({ s3, inbox: 'inbox' }, { id: JOB_ID, report: REPORT });

async function open(destinationBuckets = ['other', 'destination']): Promise<NewJob> {
  const job = await start(destinationBuckets);
  if (job.state !== 'planning') throw new Error(job.fault.message);
  return job;
}

const start = (destinationBuckets = ['other', 'destination']) =>
  startJob(startingWith(reader, { destinationBuckets }), {
    bucket: 'inbox',
    key: ORDER_KEY,
    versionId: 'v1',
  });

describe('the order for a redrive', () => {
  it('stands in the inbox under an id that follows from the old job, once', async () => {
    const manifest = `s3://inbox/${ORDER_KEY}`;
    expect(await order()).toEqual({ kind: 'accepted', job: REDRIVE_ID, manifest });
    expect(await order()).toEqual({ kind: 'repeated', job: REDRIVE_ID, manifest });
    expect(memory.keys('inbox')).toEqual([ORDER_KEY]);
    expect(memory.object('inbox', ORDER_KEY)?.contentType).toBe('application/vnd.spillway.redrive+json');
    expect(String(memory.read('inbox', ORDER_KEY))).toBe(
      `${JSON.stringify({ redriveOf: JOB_ID, report: REPORT })}\n`,
    );
  });

  it.each([
    ['no JSON', '{', /it: /],
    ['another shape', JSON.stringify({ redriveOf: JOB_ID }), /report: /],
    ['no job id', JSON.stringify({ redriveOf: '../x', report: REPORT }), /is no job id/],
    [
      'a report elsewhere',
      JSON.stringify({ redriveOf: JOB_ID, report: 's3://evil/manifest.json' }),
      /s3:\/\/evil/,
    ],
    [
      "another job's report",
      JSON.stringify({ redriveOf: JOB_ID, report: 's3://reports/jobs/job-00000001/manifest.json' }),
      /that of job 0123456789abcdef0123 is s3:\/\/reports\/jobs\/0123456789abcdef0123\/manifest\.json/,
    ],
  ])('is refused with %s', (_, text, says) => {
    expect(parseRedriveOrder(text, 'reports')).toEqual({
      kind: 'invalid',
      message: expect.stringMatching(says),
    });
  });
});

describe('a job', () => {
  const BOUNDS = { destinationBuckets: ['destination'], keepDays: 15 };
  const ended = (totals: Partial<SettledTotals>, change: EndedChange = {}) =>
    anEndedJob({ report: REPORT, totals: { ...emptyTotals(), ...totals }, ...change });

  it.each([
    ['failed', { failed: 1 }],
    ['cancelled', { cancelled: 1 }],
  ])('with %s rows can be redriven', (_, totals) => {
    expect(redrivableOf(ended(totals), BOUNDS)).toMatchObject({
      kind: 'redrivable',
      job: { id: JOB_ID, report: REPORT },
    });
  });

  const none = { ...JOB_OPTIONS, report: 'none' as const };
  it.each([
    ['that runs', aJob(), /is running/],
    ['that failed before it had any', anEndedWithoutOptions(), /nothing to redrive/],
    ['with nothing failed', ended({ rejected: 3, stored: 2 }), /nothing to redrive/],
    ['that kept no rows', ended({ failed: 1 }, { options: none }), /report was none/],
    [
      'whose destination is no longer allowed',
      ended({ failed: 1 }, { options: OPTIONS_ELSEWHERE }),
      /wrote to elsewhere.*writes to destination/,
    ],
    [
      'whose deadline comes after its outcomes expire',
      ended({ failed: 1 }, { options: { ...JOB_OPTIONS, deadlineSeconds: 14 * 86_400 + 1 } }),
      /does not take: deadline-seconds is 1209601.*give 1209600 at most/,
    ],
    [
      "whose options are out of today's bounds",
      ended({ failed: 1 }, { options: { ...JOB_OPTIONS, retryForSeconds: 1e9 } }),
      /does not take: retry-for-seconds is 1000000000/,
    ],
  ])('%s is refused', (_, job, says) => {
    expect(redrivableOf(job, BOUNDS)).toEqual({
      kind: 'refused',
      message: expect.stringMatching(says),
    });
  });
});

describe('the opening of a redrive', () => {
  it("takes the old job's options, and names the report as the list of its files", async () => {
    putReport([['a', 'b'], ['c']]);
    await order();
    const job = await open();
    expect(job).toMatchObject({
      id: REDRIVE_ID,
      state: 'planning',
      options: OPTIONS,
      redriveOf: JOB_ID,
      head: { format: 'ndjson', bodyOffset: 0, bodyLine: 1 },
      files: { kind: 'report', bucket: 'reports', key: `jobs/${JOB_ID}/manifest.json` },
      plan: { slices: 0, rows: 0, offset: 0, line: 1, file: 0 },
      blockRows: 2,
      deadlineMs: 1_000 + 600_000,
    });
    expect(job.sliceBytes, 'as the largest file').toBe((failedRow('a') + failedRow('b')).length);
  });

  it.each([
    ['an older parser that is still read', 3, 3],
    ['a parser that is not read', 99, PARSER_VERSION],
    ['no parser', undefined, PARSER_VERSION],
  ])('reads the rows of a report of %s as they were meant', async (_, parserVersion, expected) => {
    putReport([['a']]);
    const report = JSON.parse(String(memory.read('reports', REPORT_KEY)));
    memory.write('reports', REPORT_KEY, JSON.stringify({ ...report, parserVersion }));
    await order();
    expect(await open()).toMatchObject({ parserVersion: expected });
  });

  it.each<[string, string, () => unknown, RegExp]>([
    ['is gone', 'ReportGone', () => undefined, /was deleted/],
    ['names no failed rows', 'NothingToRedrive', () => putReport([]), /names no file of failed rows/],
    [
      'is none',
      'ReportUnreadable',
      () => memory.write('reports', REPORT_KEY, '{"version":2}'),
      /no report of this version: version: /,
    ],
    [
      'names a destination that is not allowed',
      'InvalidOptions',
      () => putReport([['a']], OPTIONS_ELSEWHERE),
      /"elsewhere" is not allowed/,
    ],
  ])('fails the job where the report %s', async (_, code, prepare, says) => {
    prepare();
    await order();
    expect(await start()).toMatchObject({
      state: 'unopened',
      redriveOf: JOB_ID,
      fault: { code, message: expect.stringMatching(says) },
    });
  });
});

describe('the plan of a redrive', () => {
  const SLICE_LIMIT_ROWS = 256 * 2;

  function planner(job: NewJob, deadlineMs = Number.POSITIVE_INFINITY, clock = createVirtualClock()) {
    const recorded: { slice: number; start: SliceStart }[] = [];
    const moved: PlanCursor[] = [];
    const controlled: [string, JobFault | undefined][] = [];
    const planned = planJob(
      {
        reader,
        clock,
        requestSlice: async () => undefined,
        ledger: {
          getJob: async () => job,
          recordSlice: async ({ slice }, start) => void recorded.push({ slice, start }),
          movePlan: async (_, plan) => void moved.push(plan),
          finishPlan: async (_, plan) => ({ ...job, state: 'running', plan, slices: plan.slices }),
          controlJob: async (_, control, fault) => {
            controlled.push([control, fault]);
            return { kind: 'changed', job };
          },
        },
      },
      job,
      deadlineMs,
    );
    return { planned, recorded, moved, controlled };
  }

  const keyOf = ({ place }: SliceStart) => (place.kind === 'file-bytes' ? place.file.key : undefined);

  async function keysOf(job: NewJob, starts: readonly { start: SliceStart }[]): Promise<string[][]> {
    const keys: string[][] = [];
    for (const { start } of starts) {
      const found: string[] = [];
      for await (const block of readSliceBlocks({ ...reader, sources: { buckets: [] } }, job, start)) {
        found.push(...block.accepted.map(({ item, line }) => `${item.key}:${line}`));
        found.push(...block.rejected.map(({ code }) => `rejected ${code}`));
      }
      keys.push(found);
    }
    return keys;
  }

  it('has a slice for each file, that names it, and whose rows are read from it', async () => {
    putReport([['a', 'b', 'c'], ['d'], ['e', 'f']]);
    await order();
    const job = await open();
    const { planned, recorded } = planner(job);
    expect(await planned).toMatchObject({ kind: 'finished', plan: { slices: 3, rows: 6, file: 2 } });
    expect(recorded.map(({ slice, start }) => [slice, keyOf(start), start.rows, start.blocks])).toEqual([
      [0, `jobs/${JOB_ID}/failed/000000-w.ndjson`, 3, 2],
      [1, `jobs/${JOB_ID}/failed/000001-w.ndjson`, 1, 1],
      [2, `jobs/${JOB_ID}/failed/000002-w.ndjson`, 2, 1],
    ]);
    expect(await keysOf(job, recorded)).toEqual([['a:1', 'b:2', 'c:3'], ['d:1'], ['e:1', 'f:2']]);
    const reads = asked.filter((place) => place.startsWith('reports/'));
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.filter((place) => place.includes('@'))).toEqual([]);
  });

  it('cuts a file of more rows than a slice may have, and goes on with the next', async () => {
    const many = Array.from({ length: SLICE_LIMIT_ROWS + 1 }, (_, index) => `k${index}`);
    putReport([many, ['last']]);
    await order();
    const { planned, recorded } = planner(await open());
    await planned;
    expect(
      recorded.map(({ start }) => [keyOf(start)?.slice(-14), start.place.startLine, start.rows]),
    ).toEqual([
      ['00000-w.ndjson', 1, SLICE_LIMIT_ROWS],
      ['00000-w.ndjson', SLICE_LIMIT_ROWS + 1, 1],
      ['00001-w.ndjson', 1, 1],
    ]);
  });

  it('carries on in the file where it stopped, into the same slices', async () => {
    putReport([['a', 'b'], ['c'], ['d']]);
    await order();
    const whole = planner(await open());
    await whole.planned;
    let job = await open();
    const recorded: typeof whole.recorded = [];
    for (let turns = 0; turns < 10; turns++) {
      // Past its deadline from the beginning: it cuts one slice and remembers.
      const turn = planner(job, 0);
      const end = await turn.planned;
      recorded.push(...turn.recorded);
      if (end.kind === 'finished') break;
      job = { ...job, plan: turn.moved.at(-1) as PlanCursor };
    }
    expect(recorded).toEqual(whole.recorded);
  });

  it('ends the job with a clear fault where a file is gone, its earlier slices accounted for', async () => {
    putReport([['a'], ['b'], ['c']]);
    memory.remove('reports', `jobs/${JOB_ID}/failed/000001-w.ndjson`);
    await order();
    const { planned, recorded, controlled } = planner(await open());
    expect(await planned).toMatchObject({ kind: 'finished', plan: { slices: 1, rows: 1 } });
    expect(recorded).toHaveLength(1);
    expect(controlled).toEqual([
      [
        'cancelling',
        { code: 'ManifestGone', message: expect.stringContaining('000001-w.ndjson was deleted') },
      ],
    ]);
  });

  it('fails where nothing at all can be cut', async () => {
    putReport([['a']]);
    await order();
    const job = await open();
    memory.remove('reports', REPORT_KEY);
    expect(await planner(job).planned).toMatchObject({ kind: 'unreadable', fault: { code: 'ReportGone' } });
  });
});
