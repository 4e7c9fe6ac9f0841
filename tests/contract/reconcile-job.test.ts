// Jobs that can't end by themselves, on a DynamoDB with the table that serverless.yml describes: what sweep, settle and the
// dead-letter handler do about them, step by step.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { type DecideDependencies, decide } from '../../functions/dead-letters/decide.ts';
import { resumeSlices } from '../../functions/ingest/resume-job.ts';
import { type ReconcileDependencies, reconcileJob } from '../../functions/sweep/reconcile-job.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { CLOCK_MARGIN_MS } from '../../shared/job/halted-uploads.ts';
import type { JobId } from '../../shared/job/identity.ts';
import {
  emptyTotals,
  isEnded,
  type Job,
  type NewJob,
  type ReportedJob,
  type RunningJob,
} from '../../shared/job/job.ts';
import { isSettled } from '../../shared/ledger/tally.ts';
import {
  completeJob,
  type EndDependencies,
  failJob,
  failUnopenedJob,
  type UnopenedDependencies,
} from '../../shared/report/end-job.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { meddled } from '../helpers/failing.ts';
import { openLedger, startLedgerTable, type TestLedger } from '../helpers/ledger-table.ts';
import { aJob, anUnopenedJob, manifestBytes } from '../helpers/records.ts';

const LIMITS = { idleMs: 300_000, busyMs: 21_600_000, uploadMs: 180_000 };
const HOUR_MS = 3_600_000;
const ROWS = 10;

let ledger: TestLedger;
let id: JobId;
let jobs = 0;

const table = duringTests(startLedgerTable);
beforeEach(() => {
  ledger = openLedger(table);
  id = `live-job-${String(jobs++).padStart(4, '0')}` as JobId;
});

/** The ledger on a DynamoDB whose requests go through `meddle`. */
function ledgerThat(meddle: Parameters<typeof meddled>[1]): TestLedger {
  return openLedger({ dynamodb: meddled(table.dynamodb, meddle), table: table.table });
}

const sliceOf = (slice: number) => ({ job: id, slice });

async function startJob(slices: number, job: Partial<NewJob> = {}): Promise<void> {
  await ledger.createJob(aJob({ id, startedAtMs: ledger.clock.now(), ...job }));
  for (let slice = 0; slice < slices; slice++)
    await ledger.recordSlice(sliceOf(slice), {
      place: manifestBytes(9, 99, 2),
      rows: ROWS,
      blocks: 1,
    });
  await ledger.finishPlan(id, { slices, rows: slices * ROWS, offset: 99, line: 3 });
}

/** Every row of it stored, and counted. */
async function settle(slice: number): Promise<Job | undefined> {
  const numbers = Array.from({ length: ROWS }, (_, number) => number);
  await ledger.openBlock({ ...sliceOf(slice), block: 0 }, ROWS, []);
  await ledger.recordEnds({ ...sliceOf(slice), block: 0 }, { done: numbers });
  const totals = { ...emptyTotals(), rows: ROWS, stored: ROWS };
  await ledger.freezeSlice(sliceOf(slice), { totals, files: [] });
  return ledger.settleSlice(sliceOf(slice));
}

/** One sweep. @returns what it sent to ingest and settle */
async function sweep(settleBacklog: number, draw = 0): Promise<unknown[]> {
  const told: unknown[] = [];
  const job = await ledger.getJob(id);
  if (job === undefined || isEnded(job)) throw new Error('there is no job to reconcile');
  const dependencies: ReconcileDependencies = {
    ledger,
    requestIngest: async (message) => void told.push(message),
    notifySettle: async (notice) => void told.push(notice),
    clock: ledger.clock,
    random: () => draw,
  };
  const nowMs = ledger.clock.now();
  const backlog = { ingest: 0, upload: 0, settle: settleBacklog };
  await reconcileJob(dependencies, job, { backlog, limits: LIMITS, nowMs }, nowMs + 60_000);
  return told;
}

interface Told {
  reports: { state: string; totals: { stored: number }; fault?: { code: string; message: string } }[];
  events: string[];
}

