// Nothing lost, nothing counted twice, whatever the order: the pipeline's own functions on the ledger in DynamoDB, several
// workers interleaved at every call that they make, with duplicates, losses, deaths before and after any call, lost answers, and
// with the job paused, resumed and cancelled in between. What the ledger and the report say at the end is held against plain sets
// of what has had its effect.
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndedJob, PlanCursor } from '../../shared/job/job.ts';
import type { SliceRow } from '../../shared/ledger/rows.ts';
import type { Outcome } from '../../shared/report/outcome.ts';
import { type Conductor, createConductor, FATES, type Fate } from '../helpers/conductor.ts';
import { openLedger, useLedgerTable } from '../helpers/ledger-table.ts';
import {
  type Answer,
  createWorld,
  IDLE_MS,
  type Plan,
  type PlannedRow,
  REPORTS,
  type World,
} from '../helpers/pipeline-world.ts';
import { assertReplayable } from '../helpers/replayable.ts';
import { QUEUES, type QueueName } from '../helpers/scripted-queues.ts';

/** What happens next, as far as it can: what can't is passed over. */
type Happening =
  | { kind: 'call'; pick: number; fate: Fate }
  | { kind: 'deliver'; queue: QueueName; pick: number; copies: boolean }
  | { kind: 'lose'; queue: QueueName; pick: number }
  | { kind: 'wake' }
  | { kind: 'sweep'; after: number }
  | { kind: 'order'; control: 'paused' | 'run' | 'cancelling' };

const WORKERS = 3;
/** Rounds of sweep and delivery, without any fault, in which a job must come to its end. */
const ROUNDS = 40;
/** Deliveries within a round: each row takes a few. */
const DELIVERIES = 500;
const SECOND_MS = 1_000;

const pick = fc.nat({ max: 7 });
const queue = fc.constantFrom(...QUEUES);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Fate>('done') },
  { weight: 1, arbitrary: fc.constantFrom(...FATES) },
);
const answers = fc.oneof(
  { weight: 6, arbitrary: fc.constant<readonly Answer[]>(['stored']) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom<Answer>('stored', 'denied', 'slow down'), {
      minLength: 1,
      maxLength: 2,
    }),
  },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  rows: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('object' as const), answers }) },
      { weight: 1, arbitrary: fc.constant<PlannedRow>({ kind: 'bad' }) },
    ),
    { maxLength: 9 },
  ),
  // One to four rows a slice, one to three a block.
  sliceBytes: fc.integer({ min: 1, max: 32 }),
  blockRows: fc.integer({ min: 1, max: 3 }),
});
const happening = (withOrders: boolean): fc.Arbitrary<Happening> =>
  fc.oneof(
    { weight: 24, arbitrary: fc.record({ kind: fc.constant('call' as const), pick, fate }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('deliver' as const),
        queue,
        pick,
        copies: fc.oneof(
          { weight: 4, arbitrary: fc.constant(false) },
          { weight: 1, arbitrary: fc.constant(true) },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), queue, pick }) },
    { weight: 1, arbitrary: fc.constant<Happening>({ kind: 'wake' }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('sweep' as const), after: fc.constantFrom(0, IDLE_MS) }),
    },
    ...(withOrders
      ? [
          {
            weight: 1,
            arbitrary: fc.record({
              kind: fc.constant('order' as const),
              control: fc.constantFrom('paused' as const, 'run' as const, 'cancelling' as const),
            }),
          },
        ]
      : []),
  );
const script = (withOrders: boolean) => fc.array(happening(withOrders), { maxLength: 160, size: 'max' });

async function happen(world: World, conductor: Conductor, next: Happening): Promise<void> {
  switch (next.kind) {
    case 'call':
      await conductor.step(next.pick, next.fate);
      return;
    case 'deliver':
      if (conductor.running() < WORKERS) await world.deliver(next.queue, next.pick, next.copies);
      return;
    case 'lose':
      // A notification is S3's to deliver until its job has a row.
      if (next.queue === 'ingest' && !world.record.isOpened) return;
      if (await world.queues.lose(next.queue, next.pick))
        conductor.log.push(`${next.queue}  A MESSAGE VANISHES`);
      return;
    case 'wake':
      await conductor.wake();
      return;
    case 'sweep':
      conductor.advance(next.after);
      if (conductor.running() < WORKERS) await world.sweep();
      return;
    case 'order':
      await world.order(next.control);
      return;
  }
}

