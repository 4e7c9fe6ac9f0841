// The ledger under at-least-once delivery: in any order, with any duplication, with deaths in mid-step and redelivery, a
// slice closes exactly when all of its rows have ended, and the counts are the same.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobId, SliceId } from '../../shared/job/identity.ts';
import {
  type BlockRow,
  countBlock,
  isBlockClosed,
  ROW_ENDS,
  type RowEnd,
} from '../../shared/ledger/tally.ts';
import { failing } from '../helpers/failing.ts';
import { openLedger, useLedgerTable } from '../helpers/ledger-table.ts';
import { manifestBytes } from '../helpers/records.ts';

interface Delivery {
  block: number;
  number: number;
  end: RowEnd;
}

describe('the tally', () => {
  const ends = fc.array(fc.record({ number: fc.nat({ max: 30 }), end: fc.constantFrom(...ROW_ENDS) }), {
    maxLength: 120,
  });
  const apply = (size: number, list: readonly { number: number; end: RowEnd }[]): BlockRow => {
    const sets = {
      done: new Set<number>(),
      failed: new Set<number>(),
      cancelled: new Set<number>(),
      rejected: new Set<number>(),
    };
    for (const { number, end } of list) sets[end].add(number);
    return { size, ...sets };
  };

  it('counts the same in any order and with any duplication, and closes exactly when every row has ended', () => {
    fc.assert(
      fc.property(
        ends.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length })),
        ),
        ([list, again]) => {
          const size = 31;
          const once = apply(size, list);
          const twice = apply(size, [...list, ...again]);
          expect(countBlock(twice)).toEqual(countBlock(once));
          const numbers = new Set(list.map(({ number }) => number));
          expect(isBlockClosed(once)).toBe(numbers.size === size);
          const counts = countBlock(once);
          expect(ROW_ENDS.reduce((sum, end) => sum + counts[end], 0)).toBe(numbers.size);
        },
      ),
    );
  });
});

describe('the ledger', () => {
  const table = useLedgerTable();
  let runs = 0;

  /** A DynamoDB whose writers die: after their n-th write, for each n of the script, with the write done or not. */
  function mortal(deaths: readonly { write: number; done: boolean }[]) {
    let writes = 0;
    return failing(table.dynamodb, (command) => {
      if (!(command instanceof UpdateItemCommand)) return undefined;
      const death = deaths.find(({ write }) => write === writes);
      writes++;
      return death && { when: death.done ? 'after' : 'before', error: new Error('killed') };
    });
  }

  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });
  const plan = sizes.chain((blocks) => {
    const rows = blocks.flatMap((size, block) =>
      Array.from({ length: size }, (_, number) => ({ block, number })),
    );
    const ended = fc.tuple(
      ...rows.map((row) => fc.constantFrom(...ROW_ENDS).map((end): Delivery => ({ ...row, end }))),
    );
    return fc.record({
      blocks: fc.constant(blocks),
      // Each row at least once, some again and under another end, in any order.
      deliveries: fc
        .tuple(
          ended,
          fc.array(fc.tuple(fc.nat({ max: rows.length - 1 }), fc.constantFrom(...ROW_ENDS)), {
            maxLength: 6,
          }),
        )
        .chain(([first, again]) => {
          const more = again.map(
            ([index, end]): Delivery => ({ ...(rows[index] as { block: number; number: number }), end }),
          );
          const all = [...first, ...more];
          return fc.shuffledSubarray(all, { minLength: all.length });
        }),
      deaths: fc.array(fc.record({ write: fc.nat({ max: 20 }), done: fc.boolean() }), { maxLength: 5 }),
      silences: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
      batch: fc.integer({ min: 1, max: 4 }),
    });
  });

  it('closes a slice exactly when all its rows have ended, whichever worker is killed and redelivered', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ blocks, deliveries, deaths, silences, batch }) => {
        const id: SliceId = { job: `property-job-${runs++}` as JobId, slice: 0 };
        const delivered = new Set<string>();
        const rows = blocks.reduce((sum, size) => sum + size, 0);
        let tellings = 0;
        const told: number[] = [];
        const ledger = openLedger({ ...table, dynamodb: mortal(deaths) }, async () => {
          if (silences.includes(tellings++)) throw new Error('killed');
          told.push(delivered.size);
        });
        const sane = openLedger(table);
        await sane.recordSlice(id, {
          place: manifestBytes(0, 1),
          rows,
          blocks: blocks.length,
        });

        // Every step is taken until it was not killed: that is redelivery.
        const untilDone = async (step: () => Promise<unknown>) => {
          for (let time = 0; time < 20; time++) {
            try {
              await step();
              return;
            } catch (error) {
              if ((error as Error).message !== 'killed') throw error;
            }
          }
          throw new Error('killed too often');
        };
        for (const [block, size] of blocks.entries())
          await untilDone(() => ledger.openBlock({ ...id, block }, size, []));
        for (let from = 0; from < deliveries.length; from += batch) {
          const some = deliveries.slice(from, from + batch);
          for (const { block, number } of some) delivered.add(`${block}/${number}`);
          for (const [block, ofBlock] of Map.groupBy(some, (delivery) => delivery.block)) {
            const ends = Object.fromEntries(
              ROW_ENDS.map((end) => [
                end,
                ofBlock.filter((each) => each.end === end).map(({ number }) => number),
              ]),
            );
            await untilDone(() => ledger.recordEnds({ ...id, block }, ends));
          }
        }

        expect(told.length, 'told at least once').toBeGreaterThan(0);
        expect(
          told.every((seen) => seen === rows),
          'never told before all rows had ended',
        ).toBe(true);
        const slice = await sane.getSlice(id);
        expect(slice?.closedBlocks.size).toBe(blocks.length);
        for (const [block, size] of blocks.entries()) {
          const row: BlockRow = {
            size,
            ...(Object.fromEntries(
              ROW_ENDS.map((end) => [
                end,
                new Set(
                  deliveries
                    .filter((each) => each.block === block && each.end === end)
                    .map(({ number }) => number),
                ),
              ]),
            ) as Record<RowEnd, Set<number>>),
          };
          expect(slice?.counts.get(block)).toEqual(countBlock(row));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('lets the last of many at once close, and loses no end', async () => {
    const id: SliceId = { job: 'concurrent-job' as JobId, slice: 0 };
    const ledger = openLedger(table);
    await ledger.recordSlice(id, { place: manifestBytes(0, 1), rows: 120, blocks: 3 });
    for (const block of [0, 1, 2]) await ledger.openBlock({ ...id, block }, 40, []);
    const rows = Array.from({ length: 120 }, (_, row) => ({ block: row % 3, number: Math.floor(row / 3) }));
    await Promise.all(
      rows.map(({ block, number }) => ledger.recordEnds({ ...id, block }, { done: [number] })),
    );
    expect(ledger.closed.length).toBeGreaterThan(0);
    const counts = [...((await ledger.getSlice(id))?.counts.values() ?? [])];
    expect(counts).toEqual(
      Array.from({ length: 3 }, () => ({ done: 40, failed: 0, cancelled: 0, rejected: 0 })),
    );
  });
});