/** An end whose reports and events are kept. @param whileWriting is run once, as the first report is written */
function anEnd(whileWriting: () => Promise<void> = async () => undefined): {
  end: EndDependencies;
  told: Told;
} {
  const told: Told = { reports: [], events: [] };
  let isFirst = true;
  const s3 = meddled(createMemoryS3().client, async (command, pass) => {
    if (!(command instanceof PutObjectCommand)) return pass();
    if (isFirst) {
      isFirst = false;
      await whileWriting();
    }
    told.reports.push(JSON.parse(String(command.input.Body)));
    return pass();
  });
  const end = {
    ledger,
    events: { ended: async (job: ReportedJob) => void told.events.push(job.state) },
    reports: { bucket: 'reports', s3 },
  } as unknown as EndDependencies;
  return { end, told };
}

const FAULT = { code: 'SettleFailed', message: 'it could not be settled' };

describe('a group whose last slice was booked, but which was not', () => {
  it('is booked when that slice is settled again, as sweep has it', async () => {
    await startJob(2);
    await settle(0);
    ledger = ledgerThat(async (command, send) => {
      if (command instanceof UpdateItemCommand && command.input.UpdateExpression?.includes('settledGroups'))
        throw new Error('killed');
      return send();
    });
    await expect(settle(1)).rejects.toThrow('killed');
    ledger = openLedger(table);

    ledger.clock.advance(HOUR_MS);
    expect(await sweep(0)).toEqual([sliceOf(1)]);
    const job = await ledger.settleSlice(sliceOf(1));
    expect(job && isSettled(job)).toBe(true);
    expect(await ledger.unsettledSlices(job as RunningJob)).toEqual([]);
  });

  it('of a job that is still planned is not taken for one', async () => {
    await ledger.createJob(aJob({ id, state: 'planning' }));
    await ledger.recordSlice(sliceOf(0), {
      place: manifestBytes(9, 99, 2),
      rows: ROWS,
      blocks: 1,
    });
    await ledger.movePlan(id, { slices: 1, rows: ROWS, offset: 99, line: 3 });
    await settle(0);
    expect(await ledger.unsettledSlices(await ledger.liveJob(id))).toEqual([]);
  });
});

describe('while settle is busy', () => {
  it.each([
    { of: 'at once', afterMs: 1_000, draw: 0, isTold: false },
    { of: 'after a quarter of an hour, now and then', afterMs: HOUR_MS / 4, draw: 0.06, isTold: true },
    { of: 'not each time', afterMs: HOUR_MS / 4, draw: 0.07, isTold: false },
  ])('a slice of a cancelled job is told of again: $of', async ({ afterMs, draw, isTold }) => {
    await startJob(1);
    await ledger.controlJob(id, 'cancelling');
    ledger.clock.advance(LIMITS.uploadMs + CLOCK_MARGIN_MS + afterMs);
    expect(await sweep(1, draw)).toEqual(isTold ? [sliceOf(0)] : []);
  });

  it('a job that has settled is notified again now and then', async () => {
    await startJob(1);
    await settle(0);
    expect(await sweep(1, 0.07)).toEqual([]);
    expect(await sweep(1, 0.06)).toEqual([{ job: id }]);
  });
});

describe('a slice that can not be settled', () => {
  const decideNow = (end: EndDependencies, buried: number) =>
    decide(
      { ledger, end, clock: ledger.clock } as unknown as DecideDependencies,
      { body: JSON.stringify({ v: 1, job: id, slice: 0, buried }), source: 'settle' },
      0,
    );

  it('is tried until the others of its job are settled, and only its own rows are unaccounted', async () => {
    const startedAtMs = ledger.clock.now();
    await startJob(3, { deadlineMs: startedAtMs + HOUR_MS });
    const { end, told } = anEnd();
    ledger.clock.advance(HOUR_MS);
    expect((await decideNow(end, 9)).kind).toBe('sent-again');

    await ledger.controlJob(id, 'expiring', { code: 'DeadlineExceeded', message: 'late' });
    ledger.clock.advance(HOUR_MS);
    expect((await decideNow(end, 9)).kind).toBe('sent-again');
    for (const slice of [1, 2]) await settle(slice);
    ledger.clock.advance(6 * HOUR_MS);
    expect((await decideNow(end, 2)).kind).toBe('sent-again');

    const { kind, carryOut } = await decideNow(end, 3);
    expect(kind).toBe('job-failed');
    await carryOut('s3://reports/letter', 'writer');
    expect(told.events).toEqual(['failed']);
    expect(told.reports).toMatchObject([{ state: 'failed', totals: { rows: 3 * ROWS, stored: 2 * ROWS } }]);
    expect(told.reports[0]?.fault?.message).toContain(`${ROWS} rows, those of slices 0, are unaccounted`);
    expect(await ledger.getJob(id)).toMatchObject({ state: 'failed', totals: { stored: 2 * ROWS } });
  });

  it('of a paused job is left to the resume', async () => {
    await startJob(1, { deadlineMs: ledger.clock.now() });
    await ledger.controlJob(id, 'paused');
    ledger.clock.advance(24 * HOUR_MS);
    expect((await decideNow(anEnd().end, 9)).kind).toBe('nothing-left');
  });
});