/** Nothing fails any more: whatever was left must come to its end by redelivery and sweep alone. */
async function goOnToTheEnd(
  world: World,
  conductor: Conductor,
  isLive: () => Promise<boolean>,
): Promise<void> {
  // Once: ordered at every round, its message would make ingest's queue look busy to each sweep.
  await world.order('run');
  for (let round = 0; round < ROUNDS; round++) {
    await conductor.drain();
    for (const name of QUEUES) {
      let deliveries = 0;
      for (; deliveries < DELIVERIES && (await world.deliver(name, 0)); deliveries++) {
        await conductor.drain();
        // A message with a delay is delivered at once here: the lease that its slice waits for must run out all the same.
        conductor.advance(SECOND_MS);
      }
      if (deliveries === DELIVERIES) throw new Error(`the queue ${name} does not come to an end`);
    }
    if (!(await isLive())) return;
    conductor.advance(IDLE_MS + 1);
    await world.sweep();
  }
  throw new Error(`the job has not ended after ${ROUNDS} rounds without a fault`);
}

/** The end that the report is to give a row of which there are these outcomes: the first of this list. */
const PRECEDENCE = ['stored', 'skipped', 'failed', 'cancelled', 'rejected'] as const;
const bestOf = (outcomes: readonly Outcome['status'][] = []) =>
  PRECEDENCE.find((status) => outcomes.includes(status));

/** The report's rows: by the manifest's row, counted from 0, every end that it is told with. */
function reportedRows(world: World): Map<number, string[]> {
  const manifest = JSON.parse(String(world.s3.read(REPORTS, `jobs/${world.job}/manifest.json`)));
  expect(manifest.state, 'the report’s state').toBe(world.record.ended[0]);
  const rows = new Map<number, string[]>();
  for (const { kind, key } of manifest.files) {
    for (const line of String(world.s3.read(REPORTS, key)).trimEnd().split('\n')) {
      const row = JSON.parse(line);
      const isEnd = kind === 'succeeded' || kind === 'rejected';
      const end =
        kind === 'succeeded'
          ? row.status
          : kind === 'rejected'
            ? kind
            : row.spillway_code === 'Cancelled'
              ? 'cancelled'
              : 'failed';
      const number =
        (isEnd && row.line !== undefined ? row.line : Number(/line (\d+)/.exec(row.spillway_place)?.[1])) - 2;
      rows.set(number, [...(rows.get(number) ?? []), end]);
    }
  }
  return rows;
}

