// What is announced of a job, and how often, on a DynamoDB with the table that serverless.yml describes.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobId } from '../../shared/job/identity.ts';
import { emptyTotals, type LiveJob } from '../../shared/job/job.ts';
import { emptyProgress } from '../../shared/ledger/progress.ts';
import { createAnnouncer } from '../../shared/report/announce.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { meddled } from '../helpers/failing.ts';
import { openLedger, startLedgerTable, type TestLedger } from '../helpers/ledger-table.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';

let ledger: TestLedger;
let id: JobId;
let jobs = 0;
let told: string[];
let failures: string[];
let isBusDown: boolean;

const table = duringTests(startLedgerTable);
beforeEach(() => {
  ledger = openLedger(table);
  id = `announced-${String(jobs++).padStart(4, '0')}` as JobId;
  told = [];
  failures = [];
  isBusDown = false;
});

const announcer = (of: TestLedger = ledger) => {
  const tell = async (what: string) => {
    if (isBusDown) throw new Error('the bus is down');
    told.push(what);
  };
  return createAnnouncer({
    ledger: of,
    events: {
      started: () => tell('started'),
      progressed: (_job, { percent, counts }) => tell(`${percent}${counts === undefined ? '' : ' of rows'}`),
    },
    failed: ({ message }) => void failures.push(message),
  });
};
const job = (): Promise<LiveJob> => ledger.liveJob(id);

/** A job whose slices of ten rows are known. */
async function run(slices: number): Promise<void> {
  await ledger.createJob(aJob({ id }));
  for (let slice = 0; slice < slices; slice++)
    await ledger.recordSlice({ job: id, slice }, { place: manifestBytes(0, 9), rows: 10, blocks: 1 });
  await ledger.finishPlan(id, { slices, rows: slices * 10, offset: 9, line: 9 });
}

async function settle(slice: number): Promise<void> {
  await ledger.freezeSlice({ job: id, slice }, { totals: { ...emptyTotals(), rows: 10 }, files: [] });
  await ledger.settleSlice({ job: id, slice });
}

const done = (count: number) => ({ ...emptyProgress(), rows: 40, done: count });

describe('the start of a job', () => {
  it('is announced once', async () => {
    await ledger.createJob(aJob({ id }));
    await announcer().start(await job());
    await announcer().start(await job());
    expect([told, failures]).toEqual([['started'], []]);
  });

  it('is announced again where the bus refused it, which fails nothing', async () => {
    await ledger.createJob(aJob({ id }));
    isBusDown = true;
    await announcer().start(await job());
    expect([told, failures]).toEqual([[], ['the bus is down']]);
    isBusDown = false;
    await announcer().start(await job());
    expect(told).toEqual(['started']);
  });

  it('is announced again after a crash between the event and its mark', async () => {
    await ledger.createJob(aJob({ id }));
    const dying = openLedger({
      table: table.table,
      dynamodb: meddled(table.dynamodb, (command, send) =>
        command instanceof UpdateItemCommand ? Promise.reject(new Error('killed')) : send(),
      ),
    });
    await announcer(dying).start(await job());
    await announcer().start(await job());
    expect([told, failures]).toEqual([['started', 'started'], ['killed']]);
  });

  it('takes nothing from the progress that was announced before it', async () => {
    await run(4);
    await announcer().rows(await job(), done(20));
    const before = { ...(await job()) };
    delete before.announcedPercent;
    await announcer().start(before);
    await announcer().rows(await job(), done(20));
    expect(told).toEqual(['50 of rows', 'started']);
  });
});

describe('the progress of a job', () => {
  it('is announced in tenths of its rows, the highest that was reached', async () => {
    await run(4);
    for (const rows of [0, 3, 4, 7, 20, 20, 36, 40]) await announcer().rows(await job(), done(rows));
    expect(told).toEqual(['10 of rows', '50 of rows', '90 of rows']);
  });

  it('counts rows that failed, were cancelled or rejected as ended', async () => {
    await run(4);
    await announcer().rows(await job(), { ...done(1), failed: 1, cancelled: 1, rejected: 1 });
    expect(told).toEqual(['10 of rows']);
  });

  it('is announced in tenths of its slices as they settle, and not at its end', async () => {
    await run(5);
    for (const slice of [3, 1, 1, 0, 2, 4]) {
      await settle(slice);
      await announcer().slices(await job());
    }
    expect(told).toEqual(['20', '40', '60', '80']);
  });

  it('never falls, whatever measures it', async () => {
    await run(4);
    await announcer().rows(await job(), done(30));
    await settle(0);
    await announcer().slices(await job());
    expect(told).toEqual(['70 of rows']);
  });

  it('is announced by one of several that find it at the same time', async () => {
    await run(4);
    const known = await job();
    await Promise.all(Array.from({ length: 5 }, () => announcer().rows(known, done(20))));
    expect([told, failures]).toEqual([['50 of rows'], []]);
  });

  it.each(['paused', 'cancelling', 'expiring'] as const)(
    'is not announced while it is %s',
    async (control) => {
      await run(4);
      await ledger.controlJob(id, control);
      await settle(0);
      await announcer().rows(await job(), done(20));
      await announcer().slices(await job());
      expect(told).toEqual([]);
    },
  );

  it('is not announced while its number of rows is unknown', async () => {
    await ledger.createJob(aJob({ id, plan: { slices: 4, rows: 40, offset: 9, line: 2 } }));
    await announcer().rows(await job(), done(20));
    expect(told).toEqual([]);
  });

  it('of a job without rows is none', async () => {
    await ledger.createJob(aJob({ id }));
    await ledger.finishPlan(id, { slices: 1, rows: 0, offset: 9, line: 9 });
    await announcer().rows(await job(), emptyProgress());
    expect([told, failures]).toEqual([[], []]);
  });

  it('lacks a step that the bus refused, and fails nothing', async () => {
    await run(4);
    isBusDown = true;
    await announcer().rows(await job(), done(20));
    isBusDown = false;
    await announcer().rows(await job(), done(20));
    await announcer().rows(await job(), done(24));
    expect([told, failures]).toEqual([['60 of rows'], ['the bus is down']]);
  });
});