describe('a job that could not be opened', () => {
  const unopened = () => anUnopenedJob({ id, startedAtMs: ledger.clock.now(), fault: FAULT });
  const endWith = (end: EndDependencies) => ({ ...end, ledger }) as UnopenedDependencies;

  it('has its report, its event and its row, in any order of crashes', async () => {
    const died = anEnd(async () => {
      throw new Error('killed');
    });
    await expect(failUnopenedJob(endWith(died.end), unopened())).rejects.toThrow('killed');
    // Its row is there, and live: sweep and settle would end it; and so does the next delivery.
    expect(await ledger.getJob(id)).toMatchObject({ ending: 'abandoned', fault: FAULT });
    const { end, told } = anEnd();
    expect(await failUnopenedJob(endWith(end), unopened())).toMatchObject({ state: 'failed' });
    expect(told).toMatchObject({ events: ['failed'], reports: [{ state: 'failed', fault: FAULT }] });
    expect(await ledger.getJob(id)).toMatchObject({ state: 'failed', fault: FAULT });
    await failUnopenedJob(endWith(end), unopened());
    expect(told.events).toEqual(['failed']);
  });

  it('leaves alone a job that another delivery has opened meanwhile', async () => {
    await startJob(1);
    const { end, told } = anEnd();
    expect(await failUnopenedJob(endWith(end), unopened())).toMatchObject({ state: 'running' });
    expect(told.events).toEqual([]);
    expect(await ledger.getJob(id)).toMatchObject({ state: 'running' });
    expect((await ledger.liveJob(id)).ending).toBeUndefined();
  });
});

describe('a job that is given up', () => {
  it('creates no row: settle has no right to', async () => {
    await startJob(1);
    const { end } = anEnd();
    const commands: string[] = [];
    const watched = ledgerThat(async (command, send) => {
      commands.push(command.constructor.name);
      return send();
    });
    await failJob({ ...end, ledger: watched }, { id }, FAULT);
    expect(commands).not.toContain('PutItemCommand');
    expect(await ledger.getJob(id)).toMatchObject({ state: 'failed' });
  });

  it('while its last slice is settled after all ends one way, in report, event and row', async () => {
    await startJob(1);
    const { end, told } = anEnd(async () => void (await completeJob(end, (await settle(0)) as RunningJob)));
    await failJob(end, { id }, FAULT);
    expect(told.events).toEqual(['failed']);
    expect(told.reports).toMatchObject([
      { state: 'failed', totals: { stored: 0 }, fault: { code: FAULT.code } },
    ]);
    expect(await ledger.getJob(id)).toMatchObject({ state: 'failed', totals: { stored: 0 } });
  });

  it('while its completion is being reported stays completed', async () => {
    await startJob(1);
    const job = await ledger.liveJob(id);
    const { end, told } = anEnd(async () => void (await failJob(end, job, FAULT)));
    await completeJob(end, (await settle(0)) as RunningJob);
    expect(told.events).toEqual(['completed']);
    expect(told.reports).toMatchObject([{ state: 'completed', totals: { stored: ROWS } }]);
  });

  it('after it has ended changes nothing', async () => {
    await startJob(1);
    const job = await ledger.liveJob(id);
    const { end, told } = anEnd();
    await completeJob(end, (await settle(0)) as RunningJob);
    expect(await failJob(end, job, FAULT)).toMatchObject({ state: 'completed' });
    expect(told).toMatchObject({ events: ['completed'], reports: [{ state: 'completed' }] });
  });

  it('is given up the same way again, where the one that did it died', async () => {
    await startJob(1);
    const broken = anEnd(() => Promise.reject(new Error('killed')));
    const job = await ledger.liveJob(id);
    await expect(failJob(broken.end, job, FAULT)).rejects.toThrow('killed');
    expect(await ledger.controlJob(id, 'cancelling')).toMatchObject({ kind: 'refused' });
    const { end, told } = anEnd();
    await failJob(end, job, { code: 'Other', message: 'of another letter' });
    expect(told.reports).toMatchObject([{ state: 'failed', fault: { code: FAULT.code } }]);
  });
});