describe('the pipeline on the ledger', () => {
  const table = useLedgerTable();
  let runs = 0;

  async function run(planned: Plan, happenings: readonly Happening[]): Promise<void> {
    const conductor = createConductor();
    const world = createWorld(table, planned, `run-${runs++}`, conductor);
    const ledger = openLedger(table);
    const isLive = async () => {
      const job = await ledger.getJob(world.job);
      return job === undefined || job.state === 'planning' || job.state === 'running';
    };
    try {
      for (const next of happenings) await happen(world, conductor, next);
      await goOnToTheEnd(world, conductor, isLive);
      await check(planned, world, conductor.log.includes('order  cancelling: changed'));
    } catch (error) {
      (error as Error).message += `\n\nwhat happened:\n${conductor.log.join('\n')}`;
      throw error;
    } finally {
      conductor.end();
    }
  }

  async function check(given: Plan, world: World, wasCancelled: boolean): Promise<void> {
    const { record } = world;
    const ledger = openLedger(table);
    const job = (await ledger.getJob(world.job)) as EndedJob;
    // Where the order came after all had settled, there was nothing left to cancel.
    expect(wasCancelled ? ['cancelled', 'completed'] : ['completed']).toContain(record.ended[0]);
    expect(record.ended, 'ended once').toHaveLength(1);
    expect(record.told.length, 'told of').toBeGreaterThan(0);
    expect(new Set([...record.told, job.state]), 'told of as it is').toEqual(new Set(record.ended));
    const planned = await asPlanned(world);
    const isCancelled = job.state === 'cancelled';
    expect(await ledger.unsettledSlices(planned)).toEqual([]);

    const reported = reportedRows(world);
    const counts = { rows: given.rows.length, stored: 0, skipped: 0, failed: 0, cancelled: 0, rejected: 0 };
    for (const [row, ends] of reported) {
      expect(ends, `row ${row}: one end`).toHaveLength(1);
      counts[ends[0] as Outcome['status']]++;
    }
    expect(
      [...reported.keys()].toSorted((a, b) => a - b),
      'every row',
    ).toEqual([...given.rows.keys()]);
    expect(job.totals).toMatchObject(counts);

    const frozen = new Map(record.frozen.map((each) => [each.slice, each]));
    expect(record.frozen, 'each slice frozen once').toHaveLength(frozen.size);
    const slices = await ledger.getSlices(world.job, 0, planned.plan.slices);
    let first = 0;
    for (const slice of slices.toSorted((a, b) => a.slice - b.slice)) {
      const kept = frozen.get(slice.slice);
      expect(JSON.stringify(slice.result), 'what was frozen stands').toBe(kept?.result);
      for (let row = first; row < first + slice.rows; row++) {
        const isBad = given.rows[row]?.kind === 'bad';
        const told = bestOf(kept?.outcomes.get(row));
        const [end] = reported.get(row) ?? [];
        const missing = isBad ? 'rejected' : isCancelled ? 'cancelled' : 'an outcome must be there';
        expect(end, `row ${row}`).toBe(told ?? missing);
        if (end === 'stored') expect(record.written, `object of row ${row}`).toContain(`k${row}`);
      }
      first += slice.rows;
      checkCounts(world, slice, planned.blockRows);
    }
    await checkExpiry(world, slices.length);
  }

  /** The counts of closed blocks are those of the sets, in which each number counts once. */
  function checkCounts(world: World, slice: SliceRow, blockRows: number): void {
    for (const [block, counts] of slice.counts) {
      const size = Math.min(blockRows, slice.rows - block * blockRows);
      expect(
        Object.values(counts).reduce((sum, count) => sum + count, 0),
        'sum of a block',
      ).toBe(size);
      const booked = world.record.booked.get(`B#${world.job}#${slice.slice}#${block}`);
      const sets = (['done', 'failed', 'cancelled', 'rejected'] as const).map(
        (end) => booked?.get(end) ?? new Set(),
      );
      const all = sets.flatMap((set) => [...set]);
      expect(new Set(all).size, 'numbers that ended').toBe(size);
      // Where duplicates disagree, the counts are those of one or the other: the report's are settle's own.
      if (all.length === size) expect(Object.values(counts)).toEqual(sets.map((set) => set.size));
    }
  }

  /** An ended job's row, as it was while the job lived. */
  async function asPlanned({ job }: World) {
    const row = (await rowOf(`J#${job}`)) ?? {};
    const { blockRows } = JSON.parse(row['frozen']?.S ?? '{}') as { blockRows: number };
    const plan = JSON.parse(row['plan']?.S ?? '{}') as PlanCursor;
    return { id: job, plan, blockRows, settledGroups: new Set((row['settledGroups']?.NS ?? []).map(Number)) };
  }

  async function rowOf(key: string) {
    const { Item } = await table.dynamodb.send(
      new GetItemCommand({ TableName: table.table, Key: { pk: { S: key } }, ConsistentRead: true }),
    );
    return Item;
  }

  async function checkExpiry(world: World, slices: number): Promise<void> {
    const keys = [
      `J#${world.job}`,
      `G#${world.job}#0`,
      ...Array.from({ length: slices }, (_, slice) => `S#${world.job}#${slice}`),
      ...world.record.booked.keys(),
    ];
    for (const key of keys) expect(await rowOf(key), key).toHaveProperty('expiresAt');
  }

  it('ends every row once, whatever is duplicated, lost, reordered or killed on the way', async () => {
    await assertReplayable(fc.asyncProperty(plan, script(false), run), { numRuns: 40 });
  });

  it('ends every row once, though the job is paused, resumed and cancelled in between', async () => {
    await assertReplayable(fc.asyncProperty(plan, script(true), run), { numRuns: 40 });
  });
});
