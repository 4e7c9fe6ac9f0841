// Accounts for ended rows: outcome files first, then the ledger, which closes what that completes. A crash between the two
// leaves an outcome without a booking: the redelivered item is done again and its outcome written again; the report takes one.
import pMap from 'p-map';
import { type BlockId, type ItemId, sliceName } from '../job/identity.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { blockName } from '../ledger/rows.ts';
import type { RowEnd } from '../ledger/tally.ts';
import type { Outcome, OutcomeStatus } from './outcome.ts';
import type { OutcomeWriter } from './outcome-store.ts';
import type { ReturnedAttempts } from './returned-attempts.ts';

export interface EndedRow {
  id: ItemId;
  outcome: Omit<Outcome, 'block' | 'number'>;
}

export interface Accounted {
  /** Rows whose outcome or booking could not be written: they must not be acknowledged. */
  unbooked: ItemId[];
  /** Rows that ended after their slice's result was frozen. */
  late: number;
  errors: Error[];
}

const END_OF: Readonly<Record<OutcomeStatus, RowEnd>> = {
  stored: 'done',
  skipped: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  rejected: 'rejected',
};
/** Slices and blocks written at once; a batch holds rows of few. */
const CONCURRENCY = 16;

export interface AccountDependencies {
  outcomes: OutcomeWriter;
  ledger: Pick<Ledger, 'recordEnds'>;
  /** Written along with the outcomes of their slices. */
  returnedAttempts?: ReturnedAttempts;
}

/** @param writer names the outcome files; unique to the invocation */
export async function accountFor(
  dependencies: AccountDependencies,
  rows: readonly EndedRow[],
  writer: string,
): Promise<Accounted> {
  const accounted: Accounted = { unbooked: [], late: 0, errors: [] };
  const keep = (of: readonly EndedRow[], error: unknown) => {
    accounted.unbooked.push(...of.map(({ id }) => id));
    accounted.errors.push(error as Error);
  };
  const slices = [...Map.groupBy(rows, ({ id }) => sliceName(id)).values()];
  await pMap(
    slices,
    async (ofSlice) => {
      try {
        await writeOutcomes(dependencies, ofSlice, writer);
      } catch (error) {
        keep(ofSlice, error);
        return;
      }
      const blocks = [...Map.groupBy(ofSlice, ({ id }) => blockName(id)).values()];
      await pMap(
        blocks,
        async (ofBlock) => {
          try {
            if ((await bookBlock(dependencies.ledger, ofBlock)) === 'late') accounted.late += ofBlock.length;
          } catch (error) {
            keep(ofBlock, error);
          }
        },
        { concurrency: CONCURRENCY },
      );
    },
    { concurrency: CONCURRENCY },
  );
  return accounted;
}

async function writeOutcomes(
  { outcomes, returnedAttempts }: Omit<AccountDependencies, 'ledger'>,
  rows: readonly EndedRow[],
  writer: string,
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  await outcomes.write(first.id, writer, [
    ...rows.map(({ id, outcome }) => ({ block: id.block, number: id.number, ...outcome })),
    ...(returnedAttempts?.take(first.id) ?? []),
  ]);
}

async function bookBlock(ledger: Pick<Ledger, 'recordEnds'>, rows: readonly EndedRow[]) {
  const block = rows[0]?.id as BlockId;
  const numbersThat = (end: RowEnd) =>
    rows.filter(({ outcome }) => END_OF[outcome.status] === end).map(({ id }) => id.number);
  return ledger.recordEnds(block, {
    done: numbersThat('done'),
    failed: numbersThat('failed'),
    cancelled: numbersThat('cancelled'),
    rejected: numbersThat('rejected'),
  });
}