describe('an end that is decided, but was not reported completely', () => {
  const died = () => anEnd(() => Promise.reject(new Error('killed'))).end;

  it.each(['run', 'paused', 'cancelling'] as const)('is told again to settle under %s', async (control) => {
    await startJob(1);
    await ledger.controlJob(id, control);
    await expect(completeJob(died(), (await settle(0)) as RunningJob)).rejects.toThrow('killed');
    expect(await sweep(0)).toEqual([{ job: id }]);
  });

  it.each(['run', 'paused', 'cancelling'] as const)(
    'is told again of a job given up under %s, and its slices are left alone',
    async (control) => {
      await startJob(2);
      await settle(0);
      await ledger.controlJob(id, control);
      await expect(failJob(died(), { id }, FAULT)).rejects.toThrow('killed');
      ledger.clock.advance(24 * HOUR_MS);
      expect(await sweep(0)).toEqual([{ job: id }]);
      expect(await sweep(1, 0.07)).toEqual([]);
      expect(await sweep(1, 0.06)).toEqual([{ job: id }]);
    },
  );
});

describe('what was sent', () => {
  it('before a replay began is not remembered after it', async () => {
    await startJob(1);
    await ledger.markSent(sliceOf(0), 0, [0]);
    expect(await ledger.beginReplay(sliceOf(0), 0)).toBe(true);
    await ledger.markSent(sliceOf(0), 0, [0]);
    expect((await ledger.getSlice(sliceOf(0)))?.sentBlocks.size).toBe(0);
    await ledger.markSent(sliceOf(0), 1, [0]);
    expect((await ledger.getSlice(sliceOf(0)))?.sentBlocks).toEqual(new Set([0]));
  });

  it('is replayed by the one that began it, though the answer was lost', async () => {
    await startJob(1);
    ledger = ledgerThat(async (command, send) => {
      // As the SDK does where the answer breaks off: it sends the same again.
      if (command instanceof UpdateItemCommand) await send();
      return send();
    });
    expect(await ledger.beginReplay(sliceOf(0), 0)).toBe(true);
    expect(await ledger.beginReplay(sliceOf(0), 0)).toBe(false);
    expect((await ledger.getSlice(sliceOf(0)))?.replays).toBe(1);
  });

  it('since a resume is not forgotten when the order is given again', async () => {
    await startJob(1);
    await ledger.markSent(sliceOf(0), 0, [0]);
    await ledger.controlJob(id, 'paused');
    ledger.clock.advance(HOUR_MS);
    await ledger.controlJob(id, 'run');
    ledger.clock.advance(CLOCK_MARGIN_MS);
    const told: unknown[] = [];
    const resume = async () =>
      resumeSlices(
        { ledger, requestSlice: async (slice) => void told.push(slice), clock: ledger.clock },
        await ledger.liveJob(id),
        0,
        ledger.clock.now() + 60_000,
      );
    await resume();
    await ledger.markSent(sliceOf(0), 1, [0]);
    await resume();
    expect(await ledger.getSlice(sliceOf(0))).toMatchObject({ replays: 1, sentBlocks: new Set([0]) });
    expect(told).toEqual([sliceOf(0), sliceOf(0)]);
  });
});
