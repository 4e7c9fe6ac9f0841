// The ledger: a tree of idempotent sets in DynamoDB. Every write that can complete a level reads back the whole row and
// takes the closing step, so that the last writer, or a redelivery, closes. No transaction is needed: any worker may repeat any
// step, in any order.
//
//   block row  ADD the ended numbers ──covered──▶ slice row  ADD the closed block ──covered──▶ sliceClosed (settle)
//                                                                                                  │
//   job row    ADD the settled group ◀──covered── group row  ADD the settled slice ◀───────────────┘
import { createBlockRows, type SliceClosed } from './block-rows.ts';
import { createFeed } from './feed.ts';
import { createJobReads } from './job-reads.ts';
import { createJobRows } from './job-rows.ts';
import { createRounds } from './rounds.ts';
import { createSliceGroups } from './slice-groups.ts';
import { createSliceRows } from './slice-rows.ts';
import { createTable, type TableDependencies } from './table.ts';
import { createTurns } from './turns.ts';

export interface LedgerDependencies extends TableDependencies {
  sliceClosed: SliceClosed;
}

export type Ledger = ReturnType<typeof createLedger>;
/** What of the ledger upload needs: its bundle holds no more. */
export type ItemLedger = ReturnType<typeof createItemLedger>;

export function createItemLedger({ sliceClosed, ...dependencies }: LedgerDependencies) {
  const table = createTable(dependencies);
  return { ...createJobReads(table), ...createBlockRows(table, sliceClosed), ...createTurns(table) };
}

export function createLedger(dependencies: LedgerDependencies) {
  const table = createTable(dependencies);
  return {
    ...createItemLedger(dependencies),
    ...createJobRows(table),
    ...createSliceGroups(table),
    ...createSliceRows(table, dependencies.random, dependencies.sliceClosed),
    ...createFeed(table),
    ...createRounds(table),
  };
}
