// Orders to a job and replays of its slices, as the ledger takes them: which may follow on which, and of two at once only one.
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobId } from '../../shared/job/identity.ts';
import { type Ending, emptyTotals, faultOf, type JobControl } from '../../shared/job/job.ts';
import { createJobIndex } from '../../shared/ledger/job-index.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { openLedger, startLedgerTable, type TestLedger } from '../helpers/ledger-table.ts';
import { aJob, aJobEnd, manifestBytes } from '../helpers/records.ts';

let ledger: TestLedger;
let job: JobId;
let count = 0;

const table = duringTests(startLedgerTable);
beforeEach(async () => {
  ledger = openLedger(table);
  job = `control-job-${String(count++).padStart(4, '0')}` as JobId;
  await ledger.createJob(aJob({ id: job, startedAtMs: ledger.clock.now() }));
});

const PLAN = { slices: 1, rows: 10, offset: 99, line: 12 };
const abandon = (): Ending => ({ ending: 'abandoned', fault: { code: 'X', message: 'y' } });
const isIndexedAsLive = async () => (await createJobIndex(table).live()).includes(job);

describe('a control', () => {
  it.each<{ from: JobControl[]; to: JobControl; kind: 'changed' | 'refused' }>([
    { from: [], to: 'paused', kind: 'changed' },
    { from: [], to: 'cancelling', kind: 'changed' },
    { from: [], to: 'expiring', kind: 'changed' },
    { from: [], to: 'run', kind: 'changed' },
    { from: ['paused'], to: 'run', kind: 'changed' },
    { from: ['paused'], to: 'cancelling', kind: 'changed' },
    { from: ['paused'], to: 'paused', kind: 'changed' },
    { from: ['paused'], to: 'expiring', kind: 'refused' },
    { from: ['cancelling'], to: 'run', kind: 'refused' },
    { from: ['cancelling'], to: 'paused', kind: 'refused' },
    { from: ['cancelling'], to: 'cancelling', kind: 'changed' },
    { from: ['expiring'], to: 'cancelling', kind: 'refused' },
  ])('$to after $from is $kind', async ({ from, to, kind }) => {
    for (const control of from) await ledger.controlJob(job, control);
    const before = await ledger.liveJob(job);
    const controlled = await ledger.controlJob(job, to);
    expect(controlled.kind).toBe(kind);
    expect(await ledger.getJob(job)).toMatchObject({ control: kind === 'changed' ? to : before.control });
  });

  it('of an ended job is refused, of an unknown one unknown', async () => {
    await ledger.endJob(job, aJobEnd());
    expect(await ledger.controlJob(job, 'paused')).toMatchObject({
      kind: 'refused',
      job: { state: 'completed' },
    });
    expect(await ledger.controlJob('no-such-job-1' as JobId, 'paused')).toEqual({ kind: 'unknown' });
  });

  it('takes a paused job out of the index that sweep reads, and puts it back', async () => {
    expect(await isIndexedAsLive()).toBe(true);
    await ledger.controlJob(job, 'paused');
    expect(await isIndexedAsLive()).toBe(false);
    await ledger.controlJob(job, 'run');
    expect(await isIndexedAsLive()).toBe(true);
  });

  it('puts a paused job back into the index once its end is decided: it can not be resumed any more', async () => {
    await ledger.finishPlan(job, PLAN);
    await ledger.controlJob(job, 'paused');
    await ledger.decideEnd(job, () => ({ ending: 'completed' }));
    expect(await isIndexedAsLive()).toBe(true);
    await ledger.endJob(job, aJobEnd());
    expect(await isIndexedAsLive()).toBe(false);
  });

  it('moves the deadline by the length of the pause, and remembers the resume', async () => {
    const { deadlineMs } = await ledger.liveJob(job);
    await ledger.controlJob(job, 'paused');
    ledger.clock.advance(90_000);
    await ledger.controlJob(job, 'run');
    expect(await ledger.getJob(job)).toMatchObject({
      control: 'run',
      deadlineMs: deadlineMs + 90_000,
      resumedAtMs: ledger.clock.now(),
    });
    expect(await ledger.getJob(job)).not.toHaveProperty('haltedAtMs');
  });

  it('counts the halt of a cancelled job from its pause, where it was paused', async () => {
    const pausedAtMs = ledger.clock.now();
    await ledger.controlJob(job, 'paused');
    ledger.clock.advance(5_000);
    await ledger.controlJob(job, 'cancelling');
    expect(await ledger.getJob(job)).toMatchObject({ haltedAtMs: pausedAtMs });
  });

  it('given by two at once is one order, with one fault', async () => {
    const orders = [
      ledger.controlJob(job, 'cancelling', { code: 'One', message: '1' }),
      ledger.controlJob(job, 'cancelling', { code: 'Two', message: '2' }),
      ledger.controlJob(job, 'expiring', { code: 'Three', message: '3' }),
    ];
    const kinds = (await Promise.all(orders)).map(({ kind }) => kind);
    const after = await ledger.liveJob(job);
    expect(kinds).toContain('changed');
    expect(after.control === 'expiring' ? ['Three'] : ['One', 'Two']).toContain(faultOf(after)?.code);
  });

  it('is refused once its end is decided, and the end is the same for all who ask', async () => {
    await ledger.finishPlan(job, PLAN);
    const first = await ledger.decideEnd(job, () => ({ ending: 'completed' }));
    expect(first).toMatchObject({ ending: 'completed', control: 'run' });
    expect(await ledger.controlJob(job, 'cancelling')).toMatchObject({ kind: 'refused' });
    expect(await ledger.decideEnd(job, abandon)).toMatchObject({ ending: 'completed' });
    await ledger.endJob(job, aJobEnd());
    expect(await ledger.decideEnd(job, abandon)).toBeUndefined();
  });

  it('decides the end by what it is when the end is written', async () => {
    const seen: JobControl[] = [];
    await ledger.finishPlan(job, PLAN);
    const decided = await ledger.decideEnd(job, ({ control }) => {
      seen.push(control);
      return { ending: control === 'cancelling' ? 'cancelled' : 'completed' };
    });
    expect([seen, decided?.ending]).toEqual([['run'], 'completed']);
  });

  it('does not keep a job from being completed by what was under way', async () => {
    await ledger.controlJob(job, 'paused');
    expect(await ledger.endJob(job, aJobEnd())).toMatchObject({ state: 'completed' });
    expect(await isIndexedAsLive()).toBe(false);
  });
});

describe('a replay', () => {
  const id = () => ({ job, slice: 0 });
  beforeEach(() => ledger.recordSlice(id(), { place: manifestBytes(9, 99, 2), rows: 4, blocks: 2 }));

  it('forgets what was sent, and keeps what has closed', async () => {
    await ledger.openBlock({ ...id(), block: 0 }, 2, [0, 1]);
    await ledger.markSent(id(), 0, [0, 1]);
    expect(await ledger.beginReplay(id(), 0)).toBe(true);
    const slice = await ledger.getSlice(id());
    expect(slice).toMatchObject({ replays: 1, closedBlocks: new Set([0]), sentBlocks: new Set() });
  });

  it('is begun by one of two', async () => {
    const begun = await Promise.all([ledger.beginReplay(id(), 0), ledger.beginReplay(id(), 0)]);
    expect(begun.toSorted()).toEqual([false, true]);
    expect(await ledger.beginReplay(id(), 0)).toBe(false);
    expect(await ledger.beginReplay(id(), 1)).toBe(true);
  });

  it('is not begun once the slice has its result', async () => {
    await ledger.freezeSlice(id(), { totals: emptyTotals(), files: [] });
    expect(await ledger.beginReplay(id(), 0)).toBe(false);
  });
});
